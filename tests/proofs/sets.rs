//! Policy sets: declarations over two files.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::Union;
use sidegate::engine::{Compiled, RawFile, compile};
use sidegate::lang::{Source, SourceId, format};

use super::generate::{self, Term};

/// Fields with defaults, and fields that users write.
const DEFINITIONS: &str = r#"[
    {"slug": "tier", "dataType": "string", "default": "a"},
    {"slug": "level", "dataType": "number", "default": 2},
    {"slug": "conf", "dataType": "json", "default": {"k": 1, "l": [1, "a"]}},
    {"slug": "nick", "dataType": "string", "writableBy": ["user"], "grantsWhenSelfAsserted": true},
    {"slug": "motto", "kind": "profile", "dataType": "string", "writableBy": ["user"], "grantsWhenSelfAsserted": true}
]"#;

/// A declaration and the file in which it stands.
#[derive(Debug, Clone)]
struct Declared {
    file: usize,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Let { name: &'static str, value: Term },
    Policy { head: String, when: Option<Term>, unless: Option<Term> },
}

/// A policy set.
#[derive(Clone)]
pub struct Set(Vec<Declared>);

impl Set {
    fn text(&self, file: usize) -> String {
        self.0.iter().filter(|declared| declared.file == file).map(|declared| declared.what.text()).collect()
    }

    pub fn compile(&self) -> Compiled {
        compiled(self.text(0), self.text(1))
    }

    /// The same as `sidegate fmt` writes it.
    pub fn compile_formatted(&self) -> Compiled {
        let formatted = |file| {
            let source = Source { name: "a.policy".to_owned(), text: self.text(file) };
            format(SourceId::default(), &source).expect("it was parsed before")
        };
        compiled(formatted(0), formatted(1))
    }

    /// The same with operands the other way round where that must not matter.
    pub fn mirrored(&self) -> Set {
        self.changed(|declared| declared.what = declared.what.mirrored())
    }

    /// The same with declarations the other way round.
    pub fn reversed(&self) -> Set {
        Set(self.0.iter().rev().cloned().collect())
    }

    /// The same with every second declaration in the other file.
    pub fn moved(&self) -> Set {
        let mut odd = false;
        self.changed(|declared| {
            odd = !odd;
            declared.file ^= usize::from(odd);
        })
    }

    fn changed(&self, change: impl FnMut(&mut Declared)) -> Set {
        let mut set = self.clone();
        set.0.iter_mut().for_each(change);
        set
    }
}

fn compiled(first: String, second: String) -> Compiled {
    let file = |name: &str, text: String| RawFile { name: name.to_owned(), content: Ok(text.into_bytes()) };
    let files = vec![
        file("a.policy", first),
        file("b.policy", second),
        file("traits.json", DEFINITIONS.to_owned()),
        file("tenant.json", r#"{"timeZone": "Europe/Berlin"}"#.to_owned()),
    ];
    compile(files, &Arc::default())
}

impl Debug for Set {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\n# a.policy\n{}# b.policy\n{}", self.text(0), self.text(1))
    }
}

impl What {
    fn text(&self) -> String {
        match self {
            What::Let { name, value } => format!("let {name} = {value}\n"),
            What::Policy { head, when, unless } => {
                let clause = |keyword, condition: &Option<Term>| {
                    condition.as_ref().map_or(String::new(), |condition| format!(" {keyword} {condition}"))
                };
                format!("{head}{}{} }}\n", clause("when", when), clause("unless", unless))
            }
        }
    }

    fn mirrored(&self) -> What {
        match self {
            What::Let { name, value } => What::Let { name, value: value.mirrored() },
            What::Policy { head, when, unless } => What::Policy {
                head: head.clone(),
                when: when.as_ref().map(Term::mirrored),
                unless: unless.as_ref().map(Term::mirrored),
            },
        }
    }
}

/// Any of these by name, some of them, or `any`.
fn selector(named: u32, names: &'static [&'static str]) -> BoxedStrategy<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let some = subsequence(quoted, 1..=names.len()).prop_map(|some| some.join(", "));
    Union::new_weighted(vec![(10 - named, Just("any".to_owned()).boxed()), (named, some.boxed())]).boxed()
}

fn policy(number: usize, named: u32, condition: &BoxedStrategy<Term>) -> impl Strategy<Value = Declared> + use<> {
    // Names begin with a letter by chance, so that their order is not that of the text.
    let effect = select(&["allow", "allow", "allow", "allow", "deny", "deny", "shadow allow", "shadow deny"][..]);
    let head = (
        effect,
        select(&["a", "b", "c", "d"][..]),
        selector(named, &["read", "write"]),
        selector(named, &["report", "page"]),
    )
        .prop_map(move |(effect, letter, action, resource)| {
            format!("{effect} {letter}{number} {{ action {action} resource {resource}")
        });
    let clauses = (option::weighted(0.95, condition.clone()), option::weighted(0.2, condition.clone()));
    (0..2usize, head, clauses)
        .prop_map(|(file, head, (when, unless))| Declared { file, what: What::Policy { head, when, unless } })
}

/// Policy sets: some with a few policies of all shapes, some with many that a value tells apart.
pub fn sets() -> impl Strategy<Value = Set> {
    prop_oneof![3 => sets_of(6, 5, &generate::conditions()), 1 => sets_of(40, 1, &generate::guarded())]
}

/// Policy sets with all `let`s that there are, and up to so many policies.
fn sets_of(most: usize, named: u32, condition: &BoxedStrategy<Term>) -> BoxedStrategy<Set> {
    let lets: Vec<_> = generate::lets()
        .into_iter()
        .map(|(name, value)| {
            (0..2usize, value).prop_map(move |(file, value)| Declared { file, what: What::Let { name, value } })
        })
        .map(Strategy::boxed)
        .collect();
    let policies: Vec<_> = (0..most).map(|number| option::weighted(0.6, policy(number, named, condition))).collect();
    (lets, policies).prop_map(|(lets, policies)| Set(policies.into_iter().flatten().chain(lets).collect())).boxed()
}
