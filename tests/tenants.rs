//! A tenant never sees another's users, and a token counts in its own tenant only.

use http::Method;
use serde_json::json;

use crate::support::Setup;
use crate::support::client::question;

const ALLOW: &str = "allow everything { action any resource any when user.traits.plan == \"enterprise\" }";

#[test]
fn users_of_the_same_name_are_strangers() {
    let server = Setup::new().policy("other/a.policy", ALLOW).policy("acme/all.policy", ALLOW).start();
    server.admin().set("alice", "plan", json!("enterprise"));
    let app = |tenant: &str, scope: &str| {
        server.client(Some(&server.token(&["service-token", "--tenant", tenant, "--scope", scope])))
    };
    let ask = |tenant: &str, asked: &str| {
        app(tenant, "decide").json(
            Method::POST,
            &format!("/t/{asked}/access/v1/evaluation"),
            &question("alice", "x", "y"),
        )
    };
    assert_eq!(ask("acme", "acme").json()["decision"], true);
    assert_eq!(ask("other", "other").json()["decision"], false);
    // A token of one tenant is told the same about the other as about one that is not there.
    let (theirs, nobodys) = (ask("acme", "other"), ask("acme", "nobody"));
    assert_eq!((theirs.status, &theirs.body), (nobodys.status, &nobodys.body));
    assert_eq!(theirs.status, 404);

    let path = "/t/other/api/v1/abac/users/alice/attributes/plan";
    assert_eq!(app("acme", "admin").get(path).status, 404);
    assert_eq!(app("other", "admin").get(path).status, 404, "there is no such attribute in this tenant");
    assert_eq!(server.user("alice").get("/t/other/api/v1/abac/my-attributes").status, 404);
}

#[test]
fn the_root_paths_need_a_default_when_there_are_two_tenants() {
    let two = || Setup::new().policy("other/a.policy", ALLOW);
    let server = two().start();
    let ask = |server: &crate::support::Server| {
        server.admin().json(Method::POST, "/access/v1/evaluation", &question("alice", "x", "y")).status
    };
    assert_eq!(ask(&server), 404);
    let server = two().args(&["--default-tenant", "other"]).start();
    assert_eq!(ask(&server), 200);
}

#[test]
fn instance_tokens_count_everywhere() {
    let server = Setup::new().policy("other/a.policy", ALLOW).start();
    let token = server.token(&["service-token", "--instance", "--scope", "decide"]);
    let app = server.client(Some(&token));
    for tenant in ["acme", "other"] {
        let path = format!("/t/{tenant}/access/v1/evaluation");
        assert_eq!(app.json(Method::POST, &path, &question("alice", "x", "y")).status, 200);
    }
}
