//! The change feed, the audit trail, and erasing.

use sidegate::model::{Precondition, Source, Value};
use sidegate::store::{Change, ChangeKind, DocumentKind, Report};

use crate::support::{Database, count};

use super::logins::{consent, identity};
use super::resources::{resource, set};
use super::tickets::ticket;
use super::{add_tenants, author, change, edit, on_a_store, profile, tenant, text, user};

#[test]
fn the_feed_tells_every_change_in_its_order() {
    on_a_store(async |store, database| {
        assert_eq!((store.last_change().await.unwrap(), store.changes_since(0, 9).await.unwrap()), (0, vec![]));
        let (acme, other, alice) = (tenant("acme"), tenant("other"), user("alice"));
        edit(store, &acme, &alice, &[change("plan", Some(text("pro")))]).await;
        set(store, &other, &resource("doc", "7"), Some("{}")).await;
        let settings = (DocumentKind::Profiling, "");
        let say = author(Source::Admin, 1);
        store.set_document(&acme, settings, Some("{}"), &say, &Precondition::default()).await.unwrap();
        store.erase_user(&acme, &alice, &author(Source::Admin, 2)).await.unwrap();
        database
            .execute(
                "INSERT INTO changes (tenant, revision, kind, key, at) VALUES ('', 0, 'of a later version', 'k', '')",
            )
            .await;
        let all = store.changes_since(0, 99).await.unwrap();
        let told: Vec<_> = all.iter().map(|one| (&*one.tenant, one.revision, one.kind, &*one.key)).collect();
        let expected = [
            ("acme", 1, ChangeKind::User, "alice"),
            ("other", 1, ChangeKind::Resource, "doc\u{1f}7"),
            ("acme", 2, ChangeKind::Documents, "profiling"),
            ("acme", 3, ChangeKind::User, "alice"),
            ("", 0, ChangeKind::Other, "k"),
        ];
        assert_eq!(told, expected);
        assert!(all.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert_eq!(store.last_change().await.unwrap(), all[4].seq);
        assert_eq!(store.changes_since(all[1].seq, 2).await.unwrap(), all[2..4]);
        assert_eq!(store.changes_since(all[4].seq, 9).await.unwrap(), []);
    });
}

#[test]
fn the_trail_is_read_by_user_and_action_from_any_place() {
    on_a_store(async |store, _| {
        let acme = tenant("acme");
        for number in 0..3 {
            for id in ["alice", "bob"] {
                edit(store, &acme, &user(id), &[change("n", Some(Value::Int(number)))]).await;
            }
        }
        edit(store, &acme, &user("bob"), &[change("n", None)]).await;
        let numbers = async |of, before, limit| {
            let entries = store.audit_before(&acme, of, before, limit).await.unwrap();
            entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()
        };
        assert_eq!(numbers((None, None), i64::MAX, 99).await, [7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(numbers((None, None), 4, 2).await, [3, 2]);
        assert_eq!(numbers((None, None), 1, 9).await, Vec::<i64>::new());
        assert_eq!(numbers((Some("bob"), None), i64::MAX, 99).await, [7, 6, 4, 2]);
        assert_eq!(numbers((Some("bob"), Some("field.set")), 6, 99).await, [4, 2]);
        assert_eq!(numbers((None, Some("field.delete")), i64::MAX, 99).await, [7]);
        assert_eq!(numbers((Some("Bob"), None), i64::MAX, 99).await, Vec::<i64>::new());
        let first = store.audit_before(&acme, (None, None), 2, 1).await.unwrap().remove(0);
        assert_eq!((first.actor.as_str(), first.source, first.at), ("admin of the test", Source::Admin, super::at(1)));
    });
}

#[test]
fn nothing_of_an_erased_user_is_left() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        assert_eq!(store.erase_user(&acme, &alice, &author(Source::Admin, 1)).await.unwrap(), None);
        let revision = store.tenant(&acme).await.unwrap().unwrap().revision;
        assert_eq!((store.last_change().await.unwrap(), revision), (0, 0));
        edit(store, &acme, &user("bob"), &[change("plan", Some(text("of bob")))]).await;
        let report = Report {
            login_id: "l1",
            client: Some("web"),
            fields: vec![profile("email", Some(text("alice@example.com")))],
            identities: vec![identity("github", "7")],
            consents: vec![consent("news", "1", None)],
        };
        store.report_login(&acme, &alice, &report, &author(Source::Idp, 2)).await.unwrap();
        store.insert_ticket(&acme, &ticket("t", "l1"), super::at(0)).await.unwrap();
        assert!(store.claim_ticket(&acme, "t", b"b").await.unwrap());
        let skip = sidegate::store::Outcome::Skipped(None);
        let ticket = store.ticket(&acme, "t").await.unwrap().unwrap();
        store.complete_ticket(&acme, &alice, &ticket, b"b", &skip, &author(Source::User, 3)).await.unwrap();

        let erased = store.erase_user(&acme, &alice, &author(Source::Admin, 4)).await.unwrap().unwrap();
        assert_eq!((erased.revision, erased.seq), (4, store.last_change().await.unwrap()));
        assert_eq!(store.load_user(&acme, &alice).await.unwrap(), (erased.seq, None));
        assert_eq!(store.fields(&acme, &alice).await.unwrap(), []);
        assert_eq!(store.identities(&acme, &alice).await.unwrap(), []);
        assert_eq!(store.consents(&acme, &alice).await.unwrap(), []);
        assert_eq!(store.logins(&acme, &alice, 9).await.unwrap(), []);
        assert!(store.prompts(&acme, &alice).await.unwrap().is_empty());
        assert_eq!((store.ticket(&acme, "t").await.unwrap(), store.prompted(&acme, "l1").await.unwrap()), (None, 0));
        let gone = store.complete_ticket(&acme, &alice, &ticket, b"b", &skip, &author(Source::User, 5)).await;
        assert!(gone.unwrap().is_none());
        assert_eq!(store.list_users(&acme, "", "", 9).await.unwrap().len(), 1);

        let trail = store.audit_before(&acme, (Some("alice"), None), i64::MAX, 99).await.unwrap();
        assert_eq!((trail[0].action.as_str(), trail.len()), ("user.erase", 5));
        assert_eq!((&*trail[0].target, &trail[0].before), ("", &None), "it vouches for what stays of the others");
        for entry in &trail[1..] {
            assert_eq!((&*entry.target, &entry.before, &entry.after), ("", &None, &None), "{}", entry.action);
        }
        let of_bob = store.audit_before(&acme, (Some("bob"), None), i64::MAX, 9).await.unwrap();
        assert_eq!(of_bob[0].after, Some(text("of bob")));
        assert_eq!(store.erase_user(&acme, &alice, &author(Source::Admin, 6)).await.unwrap(), None, "once");
    });
}

#[test]
fn whoever_follows_the_feed_misses_nothing_that_others_commit_meanwhile() {
    let database = Database::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let rounds = count(40, 1000);
    runtime.block_on(async {
        // Tenants of their own wait for no lock of each other's but that of the feed.
        let store = database.open().await;
        let names: Vec<String> = (0..8).map(|number| format!("tenant-{number}")).collect();
        add_tenants(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let writer = |number: usize| {
            let store = store.clone();
            tokio::spawn(async move {
                let of = tenant(&format!("tenant-{number}"));
                for round in 0..rounds {
                    edit(&store, &of, &user("alice"), &[change("n", Some(Value::Int(round as i64)))]).await;
                }
            })
        };
        let writers: Vec<_> = (0..8).map(writer).collect();
        let mut followed = Vec::new();
        while followed.len() < 8 * rounds {
            let over = writers.iter().all(|writer| writer.is_finished());
            let seen = followed.last().map_or(0, |change: &Change| change.seq);
            followed.extend(store.changes_since(seen, 7).await.unwrap());
            assert!(!over || followed.last().unwrap().seq > seen, "a change came to light behind the follower");
        }
        assert_eq!(followed, store.changes_since(0, i64::MAX).await.unwrap());
        store.close().await;
    });
}
