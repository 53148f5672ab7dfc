//! Service tokens.

use sidegate::model::{Author, Credential, Scopes, Source, TenantScope};
use sidegate::store::{ChangeKind, StoreError, TokenRow};

use super::{at, author, on_a_store, tenant};

fn by(seconds: i64) -> Author {
    author(Source::Admin, seconds)
}

fn credential(id: &str, of: Option<&str>) -> Credential {
    Credential {
        id: id.to_owned(),
        tenant: of.map_or(TenantScope::Instance, |of| TenantScope::One(tenant(of))),
        scopes: Scopes::parse("decide traits:read").unwrap(),
        expires_at: of.map(|_| at(100)),
    }
}

#[test]
fn tokens_are_kept_listed_found_and_revoked() {
    on_a_store(async |store, _| {
        let (acme, other) = (tenant("acme"), tenant("other"));
        let made = [("b", Some("acme"), 2), ("_", Some("other"), 2), ("z", None, 1)];
        for (id, of, second) in made {
            store
                .insert_token(&credential(id, of), "shop", format!("hash of {id}").as_bytes(), &by(second))
                .await
                .unwrap();
        }
        let again = store.insert_token(&credential("b", Some("acme")), "", b"another", &by(3)).await;
        assert!(matches!(again, Err(StoreError::TokenTaken)), "an id is given once");
        let again = store.insert_token(&credential("c", Some("acme")), "", b"hash of b", &by(3)).await;
        assert!(matches!(again, Err(StoreError::TokenTaken)), "a hash is one token");
        let ids = async |of| {
            let listed = store.list_tokens(of, "", 9).await.unwrap();
            listed.into_iter().map(|token| token.credential.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None).await, ["_", "b", "z"], "by the bytes of their ids, which begin with the time");
        let after: Vec<_> = store.list_tokens(None, "_", 1).await.unwrap();
        assert_eq!(after[0].credential.id, "b");
        assert_eq!((ids(Some(&acme)).await, ids(Some(&other)).await), (vec!["b".to_owned()], vec!["_".to_owned()]));
        let row = TokenRow {
            credential: credential("b", Some("acme")),
            name: "shop".to_owned(),
            created_at: at(2),
            revoked_at: None,
            last_used_at: None,
        };
        assert_eq!(store.list_tokens(Some(&acme), "", 9).await.unwrap(), std::slice::from_ref(&row));
        assert_eq!(store.token(Some(&acme), "b").await.unwrap(), Some(row));
        assert_eq!(store.token(Some(&other), "b").await.unwrap(), None);
        store.tokens_used(&["b".to_owned(), "none".to_owned()], at(60)).await.unwrap();
        assert_eq!(store.token(None, "b").await.unwrap().unwrap().last_used_at, Some(at(60)));
        assert_eq!(store.token(None, "_").await.unwrap().unwrap().last_used_at, None);
        assert_eq!(store.find_token(b"hash of z").await.unwrap(), Some(credential("z", None)));
        assert_eq!(store.find_token(b"hash of Z").await.unwrap(), None);

        assert!(!store.revoke_token(Some(&other), "b", &by(5)).await.unwrap(), "another's");
        assert!(!store.revoke_token(Some(&acme), "z", &by(5)).await.unwrap(), "that of the instance");
        assert!(!store.revoke_token(None, "none", &by(5)).await.unwrap());
        assert!(store.find_token(b"hash of b").await.unwrap().is_some());
        assert!(store.revoke_token(Some(&acme), "b", &by(5)).await.unwrap());
        assert!(!store.revoke_token(None, "b", &by(6)).await.unwrap(), "once");
        assert!(store.revoke_token(None, "_", &by(6)).await.unwrap());
        assert_eq!(store.find_token(b"hash of b").await.unwrap(), None);
        assert_eq!(store.list_tokens(Some(&acme), "", 9).await.unwrap()[0].revoked_at, Some(at(5)));
        let told = store.changes_since(0, 99).await.unwrap();
        assert!(told.iter().all(|change| change.kind == ChangeKind::Token && change.revision == 0));
        assert_eq!(told.iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), ["b", "_", "z", "b", "_"]);
    });
}

#[test]
fn a_token_in_the_place_of_another_is_like_it() {
    on_a_store(async |store, _| {
        let (acme, other) = (tenant("acme"), tenant("other"));
        store.insert_token(&credential("a", Some("acme")), "shop", b"first", &by(0)).await.unwrap();
        let rotate = async |of, id, fresh: &str, hash: &[u8], end, now| {
            store.rotate_token(of, id, (fresh, hash), at(end), &by(now)).await.unwrap()
        };
        assert_eq!(rotate(Some(&other), "a", "b", b"second", 50, 10).await, None, "another's");
        assert_eq!(rotate(Some(&acme), "none", "b", b"second", 50, 10).await, None);
        let fresh = rotate(Some(&acme), "a", "b", b"second", 50, 10).await.unwrap();
        let expected = Credential { expires_at: Some(at(110)), ..credential("b", Some("acme")) };
        assert_eq!((&fresh.credential, fresh.name.as_str(), fresh.created_at), (&expected, "shop", at(10)));
        assert_eq!(store.find_token(b"second").await.unwrap(), Some(expected), "as long a life from now on");
        let old = store.find_token(b"first").await.unwrap().unwrap();
        assert_eq!(old.expires_at, Some(at(50)), "the overlap");
        // The end that it had comes sooner than that of the overlap.
        rotate(None, "b", "c", b"third", 500, 20).await.unwrap();
        assert_eq!(store.find_token(b"second").await.unwrap().unwrap().expires_at, Some(at(110)));
        assert_eq!(rotate(None, "a", "d", b"fourth", 90, 60).await, None, "it has ended");
        store.revoke_token(None, "c", &by(30)).await.unwrap();
        assert_eq!(rotate(None, "c", "d", b"fourth", 90, 40).await, None, "it was revoked");
        let trail = store.audit_before(&acme, (None, None), i64::MAX, 9).await.unwrap();
        let actions: Vec<_> = trail.iter().map(|entry| (entry.action.as_str(), entry.target.as_str())).collect();
        let expected = [("token.revoke", "c"), ("token.rotate", "b"), ("token.rotate", "a"), ("token.create", "a")];
        assert_eq!(actions, expected);
    });
}
