//! TLS: HTTP/2 by ALPN, certificates that change under load, client certificates, and a listener for administration.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;

use crate::support::client::question;
use crate::support::{Server, Setup, eventually, run, sidegate, write_file};

/// Somebody who vouches for servers and clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Certified {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        Certified { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    fn server(&self) -> Certified {
        self.certify("localhost", ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn client(&self) -> Certified {
        self.certify("shop", ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A client that trusts it, and shows a certificate if it has one.
    fn pool(&self, own: Option<&Certified>, http2: bool) -> Pool<HttpsConnector<HttpConnector>, Full<Bytes>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![own.certificate.der().clone()], key).unwrap()
            }
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
        let connector = match http2 {
            true => connector.enable_all_versions().build(),
            false => connector.enable_http1().build(),
        };
        Pool::builder(TokioExecutor::new()).build(connector)
    }
}

/// Writes both into a folder.
fn put(folder: &Path, certified: &Certified) {
    write_file(&folder.join("tls.key"), &certified.key.serialize_pem());
    write_file(&folder.join("tls.pem"), &certified.certificate.pem());
}

struct Scene {
    server: Server,
    authority: Authority,
    folder: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn start(more: &[&str]) -> Self {
        let (setup, authority) = (Setup::new(), Authority::new());
        let folder = setup.folder().to_owned();
        put(&folder, &authority.server());
        write_file(&folder.join("ca.pem"), &authority.0.pem());
        let file = |name: &str| folder.join(name).display().to_string();
        let (certificate, key, ca) = (file("tls.pem"), file("tls.key"), file("ca.pem"));
        let args = ["--tls-certificate", &certificate, "--tls-key", &key, "--tls-client-ca", &ca];
        let server = setup.args(&args).args(more).start();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { server, authority, folder, runtime }
    }

    fn ask(
        &self,
        pool: &Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
        token: Option<&str>,
    ) -> Result<(u16, Version), String> {
        let url = format!("https://localhost:{}/t/acme/access/v1/evaluation", self.server.address.port());
        let mut request = Request::builder().method(Method::POST).uri(url).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = Full::new(Bytes::from(question("alice", "read", "report").to_string()));
        self.runtime.block_on(async {
            let response = pool.request(request.body(body).unwrap()).await.map_err(|error| format!("{error:?}"))?;
            let (head, body) = response.into_parts();
            body.collect().await.map_err(|error| format!("{error:?}"))?;
            Ok((head.status.as_u16(), head.version))
        })
    }
}

#[test]
fn both_versions_of_http_are_spoken_over_tls() {
    let scene = Scene::start(&[]);
    let token = scene.server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    assert_eq!(scene.ask(&scene.authority.pool(None, true), Some(&token)), Ok((200, Version::HTTP_2)));
    assert_eq!(scene.ask(&scene.authority.pool(None, false), Some(&token)), Ok((200, Version::HTTP_11)));
    assert_eq!(scene.ask(&scene.authority.pool(None, true), None), Ok((401, Version::HTTP_2)));
    assert!(scene.ask(&Authority::new().pool(None, true), Some(&token)).is_err(), "a client that trusts somebody else");
    assert!(scene.server.banner.contains("https://127.0.0.1:"), "{}", scene.server.banner);
}

