//! Tickets, how rules stand with users, links and sessions of the portal.

use sidegate::model::{Bag, PromptState, Source, ValueRef};
use sidegate::store::{Outcome, Report, Store, Ticket};

use super::{at, author, on_a_store, profile, slug, tenant, text, user};

pub fn ticket(id: &str, login: &str) -> Ticket {
    Ticket {
        id: id.to_owned(),
        user: "alice".to_owned(),
        rule: "r1".to_owned(),
        login_id: login.to_owned(),
        return_to: "https://app.example.com/cb?\u{e4}".to_owned(),
        expires_at: at(1000),
        used: false,
    }
}

/// A ticket of alice of acme, who has signed in for it.
async fn issued(store: &Store, id: &str, login: &str) -> Ticket {
    let (acme, alice) = (tenant("acme"), user("alice"));
    let report = Report { login_id: login, ..Report::default() };
    store.report_login(&acme, &alice, &report, &author(Source::Idp, 1)).await.unwrap();
    let ticket = ticket(id, login);
    assert!(store.insert_ticket(&acme, &ticket, at(0)).await.unwrap());
    ticket
}

#[test]
fn a_ticket_is_kept_until_it_is_forgotten() {
    on_a_store(async |store, _| {
        let acme = tenant("acme");
        let first = issued(store, "first", "l1").await;
        assert_eq!(store.ticket(&acme, "first").await.unwrap(), Some(first.clone()));
        assert_eq!(store.ticket(&acme, "First").await.unwrap(), None);
        let twice = store.insert_ticket(&acme, &first, at(0)).await;
        assert!(twice.is_err(), "a name is given once");
        let nobodys = Ticket { user: "bob".to_owned(), ..ticket("nobodys", "l1") };
        assert!(!store.insert_ticket(&acme, &nobodys, at(0)).await.unwrap(), "there is no such user");
        assert_eq!(store.ticket(&acme, "nobodys").await.unwrap(), None);
        let second = Ticket { expires_at: at(2000), ..ticket("second", "l1") };
        store.insert_ticket(&acme, &second, at(1000)).await.unwrap();
        assert!(store.ticket(&acme, "first").await.unwrap().is_some(), "its time is over just now");
        let third = Ticket { expires_at: at(2000), ..ticket("third", "l1") };
        store.insert_ticket(&acme, &third, at(1001)).await.unwrap();
        assert_eq!(store.ticket(&acme, "first").await.unwrap(), None, "its time is long over");
        assert_eq!(store.ticket(&acme, "second").await.unwrap(), Some(second));
    });
}

#[test]
fn the_first_browser_answers_once() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        let ticket = issued(store, "t", "l1").await;
        let say = author(Source::User, 2);
        let answers = [profile("city", Some(text("Berlin")))];
        let answer = Outcome::Answered { changes: &answers, optional: true };
        let complete =
            async |browser: &[u8]| store.complete_ticket(&acme, &alice, &ticket, browser, &answer, &say).await.unwrap();
        assert!(complete(b"one").await.is_none(), "nobody has opened it");
        assert!(store.claim_ticket(&acme, "t", b"one").await.unwrap());
        assert!(!store.claim_ticket(&acme, "t", b"two").await.unwrap());
        assert!(store.claim_ticket(&acme, "t", b"one").await.unwrap(), "it comes back");
        assert!(!store.claim_ticket(&acme, "none", b"one").await.unwrap());
        assert!(complete(b"two").await.is_none());
        let before = store.last_change().await.unwrap();
        assert_eq!(store.get_field(&acme, &alice, &slug("city")).await.unwrap(), None);

        let changed = complete(b"one").await.unwrap();
        assert_eq!((changed.seq, changed.existed.as_slice()), (before + 1, &[false][..]));
        assert_eq!(changed.user.field(Bag::Profile, "city").map(ValueRef::to_value), Some(text("Berlin")));
        assert!(store.ticket(&acme, "t").await.unwrap().unwrap().used);
        assert!(complete(b"one").await.is_none(), "once");
        let state = PromptState { skips: 0, snoozed_until: None, done_at_login: Some("l1".to_owned()) };
        assert_eq!(store.prompts(&acme, &alice).await.unwrap(), [("r1".to_owned(), state)].into());
        assert_eq!(store.prompted(&acme, "l1").await.unwrap(), 1);
        let trail = store.audit_before(&acme, (None, None), i64::MAX, 9).await.unwrap();
        let told: Vec<_> = trail.iter().map(|entry| (&*entry.action, &*entry.target, entry.source)).collect();
        assert_eq!(told, [("rule.answer", "r1", Source::User), ("field.set", "city", Source::User)]);
    });
}

