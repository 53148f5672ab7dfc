//! Tokens to syntax tree.

use lalrpop_util::{ErrorRecovery, ParseError, lalrpop_mod};

use super::ast::{Clause, ClauseKind, Effect, File, Item, ItemKind, Name, Policy, Selector};
use super::{Code, Diagnostic, MAX_FILE, Site, Source, SourceId, Span, Token, lexer, nesting};

lalrpop_mod!(
    #[allow(clippy::all, clippy::panic, clippy::unwrap_used, missing_docs, dead_code)] // generated code
    grammar,
    "/policy.rs"
);

/// How the generated parser reports what it recovered from; our lexer has no errors of its own.
pub(super) type Recovered = ErrorRecovery<u32, Token, std::convert::Infallible>;

/// Parses one source. The tree holds every declaration that could be read; it is whole only if there are no
/// diagnostics.
#[must_use]
pub fn parse(id: SourceId, source: &Source) -> (File, Vec<Diagnostic>) {
    parse_with(id, source, |recovered, tokens| grammar::FileParser::new().parse(recovered, tokens))
}

/// Parses a source that is a condition and nothing else, as the one policy of a file.
#[must_use]
pub fn parse_condition(id: SourceId, source: &Source) -> (File, Vec<Diagnostic>) {
    let span = Span::new(0, source.text.len() as u32);
    parse_with(id, source, |recovered, tokens| {
        let condition = grammar::ConditionParser::new().parse(recovered, tokens)?;
        let clause = |kind| Clause { kind, span };
        let clauses = vec![
            clause(ClauseKind::Action(Selector::Any)),
            clause(ClauseKind::Resource(Selector::Any)),
            clause(ClauseKind::When(condition)),
        ];
        let name = Name { text: "condition".into(), span };
        let policy = Policy { shadow: false, effect: Effect::Allow, name, clauses, lost: false };
        Ok(File { items: vec![Item { kind: ItemKind::Policy(policy), span }], lost: false })
    })
}

type Tokens = Vec<Result<(u32, Token, u32), std::convert::Infallible>>;

fn parse_with(
    id: SourceId,
    source: &Source,
    parse: impl FnOnce(&mut Vec<Recovered>, Tokens) -> Result<File, ParseError<u32, Token, std::convert::Infallible>>,
) -> (File, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    if source.text.len() > MAX_FILE {
        let message = format!("the file holds more than {MAX_FILE} bytes");
        diagnostics.push(Diagnostic::too_large(id, message));
        return (unread(), diagnostics);
    }
    let text = source.text.as_str();
    let tokens = lexer::tokens(id, text, &mut diagnostics);
    if let Err(too_deep) = nesting::check(id, &tokens) {
        diagnostics.push(too_deep);
        return (unread(), diagnostics);
    }
    let mut recovered = Vec::new();
    let (file, last) = match parse(&mut recovered, tokens.into_iter().map(Ok).collect()) {
        Ok(file) => (file, None),
        Err(error) => (unread(), Some(error)),
    };
    for error in recovered.into_iter().map(|recovery| recovery.error).chain(last) {
        diagnostics.extend(describe(id, text, error));
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.site.span.start));
    (file, diagnostics)
}

/// A file of which nothing could be read.
fn unread() -> File {
    File { items: Vec::new(), lost: true }
}

