//! What else is asked besides one decision: a batch of them, and what a reverse proxy asks, beside a hyper server that answers a
//! constant.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

mod support;

use std::time::Duration;

use support::constant::{Constant, constant};
use support::load::{Way, YES, drive};
use support::{QUESTION, Sidegate, median, request, summary};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1500);
const ASKERS: usize = 16;
const BATCH: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match std::env::args().skip(1).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["constant", at] => runtime.block_on(constant(at)),
        _ => runtime.block_on(doors()),
    }
}

async fn doors() {
    let sidegate = Sidegate::start(100);
    let way = Way::Http1(sidegate.address);
    let theirs = Constant::start("http1", &way);
    let one = sidegate.question();
    let item = r#"{"resource":{"type":"report","id":"7"}}"#;
    let rest = QUESTION.trim_end_matches('}').to_owned() + "}";
    let body = format!("{},\"evaluations\":[{}]}}", rest, vec![item; BATCH].join(","));
    let batch = request("POST", "/t/acme/access/v1/evaluations", &sidegate.token, &body, "");
    let asked = "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.acme.example\r\n\
                 X-Forwarded-Uri: /reports/7?a=b\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let alice = sidegate.user_token("alice");
    let forward = request("GET", "/t/acme/authz/forward-auth", &alice, "", asked);
    let ways: [(&str, &[u8], &'static str, usize); 3] = [
        ("one decision", &one, YES, 1),
        ("a batch of 100", &batch, "{\"evaluations\":[{\"decision\":true", BATCH),
        ("forward-auth", &forward, "", 1),
    ];
    println!("{ROUNDS} rounds of {ROUND:?} each, alternating, {ASKERS} at once; medians, and the spread of the ratios");
    println!("microseconds are those of the server's processors for one decision\n");
    println!("{:>16} {:>13} {:>22} {:>10}", "", "decisions/s", "to the constant", "us");
    for (name, question, begins, items) in ways {
        let (mut per_second, mut ratios, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            let ours = drive(&sidegate.process, &way, "", (question, begins), ASKERS, ROUND).await;
            let their = drive(&theirs.process, &theirs.way, "", (&one, YES), ASKERS, ROUND).await;
            per_second.push(ours.per_second * items as f64);
            ratios.push(ours.per_second * items as f64 / their.per_second);
            cpu.push(ours.cpu / items as f64);
        }
        let (per_second, ratios, cpu) = (median(&mut per_second), summary(&mut ratios), median(&mut cpu));
        println!("{name:>16} {per_second:>13.0} {ratios:>22} {cpu:>10.1}");
    }
}
