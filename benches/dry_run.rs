//! A dry run of profiling rules over a hundred thousand known users: how long an admin waits for the number.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

mod support;

use std::path::Path;
use std::time::Instant;

use sidegate::model::{Condition, Rule};
use sidegate::service::{DataFolder, Networks, Parts, Service, check_rules};
use sidegate::store::Store;

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
    let data = DataFolder::create(&path).unwrap();
    let store = Store::open(&DataFolder::database(&path), data.audit_key().unwrap()).await.unwrap();
    let service = Service::new(Parts {
        store,
        folder: data.clone(),
        admin_token: "0123456789abcdef0123456789abcdef".into(),
        policies,
        default_tenant: None,
        dev_tokens: false,
        decision_log: None,
        redis: None,
        warm_up: 0,
        issuer_networks: Networks::default(),
        failures: 0,
        cache_bytes: 1 << 20,
        stale_grace: std::time::Duration::from_secs(300),
    })
    .await
    .unwrap();
    service.reload(None).await.unwrap();
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
