//! The portal: pages for admins of a tenant. All of it works without scripts.

mod authentication;
mod frame;
mod oidc;
mod sign_in;
mod user;
mod users;

pub use authentication::{authentication, post_authentication};
pub use frame::{Admitted, admit, home};
pub use oidc::{sign_in_callback, start_sign_in};
pub use sign_in::{post_sign_in, sign_in, sign_out};
pub use user::{post_user, user};
pub use users::users;
