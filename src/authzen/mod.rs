//! The OpenID AuthZEN Authorization API 1.0.

mod evaluation;
mod question;

pub use evaluation::evaluation;
pub use question::Question;
