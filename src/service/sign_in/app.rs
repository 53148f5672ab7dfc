//! Signing in to the tenant's apps, which reverse proxies stand before. A session counts once the profile is complete.

use jiff::SignedDuration;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use subtle::ConstantTimeEq;
use url::Url;

use crate::model::{AccessToken, AppSignIn, Author, Caller, Issuer, Object, Origin, Source, UserId, Value};
use crate::service::issuers::{Found, Unfit};
use crate::service::profiling::{Checked, Login};
use crate::service::tenants::Tenant;
use crate::service::{Service, ServiceError, entropy};
use crate::store::{AppSession, SessionEnded};

use super::{BegunSignIn, CameBack, Client};

/// What policies may read of the id token as long as a session lasts.
const CLAIMS: [&str; 7] = ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"];

/// What of the id token is no profile: it may not be the user's own.
const UNVERIFIED: [(&str, &str); 2] = [("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// Where a browser goes that signs in.
#[derive(Debug)]
pub enum AppStep {
    /// To the provider.
    Ask(BegunSignIn),
    /// To the page that asks what is missing in the profile.
    Profile(String),
    /// To the app; `None` if there is no way back that the tenant lists.
    GoOn(Option<Url>),
    /// The provider knows who it is, and nobody of this tenant is that.
    Stranger,
    /// Nowhere; the words are for the page, details are in the log.
    Failed(&'static str),
}

impl Service {
    /// The URL where browsers sign in to the tenant's apps, if sidegate sees to that.
    #[must_use]
    pub fn sign_in_url(&self, tenant: &Tenant, return_to: &str) -> Option<String> {
        tenant.settings.sign_in.as_ref()?;
        let return_to = utf8_percent_encode(return_to, NON_ALPHANUMERIC);
        Some(self.url_of(&format!("/t/{}/account/sign-in?returnTo={return_to}", tenant.id)))
    }

    /// The next step of a browser that wants to sign in; `held` is the cookie of a session that it may have.
    ///
    /// # Errors
    /// The store's, or what profiling refuses.
    pub async fn sign_in_to_apps(
        &self,
        tenant: &Tenant,
        held: Option<&str>,
        return_to: &str,
        origin: Origin,
    ) -> Result<AppStep, ServiceError> {
        let Some(settings) = &tenant.settings.sign_in else {
            return Ok(AppStep::Failed("This tenant's apps have no sign-in here."));
        };
        if let Some(secret) = held.and_then(|value| self.secret_in(tenant, value)) {
            let hash = self.hash_of_session(secret);
            if let Some(session) = self.store.session(&tenant.id, &hash, self.now()).await? {
                return self.go_on(tenant, (settings, &hash), session, return_to, origin).await;
            }
        }
        if let Some(why) = self.out_of_reach(settings, self.return_url(tenant, return_to).as_ref()) {
            return Ok(AppStep::Failed(why));
        }
        let begun = self.ask_provider(tenant, &self.app_client(tenant, settings), return_to).await;
        Ok(begun.map_or(AppStep::Failed("The identity provider does not answer."), AppStep::Ask))
    }

    /// What came of asking the provider, and the cookie of the session that began.
    ///
    /// # Errors
    /// The store's, or what profiling refuses.
    pub async fn signed_in_to_apps(
        &self,
        tenant: &Tenant,
        back: CameBack<'_>,
        origin: Origin,
    ) -> Result<(AppStep, Option<String>), ServiceError> {
        let failed = |why| Ok((AppStep::Failed(why), None));
        let trusted = tenant.settings.sign_in.as_ref().and_then(|settings| {
            let issuer = tenant.settings.issuers.iter().find(|issuer| issuer.issuer == settings.issuer);
            Some((settings, issuer?))
        });
        let Some((settings, issuer)) = trusted else { return failed("This tenant's apps have no sign-in here.") };
        let (claims, return_to) = match self.hear_provider(tenant, &self.app_client(tenant, settings), back).await {
            Ok(heard) => heard,
            Err(why) => return failed(why),
        };
        let now = self.now();
        let lifetime = SignedDuration::from_hours(settings.session_hours.into());
        let expires_at = now.saturating_add(lifetime).unwrap_or(now);
        let user = match self.whose(tenant, issuer, claims.clone(), expires_at).await {
            Ok(Found { caller: Caller::User { id, .. }, .. }) => id,
            Ok(_) | Err(Unfit::Unlinked) => return Ok((AppStep::Stranger, None)),
            Err(Unfit::Store(error)) => return Err(error.into()),
            Err(_) => return failed("The identity provider did not say who you are."),
        };
        let login_id = format!("sign-in {}", entropy::id(now));
        let author = author(issuer, now, origin);
        let checked =
            self.check_login(tenant, self.login(tenant, &user, &login_id, known(&claims), &return_to), &author).await?;
        let kept = CLAIMS.iter().filter_map(|name| Some(((*name).to_owned(), claims.get(name)?.clone())));
        let complete = matches!(checked, Checked::Complete(_));
        let session = AppSession { user, login_id, claims: kept.collect(), complete, expires_at };
        let secret = entropy::secret();
        if !self.store.insert_session(&tenant.id, &self.hash_of_session(&secret), &session, now).await? {
            return Err(ServiceError::Conflict("this user was erased during the sign-in: start it again".to_owned()));
        }
        let cookie = format!("{secret}.{}", self.csrf(&format!("session {} {secret}", tenant.id)));
        Ok((self.step(tenant, settings, checked, &return_to), Some(cookie)))
    }

    /// Ends the session of a cookie; whether there was one.
    ///
    /// # Errors
    /// The store's.
    pub async fn sign_out_of_apps(&self, tenant: &Tenant, held: &str, origin: Origin) -> Result<bool, ServiceError> {
        let Some(secret) = self.secret_in(tenant, held) else { return Ok(false) };
        let hash = self.hash_of_session(secret);
        let Some(session) = self.store.session(&tenant.id, &hash, self.now()).await? else { return Ok(false) };
        let origin = Origin { credential: "session".to_owned(), ..origin };
        let author = Author { source: Source::User, actor: session.user.to_string(), at: self.now(), origin };
        let ended = self.store.end_session(&tenant.id, &hash, &author).await?;
        if let Some(SessionEnded { user, revision, seq }) = &ended {
            self.forget_user(&tenant.id, user.as_str(), *seq);
            self.wrote(tenant, *revision).await?;
        }
        Ok(ended.is_some())
    }

    /// The user of a session's cookie, as the caller that they are.
    pub(in crate::service) async fn find_session(&self, tenant: &Tenant, held: &str) -> Result<Found, Unfit> {
        let secret = self.secret_in(tenant, held).ok_or(Unfit::Forged)?;
        let as_of = self.seen();
        let session = self.store.session(&tenant.id, &self.hash_of_session(secret), self.now()).await?;
        let AppSession { user, claims, expires_at, .. } = session.filter(|held| held.complete).ok_or(Unfit::Forged)?;
        let link = self.link(tenant, &user, as_of);
        let token = AccessToken { tenant: tenant.id.clone(), claims, expires_at };
        Ok(Found { caller: Caller::User { id: user, token }, link: Some(link) })
    }

    /// A session that there is may have waited for something that was asked.
    async fn go_on(
        &self,
        tenant: &Tenant,
        (settings, hash): (&AppSignIn, &[u8]),
        session: AppSession,
        return_to: &str,
        origin: Origin,
    ) -> Result<AppStep, ServiceError> {
        let issuer = tenant.settings.issuers.iter().find(|issuer| issuer.issuer == settings.issuer);
        let checked = match issuer {
            Some(issuer) if !session.complete => {
                let login = self.login(tenant, &session.user, &session.login_id, Object::new(), return_to);
                self.check_login(tenant, login, &author(issuer, self.now(), origin)).await?
            }
            _ => Checked::Complete(Object::new()),
        };
        if !session.complete && matches!(checked, Checked::Complete(_)) {
            self.store.complete_session(&tenant.id, hash).await?;
        }
        Ok(self.step(tenant, settings, checked, return_to))
    }

    fn step(&self, tenant: &Tenant, settings: &AppSignIn, checked: Checked, return_to: &str) -> AppStep {
        match checked {
            Checked::Incomplete { redirect_to: Some(page), .. } => AppStep::Profile(page),
            Checked::Incomplete { .. } => AppStep::Failed("Something is missing in your profile."),
            Checked::Complete(_) => {
                let return_to = self.return_url(tenant, return_to);
                let unreached = self.out_of_reach(settings, return_to.as_ref());
                unreached.map_or(AppStep::GoOn(return_to), AppStep::Failed)
            }
        }
    }

    /// A login of ours. From the page that asks something one comes back to the sign-in, which goes on.
    fn login<'l>(
        &self,
        tenant: &Tenant,
        user: &UserId,
        login_id: &'l str,
        profile: Object<'l>,
        return_to: &str,
    ) -> Login<'l> {
        Login {
            user: user.clone(),
            login_id,
            return_to: self.sign_in_url(tenant, return_to).unwrap_or_default().into(),
            interactive: true,
            client: None,
            profile,
            identities: Vec::new(),
            consents: Vec::new(),
        }
    }

    /// Why a session would not reach where the browser goes, and the browser would be sent in circles.
    fn out_of_reach(&self, settings: &AppSignIn, to: Option<&Url>) -> Option<&'static str> {
        let own = Url::parse(&self.url_of("/")).ok()?;
        let own = own.host_str()?;
        let reached = |host: &str| match &settings.cookie_domain {
            None => host == own,
            Some(domain) => host.strip_suffix(&**domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        };
        if !reached(own) {
            return Some(
                "sidegate is not in the domain that signIn.cookieDomain names: browsers would keep no session.",
            );
        }
        let unreached = to.and_then(Url::host_str).is_some_and(|host| !reached(host));
        unreached.then_some("The app is on another host than sidegate: signIn.cookieDomain must name a domain of both.")
    }

    fn app_client<'s>(&self, tenant: &Tenant, settings: &'s AppSignIn) -> Client<'s> {
        Client {
            issuer: &settings.issuer,
            id: &settings.client_id,
            secret_env: settings.client_secret_env.as_deref(),
            scopes: &["profile", "email"],
            back: self.url_of(&format!("/t/{}/account/callback", tenant.id)),
        }
    }

    /// The secret in a cookie that we made: nobody makes the database look for another.
    fn secret_in<'c>(&self, tenant: &Tenant, held: &'c str) -> Option<&'c str> {
        let (secret, mark) = held.split_once('.')?;
        let ours = self.csrf(&format!("session {} {secret}", tenant.id));
        bool::from(ours.as_bytes().ct_eq(mark.as_bytes())).then_some(secret)
    }

    fn hash_of_session(&self, secret: &str) -> [u8; 32] {
        self.credentials.hash(&format!("app session {secret}"))
    }
}

/// What a provider knows of a user, without what it has not verified.
fn known<'a>(claims: &Object<'a>) -> Object<'a> {
    let mut known = claims.clone();
    for (claim, verified) in UNVERIFIED {
        if claims.get(verified) != Some(&Value::Bool(true)) {
            known.remove(claim);
        }
    }
    known
}

fn author(issuer: &Issuer, at: jiff::Timestamp, origin: Origin) -> Author {
    let origin = Origin { credential: "sign-in".to_owned(), ..origin };
    Author { source: Source::Idp, actor: issuer.provider().to_owned(), at, origin }
}