#[test]
fn a_certificate_stands_for_a_service_token() {
    let scene = Scene::start(&[]);
    let shop = scene.authority.client();
    let pool = scene.authority.pool(Some(&shop), true);
    assert_eq!(scene.ask(&pool, None).unwrap().0, 401, "it stands for nothing yet");
    let file = scene.folder.join("shop.pem");
    write_file(&file, &shop.certificate.pem());
    let file = file.to_str().unwrap();
    let args = ["service-token", "--tenant", "acme", "--scope", "decide", "--certificate", file];
    let id = scene.server.token(&args);
    eventually("the certificate to count", || scene.ask(&pool, None).unwrap().0 == 200);
    let (output, _, err) = run(&mut scene.server.command(&args));
    assert!(!output.status.success() && err.contains("certificate"), "{err}");
    // Another one of the same name, one of somebody else's, and its fingerprint as a token.
    assert_eq!(scene.ask(&scene.authority.pool(Some(&scene.authority.client()), true), None).unwrap().0, 401);
    let strangers = Authority::new().client();
    assert!(scene.ask(&scene.authority.pool(Some(&strangers), true), None).is_err());
    let fingerprint = sidegate::http::fingerprint(shop.certificate.der());
    for token in [fingerprint.clone(), format!("certificate {fingerprint}"), format!("certificate  {fingerprint}")] {
        assert_eq!(scene.ask(&scene.authority.pool(None, true), Some(&token)).unwrap().0, 401);
    }
    // A token counts more than a certificate.
    assert_eq!(scene.ask(&pool, Some("made-up")).unwrap().0, 401);
    run(&mut scene.server.command(&["service-token", "--revoke", &id]));
    eventually("its end", || scene.ask(&pool, None).unwrap().0 == 401);
}

#[test]
fn a_new_certificate_is_taken_up_without_a_connection_lost() {
    let scene = Scene::start(&[]);
    let token = scene.server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let (next, over) = (Authority::new(), AtomicBool::new(false));
    let old = scene.authority.pool(None, true);
    assert_eq!(scene.ask(&old, Some(&token)).unwrap().0, 200);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(scene.ask(&old, Some(&token)).map(|(status, _)| status), Ok(200), "an old connection");
            }
        });
        // One that is half written, and one that does not go with its key.
        write_file(&scene.folder.join("tls.pem"), "-----BEGIN CERTIFICATE-----\nMIIB");
        eventually("word of the bad one", || scene.server.log().contains("the last good certificate stays in force"));
        assert_eq!(scene.ask(&scene.authority.pool(None, true), Some(&token)).unwrap().0, 200);
        put(&scene.folder, &next.server());
        eventually("the new one", || scene.ask(&next.pool(None, true), Some(&token)).is_ok());
        std::thread::sleep(Duration::from_millis(300));
        over.store(true, Ordering::Relaxed);
    });
    assert!(scene.ask(&scene.authority.pool(None, true), Some(&token)).is_err(), "new connections see the new one");
}

#[test]
fn what_is_no_tls_is_closed_and_does_not_keep_others_out() {
    let scene = Scene::start(&["--client-timeout", "1"]);
    let plain = scene.server.client(None);
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| plain.get("/healthz")));
    assert!(answer.is_err(), "plain HTTP is not answered");
    let mut silent = std::net::TcpStream::connect(scene.server.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(std::io::Read::read(&mut silent, &mut [0]).unwrap_or(0), 0, "closed when its time is over");
    let token = scene.server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    assert_eq!(scene.ask(&scene.authority.pool(None, true), Some(&token)).unwrap().0, 200);
}

#[test]
fn commands_on_the_same_machine_ask_over_tls() {
    let scene = Scene::start(&[]);
    let port = scene.server.address.port();
    for host in ["127.0.0.1", "localhost"] {
        let (output, _, err) = run(sidegate().args(["healthy", &format!("https://{host}:{port}/readyz")]));
        assert!(output.status.success(), "{host}: {err}");
    }
    assert!(!run(sidegate().args(["healthy", &format!("http://127.0.0.1:{port}/readyz")])).0.status.success());
    let (output, out, err) =
        run(scene.server.command(&["cache", "stats"]).env("SIDEGATE_POLICIES", scene.server.policies()));
    assert!(output.status.success() && !out.is_empty(), "{out}{err}");
}

