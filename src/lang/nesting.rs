//! The bound on nesting, kept on tokens: what comes after it may walk the tree by recursion.

use super::lexer::Spanned;
use super::{Code, Diagnostic, Site, SourceId, Span, Token};

/// Brackets, `NOT` and `??` within each other go at most this deep.
pub const MAX_NESTING: usize = 64;

/// What stands in front of the place where the parser is, inside the innermost bracket.
#[derive(Default, Clone, Copy)]
struct Frame {
    /// `NOT`s in a row.
    nots: usize,
    /// `??`s of the chain.
    defaults: usize,
}

/// Finds the first place that is nested too deep.
pub(super) fn check(source: SourceId, tokens: &[Spanned]) -> Result<(), Diagnostic> {
    let mut outer: Vec<Frame> = Vec::new();
    let mut outer_depth = 0;
    let mut here = Frame::default();
    let mut braces: usize = 0;
    for (start, token, end) in tokens {
        match token {
            Token::OpenParen | Token::OpenBracket => {
                outer_depth += here.nots + here.defaults + 1;
                outer.push(std::mem::take(&mut here));
            }
            Token::CloseParen | Token::CloseBracket => {
                // A closing bracket too many is the parser's to report.
                here = outer.pop().unwrap_or_default();
                outer_depth = outer_depth.saturating_sub(here.nots + here.defaults + 1);
            }
            Token::Not => here.nots += 1,
            Token::Default => here.defaults += 1,
            // Nothing of an expression goes on past these.
            Token::OpenBrace | Token::CloseBrace | Token::Assign => {
                (here, outer_depth) = (Frame::default(), 0);
                outer.clear();
                match token {
                    Token::OpenBrace => braces += 1,
                    Token::CloseBrace => braces = braces.saturating_sub(1),
                    _ => {}
                }
            }
            Token::Dot
            | Token::Word(_)
            | Token::Number(_)
            | Token::Text(_)
            | Token::Minus
            | Token::Plus
            | Token::Times => {}
            Token::True | Token::False | Token::Allow | Token::Deny | Token::Let | Token::Action => {}
            Token::Resource
            | Token::Route
            | Token::Host
            | Token::Shadow
            | Token::Test
            | Token::Expect
            | Token::Unreachable
            | Token::On
            | Token::By => {}
            Token::When | Token::Unless | Token::Reason => {}
            _ => here = Frame::default(),
        }
        if outer_depth + here.nots + here.defaults > MAX_NESTING || braces > MAX_NESTING {
            let site = Site { source, span: Span::new(*start, *end) };
            return Err(Diagnostic::error(
                Code::TooDeep,
                site,
                format!("this is nested more than {MAX_NESTING} levels deep"),
            )
            .help("give parts of it names with let"));
        }
    }
    Ok(())
}
