//! Comments: where they stand, and which of them lie between two things.
//!
//! The tree has none. They are taken in the order of the source by whoever prints what comes after them, so one that
//! stands where none can stand is taken at the next place, and none is lost.

use std::iter::Peekable;
use std::vec::IntoIter;

use logos::Logos;

use super::super::{Span, Token};

/// One comment, from its `#` to the end of its line.
struct Comment<'a> {
    text: &'a str,
    span: Span,
}

/// The comments that have not been taken.
pub(super) struct Comments<'a> {
    text: &'a str,
    left: Peekable<IntoIter<Comment<'a>>>,
}

impl<'a> Comments<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, left: find(text).into_iter().peekable() }
    }

    /// What lies between the thing that ends at `after` and the one that starts at `before`.
    pub(super) fn gap(&mut self, after: u32, before: u32) -> Gap<'a> {
        let mut gap = Gap::default();
        let mut at = after;
        while let Some(Comment { text, span }) = self.left.next_if(|comment| comment.span.start < before) {
            // One that comes before `after` stood within the thing; nothing ends at the start of a file.
            let same_line = !self.text.get(after as usize..span.start as usize).unwrap_or("").contains('\n');
            if same_line && after > 0 && gap.trailing.is_none() {
                gap.trailing = Some(text);
            } else {
                gap.own.push(Own { blank: self.blank_follows(at), text });
            }
            at = at.max(span.end);
        }
        gap.blank = self.blank_follows(at);
        gap
    }

    fn blank_follows(&self, at: u32) -> bool {
        let rest = self.text.get(at as usize..).unwrap_or("").trim_start_matches(',');
        let white = rest.bytes().take_while(u8::is_ascii_whitespace);
        white.filter(|byte| *byte == b'\n').nth(1).is_some()
    }
}

/// What lies between two things.
#[derive(Default)]
pub(super) struct Gap<'a> {
    /// The comment behind the first one, on its line.
    pub(super) trailing: Option<&'a str>,
    /// Comments on lines of their own.
    pub(super) own: Vec<Own<'a>>,
    /// Whether a blank line stands before the second one.
    pub(super) blank: bool,
}

/// A comment on a line of its own.
pub(super) struct Own<'a> {
    /// Whether a blank line stands before it.
    pub(super) blank: bool,
    pub(super) text: &'a str,
}

impl Gap<'_> {
    pub(super) fn has_comments(&self) -> bool {
        self.trailing.is_some() || !self.own.is_empty()
    }

    /// Whether the second thing stands on the line after the first.
    pub(super) fn is_tight(&self) -> bool {
        self.own.is_empty() && !self.blank
    }

    /// Sees to a blank line somewhere between the two.
    pub(super) fn part(&mut self) {
        if !self.blank && !self.own.iter().any(|own| own.blank) {
            *self.first_blank() = true;
        }
    }

    /// Nothing stands before it but an opening bracket.
    pub(super) fn open(&mut self) {
        *self.first_blank() = false;
    }

    /// Within an expression, a blank line means something only beside comments.
    pub(super) fn tighten(&mut self) {
        self.blank &= !self.own.is_empty();
    }

    fn first_blank(&mut self) -> &mut bool {
        match self.own.first_mut() {
            Some(own) => &mut own.blank,
            None => &mut self.blank,
        }
    }
}

/// What is no token is white space and comments.
fn find(text: &str) -> Vec<Comment<'_>> {
    let mut found = Vec::new();
    let mut end = 0;
    let tokens = Token::lexer(text).spanned().map(|(_, range)| range);
    for token in tokens.chain(std::iter::once(text.len()..text.len())) {
        let mut at = end;
        for line in text.get(end..token.start).unwrap_or("").split_inclusive('\n') {
            if let Some((before, _)) = line.split_once('#') {
                let comment = line[before.len()..].trim_end();
                let start = at + before.len();
                let span = Span::new(start as u32, (start + comment.len()) as u32);
                found.push(Comment { text: comment, span });
            }
            at += line.len();
        }
        end = token.end;
    }
    found
}