/// Puts a parse error into words. A bad token has its diagnostic already.
fn describe(
    source: SourceId,
    text: &str,
    error: ParseError<u32, Token, std::convert::Infallible>,
) -> Option<Diagnostic> {
    let written = text.trim_end();
    let end = written.len() as u32;
    let last = written.char_indices().next_back().map_or(0, |(at, _)| at as u32);
    let mut reserved = None;
    let (span, found, expected) = match error {
        ParseError::UnrecognizedToken { token: (_, Token::Bad, _), .. } => return None,
        ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
            let span = Span::new(start, end);
            reserved = token.is_reserved().then(|| text.get(span.range()).unwrap_or(""));
            (span, true, expected)
        }
        ParseError::ExtraToken { token: (start, _, end) } => (Span::new(start, end), true, Vec::new()),
        ParseError::UnrecognizedEof { expected, .. } => (Span::new(last, end), false, expected),
        ParseError::InvalidToken { location } => (Span::new(location, location), true, Vec::new()),
        ParseError::User { error } => match error {},
    };
    let site = Site { source, span };
    if let Some(word) = reserved
        && expected.iter().any(|terminal| terminal.contains("name"))
    {
        let message = format!("`{word}` is a reserved word, and cannot be a name");
        let before = text.get(..span.start as usize).unwrap_or("").trim_end();
        let is_method = word == "any" && before.ends_with("route");
        let help = if is_method { "every method is written ANY" } else { "give it another name" };
        return Some(Diagnostic::error(Code::Syntax, site, message).help(help));
    }
    let word = text.get(span.range()).unwrap_or("");
    if word.eq_ignore_ascii_case("not")
        && text.get(span.end as usize..).is_some_and(|rest| rest.trim_start().to_ascii_uppercase().starts_with("IN"))
    {
        return Some(Diagnostic::error(Code::Syntax, site, "there is no `NOT IN`").help("write `NOT x IN list`"));
    }
    if word == "-" && expected.iter().any(|terminal| terminal.contains("\".\"")) {
        let help = "a key with other characters goes in brackets: user[\"e-mail\"]";
        return Some(Diagnostic::error(Code::Syntax, site, "this was not expected here").help(help));
    }
    let assigned = text.get(span.range()) == Some("=") && expected.iter().any(|terminal| terminal.contains("=="));
    if assigned {
        return Some(Diagnostic::error(Code::Syntax, site, "`=` does not compare").help("write =="));
    }
    if let Some(meant) = from_elsewhere(word, &expected) {
        let message = format!("`{word}` means nothing here");
        return Some(Diagnostic::error(Code::Syntax, site, message).help(format!("write {meant}")));
    }
    if matches!(&*expected, [only] if only == "\"number\"") {
        let message = "only a number has a sign";
        return Some(Diagnostic::error(Code::Syntax, site, message).help("write `0 - path`"));
    }
    if let Some(keyword) = started_before(text, span.start as usize) {
        let site = Site { source, span: keyword };
        let message = "the declaration before this one is not finished";
        let help = "an expression is missing at its end";
        return Some(Diagnostic::error(Code::Syntax, site, message).help(help));
    }
    let message = if found { "this was not expected here" } else { "the file ends in the middle of a declaration" };
    let diagnostic = Diagnostic::error(Code::Syntax, site, message);
    Some(match in_words(&expected) {
        words if words.is_empty() => diagnostic,
        words => diagnostic.help(format!("expected {}", one_of(&words))),
    })
}

/// What somebody meant who knows other languages, if it could stand here.
fn from_elsewhere(word: &str, expected: &[String]) -> Option<&'static str> {
    const WORDS: &[(&str, &str)] = &[
        ("permit", "allow"),
        ("forbid", "deny"),
        ("if", "when"),
        ("where", "when"),
        ("and", "AND"),
        ("or", "OR"),
        ("in", "IN"),
        ("like", "LIKE"),
        ("matches", "MATCHES"),
        ("contains", "CONTAINS"),
    ];
    let could_come = |terminal: &str| expected.iter().any(|other| other.trim_matches('"') == terminal);
    let known = WORDS.iter().find(|(theirs, ours)| word.eq_ignore_ascii_case(theirs) && could_come(ours));
    known.map(|(_, ours)| *ours)
}

/// The keyword in front of an unexpected word, if it starts a line: since keywords are names elsewhere, an expression
/// that is missing takes the next declaration's keyword for itself.
fn started_before(text: &str, at: usize) -> Option<Span> {
    const KEYWORDS: &[&str] = &["allow", "deny", "let", "route", "shadow", "test", "when", "unless", "reason"];
    let before = text.get(..at)?.trim_end();
    let line = before.rsplit('\n').next()?;
    let keyword = line.trim_start();
    let start = before.len() - keyword.len();
    let goes_on = before.get(..start)?.trim_end().ends_with(['=', '(', ',']) || !line.starts_with(keyword);
    (KEYWORDS.contains(&keyword) && goes_on).then(|| Span::new(start as u32, before.len() as u32))
}

/// The terminals of the grammar that could have come, as a user would name them. Where any name fits, the
/// contextual keywords fit too, and naming them all would only hide the rest.
fn in_words(expected: &[String]) -> Vec<String> {
    const CONTEXTUAL: &[&str] = &[
        "allow",
        "deny",
        "let",
        "shadow",
        "route",
        "host",
        "test",
        "expect",
        "unreachable",
        "on",
        "by",
        "action",
        "resource",
        "when",
        "unless",
        "reason",
    ];
    const OPERATORS: &[&str] = &[
        "OR", "AND", "==", "!=", "<", "<=", ">", ">=", "IN", "CONTAINS", "LIKE", "MATCHES", "STARTS", "ENDS", "+", "*",
        "??", "[", ".",
    ];
    const NEVER: &[&str] = &["bad"];
    let terminals: Vec<&str> = expected.iter().map(|terminal| terminal.trim_matches('"')).collect();
    let any_name = terminals.contains(&"name");
    let operators = terminals.iter().filter(|terminal| OPERATORS.contains(terminal)).count();
    let mut words = Vec::new();
    for terminal in terminals {
        let hidden = NEVER.contains(&terminal) || (any_name && CONTEXTUAL.contains(&terminal));
        let word = match terminal {
            _ if hidden => continue,
            operator if operators > 2 && OPERATORS.contains(&operator) => "an operator".to_owned(),
            "name" => "a name".to_owned(),
            "number" => "a number".to_owned(),
            "text" => "a \"string\"".to_owned(),
            other => format!("`{other}`"),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// `a, b or c`.
fn one_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
