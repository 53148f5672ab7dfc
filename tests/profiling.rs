//! Rules: a truth table of what asks when, the check at a login, and attacks on the page.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sidegate::model::{Definitions, Object, ProfilingSettings, PromptState, Rule, UserRecord};
use sidegate::profiling::{RuleSet, Visit, ask};

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
        let rules = RuleSet::compile(vec![rule], &Definitions::default(), None).unwrap();
        let company = if self.filled { "\"company\": \"Acme\", " } else { "" };
        let facts = format!("{{\"id\": \"alice\", {company}\"traits\": {{\"plan\": \"pro\"}}}}");
        let mut login = Object::new();
        login.set("count", sidegate::model::Value::Int(self.login));
        // Late on the day of the first login, so that whole days are days of the calendar.
        login
            .set("first_at", sidegate::model::Value::Time(now + jiff::SignedDuration::from_hours(23) - day(self.days)));
        let record =
            UserRecord { facts: Object::parse(&facts).unwrap().into_owned(), login, self_asserted: Vec::new() };
        let state = PromptState {
            skips: self.skips,
            snoozed_until: self.snoozed.map(|days| now + day(days)),
            done_at_login: self.done_now.then(|| "l".to_owned()),
        };
        let states = HashMap::from([(rules.rules[0].id.clone(), state)]);
        let prompted = self.prompted;
        let visit =
            Visit { user: "alice", record: &record, states: &states, login_id: "l", client: None, prompted, now };
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

const EXAMPLE: &str = r#"[{"fields": ["job_title", "phone"], "condition": "missing", "required": true,
  "title": "Help us personalize your experience", "description": "Just a couple of quick questions."}]"#;
const RULES: &str = "/t/acme/api/v1/profiling/rules";

fn put_text(client: &Client, path: &str, text: &str) -> Answer {
    client.send(Method::PUT, path, &[("content-type", "application/json")], text.to_owned())
}

