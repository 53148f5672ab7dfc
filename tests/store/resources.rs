//! Stored attributes of resources.

use sidegate::model::{Object, ResourceId, Source, TenantId};
use sidegate::store::{ResourceChanged, Store, StoreError, StoredResource};

use super::{author, on_a_store, tenant};

pub fn resource(kind: &str, id: &str) -> ResourceId {
    ResourceId::parse(kind, id).unwrap()
}

pub fn object(json: &str) -> Object<'static> {
    Object::parse(json).unwrap().into_owned()
}

pub async fn set(store: &Store, of: &TenantId, id: &ResourceId, json: Option<&str>) -> Option<ResourceChanged> {
    let edit = |_: Option<&StoredResource>| Ok::<_, StoreError>(json.map(object));
    store.edit_resource(of, id, &author(Source::Admin, 1), edit).await.unwrap()
}

#[test]
fn a_resource_is_made_changed_and_taken_away() {
    on_a_store(async |store, _| {
        let (acme, doc) = (tenant("acme"), resource("doc", "7"));
        assert_eq!(store.resource(&acme, &doc).await.unwrap(), None);
        assert_eq!(store.load_resource(&acme, &doc).await.unwrap(), (0, None));
        assert!(set(store, &acme, &doc, None).await.is_none(), "nothing to take away");
        let made = set(store, &acme, &doc, Some(r#"{"owner": "a\u0000b", "n": 1}"#)).await.unwrap();
        assert_eq!((made.revision, made.seq), (1, store.last_change().await.unwrap()));
        let stored = store.resource(&acme, &doc).await.unwrap().unwrap();
        assert_eq!((&stored.attributes, stored.revision), (made.attributes.as_ref().unwrap(), 1));
        assert_eq!(store.load_resource(&acme, &doc).await.unwrap(), (made.seq, made.attributes));
        let same = set(store, &acme, &doc, Some(r#"{"owner": "a\u0000b", "n": 1}"#)).await;
        assert!(same.is_none(), "it stays as it was");
        let changed = set(store, &acme, &doc, Some("{}")).await.unwrap();
        assert_eq!((changed.revision, changed.attributes), (2, Some(Object::new())));
        let gone = set(store, &acme, &doc, None).await.unwrap();
        assert_eq!((gone.revision, &gone.attributes), (3, &None));
        assert_eq!(store.load_resource(&acme, &doc).await.unwrap(), (gone.seq, None));

        let trail = store.audit_before(&acme, (None, None), i64::MAX, 10).await.unwrap();
        let told: Vec<_> = trail.iter().map(|entry| (&*entry.action, &*entry.target, entry.after.is_some())).collect();
        let expected =
            [("resource.delete", "doc/7", false), ("resource.set", "doc/7", true), ("resource.set", "doc/7", true)];
        assert_eq!(told, expected);
    });
}

#[test]
fn an_edit_sees_what_there_is_and_its_error_leaves_it() {
    on_a_store(async |store, _| {
        let (acme, doc) = (tenant("acme"), resource("doc", "7"));
        set(store, &acme, &doc, Some(r#"{"n": 1}"#)).await;
        let refuse = |before: Option<&StoredResource>| {
            assert_eq!(before.unwrap().attributes, object(r#"{"n": 1}"#));
            Err::<Option<Object<'static>>, _>(StoreError::Stale)
        };
        let refused = store.edit_resource(&acme, &doc, &author(Source::Admin, 2), refuse).await;
        assert!(matches!(refused, Err(StoreError::Stale)));
        assert_eq!(store.tenant(&acme).await.unwrap().map(|row| row.revision), Some(1));
        assert_eq!(store.last_change().await.unwrap(), 1);
    });
}

#[test]
fn type_and_id_are_two_things() {
    on_a_store(async |store, _| {
        let (acme, other) = (tenant("acme"), tenant("other"));
        let all = [resource("a", "b/c"), resource("a/b", "c"), resource("A", "b/c"), resource("\u{e4}", "\u{1f600}")];
        for (number, id) in all.iter().enumerate() {
            set(store, &acme, id, Some(&format!("{{\"n\": {number}}}"))).await;
        }
        set(store, &other, &resource("theirs", "1"), Some("{}")).await;
        for (number, id) in all.iter().enumerate() {
            let stored = store.resource(&acme, id).await.unwrap().unwrap();
            assert_eq!(stored.attributes, object(&format!("{{\"n\": {number}}}")), "{id}");
            assert_eq!(store.resource(&other, id).await.unwrap(), None, "{id}");
        }
        let mut types = store.resource_types().await.unwrap();
        types.sort();
        let expected = [("acme", "A"), ("acme", "a"), ("acme", "a/b"), ("acme", "\u{e4}"), ("other", "theirs")];
        assert_eq!(types, expected.map(|(of, kind)| (of.to_owned(), kind.to_owned())));
    });
}
