//! Pages for users: signing in to apps, completing a profile, in the colours of their tenant.

mod appearance;
mod complete_profile;
mod sign_in;

pub use appearance::appearance;
pub use complete_profile::{complete_profile, post_complete_profile};
pub use sign_in::{post_sign_out, sign_in, sign_out, signed_in};
