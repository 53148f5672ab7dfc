//! Signing in to the tenant's apps, which reverse proxies stand before. A session counts once the profile is complete.

use jiff::SignedDuration;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::model::{AccessToken, AppSignIn, Author, Caller, Issuer, Object, Origin, Source, UserId, Value};
use crate::service::issuers::{Found, Unfit, text};
use crate::service::profiling::{Checked, Login, fitting};
use crate::service::tenants::Tenant;
use crate::service::{Service, ServiceError, entropy};
use crate::store::{AppSession, SessionEnded};

use super::{BegunSignIn, CameBack, Client, no_longer_than_kept};

/// What policies may read of the id token as long as a session lasts.
const CLAIMS: [&str; 7] = ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"];

/// What the cookie of a session is marked as.
const SESSION: &str = "session";

/// Why there is nowhere to go.
const NO_SIGN_IN: &str = "This tenant's apps have no sign-in here.";

/// Claims that count only with another that says so.
const VERIFIED: [(&str, &str); 2] = [("email", "email_verified"), ("phone_number", "phone_number_verified")];

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
    /// Nowhere: the provider does not answer.
    Away,
    /// Nowhere; the words are for the page, details are in the log.
    Failed(&'static str),
}

impl Service {
    /// The URL where browsers sign in to the tenant's apps, if sidegate sees to that.
    #[must_use]
    pub fn sign_in_url(&self, tenant: &Tenant, return_to: &str) -> Option<String> {
        tenant.settings.sign_in.as_ref()?;
        let return_to = no_longer_than_kept(return_to);
        let return_to = utf8_percent_encode(&return_to, NON_ALPHANUMERIC);
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
        let Some(trusted) = Trusted::of(tenant) else { return Ok(AppStep::Failed(NO_SIGN_IN)) };
        let settings = trusted.settings;
        if let Some(secret) = held.and_then(|value| self.secret_in(tenant, value)) {
            let hash = self.hash_of_session(secret);
            let session = self.store.session(&tenant.id, &hash, self.now()).await?;
            if let Some(session) = session.filter(|session| trusted.vouches_for(session)) {
                return self.go_on(tenant, (&trusted, &hash), session, return_to, origin).await;
            }
        }
        if let Some(why) = self.out_of_reach(tenant, settings, self.return_url(tenant, return_to).as_ref()) {
            return Ok(AppStep::Failed(why));
        }
        let begun = self.ask_provider(tenant, &self.app_client(tenant, settings), return_to).await;
        Ok(begun.map_or(AppStep::Away, AppStep::Ask))
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
        let Some(Trusted { settings, issuer }) = Trusted::of(tenant) else { return failed(NO_SIGN_IN) };
        let (mut claims, return_to) = match self.hear_provider(tenant, &self.app_client(tenant, settings), back).await {
            Ok(heard) => heard,
            Err(why) => return failed(why),
        };
        leave_out_unverified(&mut claims);
        let now = self.now();
        let lifetime = SignedDuration::from_hours(settings.session_hours);
        let expires_at = now.saturating_add(lifetime).unwrap_or(now);
        let user = match self.whose(tenant, issuer, claims.clone(), expires_at).await {
            Ok(Found { caller: Caller::User { id, .. }, .. }) => id,
            Ok(_) | Err(Unfit::Unlinked) => {
                tracing::info!(tenant = %tenant.id, provider = issuer.provider(), "whoever signed in is no user");
                return Ok((AppStep::Stranger, None));
            }
            Err(Unfit::Store(error)) => return Err(error.into()),
            Err(_) => return failed("The identity provider did not say who you are."),
        };
        let login_id = format!("sign-in {}", entropy::id(now));
        let author = author(issuer, now, origin);
        let profile = fitting(tenant, &claims);
        let login = self.login(tenant, &user, &login_id, profile, &return_to);
        let checked = self.check_login(tenant, login, &author).await?;
        let kept = CLAIMS.iter().filter_map(|name| Some(((*name).to_owned(), claims.get(name)?.clone())));
        let complete = matches!(checked, Checked::Complete(_));
        let session = AppSession { user, login_id, claims: kept.collect(), complete, expires_at };
        let secret = entropy::secret();
        if !self.store.insert_session(&tenant.id, &self.hash_of_session(&secret), &session, now).await? {
            return Err(ServiceError::Conflict("this user was erased during the sign-in: start it again".to_owned()));
        }
        let cookie = self.marked(tenant, SESSION, &secret);
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
        self.session_ended(tenant, ended).await
    }

    /// Ends all sessions of a user; whether there was one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a user whom nobody has stored, or the store's.
    pub async fn end_sessions(&self, tenant: &Tenant, user: &UserId, author: &Author) -> Result<bool, ServiceError> {
        self.must_be_known(tenant, user).await?;
        let ended = self.store.end_sessions(&tenant.id, user, author).await?;
        self.session_ended(tenant, ended).await
    }

