//! What attackers try, one row after the other, each with real keys: none of it may be let in.

mod bodies;
mod http;
mod keys;
mod secrets;
mod tenants;
mod tokens;
