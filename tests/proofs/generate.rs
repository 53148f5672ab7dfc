//! Policy sets of all shapes: operands are of the types that operators take, mostly, so that the compiler has little
//! to refuse, and names come from small pools, so that policies and facts often meet.

use std::fmt::{self, Display, Formatter};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

/// An expression as text, taken apart so far that operands can change places.
#[derive(Debug, Clone)]
pub enum Term {
    /// A literal, a path, or the name of a `let`.
    Word(String),
    /// Operands with an operator between them.
    Infix(&'static str, Vec<Term>),
    /// What is opened, and what stands in it: `len(`, `[`, `(NOT `.
    Within(&'static str, Vec<Term>),
    /// `any` or `all`, the variable, the list and the condition.
    Quantifier(&'static str, &'static str, Box<[Term; 2]>),
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let joined = |terms: &[Term], by: &str| terms.iter().map(Term::to_string).collect::<Vec<_>>().join(by);
        match self {
            Term::Word(word) => f.write_str(word),
            Term::Infix(op, operands) => write!(f, "({})", joined(operands, &format!(" {op} "))),
            Term::Within(open, terms) => {
                write!(f, "{open}{}{}", joined(terms, ", "), if *open == "[" { "]" } else { ")" })
            }
            Term::Quantifier(which, variable, parts) => write!(f, "{which}({variable} IN {}: {})", parts[0], parts[1]),
        }
    }
}

impl Term {
    /// The same with the operands of `AND`, `OR`, `==` and `!=` the other way round.
    pub fn mirrored(&self) -> Term {
        let all = |terms: &[Term]| terms.iter().map(Term::mirrored).collect::<Vec<_>>();
        match self {
            Term::Word(_) => self.clone(),
            Term::Infix(op @ ("AND" | "OR" | "==" | "!="), operands) => {
                Term::Infix(op, all(operands).into_iter().rev().collect())
            }
            Term::Infix(op, operands) => Term::Infix(op, all(operands)),
            Term::Within(open, terms) => Term::Within(open, all(terms)),
            Term::Quantifier(which, variable, parts) => {
                Term::Quantifier(which, variable, Box::new([parts[0].mirrored(), parts[1].mirrored()]))
            }
        }
    }
}

type Terms = BoxedStrategy<Term>;

// Pools of words, with blanks between them.

const TRUTHS: &str = "user.traits.b user.consents.news user.traits.obj.b subject.b action.b resource.b env.b \
    env.is_weekend token.b";
const NUMBERS: &str = r#"user.traits.n user.traits["n"] user.traits.m user.traits.level user.traits.obj.k
    user.traits.l[0] user.traits.conf.k subject.n action.n resource.n resource.properties.n env.n env.hour env.minute
    env.day_of_week token.n login.count"#;
const TEXTS: &str = r#"user.id user.email user.motto user.traits.s user.traits.t user.traits.tier user.traits.nick
    user.traits.obj["a-b"] user.traits.l[1] subject.type subject.id subject.s subject.properties.id action.name action.s
    resource.type resource.id resource.s resource.properties.type env.ip env.s token.sub"#;
const LISTS: &str = "user.traits.l user.traits.objs user.traits.l[2] user.traits.conf.l subject.l resource.l env.l \
    token.roles";
const TIMES: &str = "env.time login.first_at login.last_at";
/// Of any type, or of none.
const WILD: &str = "user.traits.w user.traits.nobody user.traits.obj user.traits.conf user.consents user.nothing \
    subject.w subject.properties.properties action.w resource.w resource.properties.id env.w env.route.id token.w";
const ADDRESSES: &str = r#"env.ip resource.s user.traits.t "10.1.2.3" "::ffff:10.0.0.1""#;
const ZONES: &str = r#""Asia/Tokyo" "America/New_York" "UTC""#;
const TIME_TEXTS: &str = "user.traits.t env.s resource.s";
/// What the variables of quantifiers lead to, by level.
const VARIABLES: [&str; 2] = ["x x.k x.in x.in[0] x", "y y.k y.in y[1] y"];
/// `let`s that are just a path; they may be stepped on from.
const LET_PATHS: &str = "place object.k object.b object";

fn words(words: &str) -> Terms {
    select(words.split_whitespace().map(|word| Term::Word(word.to_owned())).collect::<Vec<_>>()).boxed()
}

fn infix(op: &'static [&'static str], left: &Terms, right: &Terms) -> Terms {
    (select(op), left.clone(), right.clone()).prop_map(|(op, a, b)| Term::Infix(op, vec![a, b])).boxed()
}

