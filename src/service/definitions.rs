//! Definitions: changed under the eyes of all that stands on them: stored values, policies, rules.

use std::sync::Arc;

use crate::engine::{Compiled, Stored, compile};
use crate::model::{Author, Bag, Definition, Definitions, Precondition, Slug, TenantSettings};
use crate::profiling::RuleSet;
use crate::store::{DocumentKind, ValuePlace};

use super::policies::read_policies;
use super::settings::TRIES;
use super::tenants::{Policies, Tenant, first_error};
use super::traits::expect;
use super::{Fault, Result, Service, ServiceError};

/// As many stored values are read at once.
const VALUES_AT_ONCE: i64 = 1000;

/// How a definition is to be changed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Who changes it.
    pub author: &'a Author,
    /// What the author has seen of it.
    pub precondition: &'a Precondition,
    /// Whether it is done although it leaves behind what stands on it.
    pub force: bool,
}

/// A definition that was changed.
#[derive(Debug)]
pub struct Defined {
    /// As it is now; a standard field whose own definition was taken away is as it was at first.
    pub definition: Option<Definition>,
    /// Whether the tenant had none of its own before.
    pub created: bool,
    /// The tenant's revision after it.
    pub revision: i64,
    /// What stands on it.
    pub touched: Touched,
}

/// What stands on a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// How many users have a value.
    pub values: u64,
    /// How many of these the definition does not speak for after its change: it is gone, or would not admit them.
    pub orphaned: u64,
    /// The policies that read it.
    pub policies: Vec<String>,
    /// The rules that ask it or look at it.
    pub rules: Vec<String>,
}

