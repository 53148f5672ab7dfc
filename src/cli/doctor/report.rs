//! What was found, for people and for programs.

use anyhow::Result;
use serde_json::{Value, json};
use url::Url;

use super::answer::Answer;
use super::groups::{ALL, Group, IDENTITY};
use super::patient::{Patient, Tried};
use super::verdict::Outcome;
use crate::cli::show;

/// All that was found.
pub(super) struct Report<'a> {
    pub(super) url: &'a Url,
    pub(super) patient: &'a Patient,
    pub(super) tried: &'a [Tried],
    /// Whether the site answers otherwise at the end.
    pub(super) shut_out: bool,
}

/// How many there are of each outcome.
#[derive(Default)]
struct Counts {
    all: usize,
    through: usize,
    catch_all: usize,
    unanswered: usize,
}

impl Report<'_> {
    /// What reached through.
    pub(super) fn holes(&self) -> impl Iterator<Item = (&Tried, &str)> {
        self.tried.iter().filter_map(|tried| match &tried.outcome {
            Outcome::Through(why) => Some((tried, why.as_str())),
            _ => None,
        })
    }

    /// Fields of others by which somebody is known who may not, while a stranger is nobody.
    pub(super) fn believed(&self) -> impl Iterator<Item = &str> {
        let nobody = self.patient.plain.status != 403;
        let forbidden = |tried: &&Tried| tried.answer.as_ref().is_some_and(|answer| answer.status == 403);
        let others = |tried: &&Tried| {
            let name = tried.probe.name.to_ascii_lowercase();
            tried.probe.group == IDENTITY && !name.contains(' ') && !name.replace('_', "-").starts_with("x-auth-")
        };
        self.tried.iter().filter(move |_| nobody).filter(forbidden).filter(others).map(|tried| &*tried.probe.name)
    }

    /// Holes, what was tried in each group, and a sum.
    pub(super) fn as_text(&self) -> Result<()> {
        for group in ALL {
            let mut holes = self.holes().filter(|(tried, _)| tried.probe.group == *group).peekable();
            if holes.peek().is_none() {
                continue;
            }
            show::line(format_args!("HOLE: {}", group.name))?;
            show::line(format_args!("  it means: {}", group.means))?;
            show::line(format_args!("  the mend: {}\n", group.mend))?;
            for (tried, why) in holes {
                for line in tried.probe.request.shown() {
                    show::line(format_args!("    {line}"))?;
                }
                let answer = tried.answer.as_ref().map_or_else(String::new, Answer::shown);
                show::line(format_args!("    => {answer}: {why}\n"))?;
            }
        }
        for tried in self.tried {
            if let Outcome::Unanswered(why) | Outcome::CatchAll(why) = &tried.outcome {
                show::line(format_args!("{}: {}: {why}", tried.probe.group.name, tried.probe.name))?;
            }
        }
        for group in ALL {
            let counts = self.counts(Some(group));
            if counts.all > 0 {
                show::line(format_args!("{:32} {:>4}  {}", group.name, counts.all, counts.in_words()))?;
            }
        }
        let counts = self.counts(None);
        show::line(format_args!("{}: {}", show::count(counts.all, "probe", "probes"), counts.in_words()))
    }

    /// Everything.
    pub(super) fn as_json(&self) -> Result<()> {
        let (patient, counts) = (self.patient, self.counts(None));
        let nowhere: Vec<Value> = patient.nowhere.iter().map(|(path, answer)| page(path, answer)).collect();
        let open = patient.aim.open.as_ref().zip(patient.open.as_ref());
        let probes: Vec<Value> = self.tried.iter().map(|tried| self.row(tried)).collect();
        let told = json!({
            "url": self.url,
            "stranger": page(&patient.aim.closed, &patient.plain),
            "open": open.map(|(path, open)| page(path, &open.page)),
            "nowhere": nowhere,
            "probes": probes,
            "groups": ALL,
            "through": counts.through,
            "refused": counts.refused(),
            "catchAll": counts.catch_all,
            "unanswered": counts.unanswered,
            "shutOut": self.shut_out,
        });
        show::line(format_args!("{}", serde_json::to_string_pretty(&told)?))
    }

    fn row(&self, tried: &Tried) -> Value {
        let (outcome, why) = match &tried.outcome {
            Outcome::Refused => ("refused", None),
            Outcome::Through(why) => ("through", Some(why)),
            Outcome::CatchAll(why) => ("catchAll", Some(why)),
            Outcome::Unanswered(why) => ("unanswered", Some(why)),
        };
        json!({
            "group": tried.probe.group.name,
            "name": tried.probe.name,
            "request": tried.probe.request.text(&self.patient.aim.host),
            "outcome": outcome,
            "why": why,
            "answer": tried.answer.as_ref().map(answer),
        })
    }

    /// Of a group, or of all.
    fn counts(&self, group: Option<&Group>) -> Counts {
        let mut counts = Counts::default();
        for tried in self.tried.iter().filter(|tried| group.is_none_or(|group| tried.probe.group == group)) {
            counts.all += 1;
            match tried.outcome {
                Outcome::Refused => {}
                Outcome::Through(_) => counts.through += 1,
                Outcome::CatchAll(_) => counts.catch_all += 1,
                Outcome::Unanswered(_) => counts.unanswered += 1,
            }
        }
        counts
    }
}

impl Counts {
    fn refused(&self) -> usize {
        self.all - self.through - self.catch_all - self.unanswered
    }

    fn in_words(&self) -> String {
        if self.refused() == self.all {
            return "all refused".to_owned();
        }
        let parts = [
            (self.through, "reached through"),
            (self.refused(), "refused"),
            (self.catch_all, "brought a page that the site has for every name"),
            (self.unanswered, "without an answer"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

fn answer(answer: &Answer) -> Value {
    json!({ "status": answer.status, "location": answer.field("location"), "bytes": answer.body.len() })
}

fn page(path: &str, page: &Answer) -> Value {
    json!({ "path": path, "answer": answer(page) })
}