fn check(client: &Client, body: Value) -> Value {
    let answer = client.json(Method::POST, "/t/acme/api/v1/profiling/check", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// A server that asks alice two questions, and a ticket for her.
fn asking(origins: Value) -> (Server, Client, String) {
    let settings = json!({"returnOrigins": origins, "defaultReturn": "https://app.example.com/home"});
    let server = Setup::new().policy("acme/tenant.json", &settings.to_string()).start();
    let admin = server.admin();
    assert_eq!(put_text(&admin, RULES, EXAMPLE).status, 200);
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({"enabled": true}));
    let address = ticket(&server, &admin, "l1", "https://app.example.com/cb?state=1");
    (server, admin, address)
}

fn ticket(server: &Server, admin: &Client, login: &str, return_to: &str) -> String {
    let checked = check(admin, json!({"userId": "alice", "loginId": login, "returnTo": return_to}));
    let address = checked["redirectTo"].as_str().unwrap_or_else(|| panic!("{checked}")).to_owned();
    address.strip_prefix(&format!("http://{}", server.address)).unwrap().to_owned()
}

/// A browser of sorts: opens a page, keeps its cookie and its token.
struct Page {
    client: Client,
    address: String,
    cookie: String,
    csrf: String,
}

impl Page {
    fn open(server: &Server, address: &str) -> Self {
        let client = server.client(None);
        let page = client.get(address);
        assert_eq!(page.status, 200, "{page:?}");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        let csrf =
            html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { client, address: address.to_owned(), cookie, csrf }
    }

    fn post(&self, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut all = vec![("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        if !headers.iter().any(|(name, _)| *name == "cookie") {
            all.push(("cookie", &self.cookie));
        }
        self.client.send(Method::POST, &self.address, &all, form.finish())
    }

    fn good<'p>(&'p self) -> Vec<(&'p str, &'p str)> {
        vec![("csrf", &self.csrf), ("job_title", "Engineer"), ("phone", "+49 30 901820"), ("action", "save")]
    }
}

fn job_title(admin: &Client) -> Option<String> {
    let answer = admin.get("/t/acme/api/v1/abac/users/alice/attributes/job_title");
    (answer.status == 200).then(|| answer.json()["value"].as_str().unwrap().to_owned())
}

#[test]
fn the_example_works_word_for_word_on_an_empty_tenant() {
    let server = Server::start();
    let admin = server.admin();
    let answer = put_text(&admin, RULES, EXAMPLE);
    assert_eq!((answer.status.as_u16(), answer.json()), (200, serde_json::from_str(EXAMPLE).unwrap()));
    assert_eq!(admin.get(RULES).json(), serde_json::from_str::<Value>(EXAMPLE).unwrap());
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
    refused(json!([{"fields": ["phone"], "condition": {"loginCount": "2"}}]), "/0/condition/loginCount", "u64");
    refused(
        json!([{"fields": ["phone"], "condition": "missing", "requird": true}]),
        "/0/requird",
        "did you mean `required`?",
    );
    refused(json!([{"condition": "missing"}]), "/0", "missing field `fields`");
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
    assert_eq!(admin.get(RULES).json(), serde_json::from_str::<Value>(EXAMPLE).unwrap());
}

#[test]
fn rules_in_a_file_are_shown_and_not_changed_by_the_api() {
    let server = Setup::new().policy("acme/profiling.json", EXAMPLE).start();
    let admin = server.admin();
    assert_eq!(admin.get(RULES).json(), serde_json::from_str::<Value>(EXAMPLE).unwrap());
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

#[test]
fn users_do_not_promote_themselves() {
    let server = Server::start();
    let admin = server.admin();
    let path = "/t/acme/api/v1/abac/attributes/plan";
    let plan = |writers: Value, counts: bool| json!({"slug": "plan", "dataType": "string", "writableBy": writers, "grantsWhenSelfAsserted": counts});
    let refused = admin.json(Method::PUT, path, &plan(json!(["admin", "user"]), false));
    assert_eq!(refused.status, 422);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("`enterprise_export` decides by user.traits.plan"), "{detail}");
    assert_eq!(admin.json(Method::PUT, path, &plan(json!(["admin", "user"]), true)).status, 201);
    let rule = json!([{"fields": ["plan"], "condition": "missing"}]);
    assert_eq!(admin.json(Method::PUT, RULES, &rule).status, 200);
    let refused = admin.json(Method::PUT, path, &plan(json!(["admin"]), false));
    assert!(refused.json()["detail"].as_str().unwrap().contains("rules"), "{:?}", refused);

    // A policy that would decide by it is never put in force.
    let company = r#"allow by_company { action any resource any when user.company == "Acme" }"#;
    server.write_policy("acme/company.policy", company);
    let ready = || server.client(None).get("/readyz").json();
    crate::support::eventually("degraded", || ready()["status"] == "degraded");
    assert!(ready()["reasons"][0].as_str().unwrap().contains("which users write about themselves"), "{}", ready());
    server.write_policy("acme/company.policy", &company.replace("when", "when NOT self_asserted(user.company) AND"));
    crate::support::eventually("ready", || ready()["status"] == "ready");
}

#[test]
fn answers_are_saved_once_and_only_by_the_page() {
    let (server, admin, address) = asking(json!(["https://app.example.com"]));
    let page = Page::open(&server, &address);
    let refused = |fields: &[(&str, &str)], headers: &[(&str, &str)], status: u16| {
        let answer = page.post(fields, headers);
        assert_eq!(answer.status, status, "{fields:?} {headers:?}: {answer:?}");
        assert_eq!(job_title(&admin), None, "nothing was written");
    };
    let mut injected = page.good();
    injected.push(("plan", "enterprise"));
    refused(&injected, &[], 400);
    refused(&page.good()[1..], &[], 400);
    refused(&[("csrf", "AAAA"), ("job_title", "x"), ("phone", "+49 30 901820")], &[], 400);
    refused(&page.good(), &[("sec-fetch-site", "cross-site")], 403);
    refused(&page.good(), &[("sec-fetch-site", "same-site")], 403);
    refused(&page.good(), &[("sec-fetch-site", ""), ("origin", "https://evil.example")], 403);
    refused(&page.good(), &[("sec-fetch-site", ""), ("origin", "null")], 403);
    refused(&page.good(), &[("sec-fetch-site", "")], 403);
    refused(&page.good(), &[("content-type", "text/plain")], 403);
    refused(&page.good(), &[("cookie", "a=b")], 403);
    refused(&page.good(), &[("cookie", "__Host-sidegate-acme-browser=guessed")], 403);
    let fixed = format!("{}; __Host-sidegate-acme-browser=planted", page.cookie);
    refused(&page.good(), &[("cookie", &fixed)], 403);
    refused(&[("csrf", &page.csrf), ("job_title", " \u{200b}\u{feff} "), ("phone", "+49 30 901820")], &[], 422);
    refused(&[("csrf", &page.csrf), ("job_title", "x"), ("phone", "none")], &[], 422);
    let skip = [("csrf", page.csrf.as_str()), ("action", "skip")];
    refused(&skip, &[], 400);

    let saved = page.post(&page.good(), &[]);
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "https://app.example.com/cb?state=1"));
    assert_eq!(job_title(&admin).as_deref(), Some("Engineer"));
    let again = page.post(&[("csrf", &page.csrf), ("job_title", "Other"), ("phone", "+49 30 901820")], &[]);
    assert_eq!(again.status, 200, "this is done");
    assert_eq!(job_title(&admin).as_deref(), Some("Engineer"));
    assert_eq!(check(&admin, json!({"userId": "alice", "loginId": "l1"}))["complete"], true);
}

