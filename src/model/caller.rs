//! Who asks, and for which tenant they may.

use std::fmt;

use super::{Object, TenantId, UserId};

/// Whoever holds a credential that was verified.
#[derive(Debug, Clone)]
pub enum Caller {
    /// An app, an admin or another program with an opaque token.
    Service(Credential),
    /// A user with an access token of an issuer that the tenant trusts.
    User {
        /// The user.
        id: UserId,
        /// The token.
        token: AccessToken,
    },
    /// A program with such a token of its own (a client's, RFC 6749, section 4.4): a subject of the type `service`.
    Client {
        /// The client.
        id: UserId,
        /// The token.
        token: AccessToken,
    },
}

/// An access token that was verified.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The tenant that trusts its issuer.
    pub tenant: TenantId,
    /// Its claims.
    pub claims: Object<'static>,
    /// When it ends.
    pub expires_at: jiff::Timestamp,
}

/// What an opaque token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its public name, such as the id in a list of tokens.
    pub id: String,
    /// Where it counts.
    pub tenant: TenantScope,
    /// What it may do there.
    pub scopes: Scopes,
    /// When it ends, if it does.
    pub expires_at: Option<jiff::Timestamp>,
}

/// Where a credential counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantScope {
    /// In every tenant of this instance.
    Instance,
    /// In one tenant.
    One(TenantId),
}

impl TenantScope {
    /// The tenant, if it is one.
    #[must_use]
    pub fn one(&self) -> Option<&TenantId> {
        match self {
            TenantScope::Instance => None,
            TenantScope::One(tenant) => Some(tenant),
        }
    }
}

impl Caller {
    /// Whether this caller belongs to `tenant`. Whoever does not must not even learn that the tenant exists.
    #[must_use]
    pub fn belongs_to(&self, tenant: &TenantId) -> bool {
        match self {
            Caller::Service(Credential { tenant: TenantScope::Instance, .. }) => true,
            Caller::Service(Credential { tenant: TenantScope::One(own), .. }) => own == tenant,
            Caller::User { token, .. } | Caller::Client { token, .. } => token.tenant == *tenant,
        }
    }

    /// What tells it from others of its tenant.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Caller::Service(credential) => format!("token {}", credential.id),
            Caller::User { id, .. } => format!("user {id}"),
            Caller::Client { id, .. } => format!("client {id}"),
        }
    }

    /// The type and the id of the subject that it stands for itself; a service token stands for none.
    #[must_use]
    pub fn subject(&self) -> Option<(&'static str, &str)> {
        match self {
            Caller::Service(_) => None,
            Caller::User { id, .. } => Some(("user", id.as_str())),
            Caller::Client { id, .. } => Some(("service", id.as_str())),
        }
    }

    /// The verified claims of its access token, if it has one.
    #[must_use]
    pub fn claims(&self) -> Option<&Object<'static>> {
        match self {
            Caller::Service(_) => None,
            Caller::User { token, .. } | Caller::Client { token, .. } => Some(&token.claims),
        }
    }

    /// Whether it may do everything everywhere.
    #[must_use]
    pub fn runs_the_instance(&self) -> bool {
        matches!(self, Caller::Service(Credential { tenant: TenantScope::Instance, scopes, .. })
            if scopes.permit(Scope::Admin))
    }

    /// When its credential ends, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<jiff::Timestamp> {
        match self {
            Caller::Service(credential) => credential.expires_at,
            Caller::User { token, .. } | Caller::Client { token, .. } => Some(token.expires_at),
        }
    }
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $bit:literal;)+) => {
        /// Something that a token may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Scope {
            $($(#[$doc])* $name = $bit,)+
        }

        impl Scope {
            /// All scopes there are.
            pub const ALL: &[Scope] = &[$(Scope::$name),+];

            /// The scope as it stands in requests, tables and tokens.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Scope::$name => $text,)+ }
            }
        }
    };
}

scopes! {
    /// Everything in its tenant.
    Admin = "admin", 1;
    /// Ask for decisions.
    Decide = "decide", 2;
    /// Read users and their traits.
    TraitsRead = "traits:read", 4;
    /// Change users and their traits, and what traits there are.
    TraitsWrite = "traits:write", 8;
    /// Read and change profiling rules and settings.
    RulesWrite = "rules:write", 16;
    /// Report logins and ask whether a profile is complete.
    Profiling = "profiling", 32;
    /// Read the audit trail.
    AuditRead = "audit:read", 64;
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope \"{0}\"; scopes are {known}", known = Scope::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownScope(pub String);

impl std::str::FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Scope::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether this set permits what `scope` names; `admin` implies all.
    #[must_use]
    pub fn permit(self, scope: Scope) -> bool {
        self.0 & (scope as u8 | Scope::Admin as u8) != 0
    }

    /// Its scopes.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.0 & *scope as u8 != 0)
    }

    /// Reads scopes with a blank between them, as OAuth writes them.
    ///
    /// # Errors
    /// [`UnknownScope`] names the first word that is none.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope as u8))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for scope in self.iter() {
            write!(f, "{gap}{}", scope.as_str())?;
            gap = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_implies_every_scope_and_no_other_does() {
        let admin = Scopes::parse("admin").unwrap();
        let decide = Scopes::parse("decide traits:read").unwrap();
        assert!(Scope::ALL.iter().all(|scope| admin.permit(*scope)));
        assert!(decide.permit(Scope::Decide) && !decide.permit(Scope::TraitsWrite) && !decide.permit(Scope::Admin));
        assert_eq!(decide.to_string(), "decide traits:read");
        assert!(Scopes::parse("decide root").unwrap_err().to_string().contains("\"root\""));
    }
}
