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
    /// Whether there is more in it, which could not be read.
    pub lost: bool,
}

/// A declaration, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Which declaration.
    pub kind: ItemKind,
    /// From its keyword to its end.
    pub span: Span,
}

/// The kinds of declarations.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `let name = expression`
    Let(Let),
    /// `allow name { ... }` or `deny name { ... }`
    Policy(Policy),
    /// `route GET "/path" => "action" on "type"`
    Route(Route),
    /// `test "name" { ... }`
    Test(Test),
}

/// What a request is, by its method, path and host.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The methods, or `ANY`.
    pub methods: Vec<Name>,
    /// The path, with `{captures}`.
    pub path: Text,
    /// The host, if it must be that one.
    pub host: Option<Text>,
    /// The action.
    pub action: Text,
    /// The type of the resource.
    pub resource: Text,
    /// Where the id of the resource comes from.
    pub id: Option<RouteId>,
}

/// `{ id }` or `{ id: capture }`
#[derive(Debug, Clone, PartialEq)]
pub struct RouteId {
    /// What stands before the colon; only `id` means something.
    pub name: Name,
    /// The capture, if it is called something else.
    pub capture: Option<Name>,
}

/// A test of the policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it shows.
    pub name: Text,
    /// Facts and expectations, in the order they were written.
    pub parts: Vec<TestPart>,
}

/// A part of a test, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct TestPart {
    /// Which part.
    pub kind: TestPartKind,
    /// From its keyword to its end.
    pub span: Span,
}

/// The kinds of parts of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum TestPartKind {
    /// `user { ... }`, `env { ... }` and their kin.
    Facts(Name, Data),
    /// `self_asserted user.company, user.traits.tier`
    Fields(Name, Vec<Path>),
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
    /// Whether it has more, which could not be read.
    pub lost: bool,
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
    /// `(a)`: it means what it holds, and is kept for the formatter.
    Group(Box<Expr>),
}

impl Expr {
    /// The expression without the parentheses around it.
    #[must_use]
    pub fn bare(&self) -> &Expr {
        match &self.kind {
            ExprKind::Group(inner) => inner.bare(),
            _ => self,
        }
    }
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