fn within(open: &'static [&'static str], arguments: &[&Terms]) -> Terms {
    let arguments: Vec<Terms> = arguments.iter().map(|argument| (*argument).clone()).collect();
    (select(open), arguments).prop_map(|(open, arguments)| Term::Within(open, arguments)).boxed()
}

/// Expressions of each type.
struct Grammar {
    paths: Terms,
    truth: Terms,
    number: Terms,
    text: Terms,
    list: Terms,
    time: Terms,
}

/// What an expression may use: variables of the quantifiers around it, and `let`s.
#[derive(Clone, Copy)]
struct Scope {
    variables: usize,
    lets: bool,
}

impl Scope {
    fn variables(self) -> String {
        VARIABLES[..self.variables].join(" ")
    }
}

/// Expressions of so many levels.
fn grammar(depth: usize, scope: Scope) -> Grammar {
    let leaves = leaves(scope);
    if depth == 0 {
        return leaves;
    }
    let below = grammar(depth - 1, scope);
    let mut truths = below.truths(leaves.truth);
    if scope.variables < VARIABLES.len() {
        let condition = grammar(depth - 1, Scope { variables: scope.variables + 1, ..scope }).truth;
        truths.push((4, below.quantifiers(scope, condition)));
    }
    Grammar {
        truth: Union::new_weighted(truths).boxed(),
        number: below.numbers(leaves.number),
        text: below.texts(leaves.text),
        list: below.lists(leaves.list),
        time: below.times(leaves.time),
        paths: leaves.paths,
    }
}

