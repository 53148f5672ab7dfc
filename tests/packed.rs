//! A packed user says what was packed, whatever it was.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use sidegate::model::{Bag, Object, ObjectRef, Slug, UserRecord, Value};

use crate::support::count;

fn values() -> impl Strategy<Value = Value<'static>> {
    let integers = prop_oneof![any::<i64>(), -300..300i64, Just(i64::MIN), Just(i64::MAX)];
    let doubles = prop_oneof![proptest::num::f64::NORMAL, Just(0.0), Just(-0.0), Just(12.5), Just(f64::MIN_POSITIVE)];
    let (first, last) = (jiff::Timestamp::MIN.as_nanosecond(), jiff::Timestamp::MAX.as_nanosecond());
    let times = prop_oneof![first..=last, -2_000_000_000..2_000_000_000i128, Just(first), Just(last)];
    let texts = prop_oneof![8 => any::<String>(), 1 => Just("é".repeat(1 << 15)), 1 => "[a-z]{60,70}"];
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integers.prop_map(Value::Int),
        doubles.clone().prop_map(Value::Float),
        doubles.prop_map(Value::Oversized),
        times.prop_map(|nanos| Value::Time(jiff::Timestamp::from_nanosecond(nanos).unwrap())),
        texts.prop_map(|text| Value::Str(text.into())),
    ];
    plain.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| Value::List(items.into())),
            btree_map(any::<String>(), inner, 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Few members more often than many: up to 32 in all are found without an index.
fn objects() -> impl Strategy<Value = Object<'static>> {
    let names = prop_oneof![8 => "[a-z][a-z0-9_]{0,20}", 1 => any::<String>(), 1 => "[a-z]{63,70}"];
    let few = prop_oneof![1 => Just(0), 6 => 1..12usize, 2 => 12..60usize];
    few.prop_flat_map(move |most| btree_map(names.clone(), values(), most))
        .prop_map(|members| members.into_iter().filter(|(name, _)| name != "traits" && name != "consents").collect())
}

/// Reads each member by its name, and all of them in a row.
fn check(packed: ObjectRef<'_>, object: &Object<'_>) -> Result<(), TestCaseError> {
    for (name, value) in object.iter() {
        let found = packed.get(name).map(|value| value.to_value());
        prop_assert_eq!(found.as_ref(), Some(value), "{:?}", name);
    }
    let (all, own): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (packed.iter().map(|(name, value)| (name, value.to_value())).collect(), object.iter().collect());
    prop_assert_eq!(packed.len(), object.len());
    prop_assert!(all.iter().eq(own.iter().map(|(name, value)| (name, *value))));
    Ok(())
}

/// As the database gives it: what is within lists and objects is JSON.
fn as_stored(object: &Object<'static>) -> Object<'static> {
    fn stored(value: &Value<'static>) -> Value<'static> {
        match value {
            Value::List(_) | Value::Object(_) => {
                Value::parse(&serde_json::to_string(value).unwrap()).unwrap().into_owned()
            }
            value => value.clone(),
        }
    }
    let members = |object: &Object<'static>| -> Vec<(String, Value<'static>)> {
        object.iter().map(|(name, value)| (name.to_owned(), stored(value))).collect()
    };
    let mut all: Object<'static> = members(object).into_iter().collect();
    for part in ["traits", "consents"] {
        if let Some(Value::Object(within)) = object.get(part) {
            all.set(part, Value::Object(members(within).into_iter().collect()));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: count(300, 4_000) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_packed_is_read_again(
        profile in objects(), traits in objects(), consents in objects(), login in objects(),
        marked in vec(any::<prop::sample::Index>(), 0..4), absent in "~[A-Z]{9}",
    ) {
        let mut user = profile.clone();
        user.set("traits", Value::Object(traits.clone()));
        user.set("consents", Value::Object(consents.clone()));
        let of_bag = |bag: Bag, object: &Object<'_>| -> Vec<_> {
            object.iter().filter_map(|(name, _)| Some((bag, Slug::parse(name).ok()?))).collect()
        };
        let fields = [of_bag(Bag::Profile, &profile), of_bag(Bag::Traits, &traits)].concat();
        let own: Vec<_> = marked.iter().filter(|_| !fields.is_empty()).map(|index| index.get(&fields).clone()).collect();

        let record = UserRecord::pack(&user, &login, &own);
        check(record.user(), &user)?;
        check(record.traits(), &traits)?;
        check(record.login(), &login)?;
        prop_assert!(matches!(record.user().get("consents"), Some(value) if value.to_value() == Value::Object(consents)));
        for (bag, slug) in &fields {
            prop_assert_eq!(record.self_asserted().holds(*bag, slug.as_str()), own.contains(&(*bag, slug.clone())));
            prop_assert!(record.field(*bag, slug.as_str()).is_some());
        }
        prop_assert_eq!(record.self_asserted().is_empty(), own.is_empty());
        for object in [record.user(), record.traits(), record.login()] {
            prop_assert!(object.get(&absent).is_none());
        }
        let stored = UserRecord::pack(&as_stored(&user), &as_stored(&login), &own);
        prop_assert_eq!(UserRecord::from_bytes(&stored.to_bytes()), Some(stored));
    }
}

#[test]
fn a_user_with_all_the_traits_that_one_may_have() {
    let traits: Object<'static> = (0..1000).map(|n| (format!("t{n}"), Value::Int(n))).collect();
    let record = UserRecord::new("alice", traits.clone());
    check(record.traits(), &traits).unwrap();
    assert!(record.field(Bag::Traits, "t1000").is_none());
    assert!(record.field(Bag::Profile, "t1").is_none());
    assert!(record.heap_bytes() < 20_000, "{}", record.heap_bytes());
}

/// Sidecars of several versions may share one Redis, in which records lie as these bytes.
#[test]
fn the_bytes_of_a_record_stay_the_same() {
    let text = r#"{"id": "alice", "name": "Ä", "traits": {"plan": "pro", "seats": 7, "ratio": 0.5, "tags": ["a", null]},
                  "consents": {"ads": true}}"#;
    let login: Object<'static> =
        [("count", Value::Int(2)), ("first_at", Value::Time(jiff::Timestamp::UNIX_EPOCH))].into_iter().collect();
    let own = [(Bag::Traits, Slug::parse("seats").unwrap())];
    let record = UserRecord::pack(&Object::parse(text).unwrap(), &login, &own);
    let bytes = String::from_utf8(record.to_bytes()).unwrap();
    insta::assert_snapshot!(bytes);
    assert_eq!(UserRecord::from_bytes(bytes.as_bytes()), Some(record));
    for broken in ["", "[]", "{}", r#"["x",false,[]]"#, &bytes[..bytes.len() - 1], &bytes.replacen("alice", "alic", 1)]
    {
        assert_eq!(UserRecord::from_bytes(broken.as_bytes()), None, "{broken}");
    }
}
