//! Expressions.

use pretty::DocAllocator;

use super::super::Span;
use super::super::ast::{CompareOp, Expr, ExprKind, Path, Quantifier, Sign, StepKind};
use super::super::lexer::is_word;
use super::layout::{ARGUMENTS, GROUP, LIST, Shape};
use super::{Doc, Printer};

impl<'a> Printer<'a> {
    /// An expression that begins a line if it breaks: the operands of a chain stand one below the other.
    pub(super) fn condition(&mut self, expr: &'a Expr) -> Doc<'a> {
        match chain(expr) {
            Some((first, rest)) => self.chain(first, rest).group(),
            None => self.expr(expr),
        }
    }

    fn expr(&mut self, expr: &'a Expr) -> Doc<'a> {
        if let Some((first, rest)) = chain(expr) {
            return self.chain(first, rest).nest(2).group();
        }
        let Span { start, end } = expr.span;
        match &expr.kind {
            ExprKind::Not(inner) => self.word("NOT ").append(self.expr(inner)),
            ExprKind::Compare(op, sides) => {
                let [left, right] = &**sides;
                let left = self.expr(left);
                left.append(symbol(*op)).append(self.expr(right))
            }
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier, expr.span),
            ExprKind::Path(path) => self.word(written(path)),
            ExprKind::Call(name, arguments) => {
                let within = Span::new(name.span.end, end);
                self.word(name.text.as_str()).append(self.list(&ARGUMENTS, within, arguments))
            }
            ExprKind::List(items) => self.list(&LIST, Span::new(start + 1, end), items),
            ExprKind::Group(inner) => {
                let (inner, within) = (std::slice::from_ref(inner.bare()), Span::new(start + 1, end));
                self.bracketed(&GROUP, within, inner, |inner| inner.span, Self::condition)
            }
            ExprKind::Number(number) => self.word(number.as_str()),
            _ => self.word(self.written(expr.span)),
        }
    }

    /// Expressions in brackets, where parentheses around a whole one say nothing.
    fn list(&mut self, shape: &Shape, within: Span, items: &'a [Expr]) -> Doc<'a> {
        self.bracketed(shape, within, items, |item| item.bare().span, |printer, item| printer.expr(item.bare()))
    }

    fn chain(&mut self, first: &'a Expr, rest: Vec<(&'static str, &'a Expr)>) -> Doc<'a> {
        let mut after = first.span.end;
        let mut printed = self.expr(first);
        for (operator, operand) in rest {
            let gap = self.inner_gap(after, operand.span.start);
            printed = printed.append(gap).append(operator).append(" ").append(self.expr(operand));
            after = operand.span.end;
        }
        printed
    }

    /// `any(x IN list: condition)`
    fn quantifier(&mut self, quantifier: &'a Quantifier, span: Span) -> Doc<'a> {
        let Quantifier { all, variable, list, condition } = quantifier;
        let condition = condition.bare();
        let word = self.word(if *all { "all(" } else { "any(" }).append(variable.text.as_str());
        let head = word.append(" IN ").append(self.expr(list)).append(":");
        let mut gap = self.comments.gap(list.span.end, condition.span.start);
        gap.open();
        gap.tighten();
        let body = self.gap(&gap, self.arena.line()).append(self.condition(condition));
        let last = self.comments.gap(condition.span.end, span.end);
        head.append(self.closed(body, self.arena.line_(), &last)).append(")").group()
    }
}

/// The operands of a chain that may break, each after the first with its operator.
pub(super) fn chain(expr: &Expr) -> Option<(&Expr, Vec<(&'static str, &Expr)>)> {
    let (operator, operands) = match &expr.kind {
        ExprKind::Or(operands) => ("OR", operands),
        ExprKind::And(operands) => ("AND", operands),
        ExprKind::Product(operands) => ("*", operands),
        ExprKind::Default(operands) => ("??", operands),
        ExprKind::Sum(first, rest) => {
            let sign = |sign: &Sign| if *sign == Sign::Plus { "+" } else { "-" };
            return Some((first, rest.iter().map(|(plus_or_minus, term)| (sign(plus_or_minus), term)).collect()));
        }
        _ => return None,
    };
    let (first, rest) = operands.split_first()?;
    Some((first, rest.iter().map(|operand| (operator, operand)).collect()))
}

fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => " == ",
        CompareOp::NotEqual => " != ",
        CompareOp::Less => " < ",
        CompareOp::LessOrEqual => " <= ",
        CompareOp::Greater => " > ",
        CompareOp::GreaterOrEqual => " >= ",
        CompareOp::In => " IN ",
        CompareOp::Contains => " CONTAINS ",
        CompareOp::StartsWith => " STARTS WITH ",
        CompareOp::EndsWith => " ENDS WITH ",
        CompareOp::Like => " LIKE ",
        CompareOp::Matches => " MATCHES ",
    }
}

/// A path; a key that is a word needs no brackets.
pub(super) fn written(path: &Path) -> String {
    let mut text = path.root.text.to_string();
    for step in &path.steps {
        match &step.kind {
            StepKind::Field(name) if is_word(name) => text.extend([".", name]),
            StepKind::Field(key) => text.extend(["[", &quoted(key), "]"]),
            StepKind::Index(index) => text.extend(["[", index, "]"]),
        }
    }
    text
}

/// A string literal of a text.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
