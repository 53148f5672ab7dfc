//! Definitions, rules and settings, and tenants.

use sidegate::model::{Precondition, Source, Tags};
use sidegate::store::{ChangeKind, Document, DocumentKind, StoreError};

use super::{BY_BYTES, at, author, on_a_store, tenant};

#[test]
fn documents_are_set_replaced_and_taken_away() {
    on_a_store(async |store, _| {
        let acme = tenant("acme");
        let admin = author(Source::Admin, 1);
        let set = async |kind, name: &str, body: Option<&str>| {
            store.set_document(&acme, (kind, name), body, &admin, &Precondition::default()).await.unwrap()
        };
        let first = set(DocumentKind::Rules, "", Some("[]")).await;
        assert_eq!((first.revision, first.existed), (1, false));
        let second = set(DocumentKind::Rules, "", Some("[1]")).await;
        assert_eq!((second.revision, second.existed), (2, true));
        assert_eq!(second.seq, store.last_change().await.unwrap());
        for name in BY_BYTES.iter().rev() {
            set(DocumentKind::Definition, name, Some("{}")).await;
        }
        let stored = store.documents(&acme, DocumentKind::Definition).await.unwrap();
        assert_eq!(stored.iter().map(|document| document.name.as_str()).collect::<Vec<_>>(), BY_BYTES);
        let rules = Document { name: String::new(), body: "[1]".to_owned(), revision: 2 };
        assert_eq!(store.documents(&acme, DocumentKind::Rules).await.unwrap(), std::slice::from_ref(&rules));
        assert_eq!(store.document(&acme, DocumentKind::Rules, "").await.unwrap(), Some(rules));
        let rewrite = async |if_match| {
            let precondition = Precondition { if_match: Some(if_match), if_none_match: None };
            store.set_document(&acme, (DocumentKind::Rules, ""), Some("[2]"), &admin, &precondition).await
        };
        assert!(matches!(rewrite(Tags::These(vec!["1".to_owned()])).await, Err(StoreError::Stale)));
        assert_eq!(store.documents(&acme, DocumentKind::Profiling).await.unwrap(), []);
        assert!(set(DocumentKind::Rules, "", None).await.existed);
        assert!(!set(DocumentKind::Rules, "", None).await.existed);
        assert_eq!(store.documents(&acme, DocumentKind::Rules).await.unwrap(), []);

        let trail = store.audit_before(&acme, (None, Some("rules.set")), i64::MAX, 10).await.unwrap();
        assert_eq!(trail.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 1]);
        assert!(trail[0].before.is_some() && trail[0].user_id.is_none());
        let last = store.changes_since(0, 100).await.unwrap().pop().unwrap();
        assert_eq!((last.kind, last.key.as_str(), last.tenant.as_str()), (ChangeKind::Documents, "rules", "acme"));
    });
}

#[test]
fn tenants_come_by_name_with_their_revisions() {
    on_a_store(async |store, _| {
        let all = ["0", "a", "a-b", "a0", "b"].map(tenant);
        store.add_tenants(&all[2..], at(1)).await.unwrap();
        store.add_tenants(&all, at(2)).await.unwrap();
        let admin = author(Source::Admin, 3);
        let rules = (DocumentKind::Rules, "");
        store.set_document(&all[1], rules, Some("[]"), &admin, &Precondition::default()).await.unwrap();
        store.add_tenants(&all, at(4)).await.unwrap();
        let rows = store.tenants().await.unwrap().into_iter().map(|row| (row.id, row.revision));
        let known: Vec<_> = rows.filter(|(id, _)| all.contains(id)).collect();
        let expected: Vec<_> = all.iter().enumerate().map(|(place, of)| (of.clone(), i64::from(place == 1))).collect();
        assert_eq!(known, expected, "by bytes; what is known stays as it is");
        store.ping().await.unwrap();
    });
}
