//! The complete-profile page and the portal's door, held against attacks.

use http::Method;
use serde_json::{Value, json};

use crate::profiling::{EXAMPLE, RULES, check, put_text};
use crate::support::{Answer, Client, Server, Setup};

/// A server that asks alice two questions, and a ticket for her.
pub fn asking(origins: Value) -> (Server, Client, String) {
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
pub struct Page {
    client: Client,
    address: String,
    cookie: String,
    csrf: String,
}

impl Page {
    pub fn open(server: &Server, address: &str) -> Self {
        let client = server.client(None);
        let page = client.get(address);
        assert_eq!(page.status, 200, "{page:?}");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        let csrf =
            html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { client, address: address.to_owned(), cookie, csrf }
    }

    pub fn post(&self, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
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

    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    pub fn good(&self) -> Vec<(&str, &str)> {
        vec![("csrf", &self.csrf), ("f-job_title", "Engineer"), ("f-phone", "+49 30 901820"), ("action", "save")]
    }
}

fn job_title(admin: &Client) -> Option<String> {
    let answer = admin.get("/t/acme/api/v1/abac/users/alice/attributes/job_title");
    (answer.status == 200).then(|| answer.json()["value"].as_str().unwrap().to_owned())
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
    refused(&[("csrf", "AAAA"), ("f-job_title", "x"), ("f-phone", "+49 30 901820")], &[], 400);
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
    refused(&[("csrf", &page.csrf), ("f-job_title", " \u{200b}\u{feff} "), ("f-phone", "+49 30 901820")], &[], 422);
    refused(&[("csrf", &page.csrf), ("f-job_title", "x"), ("f-phone", "none")], &[], 422);
    let skip = [("csrf", page.csrf.as_str()), ("action", "skip")];
    refused(&skip, &[], 400);

    let saved = page.post(&page.good(), &[]);
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "https://app.example.com/cb?state=1"));
    assert_eq!(job_title(&admin).as_deref(), Some("Engineer"));
    let again = page.post(&[("csrf", &page.csrf), ("f-job_title", "Other"), ("f-phone", "+49 30 901820")], &[]);
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
    server.execute("UPDATE tickets SET expires_at = '2026-01-01T00:00:00Z'");
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

#[test]
fn pages_for_users_look_as_their_tenant_says() {
    let server = Server::start();
    let admin = server.app("admin");
    let settings = |appearance: Value| {
        let answer = admin.json(Method::PUT, "/t/acme/api/v1/settings", &json!({ "appearance": appearance }));
        (answer.status.as_u16(), answer.json())
    };
    let page = |path: &str| {
        let answer = server.client(None).get(&format!("/t/acme/account/{path}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    assert!(!page("complete-profile/").contains("appearance.css"));
    assert_eq!(settings(json!({ "name": "Acme <Inc>", "accent": "#7A1FA2", "accentDark": "#e1a5ff" })).0, 200);
    let shown = page("complete-profile/");
    assert!(shown.contains("/t/acme/account/appearance.css") && shown.contains("Acme &#60;Inc&#62;"), "{shown}");
    let css = page("appearance.css");
    assert!(css.contains("--accent: #7a1fa2; --accent-text: #ffffff;"), "{css}");
    assert!(css.contains("--accent: #e1a5ff; --accent-text: #000000;"), "{css}");
    // What nobody could read is refused.
    for (appearance, pointer) in [
        (json!({ "accent": "#ffee00" }), "/appearance/accent"),
        (json!({ "accentDark": "#101010" }), "/appearance/accentDark"),
        (json!({ "accent": "blue" }), "/appearance/accent"),
        (json!({ "name": "a\nb" }), "/appearance/name"),
    ] {
        let (status, body) = settings(appearance);
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}
