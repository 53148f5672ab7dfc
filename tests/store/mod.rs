//! What every function of the store promises, asked of the library on the database that is wanted.

mod cold_reads;
mod corrupt;
mod documents;
mod feed;
mod fields;
mod logins;
mod resources;
mod schema;
mod sessions;
mod strangers;
mod tickets;
mod tokens;
mod users;

use sidegate::model::{Author, Bag, FieldChange, Origin, Slug, Source, TenantId, UserId, Value};
use sidegate::store::{Edited, Store, StoreError, StoredField};

use crate::support::{Database, wait_for};

/// Runs a test on a store of its own.
pub fn on_a_store(test: impl AsyncFnOnce(&Store, &Database)) {
    let database = Database::new();
    wait_for(async {
        let store = database.open().await;
        add_tenants(&store, &["acme", "other"]).await;
        test(&store, &database).await;
        store.close().await;
    });
}

/// Makes tenants, without which nothing is written.
pub async fn add_tenants(store: &Store, names: &[&str]) {
    let tenants: Vec<TenantId> = names.iter().map(|name| tenant(name)).collect();
    store.add_tenants(&tenants, at(0)).await.unwrap();
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub fn slug(name: &str) -> Slug {
    Slug::parse(name).unwrap()
}

/// A moment, so many seconds after the first of all.
pub fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::new(seconds, 5).unwrap()
}

pub fn author(source: Source, seconds: i64) -> Author {
    Author { source, actor: format!("{} of the test", source.as_str()), at: at(seconds), origin: Origin::default() }
}

pub fn text(text: &str) -> Value<'static> {
    Value::Str(text.to_owned().into())
}

/// A trait set, or taken away.
pub fn change(name: &str, value: Option<Value<'static>>) -> FieldChange<'static> {
    FieldChange { bag: Bag::Traits, slug: slug(name), value, sensitive: false }
}

/// The same of a profile field.
pub fn profile(name: &str, value: Option<Value<'static>>) -> FieldChange<'static> {
    FieldChange { bag: Bag::Profile, slug: slug(name), value, sensitive: false }
}

/// Changes fields as an admin, whatever there was.
pub async fn edit(store: &Store, of: &TenantId, id: &UserId, changes: &[FieldChange<'static>]) -> Edited {
    let edit = |_: &[StoredField]| Ok::<_, StoreError>(changes.to_vec());
    store.edit_fields(of, id, &author(Source::Admin, 1), edit).await.unwrap()
}

/// Ids that a locale would sort otherwise, in the order of their bytes.
pub const BY_BYTES: [&str; 12] = ["%", "10", "9", "A", "B", "_", "a", "a b", "a%", "b", "\u{e4}", "\u{1f600}"];