fn leaves(scope: Scope) -> Grammar {
    let wild = format!("{WILD} {} {}", scope.variables(), if scope.lets { LET_PATHS } else { "" });
    let of_type = |own: &str, literals: &str, lets: &str| {
        let mut choices = vec![(5, words(own)), (1, words(&wild)), (4, words(literals))];
        choices.extend(scope.lets.then(|| (2, words(lets))));
        choices.extend((scope.variables > 0).then(|| (4, words(&scope.variables()))));
        Union::new_weighted(choices).boxed()
    };
    let times = r#"time("2026-01-07T12:00:00Z") time("2026-01-07t13:00:00.5+01:00")"#;
    Grammar {
        truth: of_type(TRUTHS, "true false", "open late"),
        number: of_type(NUMBERS, "0 1 2 3 -1 2.5 1.0 9007199254740993 1e300", "limit"),
        text: of_type(TEXTS, r#""" "a" "b" "ab" "Ab" "user" "é" "1""#, "label"),
        list: of_type(LISTS, r#"[] [1,2] ["a",1] ["a","b",] [[1,"a"],[]] [true,2.5]"#, "members"),
        time: of_type(TIMES, times, "since"),
        // engine: where all traits are read at once, defaults are not among them; so they are asked about only.
        paths: words(&format!("{TRUTHS} {NUMBERS} {TEXTS} {LISTS} {TIMES} {wild} user.traits")),
    }
}

/// Expressions one level up.
impl Grammar {
    fn any(&self) -> Terms {
        let Self { paths: _, truth, number, text, list, time } = self;
        let wild = words(WILD);
        prop_oneof![wild, truth.clone(), number.clone(), text.clone(), list.clone(), time.clone()].boxed()
    }

    fn truths(&self, leaf: Terms) -> Vec<(u32, Terms)> {
        let Self { paths, truth, number, text, list, time } = self;
        let orders: &[&str] = &["<", "<=", ">", ">=", "==", "!="];
        let equals: &[&str] = &["==", "!="];
        let connected = (select(&["AND", "OR"][..]), vec(truth.clone(), 2..4));
        let fields = words("user.motto user.traits.nick user.traits.n user.traits.tier user.traits.nobody");
        let networks = words(r#""10.0.0.0/8" "10.1.2.3/32" "::/0" "fe80::/10" resource.s env.s"#);
        vec![
            (2, leaf),
            (5, infix(orders, number, number)),
            (5, infix(orders, text, text)),
            (1, infix(orders, time, time)),
            (1, infix(equals, list, list)),
            (1, infix(equals, truth, truth)),
            (1, infix(orders, &words(WILD), &self.any())),
            (3, infix(&["IN"], &self.any(), list)),
            (2, infix(&["CONTAINS"], list, &self.any())),
            (1, infix(&["CONTAINS"], text, &words(r#""" "a" "b" "1" subject.id action.name"#))),
            (2, infix(&["STARTS WITH", "ENDS WITH"], text, text)),
            (1, infix(&["LIKE"], text, &words(r#""a*" "*b" "*" "" "a*b*" "*e*""#))),
            (1, infix(&["MATCHES"], text, &words(r#""^a" "b$" "" "[0-9]" "(?i)AB" "^.$""#))),
            (6, connected.prop_map(|(op, operands)| Term::Infix(op, operands)).boxed()),
            (3, within(&["(NOT "], &[truth])),
            (2, self.with_default(TRUTHS, truth)),
            (3, within(&["has(", "missing("], &[paths])),
            (1, within(&["self_asserted("], &[&fields])),
            (1, within(&["cidr("], &[&words(ADDRESSES), &networks])),
            (1, within(&["intersects(", "subset("], &[list, &self.elements()])),
        ]
    }

    fn quantifiers(&self, scope: Scope, condition: Terms) -> Terms {
        let variable = &VARIABLES[scope.variables][..1];
        let listed = words(&format!(r#"{LISTS} {LISTS} {WILD} {} [1,2] ["a",1,[1,2]] []"#, scope.variables()));
        let elements = vec(self.with_default(WILD, &self.paths), 0..3);
        let literal = elements.prop_map(|elements| Term::Within("[", elements));
        let split = within(&["split("], &[&self.text, &self.text]);
        let list = prop_oneof![6 => listed.clone(), 1 => split, 1 => literal, 1 => self.with_default(LISTS, &listed)];
        (select(&["any", "all"][..]), list, condition)
            .prop_map(|(which, list, condition)| Term::Quantifier(which, variable, Box::new([list, condition])))
            .boxed()
    }

    fn numbers(&self, leaf: Terms) -> Terms {
        let Self { number, text, list, time, .. } = self;
        let choices = vec![
            (6, leaf),
            (3, infix(&["+", "-", "*"], number, number)),
            (1, self.with_default(NUMBERS, number)),
            (1, within(&["len("], &[text])),
            (1, within(&["len("], &[list])),
            (1, within(&["abs("], &[number])),
            (1, within(&["min(", "max("], &[number, number])),
            (1, within(&["days_since(", "hours_since(", "minutes_since(", "years_since("], &[time])),
            (1, within(&["hour_in(", "day_of_week_in("], &[time, &words(ZONES)])),
            (1, within(&["days_since(", "hours_since(", "years_since("], &[&words(TIME_TEXTS)])),
            (1, within(&["ip_family("], &[&words(ADDRESSES)])),
        ];
        Union::new_weighted(choices).boxed()
    }

    fn texts(&self, leaf: Terms) -> Terms {
        let text = &self.text;
        let choices = vec![
            (6, leaf),
            (1, self.with_default(TEXTS, text)),
            (2, within(&["lower(", "upper(", "trim(", "email_domain("], &[text])),
            (1, within(&["concat("], &[text, text])),
            (1, within(&["date_in("], &[&self.time, &words(ZONES)])),
            (1, within(&["replace("], &[text, text, text])),
        ];
        Union::new_weighted(choices).boxed()
    }

    fn lists(&self, leaf: Terms) -> Terms {
        let Self { text, list, .. } = self;
        let split = within(&["split("], &[text, text]);
        let set = within(&["union(", "intersection(", "difference("], &[list, list]);
        let choices = vec![(6, leaf), (3, self.elements()), (1, self.with_default(LISTS, list)), (1, split), (2, set)];
        Union::new_weighted(choices).boxed()
    }

    fn elements(&self) -> Terms {
        vec(self.any(), 0..4).prop_map(|elements| Term::Within("[", elements)).boxed()
    }

    fn times(&self, leaf: Terms) -> Terms {
        let read = within(&["time("], &[&words(TIME_TEXTS)]);
        let counted = within(&["unix_time("], &[&words("0 1767787200 -1 user.traits.n env.n")]);
        Union::new_weighted(vec![(4, leaf), (1, read), (1, counted), (1, self.with_default(TIMES, &self.time))]).boxed()
    }

    fn with_default(&self, own: &str, default: &Terms) -> Terms {
        let path = prop_oneof![3 => words(own), 1 => self.paths.clone()];
        let chain = (vec(path, 1..3), default.clone());
        chain.prop_map(|(links, last)| Term::Infix("??", links.into_iter().chain([last]).collect())).boxed()
    }
}

/// Conditions of policies.
pub fn conditions() -> Terms {
    let of = |depth| grammar(depth, Scope { variables: 0, lets: true }).truth;
    prop_oneof![of(1), of(2), of(3)].boxed()
}

/// Conditions that ask a path for a value, as those of many policies do that are told apart by it.
pub fn guarded() -> Terms {
    let subjects = words("user.traits.s user.traits.n user.traits.s user.traits.n user.traits.w");
    let with_default = infix(&["??"], &subjects, &words(r#""a" 1 true"#));
    let subject = prop_oneof![6 => subjects, 1 => with_default];
    let values = words(r#""a" "b" "ab" 1 2 3 1.0 2.5 true false"#);
    let list = prop_oneof![words(r#"["a","b"] [1,2.0,3] [true] [1,"a"] []"#)];
    let single = infix(&["==", "==", "==", "!="], &subject.clone().boxed(), &values);
    let several = infix(&["IN"], &subject.boxed(), &list.boxed());
    let flag = words("user.traits.b env.b env.is_weekend late");
    let guard = prop_oneof![6 => single, 2 => several, 1 => flag.clone(), 1 => within(&["(NOT "], &[&flag])].boxed();
    let rest = grammar(1, Scope { variables: 0, lets: true }).truth;
    let with_rest = (guard.clone(), rest).prop_map(|(guard, rest)| Term::Infix("AND", vec![rest, guard]));
    prop_oneof![2 => guard, 1 => with_rest].boxed()
}

/// `let`s by name.
pub fn lets() -> Vec<(&'static str, Terms)> {
    let Grammar { truth, number, text, list, time, .. } = grammar(1, Scope { variables: 0, lets: false });
    let late = infix(&["AND", "OR", "=="], &words("open"), &truth);
    let place = words(&format!("{TRUTHS} {NUMBERS} {TEXTS} {LISTS} {WILD}"));
    let object = words("user.traits.obj user.traits.conf resource.w");
    vec![
        ("open", truth),
        ("late", late),
        ("limit", number),
        ("label", text),
        ("members", list),
        ("since", time),
        ("place", place),
        ("object", object),
    ]
}
