//! HTTP/2 from clients, and what only HTTP/2 can hold: fields that become lines of HTTP/1.1 on the way to the app.

use super::app::field;
use super::frames;
use super::readings::{assert_open, no_path_reaches_the_app_on_a_reading_that_was_not_decided};
use super::scene::{Over, Proxy, Scene};

for_each_proxy! { it_is_decided_as_over_http1 }

fn it_is_decided_as_over_http1(proxy: Proxy) {
    let scene = Scene::start(proxy, Over::Http2);
    super::who_may(&scene);
    super::identity(&scene);
    super::spoofed(&scene);
    no_path_reaches_the_app_on_a_reading_that_was_not_decided(&scene);
    odd_requests(&scene);
}

/// What only HTTP/2 can hold.
pub fn odd_requests(scene: &Scene) {
    nothing_is_smuggled(scene);
    the_host_is_the_one_that_was_decided_about(scene);
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "app.acme.example");
const PATH: (&str, &str) = (":path", "/public/a");

/// What a client sends: fields, and a body if there is one.
type Sent<'s> = (Vec<(&'s str, &'s str)>, Option<&'s str>);

fn nothing_is_smuggled(scene: &Scene) {
    let plain = || (vec![METHOD, SCHEME, AUTHORITY, PATH], None);
    assert_eq!(reached(scene, &[plain()]), 1, "{:?}", scene.proxy);
    let bodies = bodies();
    let app = scene.app.address.to_string();
    let sent: Vec<_> = odd_fields().chain(odd_lines()).chain(odd_ends(&bodies)).chain(tunnels(&app)).collect();
    // Envoy takes a second to close a connection on which something was not right.
    for some in sent.chunks(64) {
        reached(scene, some);
    }
    // It still works, and nothing was left on the connections to the app.
    assert_eq!(reached(scene, &[plain()]), 1, "{:?}", scene.proxy);
}

