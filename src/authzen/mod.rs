//! The OpenID AuthZEN Authorization API 1.0.

mod evaluation;
mod request;

pub use evaluation::evaluation;
pub use request::read as read_query;
