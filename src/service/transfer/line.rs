//! A user as a line of NDJSON.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{
    Bag, Consent, CountedLogin, Definitions, Identity, Key, Object, PortableField, PortableUser, Provenance, Slug,
    UniqueKeys, UserId, Value, holds_long_integer, is_name,
};
use crate::service::profiling::names_told;
use crate::service::tenants::Tenant;
use crate::service::traits::fault;
use crate::service::{Fault, in_words, pointer_of, pointer_to};

use super::columns::{path, right_place};

/// What a line says, in the order in which it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line<'a> {
    user_id: UserId,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default, borrow)]
    profile: Object<'a>,
    #[serde(default, borrow)]
    traits: Object<'a>,
    #[serde(default)]
    origins: Provenances,
    #[serde(default)]
    identities: Vec<Identity>,
    #[serde(default)]
    consents: Vec<Consent>,
    #[serde(default)]
    logins: Vec<CountedLogin>,
}

/// Where values came from, by the path of their field.
#[derive(Default)]
struct Provenances(Vec<(String, Provenance)>);

impl<'de> Deserialize<'de> for Provenances {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProvenancesVisitor;
        impl<'de> Visitor<'de> for ProvenancesVisitor {
            type Value = Provenances;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Provenances, A::Error> {
                let (mut origins, mut keys) = (Vec::new(), UniqueKeys::default());
                while let Some(Key(key)) = map.next_key()? {
                    origins.push((key.to_string(), map.next_value()?));
                    keys.add(key);
                }
                keys.check()?;
                Ok(Provenances(origins))
            }
        }
        deserializer.deserialize_map(ProvenancesVisitor)
    }
}

/// Reads a line, and checks what it says as every other write is checked.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(tenant: &Tenant, text: &str) -> Result<PortableUser, Vec<Fault>> {
    let line = parse(text).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    let mut fields = Vec::with_capacity(line.profile.len() + line.traits.len());
    let Line { profile, traits, .. } = line;
    for (bag, object) in [(Bag::Profile, profile), (Bag::Traits, traits)] {
        let mut object = Value::Object(object);
        if holds_long_integer(text.as_bytes()) {
            object.mark_large_doubles();
        }
        let Value::Object(object) = object else { continue };
        for (slug, value) in object.iter() {
            match field(tenant, bag, slug, value) {
                Ok(field) => fields.push(field),
                Err(fault) => faults.push(fault),
            }
        }
    }
    for (path_of, origin) in line.origins.0 {
        let named = fields.iter_mut().find(|field| path(field.bag, &field.slug) == path_of && field.value.is_some());
        match named {
            Some(field) => field.origin = Some(origin),
            None if !faults.is_empty() => {}
            None => {
                let pointer = format!("/origins{}", pointer_to(&path_of));
                let detail = format!("this line has no value {path_of} that could have come from there");
                faults.push(Fault { pointer, detail, code: "no_value" });
            }
        }
    }
    let user = PortableUser {
        id: line.user_id,
        created_at: line.created_at,
        fields,
        identities: line.identities,
        consents: line.consents,
        logins: line.logins,
    };
    check_texts(&user, &mut faults);
    if faults.is_empty() { Ok(user) } else { Err(faults) }
}

fn parse(text: &str) -> Result<Line<'_>, Fault> {
    let fault = |pointer: String, code, detail: String| Fault { pointer, detail, code };
    // serde would take the members of a structure from a list, too.
    if !text.trim_start().starts_with('{') {
        return Err(fault(String::new(), "not_json", "a line is a JSON object".to_owned()));
    }
    let placed = |error: &serde_json::Error| format!("{}, at column {}", in_words(&error.to_string()), error.column());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let line = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| match error.inner().classify() {
        serde_json::error::Category::Data => fault(pointer_of(error.path()), "not_as_expected", placed(error.inner())),
        serde_json::error::Category::Eof => {
            fault(String::new(), "not_json", "it ends within the object, which must stand on one line".to_owned())
        }
        _ => fault(String::new(), "not_json", format!("this is not JSON: {}", placed(error.inner()))),
    })?;
    let end = deserializer.end();
    end.map_err(|error| fault(String::new(), "not_json", format!("this is not JSON: {}", placed(&error))))?;
    Ok(line)
}

