//! Nobody promotes themselves, whatever order things are changed in; and what a login may ask.

use http::Method;
use serde_json::{Value, json};

use crate::complete_profile::Page;
use crate::profiling::{EXAMPLE, RULES, check};
use crate::support::{Server, Setup};

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

const OWN_PLAN: &str = r#"[{"slug": "plan", "dataType": "string", "writableBy": ["user"]}]"#;
const ADMINS_PLAN: &str = r#"[{"slug": "plan", "dataType": "string", "writableBy": ["admin"]}]"#;

#[test]
fn a_refused_set_changes_neither_definitions_nor_settings() {
    let settings = r#"{"returnOrigins": ["https://app.example.com"]}"#;
    let server = Setup::new().policy("acme/traits.json", ADMINS_PLAN).policy("acme/tenant.json", settings).start();
    let admin = server.admin();
    let ready = || server.client(None).get("/readyz").json();
    // The policy in force decides by the plan, so the set in which users write it is refused as a whole.
    server.write_policy("acme/traits.json", OWN_PLAN);
    crate::support::eventually("degraded", || ready()["status"] == "degraded");
    let rule = json!([{"fields": ["plan"], "condition": "missing"}]);
    assert_eq!(admin.json(Method::PUT, RULES, &rule).status, 422, "users still may not write it");
    server.write_policy("acme/traits.json", "[{");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let wrong_type = admin.json(Method::PUT, "/t/acme/api/v1/abac/users/a/attributes/plan", &json!({"value": 5}));
    assert_eq!(wrong_type.status, 422, "the last good definitions stay in force");
    server.write_policy("acme/traits.json", ADMINS_PLAN);
    crate::support::eventually("ready", || ready()["status"] == "ready");
}

#[test]
fn rules_that_never_were_good_are_no_completeness() {
    let broken = r#"[{"fields": ["nothing_like_this"], "condition": "missing", "required": true}]"#;
    let server = Setup::new().policy("acme/profiling.json", broken).start();
    let admin = server.admin();
    let answer = admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &json!({"userId": "a", "loginId": "1"}));
    assert_eq!(answer.status, 503);
    assert!(answer.json()["detail"].as_str().unwrap().contains("nothing_like_this"), "{answer:?}");
    let ready = server.client(None).get("/readyz");
    assert_eq!(ready.status, 503);
    let (output, _, err) =
        crate::support::run(crate::support::sidegate().arg("check").arg(server.policies().join("acme")));
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("profiling.json") && err.contains("define it first"), "{err}");
    // Mended, it is asked; and definitions can be changed beside it.
    server.write_policy("acme/profiling.json", EXAMPLE);
    crate::support::eventually("ready", || server.client(None).get("/readyz").status == 200);
    let definition = json!({"slug": "team", "dataType": "string"});
    assert_eq!(admin.json(Method::PUT, "/t/acme/api/v1/abac/attributes/team", &definition).status, 201);
}

#[test]
fn what_users_wrote_while_they_might_decides_nothing_afterwards() {
    let policies = r#"
        allow by_tier { action "x" resource any when user.traits.tier == "gold" }
        deny unless_silver { action "y" resource any when user.traits.tier != "silver" }
        allow y { action "y" resource any }
    "#;
    let server = Setup::new().start();
    let admin = server.admin();
    let tier = |writers: Value| json!({"slug": "tier", "dataType": "string", "writableBy": writers});
    let path = "/t/acme/api/v1/abac/attributes/tier";
    assert_eq!(admin.json(Method::PUT, path, &tier(json!(["user"]))).status, 201);
    let rule = json!([{"fields": ["tier"], "condition": "missing", "required": true}]);
    assert_eq!(admin.json(Method::PUT, RULES, &rule).status, 200);
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({"enabled": true}));
    let checked = check(&admin, json!({"userId": "mallory", "loginId": "1"}));
    let address =
        checked["redirectTo"].as_str().unwrap().split_once("/t/").map(|(_, rest)| format!("/t/{rest}")).unwrap();
    let page = Page::open(&server, &address);
    assert!(page.post(&[("csrf", page.csrf()), ("f-tier", "gold"), ("action", "save")], &[]).status.as_u16() < 400);
    admin.json(Method::PUT, RULES, &json!([]));
    assert_eq!(admin.json(Method::PUT, path, &tier(json!(["admin"]))).status, 200);
    server.write_policy("acme/tier.policy", policies);
    let app = server.app("decide");
    let decided = |action: &str| app.ask("mallory", action, "any").json()["context"]["policies"].clone();
    crate::support::eventually("the policies", || decided("y") == json!(["unless_silver"]));
    assert!(!app.may("mallory", "x", "any"), "it does not grant");
    admin.set("mallory", "tier", json!("silver"));
    assert!(app.may("mallory", "y", "any"), "an admin's word counts");
}

