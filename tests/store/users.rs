//! Users: lists, searches, and all facts of one.

use sidegate::model::{Bag, Source, UserId, Value, ValueRef};
use sidegate::store::{Listed, Report, Store};

use super::{BY_BYTES, author, change, edit, on_a_store, profile, slug, tenant, text, user};

async fn ids(store: &Store, prefix: &str, after: &str, limit: i64) -> Vec<String> {
    let listed = store.list_users(&tenant("acme"), prefix, after, limit).await.unwrap();
    listed.into_iter().map(|user| user.id).collect()
}

#[test]
fn users_are_listed_by_the_bytes_of_their_ids() {
    on_a_store(async |store, _| {
        for id in BY_BYTES.iter().rev() {
            edit(store, &tenant("acme"), &user(id), &[change("plan", Some(text(id)))]).await;
        }
        assert_eq!(ids(store, "", "", 100).await, BY_BYTES);
        // Page by page, of every size.
        for size in 1..=BY_BYTES.len() {
            let mut all: Vec<String> = Vec::new();
            loop {
                let page = ids(store, "", all.last().map_or("", |last| last), size as i64).await;
                if page.is_empty() {
                    break;
                }
                assert!(page.len() <= size);
                all.extend(page);
            }
            assert_eq!(all, BY_BYTES, "{size}");
        }
        assert_eq!(ids(store, "a", "", 100).await, ["a", "a b", "a%"]);
        assert_eq!(ids(store, "a", "a", 1).await, ["a b"]);
        assert_eq!(ids(store, "%", "", 100).await, ["%"], "no wildcard");
        assert_eq!(ids(store, "_", "", 100).await, ["_"], "no wildcard");
        assert_eq!(ids(store, "", "zz", 100).await, ["\u{e4}", "\u{1f600}"]);
        assert_eq!(ids(store, "nobody", "", 100).await, Vec::<String>::new());
        assert_eq!(ids(store, "", "", 0).await, Vec::<String>::new());
        let records = store.records_after(&tenant("acme"), "", 100).await.unwrap();
        assert_eq!(records.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), BY_BYTES);
    });
}

#[test]
fn the_last_characters_that_there_are_stay_in_the_lists() {
    on_a_store(async |store, _| {
        let last = char::MAX;
        let mut all = vec!["a".to_owned(), format!("a{last}"), format!("a{last}z"), format!("{last}")];
        all.push(last.to_string().repeat(63));
        for id in &all {
            edit(store, &tenant("acme"), &user(id), &[profile("name", Some(text(&format!("n{id}"))))]).await;
        }
        assert_eq!(ids(store, "", "", 100).await, all);
        assert_eq!(ids(store, "a", "", 100).await, all[..3]);
        assert_eq!(ids(store, &last.to_string(), "", 100).await, all[3..]);
        assert_eq!(ids(store, "n", "", 100).await, all);
    });
}

#[test]
fn users_are_found_by_the_start_of_their_names_whatever_its_case() {
    on_a_store(async |store, _| {
        let acme = tenant("acme");
        let long = "x".repeat(200);
        let people = [
            ("1", "\u{c4}rger 100%", "Berta@Example.com"),
            ("2", "\u{e4}rger_", "anton@example.com"),
            ("3", &long, ""),
            ("4", "nul\u{0}byte", "nul\u{0}@example.com"),
        ];
        for (id, name, email) in people {
            let fields = [profile("name", Some(text(name))), profile("email", Some(text(email)))];
            edit(store, &acme, &user(id), &fields).await;
        }
        edit(store, &acme, &user("5"), &[change("nickname", Some(text("anton")))]).await;
        assert_eq!(ids(store, "\u{c4}RG", "", 9).await, ["1", "2"]);
        assert_eq!(ids(store, "berta@", "", 9).await, ["1"]);
        assert_eq!(ids(store, "ANTON", "", 9).await, ["2"]);
        assert_eq!(ids(store, "\u{e4}rger_", "", 9).await, ["2"], "no wildcard");
        assert_eq!(ids(store, &long[..70], "", 9).await, ["3"]);
        assert_eq!(ids(store, "rger", "", 9).await, Vec::<String>::new());
        assert_eq!(ids(store, "nul", "", 9).await, ["4"]);

        // What is changed or gone is found as it is now.
        edit(store, &acme, &user("1"), &[profile("name", Some(text("Zora"))), profile("email", None)]).await;
        edit(store, &acme, &user("2"), &[profile("name", Some(Value::Int(7)))]).await;
        assert_eq!(ids(store, "\u{e4}rg", "", 9).await, Vec::<String>::new());
        let listed = store.list_users(&acme, "zora", "", 9).await.unwrap();
        assert_eq!(listed, [Listed { id: "1".to_owned(), name: Some("Zora".to_owned()), email: None }]);
    });
}

