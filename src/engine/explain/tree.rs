//! An explanation for people: a tree of conditions, what each came to, and the values that they read.

use std::io;

use codespan_reporting::term::termcolor::{Color, ColorSpec, WriteColor};

use crate::model::Value;

use super::{Candidate, Explanation, Fact, Nearest, Trace, Truth, Unknown};

/// Writes an explanation as a tree.
///
/// # Errors
/// Those of the writer.
pub fn write_tree(
    out: &mut dyn WriteColor,
    explanation: &Explanation<'_>,
    nearest: Option<&Nearest<'_>>,
) -> io::Result<()> {
    for candidate in &explanation.candidates {
        write_candidate(out, candidate)?;
    }
    if explanation.candidates.is_empty() {
        writeln!(out, "  no policy speaks of this action on this type of resource")?;
    }
    if explanation.more_candidates > 0 {
        writeln!(out, "  and {} candidates more", explanation.more_candidates)?;
    }
    for Unknown { policy, path, file, line, column, mend } in &explanation.unknowns {
        coloured(out, Color::Yellow, "  unknown")?;
        writeln!(out, " in {policy}: {path} ({file}:{line}:{column})\n    {mend}")?;
    }
    if let Some(Nearest { path, value, decision, policy }) = nearest {
        let would = if *decision { "allowed" } else { "denied" };
        let by = policy.as_ref().map_or_else(String::new, |policy| format!(" by {policy}"));
        match value {
            Value::Null => writeln!(out, "  it would be {would}{by} without {path}")?,
            value => writeln!(out, "  it would be {would}{by} if {path} were {}", json(value))?,
        }
    }
    Ok(())
}

fn write_candidate(out: &mut dyn WriteColor, candidate: &Candidate<'_>) -> io::Result<()> {
    let Candidate { policy, effect, applies, file, line, when, unless } = candidate;
    let colour = match (*applies, *effect) {
        (false, _) => None,
        (true, "allow") => Some(Color::Green),
        (true, _) => Some(Color::Red),
    };
    let does = if *applies { "applies" } else { "does not apply" };
    write!(out, "  ")?;
    match colour {
        Some(colour) => coloured(out, colour, &format!("{effect} {policy} {does}"))?,
        None => write!(out, "{effect} {policy} {does}")?,
    }
    writeln!(out, " ({file}:{line})")?;
    write_part(out, when, "when ", "  ", unless.is_none())?;
    if let Some(unless) = unless {
        write_part(out, unless, "unless ", "  ", true)?;
    }
    Ok(())
}

fn write_part(out: &mut dyn WriteColor, part: &Trace<'_>, label: &str, indent: &str, last: bool) -> io::Result<()> {
    let Trace { text, is, reads, parts, .. } = part;
    write!(out, "{indent}{} ", if last { "└─" } else { "├─" })?;
    write_truth(out, *is)?;
    write!(out, "  {label}{text}")?;
    let facts: Vec<String> = reads.iter().filter(|fact| *text != fact.path || fact.value.is_none()).map(fact).collect();
    if !facts.is_empty() {
        write!(out, "   [{}]", facts.join(", "))?;
    }
    writeln!(out)?;
    let below = format!("{indent}{}", if last { "   " } else { "│  " });
    for (place, inner) in parts.iter().enumerate() {
        write_part(out, inner, "", &below, place.saturating_add(1) == parts.len())?;
    }
    Ok(())
}

fn write_truth(out: &mut dyn WriteColor, truth: Truth) -> io::Result<()> {
    let colour = match truth.0 {
        Some(true) => Color::Green,
        Some(false) => Color::Red,
        None => Color::Yellow,
    };
    coloured(out, colour, truth.as_str())
}

fn fact(fact: &Fact<'_>) -> String {
    match (&fact.value, fact.masked) {
        (Some(value), _) => format!("{} = {}", fact.path, json(value)),
        (None, true) => format!("{} is not shown", fact.path),
        (None, false) => format!("{} is {}", fact.path, fact.state),
    }
}

fn json(value: &Value<'_>) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn coloured(out: &mut dyn WriteColor, colour: Color, text: &str) -> io::Result<()> {
    out.set_color(ColorSpec::new().set_fg(Some(colour)))?;
    write!(out, "{text}")?;
    out.reset()
}