#[test]
fn a_ticket_belongs_to_its_tenant_and_its_first_browser() {
    let (server, _, address) = asking(json!([]));
    assert_eq!(server.client(None).get(&address.replace("/t/acme/", "/t/other/")).status, 404);
    let page = Page::open(&server, &address);
    let thief = server.client(None).get(&address);
    assert_eq!(thief.status, 403);
    assert!(thief.headers.get("set-cookie").is_none());
    let own = server.client(None).send(Method::GET, &address, &[("cookie", &page.cookie)], "");
    assert_eq!(own.status, 200);
    for header in ["content-security-policy", "x-frame-options", "referrer-policy", "x-content-type-options"] {
        assert!(!own.header(header).is_empty(), "{header}");
    }
    assert!(own.header("content-security-policy").contains("frame-ancestors 'none'"));
    for broken in [
        address.replace("eyJ", "eyK"),
        format!("{address}A"),
        address.split('?').next().unwrap().to_owned() + "?ticket=",
    ] {
        assert_eq!(server.client(None).get(&broken).status, 404, "{broken}");
    }
}

#[test]
fn a_ticket_whose_time_is_over_saves_nothing() {
    let (server, admin, address) = asking(json!([]));
    let page = Page::open(&server, &address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = format!("sqlite://{}", server.data().join("sidegate.db").display());
        let pool = sqlx::sqlite::SqlitePool::connect(&path).await.unwrap();
        let expired =
            sqlx::query("UPDATE tickets SET expires_at = '2026-01-01T00:00:00Z'").execute(&pool).await.unwrap();
        assert_eq!(expired.rows_affected(), 1);
        pool.close().await;
    });
    assert_eq!(page.post(&page.good(), &[]).status, 410);
    assert_eq!(page.client.get(&address).status, 410);
    assert_eq!(job_title(&admin), None);
}

