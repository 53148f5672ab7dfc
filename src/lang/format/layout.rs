//! Things one after the other: what stands between them, what brackets stand around them, and where lines break.

use pretty::{Doc as Node, DocAllocator};

use super::super::Span;
use super::comments::{Gap, Own};
use super::{Doc, Printer};

/// What a bracketed sequence looks like.
pub(super) struct Shape {
    open: &'static str,
    close: &'static str,
    /// Between its items, and after the last one if each has a line.
    separator: &'static str,
    /// Next to its brackets if all is on one line; without it, that never is.
    flat: Option<&'static str>,
}

pub(super) const BLOCK: Shape = Shape { open: "{", close: "}", separator: "", flat: None };
pub(super) const OBJECT: Shape = Shape { open: "{", close: "}", separator: ",", flat: Some(" ") };
pub(super) const LIST: Shape = Shape { open: "[", close: "]", separator: ",", flat: Some("") };
pub(super) const ARGUMENTS: Shape = Shape { open: "(", close: ")", separator: ",", flat: Some("") };
pub(super) const GROUP: Shape = Shape { open: "(", close: ")", separator: "", flat: Some("") };

impl<'a> Printer<'a> {
    /// Items in brackets. `within` reaches from the opening bracket, or what stands before it on its line, to the
    /// closing one.
    pub(super) fn bracketed<T>(
        &mut self,
        shape: &Shape,
        within: Span,
        items: &'a [T],
        span: impl Fn(&T) -> Span,
        print: impl Fn(&mut Self, &'a T) -> Doc<'a>,
    ) -> Doc<'a> {
        let arena = self.arena;
        let (edge, between) = match shape.flat {
            Some(flat) => (arena.hardline().flat_alt(arena.text(flat)), arena.line()),
            None => (arena.hardline(), arena.hardline()),
        };
        let mut body = arena.nil();
        let mut after = within.start;
        for (place, item) in items.iter().enumerate() {
            let Span { start, end } = span(item);
            let mut gap = self.comments.gap(after, start);
            if place == 0 {
                gap.open();
            }
            if shape.flat.is_some() {
                gap.tighten();
            }
            let line = if place == 0 { &edge } else { &between };
            body = body.append(self.gap(&gap, line.clone())).append(print(self, item));
            let separator = arena.text(shape.separator);
            let is_last = place + 1 == items.len();
            body = body.append(if is_last { separator.flat_alt(arena.nil()) } else { separator });
            after = end;
        }
        let mut last = self.comments.gap(after, within.end);
        if items.is_empty() {
            last.open();
        }
        // Nothing has no line.
        let edge = if items.is_empty() { arena.nil() } else { edge };
        let rest = self.closed(body, edge, &last);
        self.word(shape.open).append(rest).append(shape.close).group()
    }

    /// The inside of brackets, with the comments before the closing one and the `edge` to it, which they break.
    pub(super) fn closed(&self, body: Doc<'a>, edge: Doc<'a>, last: &Gap<'a>) -> Doc<'a> {
        let edge = if last.has_comments() { self.arena.hardline() } else { edge };
        body.append(self.comments_in(last)).nest(2).append(edge)
    }

    /// The comments of a gap within an expression, and `line`, which they break.
    pub(super) fn inner_gap(&mut self, after: u32, before: u32) -> Doc<'a> {
        let mut gap = self.comments.gap(after, before);
        gap.tighten();
        self.gap(&gap, self.arena.line())
    }

    /// The comments of a gap, and `line`, unless something forces one or two.
    pub(super) fn gap(&self, gap: &Gap<'a>, line: Doc<'a>) -> Doc<'a> {
        let line = if gap.blank || gap.has_comments() { self.newline(gap.blank) } else { line };
        self.comments_in(gap).append(line)
    }

    /// The comments of a gap, each but the one that trails on a line of its own.
    pub(super) fn comments_in(&self, gap: &Gap<'a>) -> Doc<'a> {
        // One that trails takes no room: it is no reason to break the line before it.
        let trailing = |text| self.arena.alloc(Node::RenderLen(0, self.arena.alloc(Node::BorrowedText(text))));
        let first = match gap.trailing {
            Some(text) => self.word("  ").append(trailing(text)),
            None => self.arena.nil(),
        };
        let own = |doc: Doc<'a>, own: &Own<'a>| doc.append(self.newline(own.blank)).append(self.word(own.text));
        gap.own.iter().fold(first, own)
    }

    fn newline(&self, blank: bool) -> Doc<'a> {
        let line = self.arena.hardline();
        if blank { line.append(self.arena.hardline()) } else { line }
    }
}