    async fn session_ended(&self, tenant: &Tenant, ended: Option<SessionEnded>) -> Result<bool, ServiceError> {
        let Some(SessionEnded { user, revision, seq }) = ended else { return Ok(false) };
        self.forget_user(&tenant.id, user.as_str(), seq);
        self.wrote(tenant, revision).await?;
        Ok(true)
    }

    /// The user of a session's cookie, as the caller that they are.
    pub(in crate::service) async fn find_session(&self, tenant: &Tenant, held: &str) -> Result<Found, Unfit> {
        let (trusted, secret) = (Trusted::of(tenant), self.secret_in(tenant, held));
        let (Some(trusted), Some(secret)) = (trusted, secret) else { return Err(Unfit::Forged) };
        let as_of = self.seen();
        let session = self.store.session(&tenant.id, &self.hash_of_session(secret), self.now()).await?;
        let session = session.filter(|held| held.complete && trusted.vouches_for(held));
        let AppSession { user, claims, expires_at, .. } = session.ok_or(Unfit::Forged)?;
        let link = self.link(tenant, &user, as_of);
        let token = AccessToken { tenant: tenant.id.clone(), claims, expires_at };
        Ok(Found { caller: Caller::User { id: user, token }, link: Some(link) })
    }

    /// A session that there is may have waited for something that was asked.
    async fn go_on(
        &self,
        tenant: &Tenant,
        (trusted, hash): (&Trusted<'_>, &[u8]),
        session: AppSession,
        return_to: &str,
        origin: Origin,
    ) -> Result<AppStep, ServiceError> {
        if session.complete {
            return Ok(self.step(tenant, trusted.settings, Checked::Complete(Object::new()), return_to));
        }
        let login = self.login(tenant, &session.user, &session.login_id, Object::new(), return_to);
        let checked = self.check_login(tenant, login, &author(trusted.issuer, self.now(), origin)).await?;
        if matches!(checked, Checked::Complete(_)) {
            self.store.complete_session(&tenant.id, hash).await?;
        }
        Ok(self.step(tenant, trusted.settings, checked, return_to))
    }

    fn step(&self, tenant: &Tenant, settings: &AppSignIn, checked: Checked, return_to: &str) -> AppStep {
        match checked {
            Checked::Incomplete { redirect_to: Some(page), .. } => AppStep::Profile(page),
            Checked::Incomplete { .. } => AppStep::Failed("Something is missing in your profile."),
            Checked::Complete(_) => {
                let return_to = self.return_url(tenant, return_to);
                let unreached = self.out_of_reach(tenant, settings, return_to.as_ref());
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
    fn out_of_reach(&self, tenant: &Tenant, settings: &AppSignIn, to: Option<&Url>) -> Option<&'static str> {
        let why = self.unreached(settings, to)?;
        tracing::warn!(tenant = %tenant.id, to = to.map(Url::as_str), "nobody can sign in: {why}");
        Some(why)
    }

    fn unreached(&self, settings: &AppSignIn, to: Option<&Url>) -> Option<&'static str> {
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
        if to.and_then(Url::host_str).is_some_and(|host| !reached(host)) {
            return Some("The app is on another host than sidegate: signIn.cookieDomain must name a domain of both.");
        }
        to.is_some_and(|to| !is_trustworthy(to)).then_some("The app is on plain http, where browsers keep no session.")
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
        self.unmarked(tenant, SESSION, held)
    }

    fn hash_of_session(&self, secret: &str) -> [u8; 32] {
        self.credentials.hash(&format!("app session {secret}"))
    }
}

/// Who may sign users in.
struct Trusted<'t> {
    settings: &'t AppSignIn,
    /// What is said of that provider besides: whose subjects are users.
    issuer: &'t Issuer,
}

impl<'t> Trusted<'t> {
    fn of(tenant: &'t Tenant) -> Option<Self> {
        let settings = tenant.settings.sign_in.as_ref()?;
        let issuer = tenant.settings.issuers.iter().find(|issuer| issuer.issuer == settings.issuer)?;
        Some(Self { settings, issuer })
    }

    /// Whether a session began there: those of a provider that the tenant does not trust any more are over.
    fn vouches_for(&self, session: &AppSession) -> bool {
        session.claims.get("iss").and_then(text) == Some(&*self.settings.issuer)
    }
}

/// Takes away what a provider has not verified: it may not be the user's own.
fn leave_out_unverified(claims: &mut Object<'static>) {
    for (claim, verified) in VERIFIED {
        if claims.get(verified) != Some(&Value::Bool(true)) {
            claims.remove(claim);
        }
    }
}

/// Whether browsers send cookies there that are for secure connections alone (Secure Contexts, section 3.1).
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
}

fn author(issuer: &Issuer, at: jiff::Timestamp, origin: Origin) -> Author {
    let origin = Origin { credential: "sign-in".to_owned(), ..origin };
    Author { source: Source::Idp, actor: issuer.provider().to_owned(), at, origin }
}
