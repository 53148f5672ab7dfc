//! Progressive profiling: rules, what is known of a user, the login and now in; what to ask, and why, out.
//!
//! Pure: it reads no clock and no store. What a rule asks is decided here and nowhere else.

mod ask;
mod rules;

pub use ask::{Ask, Verdict, Visit, ask, asks, is_blank, is_missing, verdicts};
pub use rules::{CompiledRule, Field, RuleError, RuleSet};