fn send_all(scene: &Scene, sent: &[Sent<'_>]) {
    std::thread::scope(|threads| {
        for (fields, body) in sent {
            threads.spawn(move || frames::send(scene.address, fields, body.map(str::as_bytes)));
        }
    });
}

/// How many of them reach the app, each of which everybody may have.
fn reached(scene: &Scene, sent: &[Sent<'_>]) -> usize {
    send_all(scene, sent);
    let all = scene.app.seen();
    for seen in &all {
        assert!(!seen.contains("root"), "{:?}: one of {sent:?} reached the app: {seen}", scene.proxy);
        assert_open(scene, seen, &format!("one of {sent:?}"));
        assert_eq!(field(seen, "x-auth-tenant"), Some("acme"), "{:?}: one of {sent:?}: {seen}", scene.proxy);
    }
    all.len()
}

/// Fields that clients may not send, or not so, in three places.
fn odd_fields<'s>() -> impl Iterator<Item = Sent<'s>> {
    let odd = [
        ("x-auth-subject", "root"),
        ("X-Auth-Subject", "root"),
        ("x_auth_subject", "root"),
        ("x-auth_subject", "root"),
        ("x-auth-subject ", "root"),
        (" x-auth-subject", "root"),
        ("x-auth-subject:", "root"),
        (":x-auth-subject", "root"),
        ("x-auth-subject\0", "root"),
        ("x-a", "b\r\nX-Auth-Subject: root"),
        ("x-a", "b\nX-Auth-Subject: root"),
        ("x-a", "b\rX-Auth-Subject: root"),
        ("x-a", "b\0\r\n\r\nGET /admin HTTP/1.1\r\nHost: root\r\n\r\n"),
        ("x-a: b\r\nx-auth-subject", "root"),
        ("x-a\r\n\r\nGET /admin HTTP/1.1\r\nhost", "root"),
        ("cookie", "a=b\r\nX-Auth-Subject: root"),
        ("host", "app.acme.example\r\nX-Auth-Subject: root"),
        ("connection", "x-auth-subject, x-auth-tenant"),
        ("connection", "close, x-auth-tenant"),
        ("keep-alive", "x-auth-tenant"),
        ("proxy-connection", "x-auth-tenant"),
        ("te", "trailers, x-auth-tenant"),
        ("upgrade", "h2c"),
        ("trailer", "x-auth-subject"),
        (":path", "/admin"),
        (":method", "POST"),
        (":authority", "other.example"),
        (":protocol", "websocket"),
        (":status", "200"),
        ("", "root"),
    ];
    odd.into_iter().flat_map(|field| {
        let last = vec![METHOD, SCHEME, AUTHORITY, PATH, field];
        let first = vec![field, METHOD, SCHEME, AUTHORITY, PATH];
        [(last, None), (first, None), (vec![METHOD, SCHEME, field, AUTHORITY, PATH], None)]
    })
}

/// What a request line is made of, odd or not there.
fn odd_lines<'s>() -> impl Iterator<Item = Sent<'s>> {
    let odd = [
        (":path", "/public/a HTTP/1.1\r\nX-Auth-Subject: root\r\nX-A: b"),
        (":path", "/public/a HTTP/1.1\r\n\r\nGET /admin HTTP/1.1\r\nHost: root\r\n\r\n"),
        (":path", "/public/a\0/../../admin"),
        (":path", ""),
        (":method", "GET /admin HTTP/1.1\r\nX-Auth-Subject: root\r\nX-A: b"),
        (":method", "GET /admin?"),
        (":method", "GET\t/admin"),
        (":method", ""),
        (":scheme", "http://app.acme.example/admin?"),
        (":scheme", "https"),
        (":scheme", "http\r\nX-Auth-Subject: root"),
        (":scheme", ""),
        (":authority", "app.acme.example/admin?"),
        (":authority", "root@app.acme.example"),
        (":authority", "app.acme.example\r\nX-Auth-Subject: root"),
        (":authority", ""),
    ];
    odd.into_iter().flat_map(|(name, value)| {
        let all = [METHOD, SCHEME, AUTHORITY, PATH].into_iter();
        let others: Vec<_> = all.filter(|field| field.0 != name).collect();
        [([&others[..], &[(name, value)]].concat(), None), (others, None)]
    })
}

/// A request in the body of another: as it is, and behind the last chunk.
fn bodies() -> [String; 2] {
    let another = "GET /admin HTTP/1.1\r\nHost: app.acme.example\r\nX-Auth-Subject: root\r\n\r\n";
    [another.to_owned(), format!("0\r\n\r\n{another}")]
}

/// Where a body ends is what HTTP/2 says, and no field.
fn odd_ends([another, chunked]: &[String; 2]) -> impl Iterator<Item = Sent<'_>> {
    let odd = [
        (("content-length", "0"), another),
        (("content-length", "5"), another),
        (("content-length", "+83"), another),
        (("transfer-encoding", "chunked"), chunked),
        (("transfer-encoding", "xchunked"), chunked),
        (("transfer_encoding", "chunked"), chunked),
        (("x-a", "b"), another),
    ];
    odd.into_iter().map(|(field, body)| (vec![(":method", "POST"), SCHEME, AUTHORITY, PATH, field], Some(&**body)))
}

/// What follows would be no request that anybody decides about.
fn tunnels(app: &str) -> impl Iterator<Item = Sent<'_>> {
    let connect = (":method", "CONNECT");
    let extended = vec![connect, (":protocol", "websocket"), SCHEME, AUTHORITY, (":path", "/reports/7")];
    [vec![connect, AUTHORITY], vec![connect, (":authority", app)], extended].into_iter().map(|fields| (fields, None))
}

/// `/hosted` is for everybody on one host, and for nobody on another: an app that goes by the host must see that one.
fn the_host_is_the_one_that_was_decided_about(scene: &Scene) {
    const OPEN: (&str, &str) = (":authority", "open.acme.example");
    let (open, other) = (("host", OPEN.1), ("host", AUTHORITY.1));
    let hosted =
        |hosts: &[(&'static str, &'static str)]| ([&[METHOD, SCHEME, (":path", "/hosted")], hosts].concat(), None);
    let ask = |sent: &[Sent<'_>]| {
        send_all(scene, sent);
        let all = scene.app.seen();
        for seen in &all {
            assert_eq!(field(seen, "host"), Some(OPEN.1), "{:?}: one of {sent:?}: {seen}", scene.proxy);
        }
        all.len()
    };
    assert_eq!(ask(&[hosted(&[OPEN])]), 1, "{:?}", scene.proxy);
    assert_eq!(ask(&[hosted(&[AUTHORITY])]), 0, "{:?}", scene.proxy);
    ask(&[
        hosted(&[AUTHORITY, open]),
        hosted(&[OPEN, other]),
        hosted(&[open, other]),
        hosted(&[other, open]),
        hosted(&[OPEN, AUTHORITY]),
        hosted(&[AUTHORITY, OPEN]),
        hosted(&[AUTHORITY, ("x-forwarded-host", OPEN.1)]),
        hosted(&[AUTHORITY, ("forwarded", "host=open.acme.example")]),
    ]);
}
