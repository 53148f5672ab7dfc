//! Files, `let`s and policies.

use pretty::DocAllocator;

use super::super::Span;
use super::super::ast::{Clause, ClauseKind, Effect, File, Item, ItemKind, Let, Policy, Selector, Text};
use super::comments::Gap;
use super::expr::chain;
use super::layout::BLOCK;
use super::routes::{self, Columns};
use super::{Doc, Printer};

/// A declaration on its way into the file.
struct Row<'a> {
    /// What lies before it.
    gap: Gap<'a>,
    body: Body<'a>,
}

enum Body<'a> {
    Printed(Doc<'a>),
    /// Its columns depend on its neighbours.
    Route(Columns),
}

impl<'a> Printer<'a> {
    pub(super) fn file(&mut self, file: &'a File) -> Doc<'a> {
        let mut after = 0;
        let mut rows: Vec<Row<'a>> = Vec::with_capacity(file.items.len());
        for (place, item) in file.items.iter().enumerate() {
            let mut gap = self.comments.gap(after, start(item));
            match place.checked_sub(1).and_then(|before| file.items.get(before)) {
                Some(before) if !are_of_a_kind(before, item) => gap.part(),
                Some(_) => {}
                None => gap.open(),
            }
            rows.push(Row { gap, body: self.item(item) });
            after = item.span.end;
        }
        let mut last = self.comments.gap(after, self.text.len() as u32);
        if rows.is_empty() {
            last.open();
        }
        self.rows(rows).append(self.comments_in(&last))
    }

    /// Rows, with runs of routes in columns.
    fn rows(&self, rows: Vec<Row<'a>>) -> Doc<'a> {
        let mut printed = self.arena.nil();
        let is_route = |row: &Row<'_>| matches!(row.body, Body::Route(_));
        for run in rows.chunk_by(|before, row| is_route(before) && is_route(row) && row.gap.is_tight()) {
            let columns = run.iter().filter_map(|row| match &row.body {
                Body::Route(columns) => Some(columns),
                Body::Printed(_) => None,
            });
            let widths = routes::widths(columns);
            for Row { gap, body } in run {
                printed = printed.append(self.gap(gap, self.arena.hardline())).append(match body {
                    Body::Printed(doc) => doc.clone(),
                    Body::Route(columns) => self.word(routes::aligned(columns, widths)),
                });
            }
        }
        printed
    }

    fn item(&mut self, item: &'a Item) -> Body<'a> {
        Body::Printed(match &item.kind {
            ItemKind::Let(binding) => self.binding(binding),
            ItemKind::Policy(policy) => self.policy(policy, item.span),
            ItemKind::Test(test) => self.test(test, item.span),
            ItemKind::Route(route) => return Body::Route(self.columns(route)),
        })
    }

    fn binding(&mut self, Let { name, value }: &'a Let) -> Doc<'a> {
        let value = value.bare();
        let head = self.word("let ").append(name.text.as_str()).append(" =");
        let breaks = chain(value).is_some();
        let value = self.condition(value);
        // The operands of a chain that breaks stand below the name; all else breaks within itself.
        head.append(if breaks { self.arena.line().append(value).nest(2).group() } else { self.word(" ").append(value) })
    }

    fn policy(&mut self, policy: &'a Policy, span: Span) -> Doc<'a> {
        let shadow = if policy.shadow { "shadow " } else { "" };
        let width = policy.clauses.iter().map(|clause| keyword(clause).len()).max().unwrap_or(0);
        let within = Span::new(policy.name.span.end, span.end);
        let clauses =
            self.bracketed(&BLOCK, within, &policy.clauses, place, |printer, clause| printer.clause(clause, width));
        let head = self.word(shadow).append(effect(policy.effect)).append(" ").append(policy.name.text.as_str());
        head.append(" ").append(clauses)
    }

    fn clause(&mut self, clause: &'a Clause, width: usize) -> Doc<'a> {
        let body = match &clause.kind {
            ClauseKind::Action(Selector::Any) | ClauseKind::Resource(Selector::Any) => self.word("any"),
            ClauseKind::Action(Selector::Named(texts)) | ClauseKind::Resource(Selector::Named(texts)) => {
                self.texts(texts)
            }
            ClauseKind::When(condition) | ClauseKind::Unless(condition) => self.condition(condition.bare()),
            ClauseKind::Reason(text) => self.word(self.written(text.span)),
        };
        self.word(format!("{:width$} ", keyword(clause))).append(body.nest(width as isize + 1))
    }

    /// `"read", "export"`
    fn texts(&mut self, texts: &'a [Text]) -> Doc<'a> {
        let mut printed = self.arena.nil();
        let mut after = None;
        for text in texts {
            if let Some(after) = after {
                printed = printed.append(",").append(self.inner_gap(after, text.span.start));
            }
            printed = printed.append(self.written(text.span));
            after = Some(text.span.end);
        }
        printed.group()
    }
}

pub(super) fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn keyword(clause: &Clause) -> &'static str {
    match clause.kind {
        ClauseKind::Action(_) => "action",
        ClauseKind::Resource(_) => "resource",
        ClauseKind::When(_) => "when",
        ClauseKind::Unless(_) => "unless",
        ClauseKind::Reason(_) => "reason",
    }
}

/// The place of a clause. A comment between its keyword and its condition can only stand before it, so it starts late.
fn place(clause: &Clause) -> Span {
    match &clause.kind {
        ClauseKind::When(condition) | ClauseKind::Unless(condition) => {
            Span::new(condition.bare().span.start, clause.span.end)
        }
        _ => clause.span,
    }
}

/// Where a declaration starts; a `let` starts late, as clauses do.
fn start(item: &Item) -> u32 {
    match &item.kind {
        ItemKind::Let(binding) => binding.value.bare().span.start,
        _ => item.span.start,
    }
}

/// Whether no blank line is needed between them.
fn are_of_a_kind(a: &Item, b: &Item) -> bool {
    matches!((&a.kind, &b.kind), (ItemKind::Let(_), ItemKind::Let(_)) | (ItemKind::Route(_), ItemKind::Route(_)))
}
