//! A site that is tried: what it answers by itself, and what it answers to probes.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use super::aim::Aim;
use super::answer::Answer;
use super::probes::{self, Expects, Probe};
use super::request::Request;
use super::verdict::{Known, Outcome};
use super::wire::{Silent, Site};
use crate::cli::{Usage, progress};

/// As many probes without an answer, one after the other, are a site that is not there any more.
const SILENCE: usize = 5;

/// What a site answers before anything is tried.
pub(super) struct Patient {
    site: Site,
    pub(super) aim: Aim,
    /// To a stranger.
    pub(super) plain: Answer,
    /// For the page that everybody may see, if one is named.
    pub(super) open: Option<Open>,
    /// For pages that nobody has, by their paths.
    pub(super) nowhere: Vec<(String, Answer)>,
}

/// The page that everybody may see.
pub(super) struct Open {
    pub(super) page: Answer,
    /// Whether it is the same each time.
    steady: bool,
}

/// A probe, and what came of it.
pub(super) struct Tried {
    pub(super) probe: Probe,
    pub(super) answer: Option<Answer>,
    pub(super) outcome: Outcome,
}

impl Patient {
    /// Asks as a stranger does, and sees to it that there is something to learn.
    pub(super) async fn examine(site: Site, aim: Aim) -> Result<Self> {
        let asked = async |target: &str| {
            let answer = site.ask(Request::get(target).text(&aim.host).as_bytes(), false).await;
            answer.map_err(|error| Usage(format!("{}{target}: {error}", aim.origin())))
        };
        let target = aim.target(&aim.closed);
        let refused = |why: String| Usage(format!("{}{target}: {why}", aim.origin()));
        let plain = asked(&target).await?;
        if plain.is_success() {
            let status = plain.status;
            let why = format!(
                "everybody may see this page ({status}). If they should not, nothing protects it: is this where the proxy is? \
                 Else name a page that they may not see"
            );
            return Err(refused(why).into());
        }
        if plain.status == 400 || plain.status >= 500 {
            let status = plain.status;
            let why = format!(
                "a stranger is answered with {status}: what decides is away or asked wrongly, and nothing can be learnt"
            );
            return Err(refused(why).into());
        }
        if let Some(location) = plain.field("location").filter(|place| plain.is_redirect() && aim.leads_back(place)) {
            return Err(refused(format!("this page is at another address: name {}", location.escape_debug())).into());
        }
        let mut nowhere = vec![(aim.sibling(), asked(&aim.target(&aim.sibling())).await?)];
        let mut open = None;
        if let (Some(path), Some(child)) = (&aim.open, aim.child()) {
            let page = asked(path).await?;
            if !page.is_success() {
                let shown = page.shown();
                return Err(Usage(format!("--open {path}: not everybody may see this page ({shown}): name one")).into());
            }
            nowhere.push((child.clone(), asked(&child).await?));
            let steady = page.same_page(&asked(path).await?);
            open = Some(Open { page, steady });
        }
        Ok(Self { plain, open, nowhere, site, aim })
    }

    /// What whoever reads the report should know.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !matches!(self.plain.status, 300..=399 | 401 | 403) {
            let status = self.plain.status;
            notes.push(format!("if {status} is not how a stranger is refused there, name another page"));
        }
        for (path, answer) in self.nowhere.iter().filter(|(_, answer)| answer.is_success()) {
            let status = answer.status;
            notes.push(format!("{path} gets {status}, too: what answers alike for a page that nobody has is no hole"));
        }
        if self.open.as_ref().is_some_and(|open| !open.steady) {
            notes.push("the open page is another each time: whether a field changes it cannot be told".to_owned());
        }
        notes
    }

    /// What can be tried.
    pub(super) fn probes(&self) -> Vec<Probe> {
        let mut probes = probes::all(&self.aim);
        let comparable = self.open.as_ref().is_some_and(|open| open.steady);
        probes.retain(|probe| probe.expects != Expects::OpenPage || comparable);
        probes
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Silent> {
        self.site.ask(request.text(&self.aim.host).as_bytes(), request.method == "HEAD").await
    }

    /// Tries one after the other, as long as there are answers.
    pub(super) async fn try_all(&self, probes: Vec<Probe>) -> Vec<Tried> {
        let (done, all) = (AtomicU64::new(0), probes.len() as u64);
        let trying = async {
            let (mut tried, mut silent) = (Vec::new(), 0);
            for probe in probes {
                let one = self.try_one(probe).await;
                silent = if matches!(one.outcome, Outcome::Unanswered(_)) { silent + 1 } else { 0 };
                tried.push(one);
                done.fetch_add(1, Ordering::Relaxed);
                if silent == SILENCE {
                    break;
                }
            }
            tried
        };
        progress::shown(trying, || ("tried", done.load(Ordering::Relaxed), Some(all))).await
    }

    /// Whether a stranger is still answered as before: whoever is shut out would take that for refusals.
    pub(super) async fn answers_as_before(&self) -> bool {
        let again = self.ask(&Request::get(self.aim.target(&self.aim.closed))).await;
        again.is_ok_and(|again| again.status == self.plain.status)
    }

    async fn try_one(&self, probe: Probe) -> Tried {
        let answer = match self.ask(&probe.request).await {
            Ok(answer) => answer,
            // Some hang up on what they do not like.
            Err(Silent::Closed) => return Tried { probe, answer: None, outcome: Outcome::Refused },
            Err(why) => return Tried { probe, answer: None, outcome: Outcome::Unanswered(why.to_string()) },
        };
        let known = Known { aim: &self.aim, plain: &self.plain, open: self.open.as_ref().map(|open| &open.page) };
        let mut outcome = known.judge(&probe, &answer);
        // A site that has a page for every name shows it here, too, and so may another site at the same address.
        let catches = self.nowhere.iter().any(|(_, answer)| answer.is_success());
        let compared = answer.is_success() && (catches || probe.expects == Expects::RefusalOrOther);
        if let (Outcome::Through(_), true, Some(twin)) = (&outcome, compared, &probe.twin)
            && let Ok(other) = self.ask(twin).await
        {
            let [leaf, unlikely] = self.aim.names();
            let own = answer.without(&[&probe.request.target, leaf, unlikely]);
            if own.same_page(&other.without(&[&twin.target, leaf, unlikely])) {
                outcome = Outcome::CatchAll(format!("{} gets the same page", twin.shown()[0]));
            }
        }
        Tried { probe, answer: Some(answer), outcome }
    }
}
