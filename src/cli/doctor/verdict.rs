//! What an answer to a probe says.

use super::aim::Aim;
use super::answer::Answer;
use super::probes::{Expects, Probe, SOMEBODY};

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did not get further than a stranger.
    Refused,
    /// It did.
    Through(String),
    /// It brought a page that the site has for every name.
    CatchAll(String),
    /// Nothing was decided about it.
    Unanswered(String),
}

/// What answers are compared with.
pub(super) struct Known<'a> {
    pub(super) aim: &'a Aim,
    /// What a stranger gets.
    pub(super) plain: &'a Answer,
    /// The page that everybody may see.
    pub(super) open: Option<&'a Answer>,
}

impl Known<'_> {
    /// What an answer says by itself.
    pub(super) fn judge(&self, probe: &Probe, answer: &Answer) -> Outcome {
        if answer.status == 429 {
            return Outcome::Unanswered("the site says that it is asked too often".to_owned());
        }
        let through = match probe.expects {
            Expects::Refusal | Expects::RefusalOrOther => self.passes(answer),
            Expects::NoBody => (answer.is_success() && !answer.body.is_empty()).then(|| "it is served".to_owned()),
            Expects::OpenPage => self.is_another(answer).then(|| "it brings another page than the open one".to_owned()),
            Expects::NoSuchName => {
                answer.holds(SOMEBODY).then(|| format!("the page knows of {SOMEBODY:?}, which only the fields said"))
            }
            Expects::NoSwitch => (answer.status == 101).then(|| "the protocol is switched".to_owned()),
            Expects::NotSidegate => self.is_sidegate(&probe.request.target, answer),
        };
        through.map_or(Outcome::Refused, Outcome::Through)
    }

    /// Whether an answer is what no stranger gets.
    fn passes(&self, answer: &Answer) -> Option<String> {
        if answer.status == 101 {
            return Some("the protocol is switched".to_owned());
        }
        if answer.is_success() {
            return Some("it is served".to_owned());
        }
        let (usual, here) = (self.plain.field("location"), answer.field("location"));
        match (usual.filter(|_| self.plain.is_redirect()), here.filter(|_| answer.is_redirect())) {
            (Some(usual), Some(here)) if place(usual) != place(here) && !self.aim.leads_back(here) => {
                Some(format!("it is sent elsewhere than a stranger is, who is sent to {}", place(usual).escape_debug()))
            }
            _ => None,
        }
    }

    fn is_another(&self, answer: &Answer) -> bool {
        let open = self.open.filter(|_| answer.is_success());
        open.is_some_and(|open| !open.same_page(answer))
    }

    /// Whether an answer is sidegate's own to whoever asks at that path, and not a proxy's about a request for it.
    fn is_sidegate(&self, asked: &str, answer: &Answer) -> Option<String> {
        let told = ["x-auth-tenant", "x-auth-subject-type", "x-deny-reason"];
        if let Some(name) = told.into_iter().find(|name| answer.field(name).is_some()) {
            return Some(format!("the answer has {name}, which sidegate tells proxies"));
        }
        let problem = answer.field("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
        let told: serde_json::Value = serde_json::from_slice(&answer.body).ok().filter(|_| problem)?;
        let text = |member: &str| told[member].as_str().unwrap_or_default();
        // What a proxy hands on of sidegate's answers names the endpoint that the proxy asked, and is about that path.
        let published = text("instance") == asked || text("detail").starts_with("the path is not clear");
        published.then(|| format!("sidegate answers: {}", text("detail").escape_debug()))
    }
}

/// Where a redirect leads, whatever it carries back.
fn place(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::probes;
    use url::Url;

    fn answer(head: &str, body: &str) -> Answer {
        Answer::read(format!("HTTP/1.1 {head}\r\n\r\n{body}").as_bytes(), false).unwrap()
    }

    /// What an answer to the first probe that expects something says, where strangers are answered so.
    fn judged(stranger: &str, expects: Expects, given: &Answer) -> Outcome {
        let aim = Aim::new(&Url::parse("https://a.example/reports/june").unwrap(), Some("/public/"), "admin");
        let (plain, open) = (answer(stranger, ""), answer("200 OK", "open"));
        let known = Known { aim: &aim, plain: &plain, open: Some(&open) };
        let probe = probes::all(&aim).into_iter().find(|probe| probe.expects == expects).unwrap();
        known.judge(&probe, given)
    }

    #[test]
    fn what_no_stranger_gets_is_through() {
        let sign_in = "302 Found\r\nLocation: https://id.example/start?rd=a";
        for (stranger, head, through) in [
            ("401 No", "200 OK", true),
            ("401 No", "204 None", true),
            ("401 No", "101 Switching", true),
            ("401 No", "404 Not Found", false),
            ("401 No", "502 Bad", false),
            ("401 No", "301 Moved\r\nLocation: /elsewhere", false),
            (sign_in, "302 Found\r\nLocation: https://id.example/start?rd=b", false),
            (sign_in, "301 Moved\r\nLocation: /reports/june", false),
            (sign_in, "302 Found\r\nLocation: /dashboard", true),
            (sign_in, "400 Bad", false),
        ] {
            let outcome = judged(stranger, Expects::Refusal, &answer(head, ""));
            assert_eq!(matches!(outcome, Outcome::Through(_)), through, "{stranger}, {head}: {outcome:?}");
        }
        assert!(matches!(judged("401 No", Expects::Refusal, &answer("429 Slow", "")), Outcome::Unanswered(_)));
    }

    #[test]
    fn what_only_a_body_tells() {
        let problem = |detail: &str, instance: &str| {
            let body = serde_json::json!({ "detail": detail, "instance": instance }).to_string();
            answer("400 Bad\r\nContent-Type: application/problem+json", &body)
        };
        for (expects, given, through) in [
            (Expects::NoBody, answer("200 OK\r\nAllow: GET", ""), false),
            (Expects::NoBody, answer("200 OK", "all of it"), true),
            (Expects::OpenPage, answer("200 OK", "open"), false),
            (Expects::OpenPage, answer("200 OK", "the numbers of June"), true),
            (Expects::OpenPage, answer("400 Bad", "no"), false),
            (Expects::NoSuchName, answer("200 OK", "nobody is signed in"), false),
            (Expects::NoSuchName, answer("200 OK", &format!("hello {SOMEBODY}!")), true),
            (Expects::NoSwitch, answer("200 OK", "open"), false),
            (Expects::NoSwitch, answer("101 Switching", ""), true),
            (Expects::NotSidegate, problem("nobody is known", "/t/acme/authz/forward-auth"), false),
            (Expects::NotSidegate, problem("nobody is known", "/authz/auth-request"), true),
            (Expects::NotSidegate, problem("the path is not clear: it ...", "/t/acme/authz/forward-auth"), true),
            (Expects::NotSidegate, answer("200 OK\r\nX-Auth-Tenant: acme", ""), true),
            (Expects::NotSidegate, answer("403 No\r\nX-Deny-Reason: why", ""), true),
            (Expects::NotSidegate, answer("404 Not Found", "nothing"), false),
        ] {
            let outcome = judged("401 No", expects, &given);
            assert_eq!(matches!(outcome, Outcome::Through(_)), through, "{expects:?}, {given:?}: {outcome:?}");
        }
    }
}
