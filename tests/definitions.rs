//! Definitions over the API: read, written, changed in part, and taken away; and what stands on them is not left behind
//! unless somebody says so.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup};

const ALL: &str = "/t/acme/api/v1/abac/attributes";
const SEATS: &str = "/t/acme/api/v1/abac/attributes/seats";
const PLAN: &str = "/t/acme/api/v1/abac/attributes/plan";
const RULES: &str = "/t/acme/api/v1/profiling/rules";
const SETTINGS: &str = "/t/acme/api/v1/profiling/settings";
const POLICY: &str = r#"
allow many_seats { action "read" resource "doc" when user.traits.seats > 5 }
deny few_seats { action "read" resource "doc" when user.traits.seats < 2 }
"#;

fn put(admin: &Client, path: &str, body: &Value) -> Answer {
    admin.json(Method::PUT, path, body)
}

fn codes(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].clone();
    errors.as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn definitions_are_made_changed_in_part_and_taken_away() {
    let server = Server::start();
    let admin = server.admin();
    let seats = json!({ "slug": "seats", "dataType": "number", "description": "How many" });
    let made = admin.json(Method::POST, ALL, &seats);
    assert_eq!((made.status.as_u16(), made.json()["description"].as_str()), (201, Some("How many")));
    assert_eq!(admin.json(Method::POST, ALL, &seats).status, 409, "it is there");
    assert_eq!(admin.json(Method::POST, ALL, &json!({ "slug": "email", "dataType": "string" })).status, 409);

    // The slug of the path is enough; another one is a mistake.
    assert_eq!(put(&admin, PLAN, &json!({ "dataType": "string" })).status, 201);
    let other = put(&admin, PLAN, &json!({ "slug": "plam", "dataType": "string" }));
    assert_eq!((other.status.as_u16(), codes(&other)), (422, vec!["other_slug".to_owned()]));

    let patch = |body: Value| admin.json(Method::PATCH, SEATS, &body);
    let patched = patch(json!({ "name": "Seats", "description": null, "allowedValues": [1, 5, 9] }));
    assert_eq!(patched.status, 200, "{patched:?}");
    let now = admin.get(SEATS).json();
    assert_eq!(now, patched.json());
    let expected = (json!("Seats"), json!(""), json!([1, 5, 9]), json!("number"));
    assert_eq!(
        (&now["name"], &now["description"], &now["allowedValues"], &now["dataType"]),
        (&expected.0, &expected.1, &expected.2, &expected.3)
    );
    assert_eq!(put(&admin, "/t/acme/api/v1/abac/users/alice/attributes/seats", &json!({ "value": 2 })).status, 422);
    for (wrong, pointer) in [
        (json!({ "slug": "chairs" }), "/slug"),
        (json!({ "dataType": "text" }), "/dataType"),
        (json!({ "dataType": null }), ""),
        (json!({ "default": 2 }), "/default"),
        (json!({ "color": "red" }), ""),
    ] {
        let answer = patch(wrong.clone());
        assert_eq!(answer.status, 422, "{wrong}: {answer:?}");
        assert!(answer.json()["errors"][0]["pointer"].as_str().unwrap().starts_with(pointer), "{wrong}: {answer:?}");
        assert_eq!(admin.get(SEATS).json(), now, "{wrong} changed nothing");
    }
    assert_eq!(admin.json(Method::PATCH, &format!("{ALL}/nothing"), &json!({})).status, 404);
    // A standard field is changed by a definition of the tenant's own, and is as it was at first without it.
    let email = format!("{ALL}/email");
    let before = admin.get(&email);
    assert_eq!(admin.json(Method::PATCH, &email, &json!({ "sensitive": true })).status, 200);
    assert_eq!(admin.get(&email).json()["sensitive"], true);
    assert_eq!(admin.delete(&email).status, 204);
    assert_eq!(admin.get(&email).json(), before.json());
    assert_eq!(admin.delete(&email).status, 404, "there is none of its own");
    assert_eq!(admin.delete(SEATS).status, 204);
    assert_eq!(admin.get(SEATS).status, 404);
}

