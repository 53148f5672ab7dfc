//! Sessions of users who have signed in to apps.

use sidegate::model::{Object, Source, TenantId};
use sidegate::store::{AppSession, ChangeKind, Report, Store};

use super::{at, author, on_a_store, tenant, user};

fn session(of: &str, complete: bool) -> AppSession {
    let claims = Object::parse(r#"{"amr": ["pwd", "otp"], "auth_time": 12, "sub": "7"}"#).unwrap().into_owned();
    AppSession { user: user(of), login_id: "l1".to_owned(), claims, complete, expires_at: at(100) }
}

async fn know(store: &Store, tenant: &TenantId, of: &str) {
    let report = Report { login_id: of, ..Report::default() };
    store.report_login(tenant, &user(of), &report, &author(Source::Idp, 1)).await.unwrap();
}

#[test]
fn sessions_are_found_completed_and_ended_in_their_tenant_alone() {
    on_a_store(async |store, _| {
        let (acme, other) = (tenant("acme"), tenant("other"));
        know(store, &acme, "alice").await;
        let by = author(Source::User, 50);
        assert!(store.insert_session(&acme, b"one", &session("alice", false), at(2)).await.unwrap());
        assert!(!store.insert_session(&acme, b"two", &session("nobody", true), at(2)).await.unwrap());
        assert!(!store.insert_session(&other, b"two", &session("alice", true), at(2)).await.unwrap());

        let found = async |hash: &[u8], second| store.session(&acme, hash, at(second)).await.unwrap();
        assert_eq!(found(b"one", 99).await, Some(session("alice", false)));
        assert_eq!(found(b"one", 100).await, None, "it ends at the moment that it names");
        assert_eq!(found(b"two", 3).await, None);
        assert_eq!(store.session(&other, b"one", at(3)).await.unwrap(), None);
        store.complete_session(&other, b"one").await.unwrap();
        assert!(!found(b"one", 3).await.unwrap().complete, "another's");
        store.complete_session(&acme, b"one").await.unwrap();
        assert_eq!(found(b"one", 3).await, Some(session("alice", true)));

        assert_eq!(store.end_session(&other, b"one", &by).await.unwrap(), None);
        let before = store.last_change().await.unwrap();
        let ended = store.end_session(&acme, b"one", &by).await.unwrap().unwrap();
        assert_eq!((&ended.user, ended.seq), (&user("alice"), before + 1));
        let change = store.changes_since(before, 9).await.unwrap().remove(0);
        assert_eq!((change.kind, &*change.key, change.revision), (ChangeKind::User, "alice", ended.revision));
        assert_eq!(found(b"one", 3).await, None);
        assert_eq!(store.end_session(&acme, b"one", &by).await.unwrap(), None, "once");
        assert_eq!(store.last_change().await.unwrap(), before + 1);
    });
}

#[test]
fn what_is_over_is_forgotten_and_so_is_what_is_a_users_who_is_erased() {
    on_a_store(async |store, _| {
        let acme = tenant("acme");
        know(store, &acme, "alice").await;
        know(store, &acme, "bob").await;
        store.insert_session(&acme, b"one", &session("alice", true), at(2)).await.unwrap();
        store.insert_session(&acme, b"two", &session("bob", true), at(101)).await.unwrap();
        assert_eq!(store.session(&acme, b"one", at(2)).await.unwrap(), None, "the next has swept it away");
        store.insert_session(&acme, b"three", &session("bob", true), at(3)).await.unwrap();
        store.erase_user(&acme, &user("bob"), &author(Source::Admin, 4)).await.unwrap().unwrap();
        assert_eq!(store.session(&acme, b"three", at(4)).await.unwrap(), None);
    });
}
