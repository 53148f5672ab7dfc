//! Service tokens.

use sidegate::model::{Credential, Scopes, TenantScope};
use sidegate::store::{ChangeKind, TokenRow};

use super::{at, on_a_store, tenant};

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
        // Two at the same moment, and one before them: by time, then by the bytes of their ids.
        let made = [("b", Some("acme"), 2), ("_", Some("other"), 2), ("z", None, 1)];
        for (id, of, second) in made {
            store.insert_token(&credential(id, of), format!("hash of {id}").as_bytes(), at(second)).await.unwrap();
        }
        let again = store.insert_token(&credential("b", Some("acme")), b"another", at(3)).await;
        assert!(again.is_err(), "an id is given once");
        let again = store.insert_token(&credential("c", Some("acme")), b"hash of b", at(3)).await;
        assert!(again.is_err(), "a hash is one token");
        let ids = async |of| {
            let listed = store.list_tokens(of).await.unwrap();
            listed.into_iter().map(|token| token.credential.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None).await, ["z", "_", "b"]);
        assert_eq!((ids(Some(&acme)).await, ids(Some(&other)).await), (vec!["b".to_owned()], vec!["_".to_owned()]));
        let row = TokenRow { credential: credential("b", Some("acme")), created_at: at(2), revoked_at: None };
        assert_eq!(store.list_tokens(Some(&acme)).await.unwrap(), [row]);
        assert_eq!(store.find_token(b"hash of z").await.unwrap(), Some(credential("z", None)));
        assert_eq!(store.find_token(b"hash of Z").await.unwrap(), None);

        assert!(!store.revoke_token(Some(&other), "b", at(5)).await.unwrap(), "another's");
        assert!(!store.revoke_token(Some(&acme), "z", at(5)).await.unwrap(), "that of the instance");
        assert!(!store.revoke_token(None, "none", at(5)).await.unwrap());
        assert!(store.find_token(b"hash of b").await.unwrap().is_some());
        assert!(store.revoke_token(Some(&acme), "b", at(5)).await.unwrap());
        assert!(!store.revoke_token(None, "b", at(6)).await.unwrap(), "once");
        assert!(store.revoke_token(None, "_", at(6)).await.unwrap());
        assert_eq!(store.find_token(b"hash of b").await.unwrap(), None);
        assert_eq!(store.list_tokens(Some(&acme)).await.unwrap()[0].revoked_at, Some(at(5)));
        let told = store.changes_since(0, 99).await.unwrap();
        assert!(told.iter().all(|change| change.kind == ChangeKind::Token && change.revision == 0));
        assert_eq!(told.iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), ["b", "_", "z", "b", "_"]);
    });
}
