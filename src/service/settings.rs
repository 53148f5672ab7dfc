//! The settings of a tenant, replaced through the API.

use std::sync::Arc;

use crate::model::{Author, Definitions, Precondition, TenantSettings};
use crate::store::DocumentKind;

use super::tenants::Tenant;
use super::traits::expect;
use super::{Fault, Result, Service, ServiceError};

/// How often a change is tried that another sidecar came before.
pub(super) const TRIES: usize = 5;

impl Service {
    /// Changes the settings to what `edit` makes of those that there are.
    ///
    /// # Errors
    /// Those of `edit`; [`ServiceError::Invalid`] with everything that is wrong, also if policies or rules do not go with
    /// them; [`ServiceError::Conflict`] if they stand in a file, [`ServiceError::Stale`].
    pub async fn change_settings(
        self: &Arc<Self>,
        tenant: &Tenant,
        edit: impl Fn(&TenantSettings) -> Result<TenantSettings>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<(TenantSettings, i64)> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        if let Some(file) = &tenant.settings.file {
            let detail = format!("the settings of this tenant stand in {file}: change them there");
            return Err(ServiceError::Conflict(detail));
        }
        let mut tries = 0;
        loop {
            // As they are stored: another sidecar may have changed them since they came into force here.
            let stored = self.document::<TenantSettings>(&tenant, DocumentKind::Settings, "").await?;
            let (before, tag) = stored.map_or_else(Default::default, |(settings, tag)| (settings, Some(tag)));
            expect(precondition, tag.clone())?;
            let settings = edit(&before)?;
            let faults = faults(&settings);
            if !faults.is_empty() {
                return Err(ServiceError::Invalid(faults));
            }
            self.check_with(&tenant, Definitions::clone(&tenant.definitions), settings.clone()).await?;
            let body = serde_json::to_string(&settings).unwrap_or_default();
            let which = (DocumentKind::Settings, "");
            tries += 1;
            match self.write_document(&tenant, which, Some(&body), author, &Precondition::still(tag)).await {
                Err(ServiceError::Stale(_)) if tries < TRIES => {}
                written => return Ok((settings, written?.revision)),
            }
        }
    }
}

/// Everything that is wrong. What names a variable of the environment is for files alone, which operators write: an admin
/// of a tenant would have the secrets of others sent to a server of theirs.
fn faults(settings: &TenantSettings) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut add = |pointer: String, code, detail| faults.push(Fault { pointer, detail, code });
    for (pointer, what, help) in settings.check() {
        add(pointer, "bad_settings", format!("{what}: {help}"));
    }
    let in_a_file = "this names a secret of the environment, which only tenant.json may do";
    let secrets = [
        ("/portal/clientSecretEnv", settings.portal.as_ref().and_then(|portal| portal.client_secret_env.as_ref())),
        ("/signIn/clientSecretEnv", settings.sign_in.as_ref().and_then(|sign_in| sign_in.client_secret_env.as_ref())),
    ];
    for (pointer, _) in secrets.iter().filter(|(_, named)| named.is_some()) {
        add((*pointer).to_owned(), "only_in_a_file", in_a_file.to_owned());
    }
    for (place, issuer) in settings.issuers.iter().enumerate() {
        if issuer.introspection.is_some() {
            add(format!("/issuers/{place}/introspection"), "only_in_a_file", in_a_file.to_owned());
        }
    }
    faults
}