#[test]
fn one_and_many_are_read_alike() {
    on_a_store(async |store, _| {
        let acme = tenant("acme");
        assert_eq!(store.load_user(&acme, &user("alice")).await.unwrap(), (0, None));
        let consent = |purpose: &str, withdrawn: bool| sidegate::model::Consent {
            purpose: purpose.to_owned(),
            version: "1".to_owned(),
            given_at: None,
            withdrawn_at: withdrawn.then(|| super::at(3)),
        };
        for (number, id) in ["alice", "bob", "carol"].into_iter().enumerate() {
            for login in 0..number {
                let report = Report {
                    login_id: &format!("{id}-{login}"),
                    fields: vec![profile("email", Some(text(&format!("{id}@example.com"))))],
                    consents: vec![consent("news", false), consent("ads", true)],
                    ..Report::default()
                };
                store.report_login(&acme, &user(id), &report, &author(Source::Idp, 10 + login as i64)).await.unwrap();
            }
            edit(store, &acme, &user(id), &[change("b", Some(Value::Int(1))), change("a", Some(text(id)))]).await;
        }
        let own = [profile("city", Some(text("Berlin")))];
        let say = |_: &[sidegate::store::StoredField]| Ok::<_, sidegate::store::StoreError>(own.to_vec());
        store.edit_fields(&acme, &user("bob"), &author(Source::User, 9), say).await.unwrap();

        let records = store.records_after(&acme, "", 10).await.unwrap();
        assert_eq!(records.len(), 3);
        let last = store.last_change().await.unwrap();
        for (id, record) in &records {
            let one = store.load_user(&acme, &UserId::parse(id).unwrap()).await.unwrap();
            assert_eq!(one, (last, Some(record.clone())), "{id}");
        }
        let carol = &records[2].1;
        let login = |name: &str| carol.login().get(name).map(ValueRef::to_value);
        assert_eq!(login("count"), Some(Value::Int(2)));
        assert_eq!(login("first_at"), Some(Value::Time(super::at(10))));
        assert_eq!(login("last_at"), Some(Value::Time(super::at(11))));
        let given: Vec<_> = match carol.user().get("consents") {
            Some(ValueRef::Object(given)) => given.iter().map(|(purpose, _)| purpose.to_owned()).collect(),
            other => panic!("{other:?}"),
        };
        assert_eq!(given, ["news"], "what is withdrawn is not there");
        let own: Vec<_> = records.iter().filter(|(_, record)| !record.self_asserted().is_empty()).collect();
        assert_eq!(own, [&records[1]]);
        let bob = records[1].1.self_asserted();
        assert_eq!(["city", "email"].map(|slug| bob.holds(Bag::Profile, slug)), [true, false]);
        assert_eq!(store.records_after(&acme, "alice", 1).await.unwrap(), records[1..2]);
    });
}

#[test]
fn every_search_finds_page_by_page_those_whom_a_look_at_each_finds() {
    let (plans, seats) = (["\"pro\"", "\"free\"", "7"], ["1", "2"]);
    let has = |number: usize| (plans[number % 3], seats[number / 3 % 2]);
    let name = |number: usize| format!("{}-{number:02}", if number.is_multiple_of(2) { "even" } else { "odd" });
    let value = |json: &'static str| Some(serde_json::from_str::<Value<'static>>(json).unwrap());
    let wanted: [&[&str]; 5] = [&[], &["\"pro\""], &["\"pro\"", "7"], &["\"none\""], &["\"free\"", "\"none\""]];
    on_a_store(async |store, _| {
        for tenant in [tenant("acme"), tenant("other")] {
            for number in 0..30 {
                let (plan, seats) = has(number);
                let changes = [change("plan", value(plan)), change("seats", value(seats))];
                edit(store, &tenant, &user(&name(number)), &changes).await;
            }
        }
        let seats: [&[&str]; 2] = [&[], &["2"]];
        let filters = wanted.iter().flat_map(|plans| seats.map(|seats| (*plans, seats)));
        for (plans, seats, prefix) in
            filters.flat_map(|(plans, seats)| ["", "even", "odd-1"].map(|prefix| (plans, seats, prefix)))
        {
            let fits = |number: &usize| {
                let (plan, seat) = has(*number);
                (plans.is_empty() || plans.contains(&plan)) && (seats.is_empty() || seats.contains(&seat))
            };
            let mut expected: Vec<String> = (0..30).filter(fits).map(name).collect();
            expected.retain(|name| name.starts_with(prefix));
            expected.sort_unstable();
            let filter =
                |name: &str, values: &[&str]| (slug(name), values.iter().map(|&value| value.to_owned()).collect());
            let mut traits = vec![filter("plan", plans), filter("seats", seats)];
            traits.retain(|(_, values): &(_, Vec<String>)| !values.is_empty());
            let mut found: Vec<String> = Vec::new();
            loop {
                let after = found.last().cloned().unwrap_or_default();
                let page = store.find_users(&tenant("acme"), prefix, &traits, &after, 4).await.unwrap();
                found.extend(page.iter().map(|user| user.id.clone()));
                if page.len() < 4 {
                    break;
                }
            }
            assert_eq!(found, expected, "{prefix:?} {traits:?}");
        }
    });
}
