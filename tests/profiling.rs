//! Rules: a truth table of what asks when, and the check at a login.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sidegate::model::{Definitions, Object, ProfilingSettings, PromptState, Rule, TenantSettings, UserRecord};
use sidegate::profiling::{RuleSet, Visit, ask};

use crate::complete_profile::{Page, asking};
use crate::support::{Answer, Client, Server, Setup, root};

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

/// A rule, how things stand, and whether it asks. The rule asks `company`.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Case {
    condition: toml::Value,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    confirm: bool,
    /// The field has a value.
    #[serde(default)]
    filled: bool,
    /// Which login of the user it is.
    login: i64,
    /// Days since the first login.
    #[serde(default)]
    days: i64,
    /// How often the rule was skipped before.
    #[serde(default)]
    skips: u32,
    /// The rule is quiet for so many more days.
    snoozed: Option<i64>,
    max_skips: Option<u32>,
    /// The rule was answered or skipped at this very login.
    #[serde(default)]
    done_now: bool,
    /// Optional rules that this login has shown.
    #[serde(default)]
    prompted: u32,
    asks: bool,
}

impl Case {
    fn found(&self) -> bool {
        let now: jiff::Timestamp = "2026-03-10T00:30:00Z".parse().unwrap();
        let day = |days: i64| jiff::SignedDuration::from_hours(24 * days);
        let rule = json!({
            "fields": ["company"], "condition": serde_json::to_value(&self.condition).unwrap(),
            "required": self.required, "confirm": self.confirm, "maxSkips": self.max_skips,
        });
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let rules = RuleSet::compile(vec![rule], &Definitions::default(), &TenantSettings::default(), None).unwrap();
        let company = if self.filled { "\"company\": \"Acme\", " } else { "" };
        let facts = format!("{{\"id\": \"alice\", {company}\"traits\": {{\"plan\": \"pro\"}}}}");
        let mut login = Object::new();
        login.set("count", sidegate::model::Value::Int(self.login));
        // Late on the day of the first login, so that whole days are days of the calendar.
        login
            .set("first_at", sidegate::model::Value::Time(now + jiff::SignedDuration::from_hours(23) - day(self.days)));
        let record = UserRecord::pack(&Object::parse(&facts).unwrap(), &login, &[]);
        let state = PromptState {
            skips: self.skips,
            snoozed_until: self.snoozed.map(|days| now + day(days)),
            done_at_login: self.done_now.then(|| "l".to_owned()),
        };
        let states = HashMap::from([(rules.rules[0].id.clone(), state)]);
        let prompted = self.prompted;
        let visit = Visit {
            user: "alice",
            record: &record,
            login: record.login(),
            states: &states,
            login_id: "l",
            client: None,
            prompted,
            access: None,
            now,
        };
        let settings = ProfilingSettings { enabled: true, max_prompts_per_login: 1 };
        assert!(ask(&rules, ProfilingSettings { enabled: false, ..settings }, &visit).is_none(), "switched off");
        ask(&rules, settings, &visit).is_some()
    }

    fn row(&self) -> String {
        let condition = serde_json::to_value(&self.condition).unwrap().to_string();
        let mut notes = Vec::new();
        let mut note = |applies: bool, words: String| applies.then(|| notes.push(words));
        note(self.confirm, "confirms".into());
        note(self.skips > 0, format!("skipped {} times", self.skips));
        note(self.max_skips.is_some(), format!("at most {} skips", self.max_skips.unwrap_or(0)));
        note(self.snoozed.is_some_and(|days| days > 0), format!("snoozed for {} more days", self.snoozed.unwrap_or(0)));
        note(self.snoozed.is_some_and(|days| days <= 0), "snooze is over".into());
        note(self.done_now, "done at this login".into());
        note(self.prompted > 0, "another was shown".into());
        note(self.days > 0, format!("day {}", self.days));
        format!(
            "| `{condition}` | {} | {} | {} | {} | {} |\n",
            if self.required { "required" } else { "optional" },
            if self.filled { "filled" } else { "missing" },
            self.login,
            notes.join(", "),
            if self.asks { "**asks**" } else { "no" }
        )
    }
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/profiling.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().case
}

