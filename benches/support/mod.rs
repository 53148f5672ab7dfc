//! Servers as processes of their own, and load on them.

#![allow(dead_code)] // each benchmark uses a part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub mod asking;
pub mod constant;
pub mod grpc;
pub mod load;

pub const CONDITION: &str = "user.traits.plan == \"enterprise\" AND user.traits.email_opt_in == true";
pub const QUESTION: &str =
    r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"export"},"resource":{"type":"report","id":"7"}}"#;

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median and the spread of sorted values.
pub fn summary(values: &mut [f64]) -> String {
    format!("{:.2} ({:.2}-{:.2})", median(values), values[0], values[values.len() - 1])
}

/// A process that ends with its owner.
pub struct Process(Child);

impl Process {
    /// Starts a server; what its first line says after `http://`.
    pub fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("a line").unwrap();
        // Read on, so that the server can write on.
        std::thread::spawn(move || lines.for_each(drop));
        (Self(child), first.rsplit("http://").next().unwrap().trim().to_owned())
    }

    /// Time on the processors since it started (proc(5), fields 14 and 15 of `stat`, in hundredths of a second).
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
        fields.map(|ticks| Duration::from_millis(10 * ticks.parse::<u64>().unwrap())).sum()
    }

    /// Bytes of memory that it has for itself (proc(5), `RssAnon` of `status`).
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sidegate with a set of policies and alice's traits.
pub struct Sidegate {
    pub address: SocketAddr,
    pub socket: PathBuf,
    pub token: String,
    pub writer: String,
    pub process: Process,
    folder: tempfile::TempDir,
}

impl Sidegate {
    pub fn start(policies: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_policies(&folder.path().join("policies/acme"), policies, "");
        let (process, address) = serve(folder.path());
        let (token, writer) = (token(folder.path(), "decide"), token(folder.path(), "traits:write"));
        let sidegate = Self { address, socket: folder.path().join("socket"), token, writer, process, folder };
        for (slug, value) in [("plan", "\"enterprise\""), ("email_opt_in", "true"), ("credits", "500")] {
            sidegate.put("alice", slug, value);
        }
        sidegate
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn put(&self, user: &str, slug: &str, value: &str) {
        let body = format!("{{\"value\": {value}}}");
        let path = format!("/t/acme/api/v1/abac/users/{user}/attributes/{slug}");
        let answer = self.send("PUT", &path, &self.writer, &body);
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    pub fn send(&self, method: &str, path: &str, token: &str, body: &str) -> String {
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.write_all(&request(method, path, token, body, "Connection: close\r\n")).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The access token of a user.
    pub fn user_token(&self, user: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidegate"));
        command.args(["token", "--tenant", "acme", "--user", user, "--data"]).arg(self.folder.path().join("data"));
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
    }

    /// The bytes of the question that is asked over and over.
    pub fn question(&self) -> Vec<u8> {
        request("POST", "/t/acme/access/v1/evaluation", &self.token, QUESTION, "")
    }
}

/// Writes users of acme into a database, each with fields: slug, bag, JSON.
pub async fn store(database: &Path, users: impl Iterator<Item = (String, Vec<Field>)>) {
    let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    for (user, fields) in users {
        sqlx::query("INSERT INTO users (tenant, user_id, created_at) VALUES ('acme', $1, '2026-01-01T00:00:00Z')")
            .bind(&user)
            .execute(&mut *tx)
            .await
            .unwrap();
        for (slug, bag, value) in fields {
            sqlx::query(
                "INSERT INTO fields (tenant, user_id, slug, bag, value, source, writer, revision, updated_at)
                 VALUES ('acme', $1, $2, $3, $4, 'admin', '', 1, '2026-01-01T00:00:00Z')",
            )
            .bind(&user)
            .bind(slug)
            .bind(bag)
            .bind(value)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
    }
    tx.commit().await.unwrap();
    pool.close().await;
}

/// A field of a user: slug, bag, JSON.
pub type Field = (&'static str, &'static str, &'static str);

pub fn request(method: &str, path: &str, token: &str, body: &str, header: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{header}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Starts the program on a folder.
pub fn serve(folder: &Path) -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidegate"));
    let listen = format!("127.0.0.1:0,unix:{}", folder.join("socket").display());
    command.args(["serve", "--cache-mib", "4096", "--listen", &listen, "--data"]).arg(folder.join("data"));
    let (process, address) = Process::start(command.arg("--policies").arg(folder.join("policies")));
    (process, address.parse().unwrap())
}

pub fn token(folder: &Path, scope: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidegate"));
    command.args(["service-token", "--tenant", "acme", "--scope", scope, "--data"]).arg(folder.join("data"));
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
}

/// Writes `count` policies: the one that is asked about, and others on other actions and types, with a comment each.
pub fn write_policies(folder: &Path, count: usize, comment: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let policy = |number: usize| {
        let (name, action, kind) = match number {
            0 => ("mission".to_owned(), "export".to_owned(), "report".to_owned()),
            _ => (format!("p{number}"), format!("a{}", number % 100), format!("t{}", number / 100)),
        };
        // What a proxy asks about is the same question.
        let route = if number == 0 { "route GET \"/reports/{id}\" => \"export\" on \"report\" { id }\n" } else { "" };
        format!("{route}allow {name} {{ action \"{action}\" resource \"{kind}\" when {CONDITION} }}{comment}\n")
    };
    for (file, numbers) in (0..count).collect::<Vec<_>>().chunks(5_000).enumerate() {
        let text: String = numbers.iter().copied().map(policy).collect();
        let fresh = folder.join(format!("{file}.fresh"));
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, folder.join(format!("{file}.policy"))).unwrap();
    }
}
