//! The small types of a call and a reply, shared by all rooms that answer requests.
//!
//! This room knows HTTP's words (status, header, body) and none of its machinery: no sockets, no hyper.

mod call;
mod json;
mod problem;
mod reply;

pub use call::Call;
pub use json::{BadJson, parse_object};
pub use problem::Problem;
pub use reply::Reply;
