//! What `serve` prints when it is up: what it loaded, and what to do next, ready to paste.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use crate::service::{DataFolder, Policies, Service, Tenant};
use crate::store::DatabaseAt;

use super::admin_token::AdminToken;
use super::config::{Config, Origin};
use super::listen::Listen;

/// The text. Paths are absolute and quoted for a shell, the port is the real one.
pub(super) fn text(config: &Config, folder: &DataFolder, service: &Service, at: [&Listen; 2]) -> String {
    let mut out = String::new();
    let [(place, _), (admin, _)] = at.map(|at| curl(config, at));
    // Writing into a string cannot fail.
    let _ = writeln!(out, "sidegate {} listens on {place}", env!("CARGO_PKG_VERSION"));
    if admin != place {
        let _ = writeln!(out, "  administration on {admin}");
    }
    out.push('\n');
    let _ = writeln!(out, "  data      {}", config.database);
    let _ = writeln!(out, "  policies  {}", config.policies.display());
    let tenants = service.tenants();
    for tenant in &tenants {
        let _ = match &tenant.policies {
            Policies::InForce { program, .. } => {
                let count = program.policy_count();
                let noun = if count == 1 { "policy" } else { "policies" };
                writeln!(out, "    {}: {count} {noun}, revision {}", tenant.id, program.revision())
            }
            Policies::None { why, .. } => writeln!(out, "    {}: {why}", tenant.id),
        };
    }
    if tenants.is_empty() {
        let _ = writeln!(out, "    no tenants yet: make a folder there, such as acme, with a .policy file in it");
    }
    let trusted = if config.dev_tokens { "trusted" } else { "refused (--dev-tokens on would trust them)" };
    let _ = writeln!(out, "  development tokens are {trusted}");

    if let Some(tenant) = example(service) {
        let also = match config.database {
            DatabaseAt::Sqlite(_) => "",
            DatabaseAt::Postgres(_) => ", with SIDEGATE_DATABASE set to the URL of the database",
        };
        let _ = writeln!(out, "\nTry it; paste this into another terminal{also}:\n");
        out.push_str(&commands(config, folder, at, tenant.id.as_str()));
    }
    out
}

/// The tenant to try things with.
pub(super) fn example(service: &Service) -> Option<Arc<Tenant>> {
    let tenants = service.tenants();
    let acme = tenants.iter().find(|tenant| tenant.id.as_str() == "acme");
    acme.or(tenants.first()).cloned()
}

/// The way into the portal.
pub(super) fn portal(link: &str) -> String {
    format!("\nAnd open the portal; this link is good once, for half an hour:\n\n{link}\n")
}

/// A place, and the command that asks there.
fn curl(config: &Config, at: &Listen) -> (String, String) {
    match (at, &config.tls) {
        (Listen::Unix(path), _) => (at.to_string(), format!("curl -sS --unix-socket {}", quoted(path))),
        (Listen::Tcp(_), None) => (at.url(false), "curl -sS".to_owned()),
        (Listen::Tcp(_), Some(tls)) => (at.url(true), format!("curl -sS --cacert {}", quoted(&tls.certificate))),
    }
}

fn commands(config: &Config, folder: &DataFolder, at: [&Listen; 2], tenant: &str) -> String {
    let [(_, curl), (_, admin_curl)] = at.map(|at| curl(config, at));
    let [base, admin_base] = at.map(|at| at.url(config.tls.is_some()));
    let admin = match &config.admin_token {
        AdminToken::Given(_, Origin::File) => "'the admin_token of your configuration file'".to_owned(),
        AdminToken::Given(..) => "\"$SIDEGATE_ADMIN_TOKEN\"".to_owned(),
        AdminToken::File(path, _) => format!("$(cat {})", quoted(path)),
        AdminToken::Made => format!("$(cat {})", quoted(&folder.admin_token_file())),
    };
    let program = std::env::current_exe().unwrap_or_else(|_| "sidegate".into());
    let (program, data) = (quoted(&program), quoted(&config.data));
    let users = format!("{admin_base}/t/{tenant}/api/v1/abac/users/alice/attributes");
    let json = "-H 'Content-Type: application/json'";
    let question = r#"{"subject": {"type": "user", "id": "alice"}, "action": {"name": "export"}, "resource": {"type": "report", "id": "7"}}"#;
    let mut out = format!("ADMIN={admin}\n");
    for (slug, value) in [
        ("plan", r#""enterprise""#),
        ("email_opt_in", "true"),
        ("credits", "500"),
        ("preferences", r#"{"theme": "dark", "locale": "en-US"}"#),
    ] {
        let _ = writeln!(
            out,
            r#"{admin_curl} -X PUT {users}/{slug} -H "Authorization: Bearer $ADMIN" {json} -d '{{"value": {value}}}'; echo"#
        );
    }
    let _ = writeln!(out, "APP=$({program} service-token --data {data} --tenant {tenant} --scope decide)");
    let _ = writeln!(
        out,
        r#"{curl} {base}/t/{tenant}/access/v1/evaluation -H "Authorization: Bearer $APP" {json} -d '{question}'; echo"#
    );
    if config.dev_tokens {
        let _ = writeln!(out, "ALICE=$({program} token --data {data} --tenant {tenant} --user alice)");
        let _ = writeln!(
            out,
            r#"{curl} {base}/t/{tenant}/api/v1/abac/my-attributes -H "Authorization: Bearer $ALICE"; echo"#
        );
    }
    out
}

fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), |quoted| quoted.into_owned())
}
