//! Pages for users: completing a profile.

mod complete_profile;

pub use complete_profile::{complete_profile, post_complete_profile};
