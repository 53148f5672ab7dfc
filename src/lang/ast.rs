//! The syntax tree: what was written, with the place of every part, and nothing resolved.
//!
//! Chains of `AND`, `OR` and `??` are flat lists, so that a long one is no deep tree.

use smol_str::SmolStr;

use super::Span;

/// A `.policy` file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// Declarations in the order they were written.
    pub items: Vec<Item>,
}

/// A declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `let name = expression`
    Let(Let),
    /// `allow name { ... }` or `deny name { ... }`
    Policy(Policy),
    /// `test "name" { ... }`
    Test(Test),
}

/// A test of the policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it shows.
    pub name: Text,
    /// Facts and expectations, in the order they were written.
    pub parts: Vec<TestPart>,
}

/// A part of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum TestPart {
    /// `user { ... }`, `env { ... }` and their kin.
    Facts(Name, Data),
    /// `unreachable user`
    Unreachable(Name),
    /// `expect allow "export" on "report" by name`
    Expect {
        /// What is to come out.
        effect: Effect,
        /// The action.
        action: Text,
        /// The type of the resource.
        resource: Text,
        /// The policy that is to decide.
        by: Option<Name>,
    },
}

/// Data as tests write them: JSON with keys that need no quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// What it is.
    pub kind: DataKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of data.
#[derive(Debug, Clone, PartialEq)]
pub enum DataKind {
    /// `"text"`
    Text(String),
    /// A number as it was written.
    Number(SmolStr),
    /// `true`, `false`
    Bool(bool),
    /// `[a, b]`
    List(Vec<Data>),
    /// `{ key: value }`
    Object(Vec<(SmolStr, Data)>),
}

/// A named expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// Its name.
    pub name: Name,
    /// What it stands for.
    pub value: Expr,
}

/// What a policy does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It refuses, whatever others say.
    Deny,
    /// It permits, unless something refuses.
    Allow,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Whether it is evaluated and logged only, never counted.
    pub shadow: bool,
    /// Allow or deny.
    pub effect: Effect,
    /// Its name.
    pub name: Name,
    /// Clauses as they were written; whether each stands at most once is not the grammar's business.
    pub clauses: Vec<Clause>,
}

/// One clause of a policy, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// Which clause, and what it holds.
    pub kind: ClauseKind,
    /// From its keyword to its end.
    pub span: Span,
}

/// What a clause says.
#[derive(Debug, Clone, PartialEq)]
pub enum ClauseKind {
    /// `action any` or `action "read", "export"`
    Action(Selector),
    /// `resource any` or `resource "report"`
    Resource(Selector),
    /// `when condition`
    When(Expr),
    /// `unless condition`
    Unless(Expr),
    /// `reason "sentence"`
    Reason(Text),
}

/// Which actions or resource types a policy speaks of.
#[derive(Debug, Clone, PartialEq)]
pub enum Selector {
    /// All of them.
    Any,
    /// These.
    Named(Vec<Text>),
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub text: SmolStr,
    /// Its place.
    pub span: Span,
}

/// A string literal, unquoted, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The string.
    pub text: String,
    /// Its place, quotes included.
    pub span: Span,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `a OR b OR c`
    Or(Vec<Expr>),
    /// `a AND b AND c`
    And(Vec<Expr>),
    /// `NOT a`
    Not(Box<Expr>),
    /// `a == b` and its kin
    Compare(CompareOp, Box<[Expr; 2]>),
    /// `a + b - c`: every term after the first with its sign.
    Sum(Box<Expr>, Vec<(Sign, Expr)>),
    /// `a * b * c`
    Product(Vec<Expr>),
    /// `a ?? b ?? c`
    Default(Vec<Expr>),
    /// `any(x IN list: condition)` and `all(...)`
    Quantifier(Box<Quantifier>),
    /// `user.traits.plan`, or the name of a `let`
    Path(Path),
    /// `len(x)`
    Call(Name, Vec<Expr>),
    /// `"text"`
    Text(String),
    /// A number as it was written: what it is worth is decided where types are known.
    Number(SmolStr),
    /// `true`, `false`
    Bool(bool),
    /// `[a, b]`
    List(Vec<Expr>),
}

/// The sign of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

/// A condition on the elements of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantifier {
    /// Whether it must hold for all of them, or for any.
    pub all: bool,
    /// What an element is called in the condition.
    pub variable: Name,
    /// The list.
    pub list: Expr,
    /// The condition.
    pub condition: Expr,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `IN`
    In,
    /// `CONTAINS`
    Contains,
    /// `STARTS WITH`
    StartsWith,
    /// `ENDS WITH`
    EndsWith,
    /// `LIKE`
    Like,
    /// `MATCHES`
    Matches,
}

/// A name and the steps from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// A root or the name of a `let`.
    pub root: Name,
    /// `.field`, `["key"]`, `[0]`
    pub steps: Vec<Step>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it steps into.
    pub kind: StepKind,
    /// Its place.
    pub span: Span,
}

/// Into what a step goes.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// The member of an object.
    Field(SmolStr),
    /// The element of a list, as it was written.
    Index(SmolStr),
}