#[test]
fn rules_ask_as_the_table_says() {
    let wrong: Vec<String> =
        cases().iter().filter(|case| case.found() != case.asks).map(|case| format!("{case:?}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_in_the_guide_is_true() {
    let guide = std::fs::read_to_string(root().join("docs/profiling.md")).unwrap();
    let (_, rest) = guide.split_once("<!-- table -->\n").expect("the start of the table");
    let (table, _) = rest.split_once("<!-- end of table -->").expect("the end of the table");
    let header = "| condition | rule | field | login | besides | |\n|---|---|---|---|---|---|\n".to_owned();
    let rows: String = cases().iter().map(Case::row).collect();
    assert_eq!(table, header + &rows, "docs/profiling.md: put the right side between the two marks");
}

pub const EXAMPLE: &str = r#"[{"fields": ["job_title", "phone"], "condition": "missing", "required": true,
  "title": "Help us personalize your experience", "description": "Just a couple of quick questions."}]"#;
pub const RULES: &str = "/t/acme/api/v1/profiling/rules";

pub fn put_text(client: &Client, path: &str, text: &str) -> Answer {
    client.send(Method::PUT, path, &[("content-type", "application/json")], text.to_owned())
}

pub fn check(client: &Client, body: Value) -> Value {
    let answer = client.json(Method::POST, "/t/acme/api/v1/profiling/check", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The example as it is shown: with the id that is made from its fields and condition.
fn with_its_id(example: &str) -> Value {
    let mut rules: Value = serde_json::from_str(example).unwrap();
    rules[0]["id"] = json!("d92022923606");
    rules
}

#[test]
fn the_example_works_word_for_word_on_an_empty_tenant() {
    let server = Server::start();
    let admin = server.admin();
    let answer = put_text(&admin, RULES, EXAMPLE);
    assert_eq!((answer.status.as_u16(), answer.json()), (200, with_its_id(EXAMPLE)));
    assert_eq!(admin.get(RULES).json(), with_its_id(EXAMPLE));
    let off = check(&admin, json!({"userId": "alice", "loginId": "l1"}));
    assert_eq!(off, json!({"complete": true, "session": {}}), "nobody is asked before it is switched on");
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({"enabled": true}));
    let on = check(&admin, json!({"userId": "alice", "loginId": "l1"}));
    assert_eq!((&on["complete"], &on["required"]), (&json!(false), &json!(true)));
    assert_eq!(on["fields"], json!(["job_title", "phone"]));
}

#[test]
fn a_wrong_rule_is_refused_at_its_place_and_changes_nothing() {
    let server = Server::start();
    let admin = server.admin();
    put_text(&admin, RULES, EXAMPLE);
    let refused = |rules: Value, pointer: &str, says: &str| {
        let answer = admin.json(Method::PUT, RULES, &rules);
        assert_eq!(answer.status, 422, "{answer:?}");
        let error = &answer.json()["errors"][0];
        assert_eq!(error["pointer"], pointer, "{error}");
        assert!(error["detail"].as_str().unwrap().contains(says), "{error}");
    };
    refused(json!([{"fields": ["job_titel"], "condition": "missing"}]), "/0/fields/0", "did you mean `job_title`?");
    refused(json!([{"fields": ["phone"], "condition": "mising"}]), "/0/condition", "did you mean `missing`?");
    refused(
        json!([{"fields": ["phone"], "condition": {"loginCont": 2}}]),
        "/0/condition",
        "did you mean `loginCount`?",
    );
    refused(
        json!([{"fields": ["phone"], "condition": {"loginCount": "2"}}]),
        "/0/condition/loginCount",
        "a whole number",
    );
    refused(
        json!([{"fields": ["phone"], "condition": "missing", "requird": true}]),
        "/0/requird",
        "did you mean `required`?",
    );
    refused(json!([{"condition": "missing"}]), "/0/fields", "`fields` is missing");
    refused(json!([{"fields": [], "condition": "missing"}]), "/0/fields", "at least one");
    refused(json!([{"fields": ["email"], "condition": "missing"}]), "/0/fields/0", "users may not write");
    refused(json!([{"fields": ["phone"], "condition": {"when": "user.x ="}}]), "/0/condition/when", "write ==");
    refused(json!([{"fields": ["phone"], "condition": {"when": "len(1) > 2"}}]), "/0/condition/when", "len");
    refused(
        json!([{"fields": ["phone"], "condition": "missing", "required": true, "maxSkips": 1}]),
        "/0/required",
        "skip",
    );
    let twice = json!([{"fields": ["phone"], "condition": "missing"}, {"fields": ["phone"], "condition": "missing"}]);
    refused(twice, "/1/id", "same");
    assert_eq!(put_text(&admin, RULES, "[{").status, 400);
    assert_eq!(admin.get(RULES).json(), with_its_id(EXAMPLE));
}

#[test]
fn clients_sessions_and_the_schema() {
    let server = Server::start();
    let admin = server.admin();
    let schema = admin.get("/t/acme/api/v1/profiling/rules/schema");
    assert_eq!((schema.status.as_u16(), schema.header("content-type")), (200, "application/schema+json"));
    assert_eq!(schema.json()["items"]["required"], json!(["fields", "condition"]));
    let rules = json!([{"fields": ["company"], "condition": "missing", "required": true, "client": "web"}]);
    assert_eq!(admin.json(Method::PUT, RULES, &rules).status, 200);
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({"enabled": true}));
    let tier = json!({"slug": "tier", "dataType": "string", "inSession": true, "default": "bronze", "visible": false});
    assert_eq!(admin.json(Method::PUT, "/t/acme/api/v1/abac/attributes/tier", &tier).status, 201);
    let ask =
        |client: Value, login: &str| check(&admin, json!({"userId": "alice", "loginId": login, "client": client}));
    assert_eq!(ask(json!("mobile"), "1"), json!({"complete": true, "session": {"tier": "bronze"}}));
    assert_eq!(ask(json!("web"), "2")["complete"], false);
    admin.set("alice", "tier", json!("gold"));
    assert_eq!(ask(json!(null), "3")["session"], json!({"tier": "gold"}));
    let own = server.user("alice").get("/t/acme/api/v1/abac/my-attributes").json();
    assert_eq!(own["attributes"], json!({}), "what is not visible to the user is not shown");
}

