//! Text to tokens. A character or a string that is wrong becomes a [`Token::Bad`] and a diagnostic: an error
//! out of the lexer would end the parser's recovery.

use logos::Logos;
use smol_str::SmolStr;
use unicode_security::skeleton;

use super::{Code, Diagnostic, Site, SourceId, Span};

/// A token. Operator words come in upper and lower case; the words of declarations are lower case and contextual.
#[derive(Logos, Debug, Clone, PartialEq)]
#[logos(skip r"([ \t\n]|\r\n)+", skip(r"#[^\r\n]*", allow_greedy = true))]
#[allow(missing_docs)] // each is what its pattern says
pub enum Token {
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("=")]
    Assign,
    #[token("-")]
    Minus,
    #[token("+")]
    Plus,
    #[token("*")]
    Times,
    #[token(":")]
    Colon,
    #[token("=>")]
    Arrow,
    #[token("??")]
    Default,

    #[token("OR")]
    #[token("or")]
    #[token("||")]
    Or,
    #[token("AND")]
    #[token("and")]
    #[token("&&")]
    And,
    #[token("NOT")]
    #[token("not")]
    #[token("!")]
    Not,
    #[token("==")]
    Equal,
    #[token("!=")]
    NotEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessOrEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterOrEqual,
    #[token("IN")]
    #[token("in")]
    In,
    #[token("CONTAINS")]
    #[token("contains")]
    Contains,
    #[token("LIKE")]
    #[token("like")]
    Like,
    #[token("MATCHES")]
    #[token("matches")]
    Matches,
    #[token("STARTS")]
    #[token("starts")]
    Starts,
    #[token("ENDS")]
    #[token("ends")]
    Ends,
    #[token("WITH")]
    #[token("with")]
    With,

    #[token("allow")]
    Allow,
    #[token("deny")]
    Deny,
    #[token("let")]
    Let,
    #[token("shadow")]
    Shadow,
    #[token("route")]
    Route,
    #[token("host")]
    Host,
    #[token("test")]
    Test,
    #[token("expect")]
    Expect,
    #[token("unreachable")]
    Unreachable,
    #[token("on")]
    On,
    #[token("by")]
    By,
    #[token("action")]
    Action,
    #[token("resource")]
    Resource,
    #[token("when")]
    When,
    #[token("unless")]
    Unless,
    #[token("reason")]
    Reason,
    #[token("any")]
    Any,
    #[token("all")]
    All,
    #[token("true")]
    True,
    #[token("false")]
    False,

    #[regex(r"[A-Za-z_][A-Za-z0-9_]*", |lex| SmolStr::new(lex.slice()))]
    Word(SmolStr),
    #[regex(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", |lex| SmolStr::new(lex.slice()))]
    Number(SmolStr),
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Quoted,
    /// A string, unquoted; made of `Quoted`.
    Text(String),
    #[regex(r#""([^"\\\n]|\\[^\n])*"#)]
    Unterminated,
    /// What other languages take for a string.
    #[regex("'[^'\n]*'")]
    SingleQuoted,
    /// Something that is no token; the diagnostic has been made.
    Bad,
}

impl Token {
    /// Whether this is a word that cannot be a name: an operator, a literal, `any` or `all`.
    pub(super) fn is_reserved(&self) -> bool {
        use Token::*;
        matches!(
            self,
            Or | And | Not | In | Contains | Like | Matches | Starts | Ends | With | Any | All | True | False
        )
    }
}

/// A token and where it starts and ends, as the parser takes it.
pub(super) type Spanned = (u32, Token, u32);

/// Cuts `text` into tokens and notes what is none.
pub(super) fn tokens(source: SourceId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Spanned> {
    let mut tokens: Vec<Spanned> = Vec::new();
    let mut lexer = Token::lexer(text);
    while let Some(token) = lexer.next() {
        let span = Span::new(lexer.span().start as u32, lexer.span().end as u32);
        let site = Site { source, span };
        let after_dot = matches!(tokens.last(), Some((_, Token::Dot, _)));
        let token = match token {
            Ok(Token::Unterminated) => {
                diagnostics.push(
                    Diagnostic::error(Code::UnterminatedString, site, "this string does not end on its line")
                        .help("close it with \"; a line break within a string is written \\n"),
                );
                Token::Bad
            }
            Ok(Token::SingleQuoted) => {
                let text = serde_json::Value::from(lexer.slice().trim_matches('\'')).to_string();
                let message = "strings stand in double quotes";
                let finding = Diagnostic::error(Code::UnexpectedCharacter, site, message);
                diagnostics.push(finding.help(format!("write {text}")));
                Token::Bad
            }
            Ok(Token::Quoted) => match serde_json::from_str(lexer.slice()) {
                Ok(text) => Token::Text(text),
                Err(_) => {
                    diagnostics.push(
                        Diagnostic::error(Code::BadString, site, "this is not a string as JSON writes them")
                            .help(r#"escapes are \" \\ \/ \b \f \n \r \t and \uXXXX; control characters are escaped"#),
                    );
                    Token::Bad
                }
            },
            Err(()) => {
                bad_character(site, lexer.slice(), &tokens, diagnostics);
                Token::Bad
            }
            // Whatever the word, after a dot it is the name of a field: a trait may be called `in`.
            Ok(_) if after_dot && is_word(lexer.slice()) => Token::Word(SmolStr::new(lexer.slice())),
            Ok(token) => token,
        };
        tokens.push((span.start, token, span.end));
    }
    tokens
}

/// One diagnostic for a run of them: a file that is no policy at all is not worth a thousand lines.
fn bad_character(site: Site, slice: &str, before: &[Spanned], diagnostics: &mut Vec<Diagnostic>) {
    if matches!(before.last(), Some((_, Token::Bad, end)) if *end == site.span.start) {
        return;
    }
    let help = match slice {
        "'" => "strings stand in double quotes",
        "&" | "|" => "write AND, OR, && or ||",
        "?" => "a default is written ??",
        "\r" => "a line ends with LF or CRLF",
        ";" => "nothing ends with ; here: a line break is enough",
        _ => "only names, numbers, \"strings\", operators and # comments stand outside of strings",
    };
    let message = format!("{slice:?} means nothing here");
    let finding = Diagnostic::error(Code::UnexpectedCharacter, site, message);
    diagnostics.push(match look_alike(slice) {
        Some(meant) => finding.help(format!("it looks like {meant:?}, and is a letter of another script")),
        None => finding.help(help),
    });
}

/// The ASCII letter that a letter of another script looks like.
fn look_alike(slice: &str) -> Option<String> {
    let looks: String = skeleton(slice).collect();
    (!slice.is_ascii() && looks.len() == 1 && looks.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(looks)
}

/// Whether this is one word, and so can stand after a dot.
pub(super) fn is_word(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| word(c) && !c.is_ascii_digit()) && text.chars().all(word)
}

/// Whether this is a word that can be a name.
pub(super) fn is_name(text: &str) -> bool {
    is_word(text) && matches!(Token::lexer(text).next(), Some(Ok(token)) if !token.is_reserved())
}