#[test]
fn all_traits_at_once_are_guarded_too() {
    let server =
        Setup::new().policy("acme/traits.json", r#"[{"slug": "tier", "dataType": "string", "writableBy": ["user"]}]"#);
    let server =
        server.policy("acme/all.policy", "allow sly { action any resource any when user.traits == resource.wanted }");
    let (output, _, err) =
        crate::support::run(crate::support::sidegate().arg("check").arg(server.folder().join("policies/acme")));
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("`sly` decides by user.traits.tier"), "{err}");
    let folder = tempfile::tempdir().unwrap();
    for (definitions, says) in [
        (r#"[{"slug": "traits", "kind": "profile", "dataType": "json"}]"#, "is taken"),
        (r#"[{"slug": "a", "dataType": "string"}, {"slug": "a", "dataType": "number"}]"#, "twice"),
        (r#"[{"slug": "a", "dataType": "string", "default": 5}]"#, "must be a string"),
        (r#"[{"slug": "a", "dataTyp": "string"}]"#, "there is no `dataTyp`"),
    ] {
        std::fs::write(folder.path().join("traits.json"), definitions).unwrap();
        let (_, _, err) = crate::support::run(crate::support::sidegate().arg("check").arg(folder.path()));
        assert!(err.contains(says), "{definitions}: {err}");
    }
}

#[test]
fn one_login_belongs_to_one_user_even_in_a_race() {
    let server = Server::start();
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    for round in 0..crate::support::count(5, 50) {
        let ask = |user: &'static str| {
            let (server, token) = (&server, token.trim());
            move || {
                let body = json!({"userId": user, "loginId": format!("race-{round}"), "profile": {"name": user}});
                server.client(Some(token)).json(Method::POST, "/t/acme/api/v1/profiling/check", &body).status.as_u16()
            }
        };
        let statuses = std::thread::scope(|scope| {
            let (a, b) = (scope.spawn(ask("alice")), scope.spawn(ask("bob")));
            [a.join().unwrap(), b.join().unwrap()]
        });
        assert!(statuses.contains(&200) && statuses.contains(&422), "{statuses:?}");
    }
}

#[test]
fn optional_rules_are_counted_and_required_ones_are_not() {
    let server = Server::start();
    let admin = server.admin();
    let rules = json!([
        {"fields": ["company"], "condition": "missing", "required": true},
        {"fields": ["nickname"], "condition": "missing", "maxSkips": 2, "snoozeDays": 0},
        {"fields": ["job_title"], "condition": "missing"},
    ]);
    assert_eq!(admin.json(Method::PUT, RULES, &rules).status, 200);
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({"enabled": true}));
    let report = || check(&admin, json!({"userId": "alice", "loginId": "1"}));
    let open = |checked: &Value| {
        let address = checked["redirectTo"].as_str().unwrap().split_once("/t/").unwrap().1.to_owned();
        Page::open(&server, &format!("/t/{address}"))
    };
    let first = open(&report());
    first.post(&[("csrf", first.csrf()), ("f-company", "Acme"), ("action", "save")], &[]);
    let asked = report();
    assert_eq!(asked["fields"], json!(["nickname"]), "a required rule does not use up the login");
    // Two tickets of one login are one skip.
    let (one, two) = (open(&asked), open(&report()));
    for page in [&one, &two] {
        page.post(&[("csrf", page.csrf()), ("action", "skip")], &[]);
    }
    assert_eq!(report()["complete"], true, "one optional rule was shown");
    let next = check(&admin, json!({"userId": "alice", "loginId": "2"}));
    assert_eq!(next["fields"], json!(["nickname"]), "it was skipped once, not twice");
}

#[test]
fn what_is_confirmed_as_it_stands_keeps_its_author() {
    let server = Server::start();
    let admin = server.admin();
    admin.set("alice", "company", json!("Acme"));
    let rules = json!([{"fields": ["company"], "condition": "always", "confirm": true}]);
    assert_eq!(admin.json(Method::PUT, RULES, &rules).status, 200);
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({"enabled": true}));
    let checked = check(&admin, json!({"userId": "alice", "loginId": "1"}));
    let address = checked["redirectTo"].as_str().unwrap().split_once("/t/").unwrap().1.to_owned();
    let page = Page::open(&server, &format!("/t/{address}"));
    assert!(page.post(&[("csrf", page.csrf()), ("f-company", "Acme"), ("action", "save")], &[]).status.as_u16() < 400);
    let policy = r#"allow admins_word { action "z" resource any when user.company == "Acme" AND NOT self_asserted(user.company) }"#;
    server.write_policy("acme/company.policy", policy);
    let app = server.app("decide");
    crate::support::eventually("the policy", || app.may("alice", "z", "any"));
}
