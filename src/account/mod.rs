//! Pages for users: completing a profile, in the colours of their tenant.

mod appearance;
mod complete_profile;

pub use appearance::appearance;
pub use complete_profile::{complete_profile, post_complete_profile};
