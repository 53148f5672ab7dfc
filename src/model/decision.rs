//! What was decided, and why.

use std::fmt;

/// The outcome of a decision. Everything that is not an explicit allow is a deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'p> {
    /// An allow applied and no deny did.
    Allow(Permit<'p>),
    /// A deny applied, or no allow did.
    Deny(Denial<'p>),
}

/// The proof of an allow: it cannot be had without naming the policy that granted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit<'p> {
    by: PolicyRef<'p>,
}

impl<'p> Permit<'p> {
    /// An allow, granted by the policy `by`, whose condition was true.
    #[must_use]
    pub fn granted_by(by: PolicyRef<'p>) -> Self {
        Self { by }
    }

    /// The policy that granted it.
    #[must_use]
    pub fn policy(&self) -> PolicyRef<'p> {
        self.by
    }
}

/// Why the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial<'p> {
    /// A deny policy applied: its condition was not false.
    Policy(PolicyRef<'p>),
    /// No allow policy applied.
    NoAllow {
        /// A path that a policy reads from the store, although the request carried a property of that name.
        /// Whoever put it into the request will wonder why it made no difference.
        ignored_property: Option<&'p str>,
    },
    /// A policy allows it, and a profiling rule asks for something first.
    Incomplete {
        /// The rule.
        rule: &'p str,
    },
    /// The tenant has no policies in force, and this is why.
    NoProgram(&'p str),
}

/// A policy as an answer names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyRef<'p> {
    /// Its name.
    pub name: &'p str,
    /// Its `reason` clause.
    pub reason: Option<&'p str>,
}

impl<'p> Decision<'p> {
    /// Whether the subject may do it.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Decision::Allow(_))
    }

    /// The policy that decided: the first by name of the winning effect.
    #[must_use]
    pub fn policy(&self) -> Option<PolicyRef<'p>> {
        match self {
            Decision::Allow(permit) => Some(permit.policy()),
            Decision::Deny(Denial::Policy(policy)) => Some(*policy),
            Decision::Deny(_) => None,
        }
    }

    /// The reason as a sentence, for a question about `action` on `resource`.
    #[must_use]
    pub fn reason<'d>(&'d self, action: &'d str, resource: &'d str) -> Reason<'d> {
        Reason { decision: self, action, resource }
    }
}

/// A sentence that says why; written on demand, so that it costs no memory of its own.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'d> {
    decision: &'d Decision<'d>,
    action: &'d str,
    resource: &'d str,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decision, action, resource } = self;
        match decision {
            Decision::Allow(permit) => match permit.policy().reason {
                Some(reason) => f.write_str(reason),
                None => write!(f, "the policy {} allows {action} on {resource}", permit.policy().name),
            },
            Decision::Deny(Denial::Policy(policy)) => match policy.reason {
                Some(reason) => f.write_str(reason),
                None => write!(f, "the policy {} denies {action} on {resource}", policy.name),
            },
            Decision::Deny(Denial::NoAllow { ignored_property: None }) => {
                write!(f, "no policy allows {action} on {resource}")
            }
            Decision::Deny(Denial::NoAllow { ignored_property: Some(path) }) => write!(
                f,
                "no policy allows {action} on {resource}; {path} is read from the trait store, \
                 never from the properties of the request"
            ),
            Decision::Deny(Denial::Incomplete { rule }) => {
                write!(f, "the rule {rule} asks for something in the profile before {action} on {resource}")
            }
            Decision::Deny(Denial::NoProgram(why)) => f.write_str(why),
        }
    }
}