#[test]
fn rules_in_a_file_are_shown_and_not_changed_by_the_api() {
    let server = Setup::new().policy("acme/profiling.json", EXAMPLE).start();
    let admin = server.admin();
    assert_eq!(admin.get(RULES).json(), with_its_id(EXAMPLE));
    let answer = put_text(&admin, RULES, "[]");
    assert_eq!(answer.status, 409);
    assert!(answer.json()["detail"].as_str().unwrap().contains("profiling.json"));
}

#[test]
fn a_login_is_counted_once_however_often_it_is_reported() {
    let (server, admin, _) = asking(json!([]));
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let client = server.client(Some(token.trim()));
                (0..5).for_each(|_| drop(check(&client, json!({"userId": "bob", "loginId": "same"}))));
            });
        }
    });
    let rules = json!([{"fields": ["phone"], "condition": {"loginCount": 2}, "required": true}]);
    admin.json(Method::PUT, RULES, &rules);
    assert_eq!(check(&admin, json!({"userId": "bob", "loginId": "same"}))["complete"], true);
    assert_eq!(check(&admin, json!({"userId": "bob", "loginId": "next"}))["complete"], false);
    let stolen = json!({"userId": "mallory", "loginId": "next"});
    assert_eq!(admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &stolen).status, 422);
}

#[test]
fn claims_fill_in_and_never_overwrite_what_the_user_said() {
    let (server, admin, address) = asking(json!([]));
    let page = Page::open(&server, &address);
    assert_eq!(page.post(&page.good(), &[]).status, 303);
    let report = |claims: Value| check(&admin, json!({"userId": "alice", "loginId": "l2", "profile": claims}));
    report(json!({"phone_number": "+1 555 0100", "email": "a@example.com", "unheard_of": 1, "sub": "alice"}));
    let value =
        |slug: &str| admin.get(&format!("/t/acme/api/v1/abac/users/alice/attributes/{slug}")).json()["value"].clone();
    assert_eq!(value("phone"), "+49 30 901820");
    assert_eq!(value("email"), "a@example.com");
    let wrong = json!({"userId": "alice", "loginId": "l3", "profile": {"email": 7}});
    let answer = admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &wrong);
    assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &json!("/profile/email")));
}
