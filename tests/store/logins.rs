//! Logins, identities, consents.

use sidegate::model::{Bag, Consent, Identity, Source};
use sidegate::store::{Report, StoreError};

use super::{BY_BYTES, at, author, edit, on_a_store, profile, tenant, text, user};

pub fn identity(provider: &str, subject: &str) -> Identity {
    Identity { kind: "social".into(), provider: provider.into(), subject: subject.into(), linked_at: None }
}

pub fn consent(purpose: &str, version: &str, withdrawn: Option<i64>) -> Consent {
    let (purpose, version) = (purpose.to_owned(), version.to_owned());
    Consent { purpose, version, given_at: None, withdrawn_at: withdrawn.map(at) }
}

#[test]
fn a_login_is_counted_once_and_for_one_user() {
    on_a_store(async |store, _| {
        let (acme, alice, bob) = (tenant("acme"), user("alice"), user("bob"));
        for (second, login) in [(3, "l1"), (5, "l2"), (7, "l1")] {
            let report = Report { login_id: login, client: Some("web"), ..Report::default() };
            store.report_login(&acme, &alice, &report, &author(Source::Idp, second)).await.unwrap();
        }
        let logins = store.logins(&acme, &alice, 10).await.unwrap();
        let at_client = |second| (format!("{:.9}", at(second)), Some("web".to_owned()));
        assert_eq!(logins, [at_client(5), at_client(3)], "newest first");
        assert_eq!(store.logins(&acme, &alice, 1).await.unwrap(), [at_client(5)]);

        let before = store.last_change().await.unwrap();
        let stolen = Report {
            login_id: "l1",
            fields: vec![profile("email", Some(text("bob@example.com")))],
            identities: vec![identity("github", "7")],
            consents: vec![consent("news", "1", None)],
            ..Report::default()
        };
        let refused = store.report_login(&acme, &bob, &stolen, &author(Source::Idp, 8)).await;
        assert!(matches!(refused, Err(StoreError::LoginOfAnother)), "{refused:?}");
        assert_eq!(store.load_user(&acme, &bob).await.unwrap(), (before, None), "all of it, or nothing");
        assert_eq!(store.identities(&acme, &bob).await.unwrap(), []);
        assert_eq!(store.prompted(&acme, "l1").await.unwrap(), 0);
        assert_eq!(store.prompted(&acme, "no such login").await.unwrap(), 0);

        let too_many = Report {
            login_id: "l9",
            fields: (0..1001).map(|number| profile(&format!("f{number}"), Some(text("x")))).collect(),
            ..Report::default()
        };
        let refused = store.report_login(&acme, &bob, &too_many, &author(Source::Idp, 9)).await;
        assert!(matches!(refused, Err(StoreError::TooManyTraits(1000))), "{refused:?}");
        assert_eq!(store.logins(&acme, &bob, 9).await.unwrap(), []);
    });
}

#[test]
fn a_provider_fills_in_what_nobody_else_has_said() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        edit(store, &acme, &alice, &[profile("name", Some(text("By an admin")))]).await;
        let say = async |name: &str, city: &str| {
            let fields = vec![profile("name", Some(text(name))), profile("city", Some(text(city)))];
            let report = Report { login_id: "l1", fields, ..Report::default() };
            let changed = store.report_login(&acme, &alice, &report, &author(Source::Idp, 2)).await.unwrap();
            let told = |slug: &str| changed.user.field(Bag::Profile, slug).unwrap().to_value().into_owned();
            (told("name"), told("city"))
        };
        assert_eq!(say("By a provider", "Berlin").await, (text("By an admin"), text("Berlin")));
        assert_eq!(say("By a provider", "Bonn").await, (text("By an admin"), text("Bonn")), "its own it may change");
    });
}

#[test]
fn an_identity_stays_with_whoever_had_it_first() {
    on_a_store(async |store, _| {
        let (acme, alice, bob) = (tenant("acme"), user("alice"), user("bob"));
        let subjects: Vec<_> = BY_BYTES.iter().rev().map(|subject| identity("github", subject)).collect();
        let link = async |of, login, identities| {
            let report = Report { login_id: login, identities, ..Report::default() };
            store.report_login(&acme, of, &report, &author(Source::Idp, 4)).await.unwrap();
        };
        link(&alice, "l1", subjects.clone()).await;
        link(&alice, "l2", subjects[..1].to_vec()).await;
        link(&bob, "l3", vec![identity("github", "A"), identity("Github", "A")]).await;
        let of_alice = store.identities(&acme, &alice).await.unwrap();
        assert_eq!(of_alice.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>(), BY_BYTES, "by bytes");
        assert!(of_alice.iter().all(|one| one.linked_at == Some(at(4))));
        let of_bob = store.identities(&acme, &bob).await.unwrap();
        assert_eq!(of_bob.iter().map(|one| one.provider.as_str()).collect::<Vec<_>>(), ["Github"]);
        let linked = store.audit_before(&acme, (None, Some("identity.link")), i64::MAX, 99).await.unwrap();
        assert_eq!(linked.len(), BY_BYTES.len() + 1, "each once");
    });
}

#[test]
fn consents_are_given_changed_and_withdrawn() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        let agree = async |second, consents: Vec<Consent>| {
            let report = Report { login_id: "l1", consents, ..Report::default() };
            store.report_login(&acme, &alice, &report, &author(Source::Idp, second)).await.unwrap();
            store.consents(&acme, &alice).await.unwrap()
        };
        let all: Vec<_> = BY_BYTES.iter().rev().map(|purpose| consent(purpose, "1", None)).collect();
        let given = agree(2, all).await;
        assert_eq!(given.iter().map(|one| one.purpose.as_str()).collect::<Vec<_>>(), BY_BYTES, "by bytes");
        let unchanged = agree(3, vec![consent("a", "1", None)]).await;
        assert_eq!(unchanged, given, "the same again changes nothing");
        let newer = agree(4, vec![consent("a", "2", None)]).await;
        let of_a = |all: &[Consent]| all.iter().find(|one| one.purpose == "a").unwrap().clone();
        assert_eq!((of_a(&newer).version.as_str(), of_a(&newer).given_at), ("2", Some(at(4))));
        let withdrawn = agree(5, vec![consent("a", "2", Some(5))]).await;
        assert_eq!(of_a(&withdrawn).withdrawn_at, Some(at(5)));
        let again = agree(6, vec![consent("a", "2", None)]).await;
        assert_eq!((of_a(&again).given_at, of_a(&again).withdrawn_at), (Some(at(6)), None));
        let trail = store.audit_before(&acme, (Some("alice"), None), i64::MAX, 3).await.unwrap();
        let told: Vec<_> = trail.iter().map(|entry| (&*entry.action, &*entry.target)).collect();
        assert_eq!(told, [("consent.give", "a 2"), ("consent.withdraw", "a 2"), ("consent.give", "a 2")]);
    });
}
