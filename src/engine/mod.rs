//! The policy engine: syntax trees to one resolved program, and a program with facts to a decision.
//!
//! Pure and synchronous: no clock, randomness, environment, logging or IO. "Now" is a field of the query, the
//! facts are handed in. So it can be fuzzed, benchmarked, run by the command line on files alone, and embedded.
//!
//! The way through it: [`compile`] parses the files of a set, [`resolve`] turns names into paths and nodes of a
//! [`Program`], `index` finds the candidates for an action on a resource type, `eval` gives a condition one of
//! three values, [`decide`] and [`explain`] put them together.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod builtins;
mod check;
mod compile;
mod condition;
mod decide;
mod eval;
mod explain;
mod files;
mod index;
mod operand;
mod path;
mod pattern;
mod program;
mod read;
mod resolve;
mod routes;
mod steps;
mod testing;
mod types;

pub use builtins::parse_time;
pub use compile::{Compiled, RawFile, Stored, Unreadable, compile, warnings};
pub use condition::Condition;
pub use decide::{decide, shadows};
pub use explain::{Candidate, Explanation, Fact, Nearest, Reveal, Trace, Truth, Unknown, explain, nearest, write_tree};
pub use operand::Operand;
pub use program::Program;
pub use read::Read;
pub use routes::{Route, Routed, Routes, Target};
pub use testing::{OneSided, Outcome, Report, Wrong, run_tests};
pub use types::Type;