#[test]
fn what_stands_on_a_definition_is_not_left_behind_by_mistake() {
    let server = Setup::new().policy("acme/seats.policy", POLICY).start();
    let admin = server.admin();
    let number = json!({ "dataType": "number", "writableBy": ["admin"] });
    assert_eq!(put(&admin, SEATS, &number).header("sidegate-touched"), "values=0, orphaned=0, policies=2, rules=0");
    let rules = json!([{ "fields": ["job_title"], "condition": { "when": "user.traits.seats > 3" } }]);
    assert_eq!(put(&admin, RULES, &rules).status, 200);
    for (user, seats) in [("alice", json!(1)), ("bob", json!(7)), ("carol", json!(2.5))] {
        admin.set(user, "seats", seats);
    }

    // A change that leaves nothing behind is made, and says what it touches.
    let words = admin.json(Method::PATCH, SEATS, &json!({ "description": "How many" }));
    assert_eq!(words.header("sidegate-touched"), "values=3, orphaned=0, policies=2, rules=1");
    let wider = admin.json(Method::PATCH, SEATS, &json!({ "allowedValues": [1, 2.5, 7, 9] }));
    assert_eq!(wider.header("sidegate-touched"), "values=3, orphaned=0, policies=2, rules=1");

    let before = admin.get(SEATS).json();
    let narrow = json!({ "allowedValues": [7, 9] });
    let refused = admin.json(Method::PATCH, SEATS, &narrow);
    assert_eq!((refused.status.as_u16(), codes(&refused)), (409, vec!["values_orphaned".to_owned()]));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("2 of 3 stored values are not as it says; with ?force"), "{detail}");
    assert_eq!(admin.get(SEATS).json(), before);

    let refused = admin.delete(SEATS);
    assert_eq!(refused.status, 409);
    assert_eq!(codes(&refused), ["values_orphaned", "policies_orphaned", "rules_orphaned"]);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("3 values are stored") && detail.contains("few_seats, many_seats"), "{detail}");
    assert_eq!(admin.get(SEATS).json(), before);
    // A profile field of that name is something else: what the policies read is gone.
    let moved = admin.json(Method::PATCH, SEATS, &json!({ "kind": "profile" }));
    assert_eq!(codes(&moved), ["values_orphaned", "policies_orphaned", "rules_orphaned"]);

    assert_eq!(admin.delete(&format!("{SEATS}?force=perhaps")).status, 400);
    assert_eq!(admin.delete(&format!("{SEATS}?forec=true")).status, 400);
    let forced = admin.json(Method::PATCH, &format!("{SEATS}?force"), &narrow);
    assert_eq!(forced.header("sidegate-touched"), "values=3, orphaned=2, policies=2, rules=1");
    assert!(admin.may("bob", "read", "doc"), "decisions go on from what is stored");
    let forced = admin.delete(&format!("{SEATS}?force=true"));
    assert_eq!(
        (forced.status.as_u16(), forced.header("sidegate-touched")),
        (204, "values=3, orphaned=3, policies=2, rules=1")
    );
    // Whoever defines it again is told of what is there.
    let again = put(&admin, SEATS, &json!({ "dataType": "string" }));
    assert_eq!(codes(&again)[0], "policies_disagree", "not even by force: {again:?}");
    let again = admin.json(Method::POST, ALL, &json!({ "slug": "seats", "dataType": "number", "allowedValues": [7] }));
    assert_eq!((again.status.as_u16(), codes(&again)), (409, vec!["values_orphaned".to_owned()]));
}

#[test]
fn thousands_of_stored_values_are_counted() {
    let server = Server::start();
    let admin = server.admin();
    let line = |number: usize| {
        let tags = if number.is_multiple_of(3) {
            format!("\"{}{number}\"", "x".repeat(90))
        } else {
            format!("{}", number % 5)
        };
        format!("{{\"userId\":\"u{number}\",\"traits\":{{\"tag\":{tags}}}}}\n")
    };
    let file: String = (0..4000).map(line).collect();
    let import = [("content-type", "application/x-ndjson")];
    assert_eq!(admin.send(Method::POST, "/t/acme/api/v1/users:import", &import, file).status, 200);
    let tag = format!("{ALL}/tag?force");
    let defined = put(&admin, &tag, &json!({ "dataType": "number" }));
    assert_eq!(defined.header("sidegate-touched"), "values=4000, orphaned=1334, policies=0, rules=0");
    let defined = put(&admin, &tag, &json!({ "dataType": "string" }));
    assert_eq!(defined.header("sidegate-touched"), "values=4000, orphaned=2666, policies=0, rules=0");
}

#[test]
fn nobody_undoes_what_they_have_not_seen() {
    let server = Server::start();
    let admin = server.admin();
    let things = [
        (PLAN, json!({ "dataType": "string" }), json!({ "dataType": "string", "name": "Plan" })),
        (RULES, json!([]), json!([{ "fields": ["job_title"], "condition": "always" }])),
        (
            SETTINGS,
            json!({ "enabled": true, "maxPromptsPerLogin": 1 }),
            json!({ "enabled": false, "maxPromptsPerLogin": 2 }),
        ),
    ];
    for (path, first, second) in things {
        assert_eq!(admin.get(path).header("etag"), "", "{path}: nothing is stored yet");
        let send = |body: &Value, condition: (&str, &str)| {
            admin.send(Method::PUT, path, &[("content-type", "application/json"), condition], body.to_string())
        };
        let made = send(&first, ("if-none-match", "*"));
        assert!(made.status.is_success(), "{path}: {made:?}");
        assert_eq!(send(&first, ("if-none-match", "*")).status, 412, "{path}");
        let seen = admin.get(path).header("etag").to_owned();
        assert_eq!(seen, made.header("etag"), "{path}");
        let changed = send(&second, ("if-match", &seen));
        assert_eq!(changed.status, 200, "{path}: {changed:?}");
        assert_eq!(send(&first, ("if-match", &seen)).status, 412, "{path}: somebody changed it");
        assert_eq!(admin.get(path).header("etag"), changed.header("etag"), "{path}");
    }
    let stale = [("if-match", "\"1\"")];
    assert_eq!(admin.send(Method::DELETE, PLAN, &stale, "").status, 412);
    let tag = admin.get(PLAN).header("etag").to_owned();
    assert_eq!(admin.send(Method::DELETE, &format!("{PLAN}?force"), &[("if-match", tag.as_str())], "").status, 204);
}

#[test]
fn definitions_in_a_file_are_changed_there() {
    let traits = r#"[{"slug": "seats", "dataType": "number"}]"#;
    let server = Setup::new().policy("acme/traits.json", traits).start();
    let admin = server.admin();
    assert_eq!(admin.get(SEATS).json()["dataType"], "number");
    let writes = [
        put(&admin, SEATS, &json!({ "dataType": "string" })),
        admin.json(Method::PATCH, SEATS, &json!({ "name": "x" })),
        admin.delete(&format!("{SEATS}?force")),
    ];
    for answer in writes {
        assert_eq!(answer.status, 409);
        assert!(answer.json()["detail"].as_str().unwrap().contains("traits.json: change them there"), "{answer:?}");
    }
}
