//! What attackers try, one row after the other, each with real keys: none of it may be let in.

mod keys;
mod tokens;
