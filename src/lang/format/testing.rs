//! Tests and their data.

use pretty::DocAllocator;

use super::super::Span;
use super::super::ast::{Data, DataKind, Test, TestPart, TestPartKind};
use super::super::lexer::is_name;
use super::declarations::effect;
use super::expr::{quoted, written};
use super::layout::{BLOCK, LIST, OBJECT};
use super::{Doc, Printer, WIDTH};

/// How wide what stands in columns is: the names of facts, and the effects that are expected.
#[derive(Clone, Copy)]
struct Widths {
    section: usize,
    effect: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn test(&mut self, test: &'a Test, span: Span) -> Doc<'a> {
        let mut widths = Widths { section: 0, effect: 0 };
        for part in &test.parts {
            match &part.kind {
                TestPartKind::Facts(section, _) | TestPartKind::Fields(section, _) => {
                    widths.section = widths.section.max(section.text.len()).min(WIDTH)
                }
                TestPartKind::Expect { effect: expected, .. } => {
                    widths.effect = widths.effect.max(effect(*expected).len());
                }
                TestPartKind::Unreachable(_) => {}
            }
        }
        let within = Span::new(test.name.span.end, span.end);
        let print = |printer: &mut Self, part: &'a TestPart| printer.part(part, widths);
        let parts = self.bracketed(&BLOCK, within, &test.parts, |part| part.span, print);
        self.word("test ").append(self.written(test.name.span)).append(" ").append(parts)
    }

    fn part(&mut self, part: &'a TestPart, widths: Widths) -> Doc<'a> {
        match &part.kind {
            TestPartKind::Facts(section, data) => {
                // Columns are for lines: a block goes without.
                let padding = " ".repeat(widths.section.saturating_sub(section.text.len()));
                let padding = self.arena.nil().flat_alt(padding);
                self.word(section.text.as_str()).append(padding).append(" ").append(self.data(data)).group()
            }
            TestPartKind::Fields(section, paths) => {
                let width = widths.section;
                let paths: Vec<String> = paths.iter().map(written).collect();
                self.word(format!("{:width$} {}", section.text, paths.join(", ")))
            }
            TestPartKind::Unreachable(name) => self.word("unreachable ").append(name.text.as_str()),
            TestPartKind::Expect { effect: expected, action, resource, by } => {
                let (width, expected) = (widths.effect, effect(*expected));
                let (action, resource) = (self.written(action.span), self.written(resource.span));
                let by = by.as_ref().map_or_else(String::new, |name| format!(" by {}", name.text));
                self.word(format!("expect {expected:width$} {action} on {resource}{by}"))
            }
        }
    }

    fn data(&mut self, data: &'a Data) -> Doc<'a> {
        let within = Span::new(data.span.start + 1, data.span.end);
        match &data.kind {
            DataKind::Number(number) => self.word(number.as_str()),
            DataKind::Text(_) | DataKind::Bool(_) => self.word(self.written(data.span)),
            DataKind::List(items) => self.bracketed(&LIST, within, items, |item| item.span, Self::data),
            DataKind::Object(members) => self.bracketed(
                &OBJECT,
                within,
                members,
                |(_, value)| value.span,
                |printer, (key, value)| {
                    let key = if is_name(key) { key.to_string() } else { quoted(key) };
                    printer.word(key).append(": ").append(printer.data(value))
                },
            ),
        }
    }
}
