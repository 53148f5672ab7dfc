//! What can be set, how it is called, and what is right for it.

/// One setting: how it is called in a file, with `--` and hyphens as a flag, and as `SIDEGATE_...` in the
/// environment.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) secret: bool,
    /// What would be right, for errors.
    pub(super) right: &'static str,
}

const fn setting(name: &'static str, default: &'static str, right: &'static str) -> Setting {
    Setting { name, default, secret: false, right }
}

/// All of them.
pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        "127.0.0.1:8181",
        "an address and a port, such as 127.0.0.1:8181 (port 0 takes a free one), or unix:/path, or several with commas",
    ),
    setting("admin_listen", "", "an address and a port, or unix:/path, or several with commas"),
    setting("admin_url", "", "a URL such as https://sidegate.internal:8443, without query and fragment"),
    setting("socket_mode", "660", "the mode of a Unix socket's file in octal digits, such as 600 or 660"),
    setting("tls_certificate", "", "a file with a certificate and those that vouch for it, as PEM"),
    setting("tls_key", "", "a file with the key of the certificate, as PEM"),
    setting("tls_client_ca", "", "a file with the certificates of those who vouch for clients, as PEM"),
    setting("data", "data", "a folder"),
    Setting {
        name: "database",
        default: "",
        secret: true,
        right: "a URL such as postgres://user:password@host:5432/sidegate, or nothing for SQLite in the data folder",
    },
    Setting {
        name: "redis",
        default: "",
        secret: true,
        right: "a URL such as redis://user:password@host:6379 (rediss:// for TLS), or several nodes of a cluster with commas",
    },
    Setting {
        name: "redis_seal_key",
        default: "",
        secret: true,
        right: "at least 32 bytes, such as `openssl rand -hex 32` prints, the same for all sidecars",
    },
    setting("redis_timeout", "5", "milliseconds, from 1 to 500"),
    setting("policies", "policies", "a folder that holds one folder of policies for each tenant"),
    setting(
        "issuer_networks",
        "loopback",
        "networks with commas, such as 10.0.0.0/8, or `none`, or `loopback`: this machine, if only this machine can connect",
    ),
    setting("trusted_proxies", "", "networks with commas, such as 10.0.0.0/8"),
    Setting {
        name: "proxy_secret",
        default: "",
        secret: true,
        right: "at least 32 bytes, such as `openssl rand -hex 32` prints, the same in the configuration of each proxy",
    },
    setting("hosts", "", "hosts and their tenants with commas, such as app.acme.example=acme"),
    setting("failures", "200", "a number, or 0 for no limit"),
    setting("public_url", "", "a URL such as https://auth.example.com, without query and fragment"),
    setting("default_tenant", "", "a tenant: 1 to 63 of a-z, 0-9 and -, not starting with -"),
    setting("dev_tokens", "loopback", "`on`, `off`, or `loopback`: on if only this machine can connect"),
    setting("decision_log", "off", "`off`, `stdout`, or a file"),
    setting("client_timeout", "15", "seconds, from 1 to 3600"),
    setting("cache_mib", "auto", "mebibytes, from 1 to 1048576, or `auto`: an eighth of the memory, from 64 to 4096"),
    setting("warm_up", "0", "a number of users, up to 10000000"),
    setting("stale_grace", "300", "seconds, from 2 to 86400"),
    Setting {
        name: "admin_token",
        default: "",
        secret: true,
        right: "at least 32 bytes, such as `openssl rand -hex 32` prints",
    },
    setting("admin_token_file", "", "a file with a token of at least 32 bytes"),
];
