//! A dry run of profiling rules over a hundred thousand known users: how long an admin waits for the number.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a benchmark may panic

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports)] // it needs a part
mod harness;
mod support;

use std::path::Path;
use std::time::Instant;

use sidegate::model::{Condition, Rule};
use sidegate::service::check_rules;

const USERS: usize = 100_000;
const ROUNDS: usize = 5;

fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies");
    std::fs::create_dir_all(policies.join("acme")).unwrap();
    std::fs::write(policies.join("acme/a.policy"), "allow a { action any resource any }").unwrap();
    let path = folder.path().join("data");
    let service = harness::service::service(folder.path()).await;
    fill(&path).await;

    let tenant = service.tenant("acme").unwrap();
    let rule = Rule {
        id: None,
        fields: vec!["phone".to_owned()],
        condition: Condition::When("user.traits.plan == \"pro\"".to_owned()),
        required: true,
        title: String::new(),
        description: String::new(),
        snooze_days: None,
        max_skips: None,
        confirm: false,
        client: None,
    };
    let draft = check_rules(vec![rule], &tenant).unwrap();
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let (asked, users) = service.dry_run(&tenant, &draft).await.unwrap();
        seconds.push(start.elapsed().as_secs_f64());
        assert_eq!((asked, users), (USERS as u64 / 4, USERS as u64));
    }
    seconds.sort_by(f64::total_cmp);
    let [least, median, most] = [seconds[0], seconds[ROUNDS / 2], seconds[ROUNDS - 1]];
    println!("dry run over {USERS} users: {median:.2} s ({least:.2}-{most:.2}, {ROUNDS} rounds)");
    println!("{:.0} users a second", USERS as f64 / median);
}

/// Every second user is on the plan `pro`, and half of those have a phone.
async fn fill(data: &Path) {
    let user = |number: usize| {
        let plan = if number.is_multiple_of(2) { "\"pro\"" } else { "\"free\"" };
        let phone = number.is_multiple_of(4).then_some(("phone", "profile", "\"+49 30 901820\""));
        (format!("user-{number:06}"), [("plan", "traits", plan)].into_iter().chain(phone).collect())
    };
    support::store(&data.join("sidegate.db"), (0..USERS).map(user)).await;
}
