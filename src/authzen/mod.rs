//! The OpenID AuthZEN Authorization API 1.0.

mod configuration;
mod evaluation;
mod evaluations;
mod question;

pub use configuration::{Configuration, configuration};
pub use evaluation::{Evaluated, evaluation};
pub use evaluations::{Evaluations, evaluations};
pub use question::Question;