impl Service {
    /// Changes the definition of a slug to what `edit` makes of the one that there is.
    ///
    /// # Errors
    /// Those of `edit`; [`ServiceError::Invalid`] if it makes no sense, or if policies or rules do not go with it;
    /// [`ServiceError::Orphans`] without `force`; [`ServiceError::Conflict`] if definitions stand in a file;
    /// [`ServiceError::Stale`].
    pub async fn define(
        self: &Arc<Self>,
        tenant: &Tenant,
        slug: &Slug,
        edit: impl Fn(Option<&Definition>) -> Result<Definition>,
        change: Change<'_>,
    ) -> Result<Defined> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        refuse_file(&tenant.definitions)?;
        for _ in 0..TRIES {
            // As it is stored: another sidecar may have changed it since it came into force here.
            let stored = self.document::<Definition>(&tenant, DocumentKind::Definition, slug.as_str()).await?;
            let (stored, tag) = stored.map_or((None, None), |(definition, tag)| (Some(definition), Some(tag)));
            let definition = edit(stored.as_ref().or(tenant.definitions.get(slug.as_str())))?;
            definition
                .check_itself()
                .map_err(|(pointer, why)| ServiceError::invalid(pointer, "bad_definition", why))?;
            let body = serde_json::to_string(&definition).unwrap_or_default();
            let changed = tenant.definitions.with(definition);
            if let Some(defined) = self.redefine(&tenant, slug, changed, (Some(&body), tag), change).await? {
                return Ok(defined);
            }
        }
        Err(busy())
    }

    /// Takes a definition away; a standard profile field is then as it was at first.
    ///
    /// # Errors
    /// As [`Service::define`], and [`ServiceError::NotFound`].
    pub async fn undefine(self: &Arc<Self>, tenant: &Tenant, slug: &Slug, change: Change<'_>) -> Result<Defined> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        refuse_file(&tenant.definitions)?;
        for _ in 0..TRIES {
            let stored = self.store.document(&tenant.id, DocumentKind::Definition, slug.as_str()).await?;
            let tag = stored.map(|document| document.tag());
            if tag.is_none() {
                return Err(ServiceError::NotFound("this tenant has no definition of its own of that slug"));
            }
            let changed = tenant.definitions.without(slug.as_str());
            if let Some(defined) = self.redefine(&tenant, slug, changed, (None, tag), change).await? {
                return Ok(defined);
            }
        }
        Err(busy())
    }

    /// `None` if another sidecar changed the definition meanwhile, so that it has to be looked at again.
    async fn redefine(
        self: &Arc<Self>,
        tenant: &Tenant,
        slug: &Slug,
        changed: Definitions,
        (body, tag): (Option<&str>, Option<String>),
        Change { author, precondition, force }: Change<'_>,
    ) -> Result<Option<Defined>> {
        let which = (DocumentKind::Definition, slug.as_str());
        let definition = changed.get(slug.as_str()).cloned();
        self.check_with(tenant, changed, TenantSettings::clone(&tenant.settings)).await?;
        expect(precondition, tag.clone())?;
        let touched = self.touched(tenant, slug, definition.as_ref()).await?;
        let faults = touched.orphans(tenant.definitions.bag(slug.as_str()), definition.as_ref());
        if !force && !faults.is_empty() {
            return Err(ServiceError::Orphans(faults));
        }
        match self.write_document(tenant, which, body, author, &Precondition::still(tag)).await {
            Err(ServiceError::Stale(_)) => Ok(None),
            Err(error) => Err(error),
            Ok(written) => {
                Ok(Some(Defined { definition, created: !written.existed, revision: written.revision, touched }))
            }
        }
    }

    /// What stands on the definition of a slug, which will be `after`.
    async fn touched(&self, tenant: &Tenant, slug: &Slug, after: Option<&Definition>) -> Result<Touched> {
        let before = tenant.definitions.get(slug.as_str());
        let bag = tenant.definitions.bag(slug.as_str());
        let values = self.store.count_values(&tenant.id, slug).await?;
        let orphaned = match after {
            None => values,
            Some(after) if before.is_some_and(|before| before.admits_the_same(after)) => 0,
            Some(after) => self.count_unfit(tenant, slug, after).await?,
        };
        let policies = match &tenant.policies {
            Policies::InForce { program, .. } => {
                program.readers_of(bag, slug.as_str()).into_iter().map(str::to_owned).collect()
            }
            Policies::None { .. } => Vec::new(),
        };
        let rules = tenant.rules.iter().flat_map(|set| &set.rules).filter(|rule| rule.touches(bag, slug));
        Ok(Touched { values, orphaned, policies, rules: rules.map(|rule| rule.id.clone()).collect() })
    }

    async fn count_unfit(&self, tenant: &Tenant, slug: &Slug, after: &Definition) -> Result<u64> {
        let (mut unfit, mut place) = (0, ValuePlace::default());
        loop {
            let some = self.store.values_after(&tenant.id, slug, &place, VALUES_AT_ONCE).await?;
            let Some(last) = some.last() else { return Ok(unfit) };
            place = last.place.clone();
            unfit += some.iter().filter(|one| one.bag != after.kind || after.check(&one.value).is_err()).count() as u64;
        }
    }

    /// Refuses definitions and settings with which the tenant's policies or rules would not be in force, naming them.
    pub(super) async fn check_with(
        &self,
        tenant: &Tenant,
        definitions: Definitions,
        settings: TenantSettings,
    ) -> Result<()> {
        let folder = self.policies_folder().join(tenant.id.as_str());
        let stored = Arc::new(Stored { definitions: Arc::new(definitions), settings });
        let with = stored.clone();
        let compiled = move || folder.is_dir().then(|| compile(read_policies(&folder), &with));
        let failed = |_| ServiceError::Conflict("the policies could not be compiled".to_owned());
        let compiled: Option<Compiled> = tokio::task::spawn_blocking(compiled).await.map_err(failed)?;
        if let Some(broken) = compiled.filter(|compiled| compiled.program.is_none()) {
            let detail = format!("the policies of this tenant do not go with it: {}", first_error(&broken));
            return Err(ServiceError::invalid("", "policies_disagree", detail));
        }
        let rules = tenant.rules.iter().flat_map(|set| &set.rules).map(|rule| rule.rule.clone()).collect();
        RuleSet::compile(rules, &stored.definitions, &stored.settings, None).map(|_| ()).map_err(|errors| {
            let first = errors.first().map_or(String::new(), |error| format!("{}: {}", error.pointer, error.detail));
            ServiceError::invalid("", "rules_disagree", format!("the profiling rules do not go with it: {first}"))
        })
    }
}

impl Touched {
    /// What a change leaves behind. Policies and rules that read what nobody defines any more mean nothing.
    fn orphans(&self, bag: Bag, after: Option<&Definition>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |code, detail| faults.push(Fault { pointer: String::new(), detail, code });
        let Touched { values, orphaned, policies, rules } = self;
        match after {
            _ if *orphaned == 0 => {}
            Some(_) => add("values_orphaned", format!("{orphaned} of {values} stored values are not as it says")),
            None => {
                let are = if *values == 1 { "value is" } else { "values are" };
                add("values_orphaned", format!("{values} {are} stored, which nobody defines then"));
            }
        }
        if after.is_none_or(|after| after.kind != bag) {
            for (code, what, names) in [("policies_orphaned", "policies", policies), ("rules_orphaned", "rules", rules)]
            {
                if !names.is_empty() {
                    add(code, format!("{} {what} read it: {}", names.len(), some_of(names)));
                }
            }
        }
        faults
    }
}

fn busy() -> ServiceError {
    ServiceError::Conflict("others change this definition all the time: ask again".to_owned())
}

/// The first names of a list that may be long.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn refuse_file(definitions: &Definitions) -> Result<()> {
    match &definitions.file {
        Some(file) => {
            Err(ServiceError::Conflict(format!("the definitions of this tenant stand in {file}: change them there")))
        }
        None => Ok(()),
    }
}
