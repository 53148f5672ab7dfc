//! What formatting keeps. The fuzz target `format` uses this file, too.

use logos::Logos;
use sidegate::lang::ast::{ClauseKind, Expr, ExprKind, File, ItemKind};
use sidegate::lang::{Sources, Token, format, parse};

/// What holds of every text that can be parsed.
pub fn check(text: &str) -> String {
    let once = formatted(text).unwrap_or_else(|| panic!("it can be parsed:\n{text}"));
    assert_eq!(formatted(&once).as_ref(), Some(&once), "once is enough:\n{text}");
    assert_eq!(tree(&once), tree(text), "it means the same:\n{once}");
    assert_eq!(comments(&once), comments(text), "no comment is lost:\n{once}");
    assert!(once.is_empty() || (once.ends_with('\n') && !once.ends_with("\n\n") && !once.starts_with('\n')));
    assert!(once.lines().all(|line| line.trim_end() == line) && !once.contains("\n\n\n"), "{once}");
    once
}

pub fn formatted(text: &str) -> Option<String> {
    let sources = Sources::single("a.policy", text);
    let (id, source) = sources.iter().next().unwrap();
    format(id, source).ok()
}

/// The tree, without places and whatever else the formatter may change.
fn tree(text: &str) -> String {
    let sources = Sources::single("a.policy", text);
    let (id, source) = sources.iter().next().unwrap();
    let (mut file, diagnostics) = parse(id, source);
    assert_eq!(diagnostics, [], "{text}");
    simplify(&mut file);
    let written = format!("{file:?}");
    let mut parts = written.split("span: Span {");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |all, part| all + part.split_once('}').map_or(part, |(_, after)| after))
}

fn simplify(file: &mut File) {
    for item in &mut file.items {
        match &mut item.kind {
            ItemKind::Let(binding) => strip(&mut binding.value),
            ItemKind::Policy(policy) => {
                for clause in &mut policy.clauses {
                    if let ClauseKind::When(expr) | ClauseKind::Unless(expr) = &mut clause.kind {
                        strip(expr);
                    }
                }
            }
            ItemKind::Route(route) => {
                if let Some(id) = &mut route.id {
                    id.capture.take_if(|capture| capture.text == id.name.text);
                }
            }
            ItemKind::Test(_) => {}
        }
    }
}

/// Takes the parentheses away, which say nothing once there is a tree.
fn strip(expr: &mut Expr) {
    *expr = expr.bare().clone();
    match &mut expr.kind {
        ExprKind::Or(all) | ExprKind::And(all) | ExprKind::Product(all) | ExprKind::Default(all) => {
            all.iter_mut().for_each(strip);
        }
        ExprKind::Call(_, all) | ExprKind::List(all) => all.iter_mut().for_each(strip),
        ExprKind::Compare(_, sides) => sides.iter_mut().for_each(strip),
        ExprKind::Not(inner) => strip(inner),
        ExprKind::Sum(first, rest) => {
            strip(first);
            rest.iter_mut().for_each(|(_, term)| strip(term));
        }
        ExprKind::Quantifier(quantifier) => {
            strip(&mut quantifier.list);
            strip(&mut quantifier.condition);
        }
        ExprKind::Path(_) | ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Group(_) => {}
    }
}

/// What stands between the tokens.
fn comments(text: &str) -> Vec<&str> {
    let mut end = 0;
    let mut gaps = Vec::new();
    for (_, token) in Token::lexer(text).spanned() {
        gaps.push(&text[end..token.start]);
        end = token.end;
    }
    gaps.push(&text[end..]);
    gaps.into_iter().flat_map(str::lines).map(str::trim).filter(|line| line.starts_with('#')).collect()
}