#[test]
fn users_are_sent_back_only_where_the_tenant_says() {
    let (server, admin, _) = asking(json!(["https://app.example.com", "http://127.0.0.1:3000"]));
    let home = "https://app.example.com/home";
    let shapes = [
        ("https://app.example.com/cb?state=1#x", "https://app.example.com/cb?state=1#x"),
        ("https://APP.example.com:443/cb", "https://app.example.com/cb"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
        ("", home),
        ("/", home),
        ("/cb", home),
        ("cb", home),
        ("//app.example.com/", home),
        ("///evil.example", home),
        ("\\\\evil.example", home),
        ("/\\evil.example", home),
        ("https:evil.example", home),
        ("https:/\\evil.example", home),
        ("https://evil.example/", home),
        ("http://app.example.com/", home),
        ("https://app.example.com:444/", home),
        ("https://app.example.com:80/", home),
        ("https://app.example.com.evil.example/", home),
        ("https://evilapp.example.com/", home),
        ("https://app.example.com@evil.example/", home),
        ("https://app.example.com:443@evil.example/", home),
        ("https://user@app.example.com/", home),
        ("https://user:pw@app.example.com/", home),
        ("https://app.example.com%2eevil.example/", home),
        ("https://app.example.com%00.evil.example/", home),
        ("https://app.example.com\\@evil.example/", home),
        ("https://evil.example\\@app.example.com/", home),
        ("https://evil.example#@app.example.com/", home),
        ("https://evil.example?@app.example.com/", home),
        ("javascript:alert(1)", home),
        ("JaVaScRiPt:alert(1)", home),
        ("data:text/html,x", home),
        ("file:///etc/passwd", home),
        ("ftp://app.example.com/", home),
        ("blob:https://app.example.com/x", home),
        (" https://app.example.com/cb", home),
        ("https://app.example.com/\tcb", home),
        ("https://app.example.com/\r\nSet-Cookie: a=b", home),
        ("java\nscript:alert(1)", home),
        ("https://\u{430}pp.example.com/", home),
        ("https://app\u{3002}example.com.evil/", home),
        ("https://app.example.com\u{200b}/", home),
        ("http://127.0.0.1:3000@evil.example/", home),
        ("http://localhost:3000/", home),
        ("http://[::ffff:127.0.0.1]:3000/", home),
        ("https://app.example.com./", home),
    ];
    for (number, (wanted, sent)) in shapes.iter().enumerate() {
        let address = ticket(&server, &admin, &format!("shape-{number}"), wanted);
        let page = Page::open(&server, &address);
        let answer = page.post(&page.good(), &[]);
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, *sent), "{wanted:?}");
        for slug in ["job_title", "phone"] {
            admin.delete(&format!("/t/acme/api/v1/abac/users/alice/attributes/{slug}"));
        }
    }
    // Not back to the page itself, and not to another tenant's origin.
    let own = format!("http://{}/t/acme/account/complete-profile/", server.address);
    let page = Page::open(&server, &ticket(&server, &admin, "loop", &own));
    assert_eq!(page.post(&page.good(), &[]).header("location"), home);
}

#[test]
fn a_link_into_the_portal_counts_once_and_only_from_its_own_page() {
    let server = Server::start();
    let link = server.banner.lines().find(|line| line.contains("/portal/sign-in?link=")).unwrap().to_owned();
    let path = link.strip_prefix(&format!("http://{}", server.address)).unwrap();
    let (address, secret) = path.split_once("?link=").unwrap();
    let browser = server.client(None);
    let form = format!("link={secret}");
    let post = |site: &str| {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", site)];
        browser.send(Method::POST, address, &headers, form.clone())
    };
    // Login CSRF: another site cannot sign a victim in with the attacker's link.
    assert_eq!(post("cross-site").status, 410);
    assert_eq!(browser.get(path).status, 200, "looking at it does not use it up");
    let signed_in = post("same-origin");
    assert_eq!(signed_in.status, 303);
    let cookie = signed_in.header("set-cookie").to_owned();
    for part in ["__Host-sidegate-acme-portal=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(post("same-origin").status, 410);
    assert_eq!(browser.get(path).status, 410);
    // Session fixation: a session is what the server made at the sign-in, nothing that was there before.
    let cookie = cookie.split(';').next().unwrap();
    let get = |cookie: &str| browser.send(Method::GET, "/t/acme/portal/users", &[("cookie", cookie)], "").status;
    assert_eq!(get("__Host-sidegate-acme-portal=planted"), 401);
    assert_eq!(get(cookie), 200);
    assert_eq!(get(&format!("{cookie}; __Host-sidegate-acme-portal=planted")), 401);
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin"), ("cookie", cookie)];
    let forged = browser.send(
        Method::POST,
        "/t/acme/portal/users/alice/360",
        &headers,
        "slug=plan&type=string&value=x&action=set&csrf=x",
    );
    assert_eq!(forged.status, 403);
}
