//! The small types of a call and a reply, shared by all rooms that answer requests.
//!
//! This room knows HTTP's words (status, header, body) and none of its machinery: no sockets, no hyper.

mod call;
mod field;
mod form;
mod grpc;
mod json;
mod page;
mod paging;
mod params;
mod precondition;
mod problem;
mod problems;
mod proxy_call;
mod reply;
mod returning;
mod session_cookie;

pub use call::{Call, InstanceCall, query_param};
pub use field::{FormField, Input, autocomplete};
pub use form::{Cookies, form_value, parse_form};
pub use grpc::is_grpc;
pub use json::{
    BadJson, json_text, parse_body, parse_list, parse_list_text, parse_object, parse_patch, parse_value, patched,
};
pub use page::{Look, Message, PageCall, STYLESHEET};
pub use params::Params;
pub use problem::{ExtendedProblem, Problem, ProblemDetails};
pub use problems::{KINDS, Kind};
pub use proxy_call::ProxyCall;
pub use reply::{Content, Reply};
pub use returning::Door;
pub use session_cookie::{Held, SessionCookie};
