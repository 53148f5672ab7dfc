//! All definitions of a tenant: the standard profile fields, and its own.

use std::collections::BTreeMap;

use super::{Bag, Definition, FieldChange, Object, Slug, Value, standard_fields};

/// Definitions by slug.
#[derive(Debug, Clone, PartialEq)]
pub struct Definitions {
    all: BTreeMap<Slug, Definition>,
    /// The file that they stand in, if it is one: then the API does not change them.
    pub file: Option<String>,
}

impl Default for Definitions {
    fn default() -> Self {
        Self::new(Vec::new(), None)
    }
}

impl Definitions {
    /// Whether there is a trait among them.
    #[must_use]
    pub fn any_traits(&self) -> bool {
        self.iter().any(|definition| definition.kind == Bag::Traits)
    }

    /// A tenant's own definitions over the standard ones.
    #[must_use]
    pub fn new(own: Vec<Definition>, file: Option<String>) -> Self {
        let all = standard_fields().into_iter().chain(own).map(|definition| (definition.slug.clone(), definition));
        Self { all: all.collect(), file }
    }

    /// The same with one more, or one changed.
    #[must_use]
    pub fn with(&self, definition: Definition) -> Self {
        let mut changed = self.clone();
        changed.all.insert(definition.slug.clone(), definition);
        changed
    }

    /// The same without one; a standard field is then as it was at first.
    #[must_use]
    pub fn without(&self, slug: &str) -> Self {
        let mut changed = self.clone();
        changed.all.remove(slug);
        if let Some(standard) = standard_fields().into_iter().find(|standard| standard.slug.as_str() == slug) {
            changed.all.insert(standard.slug.clone(), standard);
        }
        changed
    }

    /// The definition of a slug.
    #[must_use]
    pub fn get(&self, slug: &str) -> Option<&Definition> {
        self.all.get(slug)
    }

    /// All of them, by slug.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.all.values()
    }

    /// Where the value of a slug lives: a slug that nobody defined is a trait.
    #[must_use]
    pub fn bag(&self, slug: &str) -> Bag {
        self.get(slug).map_or(Bag::Traits, |definition| definition.kind)
    }

    /// A change of a field as its definition has it: where its value lives, and whether the audit trail may hold it.
    #[must_use]
    pub fn change<'a>(&self, slug: Slug, value: Option<Value<'a>>) -> FieldChange<'a> {
        FieldChange { bag: self.bag(slug.as_str()), sensitive: self.is_sensitive(slug.as_str()), slug, value }
    }

    /// Whether values of a field are kept out of logs and of the audit trail.
    #[must_use]
    pub fn is_sensitive(&self, slug: &str) -> bool {
        self.get(slug).is_some_and(|definition| definition.sensitive)
    }

    /// Defaults in the shape of a user's facts.
    #[must_use]
    pub fn defaults(&self) -> Object<'static> {
        let (mut profile, mut traits) = (Vec::new(), Vec::new());
        for definition in self.iter() {
            let Some(default) = &definition.default else { continue };
            match definition.kind {
                Bag::Profile => profile.push((definition.slug.to_string(), default.clone())),
                Bag::Traits => traits.push((definition.slug.to_string(), default.clone())),
            }
        }
        if !traits.is_empty() {
            profile.push(("traits".to_owned(), Value::Object(traits.into_iter().collect())));
        }
        profile.into_iter().collect()
    }
}
