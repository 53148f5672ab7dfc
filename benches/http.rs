//! Decisions over HTTP, beside a hyper server that answers a constant.
//!
//! Both run as processes of their own on this machine, driven alternately by one client, so that noise meets both.
//! What counts is the ratio: how much of what hyper can do is left when the answer is a decision.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

mod support;

use std::time::Duration;

use support::constant::{Constant, constant};
use support::load::{Way, YES, drive};
use support::{Sidegate, median, summary, write_policies};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1500);
fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["constant", at] => runtime.block_on(constant(at)),
        ["reload", ..] => runtime.block_on(reload()),
        _ => {
            tables(&runtime);
            runtime.block_on(reload());
        }
    }
}

fn tables(runtime: &tokio::runtime::Runtime) {
    println!("{ROUNDS} rounds of {ROUND:?} each, alternating; medians, and the spread of the ratios");
    println!("microseconds are those of the server's processors for one answer\n");
    let row = |cells: [&str; 9]| {
        let [policies, way, askers, ours, theirs, ratio, tail, cpu, their_cpu] = cells;
        println!(
            "{policies:>8} {way:>6} {askers:>7} {ours:>11} {theirs:>11} {ratio:>18} {tail:>18} {cpu:>9} {their_cpu:>9}"
        );
    };
    row(["policies", "over", "at once", "sidegate/s", "constant/s", "throughput ratio", "p99 ratio", "us", "us"]);
    for policies in [1, 100, 1_000, 10_000] {
        let sidegate = Sidegate::start(policies);
        let socket = sidegate.folder().join("constant");
        let ways = [
            ("http/1", Way::Http1(sidegate.address), "http1".to_owned(), [64, 1]),
            ("http/2", Way::Http2(sidegate.address), "http2".to_owned(), [64, 1]),
            ("unix", Way::Unix(sidegate.socket.clone()), socket.display().to_string(), [64, 1]),
        ];
        // The number of policies makes no difference to how connections are made.
        let ways = if policies == 1 { &ways[..] } else { &ways[..1] };
        for (name, way, constant, askers) in ways {
            let constant = Constant::start(constant, way);
            for askers in askers {
                let (ours, theirs, ratio, tail, cpu) = runtime.block_on(compare(&sidegate, way, &constant, *askers));
                let whole = |number: f64| format!("{number:.0}");
                let cpu = cpu.map(|micros| format!("{micros:.1}"));
                let (policies, askers) = (policies.to_string(), askers.to_string());
                row([&policies, name, &askers, &whole(ours), &whole(theirs), &ratio, &tail, &cpu[0], &cpu[1]]);
            }
        }
    }
}

async fn compare(
    sidegate: &Sidegate,
    way: &Way,
    constant: &Constant,
    askers: usize,
) -> (f64, f64, String, String, [f64; 2]) {
    let question = sidegate.question();
    let ours = || drive(&sidegate.process, way, &sidegate.token, (&question, YES), askers, ROUND);
    let theirs = || drive(&constant.process, &constant.way, &sidegate.token, (&question, YES), askers, ROUND);
    ours().await;
    theirs().await;
    let (mut per_second, mut constant, mut ratios, mut tails) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut cpu, mut their_cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (our, their) = (ours().await, theirs().await);
        ratios.push(our.per_second / their.per_second);
        tails.push(our.p99 / their.p99);
        per_second.push(our.per_second);
        constant.push(their.per_second);
        cpu.push(our.cpu);
        their_cpu.push(their.cpu);
    }
    let cpu = [median(&mut cpu), median(&mut their_cpu)];
    (median(&mut per_second), median(&mut constant), summary(&mut ratios), summary(&mut tails), cpu)
}

/// Rounds with and without a change of all files.
async fn reload() {
    let sidegate = Sidegate::start(10_000);
    let question = sidegate.question();
    let way = Way::Http1(sidegate.address);
    let round = || drive(&sidegate.process, &way, &sidegate.token, (&question, YES), 64, ROUND);
    round().await;
    let mut ratios = Vec::new();
    for number in 0..ROUNDS {
        let calm = round().await;
        let folder = sidegate.folder().join("policies/acme");
        let before = reloads(&sidegate);
        let writing = std::thread::spawn(move || {
            std::thread::sleep(ROUND / 10);
            write_policies(&folder, 10_000, &format!(" // {number}"));
        });
        let busy = round().await;
        writing.join().unwrap();
        assert!(reloads(&sidegate) > before, "nothing was read");
        ratios.push(busy.p99 / calm.p99);
    }
    println!("\n10,000 policies read anew under full load: p99 of decisions in that time, of that without");
    println!("{}", summary(&mut ratios));
}

/// How often policies were read, as the metrics say.
fn reloads(sidegate: &Sidegate) -> u64 {
    let metrics = sidegate.send("GET", "/metrics", "", "");
    let line = metrics.lines().find_map(|line| line.strip_prefix("sidegate_policy_reloads_total ")).unwrap();
    line.parse().unwrap()
}