#[test]
fn skips_count_by_logins_and_only_optional_rules_use_up_a_login() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        let end = async |id: &str, login: &str, outcome: Outcome<'_>| {
            let ticket = issued(store, id, login).await;
            assert!(store.claim_ticket(&acme, id, b"b").await.unwrap());
            let ended = store.complete_ticket(&acme, &alice, &ticket, b"b", &outcome, &author(Source::User, 2)).await;
            assert!(ended.unwrap().is_some());
            store.prompts(&acme, &alice).await.unwrap().remove("r1").unwrap()
        };
        let skipped = end("t1", "l1", Outcome::Skipped(Some(at(50)))).await;
        assert_eq!((skipped.skips, skipped.snoozed_until), (1, Some(at(50))));
        assert_eq!(end("t2", "l1", Outcome::Skipped(None)).await.skips, 1, "the same login");
        assert_eq!(end("t3", "l2", Outcome::Skipped(None)).await.skips, 2);
        let answered = end("t4", "l3", Outcome::Answered { changes: &[], optional: false }).await;
        assert_eq!((answered.skips, answered.snoozed_until), (2, None));
        let counts = async |login| store.prompted(&acme, login).await.unwrap();
        assert_eq!((counts("l1").await, counts("l2").await, counts("l3").await), (2, 1, 0));

        let range = async |after: &str, last: &str| {
            let states = store.prompts_between(&acme, after, last).await.unwrap();
            states.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(range("", "alice").await, ["alice"]);
        assert_eq!(range("alice", "bob").await, Vec::<String>::new());
        let states = store.prompts_between(&acme, "", "z").await.unwrap();
        assert_eq!(states["alice"], store.prompts(&acme, &alice).await.unwrap());
    });
}

#[test]
fn a_grant_counts_until_it_is_over_or_ended() {
    on_a_store(async |store, _| {
        let (acme, other) = (tenant("acme"), tenant("other"));
        store.insert_grant(&acme, "link", b"hash", "alice", at(10), at(1)).await.unwrap();
        assert!(store.insert_grant(&other, "link", b"hash", "bob", at(10), at(1)).await.is_err(), "a hash is one");
        let find = async |of, kind, hash: &[u8], now| store.find_grant(of, kind, hash, at(now)).await.unwrap();
        assert_eq!(find(&acme, "link", b"hash", 10).await.as_deref(), Some("alice"));
        for (of, kind, hash, now) in [
            (&acme, "link", &b"hash"[..], 11),
            (&acme, "session", b"hash", 10),
            (&acme, "link", b"hasi", 10),
            (&acme, "link", b"", 10),
            (&other, "link", b"hash", 10),
        ] {
            assert_eq!(find(of, kind, hash, now).await, None, "{of} {kind} {now}");
        }
        assert!(!store.delete_grant(&other, b"hash").await.unwrap());
        assert!(store.delete_grant(&acme, b"hash").await.unwrap());
        assert!(!store.delete_grant(&acme, b"hash").await.unwrap(), "once");
        assert_eq!(find(&acme, "link", b"hash", 10).await, None);

        store.insert_grant(&acme, "session", b"old", "a", at(10), at(1)).await.unwrap();
        store.insert_grant(&other, "session", b"theirs", "b", at(10), at(1)).await.unwrap();
        store.insert_grant(&acme, "session", b"new", "c", at(90), at(11)).await.unwrap();
        assert!(!store.delete_grant(&acme, b"old").await.unwrap(), "what is over is gone");
        assert!(store.delete_grant(&other, b"theirs").await.unwrap(), "of that tenant");
    });
}
