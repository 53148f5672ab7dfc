//! The OpenID AuthZEN Authorization API 1.0.

mod evaluation;
mod question;

pub use evaluation::{Evaluated, evaluation};
pub use question::Question;