#[test]
fn files_of_tls_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    put(folder.path(), &authority.server());
    write_file(&folder.path().join("other.key"), &authority.server().key.serialize_pem());
    write_file(&folder.path().join("empty.pem"), "");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let refused = |args: &[&str], words: &[&str]| {
        let (output, _, err) = run(sidegate()
            .args(["serve", "--listen", "127.0.0.1:0", "--policies"])
            .arg(folder.path())
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(args));
        assert!(!output.status.success(), "{args:?}");
        assert!(words.iter().all(|word| err.contains(word)), "{args:?}: {err}");
    };
    let (certificate, key) = (file("tls.pem"), file("tls.key"));
    refused(&["--tls-certificate", &certificate], &["tls_key is not set"]);
    refused(&["--tls-key", &key], &["tls_certificate is not set"]);
    refused(&["--tls-client-ca", &certificate], &["--tls-client-ca", "tls_certificate is not set"]);
    refused(&["--tls-certificate", "nowhere.pem", "--tls-key", &key], &["nowhere.pem"]);
    refused(&["--tls-certificate", &file("empty.pem"), "--tls-key", &key], &["empty.pem", "no certificate"]);
    refused(&["--tls-certificate", &key, "--tls-key", &key], &["tls.key", "no certificate"]);
    refused(&["--tls-certificate", &certificate, "--tls-key", &certificate], &["tls.pem"]);
    refused(&["--tls-certificate", &certificate, "--tls-key", &file("other.key")], &["TLS"]);
}

#[test]
fn administration_may_be_kept_off_the_port_of_apps() {
    let setup = Setup::new();
    let socket = setup.folder().join("admin.sock");
    let admin_at = format!("127.0.0.1:0,unix:{}", socket.display());
    let server = setup.args(&["--admin-listen", &admin_at, "--socket-mode", "600"]).start();
    let line = server.banner.lines().find_map(|line| line.trim().strip_prefix("administration on http://")).unwrap();
    let admin_address = line.parse().unwrap();
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let (apps, admins) =
        (server.client(Some(token.trim())), crate::support::Client::new(admin_address, Some(token.trim())));
    for path in ["/t/acme/api/v1/users", "/t/acme/portal/", "/t/acme/api/v1/audit", "/t/acme/api/v1/tokens"] {
        assert_eq!(apps.get(path).status, 404, "{path}");
        assert_ne!(admins.get(path).status, 404, "{path}");
    }
    assert_eq!(apps.get("/t/acme/nothing").json()["detail"], apps.get("/t/acme/api/v1/users").json()["detail"]);
    for client in [&apps, &admins] {
        assert_eq!(client.ask("alice", "read", "report").status, 200);
        assert_eq!(client.get("/healthz").status, 200);
        let check = json!({ "subject": { "id": "alice" }, "action": "read", "resourceType": "report" });
        assert_eq!(client.json(Method::POST, "/t/acme/api/v1/abac/check", &check).status, 200);
    }
    assert!(
        server.banner.contains(&format!("http://{admin_address}/t/acme/portal/sign-in?link=")),
        "{}",
        server.banner
    );
    let (worked, out, err) = server.paste();
    assert!(worked, "{out}{err}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_doctor_looks_at_certificates_and_sees_sidegate_itself() {
    let scene = Scene::start(&[]);
    let url = format!("https://localhost:{}/t/acme/api/v1/abac/users/alice", scene.server.address.port());
    let ca = scene.folder.join("ca.pem").display().to_string();
    let doctor = |args: &[&str]| {
        let (output, out, err) = run(sidegate().args(["doctor", &url]).args(args));
        (output.status.code(), out + &err)
    };
    let (status, told) = doctor(&[]);
    assert!(status == Some(2) && told.contains("certificate"), "{told}");
    let (status, told) = doctor(&["--ca", "/nowhere"]);
    assert!(status == Some(2) && told.contains("/nowhere"), "{told}");
    // It stands here without a proxy, and this machine's may ask it.
    for args in [&["--ca", &ca][..], &["--insecure"]] {
        let (status, told) = doctor(args);
        assert!(status == Some(1) && told.contains("HOLE: sidegate's own endpoints"), "{told}");
        assert_eq!(told.matches("HOLE: ").count(), 1, "{told}");
    }
}
