//! What else is asked besides one decision: a batch of them, and what a reverse proxy asks, each beside a hyper server of the same
//! protocol that answers a constant.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

mod support;

use std::time::Duration;

use support::constant::{Constant, constant};
use support::load::{Way, YES, drive};
use support::{QUESTION, Sidegate, grpc, median, request, summary};

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

/// A way in, with a question and how its answer begins.
struct Door<'a> {
    name: &'a str,
    way: &'a Way,
    asked: (&'a [u8], &'static str),
    /// Decisions for an answer.
    items: usize,
    constant: &'a Constant,
    of_constant: (&'a [u8], &'static str),
}

async fn doors() {
    let sidegate = Sidegate::start(100);
    let one = sidegate.question();
    let item = r#"{"resource":{"type":"report","id":"7"}}"#;
    let rest = QUESTION.trim_end_matches('}').to_owned() + "}";
    let body = format!("{},\"evaluations\":[{}]}}", rest, vec![item; BATCH].join(","));
    let batch = request("POST", "/t/acme/access/v1/evaluations", &sidegate.token, &body, "");
    let asked = "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.acme.example\r\n\
                 X-Forwarded-Uri: /reports/7?a=b\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let alice = sidegate.user_token("alice");
    let forward = request("GET", "/t/acme/authz/forward-auth", &alice, "", asked);
    let check = grpc::question(&alice);
    let (http1, over_grpc) = (Way::Http1(sidegate.address), Way::Grpc(sidegate.address));
    let (constant, constant_grpc) = (Constant::start("http1", &http1), Constant::start("grpc", &over_grpc));
    let plain = |name, question, begins, items| Door {
        name,
        way: &http1,
        asked: (question, begins),
        items,
        constant: &constant,
        of_constant: (&one, YES),
    };
    let doors = [
        plain("one decision", &one, YES, 1),
        plain("a batch of 100", &batch, "{\"evaluations\":[{\"decision\":true", BATCH),
        plain("forward-auth", &forward, "", 1),
        Door {
            name: "gRPC check",
            way: &over_grpc,
            asked: (&check, ""),
            items: 1,
            constant: &constant_grpc,
            of_constant: (&check, ""),
        },
    ];
    println!("{ROUNDS} rounds of {ROUND:?} each, alternating, {ASKERS} at once; medians, and the spread of the ratios");
    println!("microseconds are those of the server's processors for one decision\n");
    println!("{:>16} {:>13} {:>22} {:>10}", "", "decisions/s", "to the constant", "us");
    for Door { name, way, asked, items, constant, of_constant } in doors {
        let (mut per_second, mut ratios, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            let ours = drive(&sidegate.process, way, "", asked, ASKERS, ROUND).await;
            let their = drive(&constant.process, &constant.way, "", of_constant, ASKERS, ROUND).await;
            per_second.push(ours.per_second * items as f64);
            ratios.push(ours.per_second * items as f64 / their.per_second);
            cpu.push(ours.cpu / items as f64);
        }
        let (per_second, ratios, cpu) = (median(&mut per_second), summary(&mut ratios), median(&mut cpu));
        println!("{name:>16} {per_second:>13.0} {ratios:>22} {cpu:>10.1}");
    }
}
