//! Fields of users.

use sidegate::model::{Bag, FieldChange, Source, Value, ValueRef};
use sidegate::store::{StoreError, StoredField};

use super::{at, author, change, edit, on_a_store, profile, slug, tenant, text, user};

#[test]
fn an_edit_tells_what_it_did_and_leaves_it() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        let both = [change("plan", Some(text("pro"))), change("a1", Some(Value::Int(1)))];
        let made = edit(store, &acme, &alice, &both).await;
        let changed = made.change.unwrap();
        assert_eq!((changed.existed.as_slice(), changed.revision), (&[false, false][..], 1));
        assert_eq!(changed.seq, store.last_change().await.unwrap());
        assert_eq!(changed.user.traits().get("plan").map(ValueRef::to_value), Some(text("pro")));
        let slugs: Vec<&str> = made.after.iter().map(|stored| stored.field.slug.as_str()).collect();
        assert_eq!(slugs, ["a1", "plan"], "by slug");
        assert_eq!(store.fields(&acme, &alice).await.unwrap(), made.after);
        let plan = store.get_field(&acme, &alice, &slug("plan")).await.unwrap().unwrap();
        assert_eq!((plan.revision, plan.field.source, plan.field.bag), (1, Source::Admin, Bag::Traits));
        assert_eq!((plan.field.writer.as_str(), plan.field.at), ("admin of the test", at(1)));
        assert_eq!(store.load_user(&acme, &alice).await.unwrap(), (changed.seq, Some(changed.user)));

        // The same value is the same thing: its revision stays, and the trail says nothing.
        let again = edit(store, &acme, &alice, &[change("plan", Some(text("pro")))]).await;
        assert_eq!(again.change.unwrap().existed, [true]);
        assert_eq!(again.after, made.after);
        let gone = edit(store, &acme, &alice, &[change("plan", None), change("none", None)]).await;
        assert_eq!(gone.change.unwrap().existed, [true, false]);
        assert_eq!(gone.after.len(), 1);
        let trail = store.audit_before(&acme, (None, None), i64::MAX, 10).await.unwrap();
        let told: Vec<_> = trail.iter().map(|entry| (entry.seq, &*entry.action, &*entry.target)).collect();
        let expected =
            [(3, "field.delete", "traits.plan"), (2, "field.set", "traits.a1"), (1, "field.set", "traits.plan")];
        assert_eq!(told, expected);
        assert_eq!((&trail[0].before, &trail[0].after), (&Some(text("pro")), &None));
    });
}

#[test]
fn an_edit_with_nothing_to_do_or_an_error_leaves_nothing() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        let nothing = edit(store, &acme, &alice, &[]).await;
        assert!(nothing.change.is_none() && nothing.after.is_empty());
        let refuse = |_: &[StoredField]| Err::<Vec<FieldChange<'static>>, _>(StoreError::Stale);
        let refused = store.edit_fields(&acme, &alice, &author(Source::Admin, 1), refuse).await;
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
        let all: Vec<_> = (0..1001).map(|number| change(&format!("t{number}"), Some(Value::Int(number)))).collect();
        let full = |_: &[StoredField]| Ok::<_, StoreError>(all.clone());
        let refused = store.edit_fields(&acme, &alice, &author(Source::Admin, 1), full).await;
        assert!(matches!(refused, Err(StoreError::TooManyTraits(1000))), "{refused:?}");
        assert_eq!(store.load_user(&acme, &alice).await.unwrap(), (0, None));
        assert_eq!(store.tenant(&acme).await.unwrap().unwrap().revision, 0, "no revision was counted");

        assert_eq!(edit(store, &acme, &alice, &all[..1000]).await.after.len(), 1000);
        let one_for_another = [change("t0", None), change("t1000", Some(Value::Int(0)))];
        assert_eq!(edit(store, &acme, &alice, &one_for_another).await.after.len(), 1000);
    });
}

#[test]
fn a_slug_is_in_one_bag_at_a_time() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        edit(store, &acme, &alice, &[change("city", Some(text("Berlin")))]).await;
        let moved = edit(store, &acme, &alice, &[profile("city", Some(text("Berlin")))]).await;
        assert_eq!((moved.after.len(), moved.after[0].field.bag), (1, Bag::Profile));
        let record = moved.change.unwrap().user;
        let city = |bag: Bag| record.field(bag, "city").map(ValueRef::to_value);
        assert_eq!((city(Bag::Profile), city(Bag::Traits)), (Some(text("Berlin")), None));
    });
}

#[test]
fn every_value_comes_back_as_it_was() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        let values = [
            "true",
            "0",
            "-0.0",
            "1.0",
            "9223372036854775807",
            "-9223372036854775808",
            "1e300",
            "5e-324",
            "0.1",
            r#""""#,
            r#""a\u0000b""#,
            r#""\u2028\"\\\n""#,
            r#""\ud83d\ude00 \uffff""#,
            "[]",
            "{}",
            "[[1, null], {}]",
            r#"{"b": 1, "a": {"": [1.5, false]}, "\u0000": 2}"#,
        ];
        let values: Vec<Value<'static>> = values.iter().map(|json| Value::parse(json).unwrap()).collect();
        let changes =
            values.iter().enumerate().map(|(number, value)| change(&format!("t{number}"), Some(value.clone())));
        edit(store, &acme, &alice, &changes.collect::<Vec<_>>()).await;
        let (_, record) = store.load_user(&acme, &alice).await.unwrap();
        let record = record.unwrap();
        for (number, value) in values.iter().enumerate() {
            let name = format!("t{number}");
            let stored = store.get_field(&acme, &alice, &slug(&name)).await.unwrap().unwrap();
            // Debug tells -0.0 from 0, and the order of members.
            assert_eq!(format!("{:?}", stored.field.value), format!("{value:?}"));
            assert_eq!(format!("{:?}", record.traits().get(&name).unwrap().to_value()), format!("{value:?}"));
        }
    });
}

#[test]
fn the_tag_of_all_fields_changes_with_each_of_them() {
    on_a_store(async |store, _| {
        let (acme, alice) = (tenant("acme"), user("alice"));
        assert_eq!(StoredField::tag_of_all(&[]), None);
        let mut seen = std::collections::HashSet::new();
        let (one, two) = (|value| change("one", value), |value| change("two", value));
        let steps = [
            vec![one(Some(Value::Int(1)))],
            vec![one(Some(Value::Int(2)))],
            vec![two(Some(Value::Int(1)))],
            vec![one(Some(Value::Int(1)))],
            vec![one(None)],
            vec![one(Some(Value::Int(1)))],
        ];
        for step in steps {
            let after = edit(store, &acme, &alice, &step).await.after;
            assert!(seen.insert(StoredField::tag_of_all(&after).unwrap()), "{step:?}");
        }
    });
}