fn field(tenant: &Tenant, bag: Bag, slug: &str, value: &Value<'_>) -> Result<PortableField, Fault> {
    let pointer = || format!("/{}{}", bag.as_str(), pointer_to(slug));
    let parsed = Slug::parse(slug);
    let slug = parsed.map_err(|error| Fault { pointer: pointer(), detail: error.to_string(), code: "bad_name" })?;
    let placed = right_place(&tenant.definitions, bag, &slug);
    placed.map_err(|detail| Fault { pointer: pointer(), detail, code: "wrong_place" })?;
    let sensitive = tenant.definitions.is_sensitive(slug.as_str());
    if *value == Value::Null {
        return Ok(PortableField { bag, slug, value: None, sensitive, origin: None });
    }
    match fault(tenant, &slug, value) {
        Some(fault) => Err(Fault { pointer: pointer(), ..fault }),
        None => Ok(PortableField { bag, slug, value: Some(value.clone().into_owned()), sensitive, origin: None }),
    }
}

/// Checks what is neither a field nor a time, as a login's are checked; and names that may be there once.
fn check_texts(user: &PortableUser, faults: &mut Vec<Fault>) {
    let fault = |pointer, detail: &str, code| Fault { pointer, detail: detail.to_owned(), code };
    let nul = |pointer| fault(pointer, "this text holds a NUL", "nul");
    for field in &user.fields {
        if field.origin.as_ref().is_some_and(|origin| origin.writer.contains('\0')) {
            faults.push(nul(format!("/origins{}/writer", pointer_to(&path(field.bag, &field.slug)))));
        }
    }
    let mut names = names_told(&user.identities, &user.consents);
    for (place, login) in user.logins.iter().enumerate() {
        names.extend(login.client.as_deref().map(|client| (format!("/logins/{place}/client"), client)));
        names.push((format!("/logins/{place}/loginId"), &login.login_id));
    }
    for (pointer, text) in names.into_iter().filter(|(_, text)| !is_name(text)) {
        let code = if pointer.ends_with("/loginId") { "bad_login_id" } else { "bad_name" };
        faults.push(match text.contains('\0') {
            true => nul(pointer),
            false => fault(pointer, "this is 1 to 255 bytes without control characters", code),
        });
    }
    let identity = |identity: &Identity| (identity.provider.clone(), identity.subject.clone());
    once(faults, "identities", user.identities.iter().map(identity));
    once(faults, "consents", user.consents.iter().map(|consent| consent.purpose.clone()));
    once(faults, "logins", user.logins.iter().map(|login| login.login_id.clone()));
}

fn once<T: Eq + std::hash::Hash>(faults: &mut Vec<Fault>, list: &str, names: impl Iterator<Item = T>) {
    let mut seen = std::collections::HashSet::new();
    for (place, name) in names.enumerate() {
        if !seen.insert(name) {
            let pointer = format!("/{list}/{place}");
            faults.push(Fault { pointer, detail: "this is there twice".to_owned(), code: "twice" });
        }
    }
}

/// Writes a user as a line, with its end.
pub(super) fn write(definitions: &Definitions, user: &PortableUser, out: &mut Vec<u8>) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'a> {
        user_id: &'a UserId,
        #[serde(skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Members::is_empty")]
        profile: Members<'a, &'a Value<'a>>,
        #[serde(skip_serializing_if = "Members::is_empty")]
        traits: Members<'a, &'a Value<'a>>,
        #[serde(skip_serializing_if = "Members::is_empty")]
        origins: Members<'a, &'a Provenance>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        identities: &'a [Identity],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        consents: &'a [Consent],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        logins: &'a [CountedLogin],
    }
    let (mut profile, mut traits, mut origins) = (Members::default(), Members::default(), Members::default());
    for field in &user.fields {
        let bag = definitions.bag(field.slug.as_str());
        let members = if bag == Bag::Profile { &mut profile } else { &mut traits };
        members.0.extend(field.value.as_ref().map(|value| (Cow::Borrowed(field.slug.as_str()), value)));
        origins.0.extend(field.origin.as_ref().map(|origin| (Cow::Owned(path(bag, &field.slug)), origin)));
    }
    let PortableUser { id, created_at, identities, consents, logins, .. } = user;
    let created_at = *created_at;
    let line = Written { user_id: id, created_at, profile, traits, origins, identities, consents, logins };
    // Our own types have string keys and no failing serialisers, and a vector takes all.
    let _ = serde_json::to_writer(&mut *out, &line);
    out.push(b'\n');
}

/// Members of an object.
struct Members<'a, V>(Vec<(Cow<'a, str>, V)>);

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Members<'_, V> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Serialize> Serialize for Members<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
