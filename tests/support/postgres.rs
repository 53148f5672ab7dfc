//! A real PostgreSQL server, started by the tests that want one.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::disk::Disk;
use super::run;

/// Whether the tests run on PostgreSQL instead of SQLite, as the second half of `tests/run` has it.
pub fn wanted() -> bool {
    std::env::var("SIDEGATE_TEST_DATABASE").is_ok_and(|database| database == "postgres")
}

/// A server of its own, in a folder of its own, as an unprivileged user. It ends when it is dropped, and with the tests
/// however they end: it lives as long as its keeper's standard input is open.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    /// What it is started with, as `NAME=value NAME=value`.
    environment: String,
    keeper: Option<Child>,
}

impl Postgres {
    /// The one that tests share which do nothing to the server itself.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes a cluster and starts it.
    pub fn start() -> Self {
        Self::start_with(|_| String::new())
    }

    /// The same, with a disk of its own for what databases hold, and a database on it, as a URL. (What belongs to all
    /// databases, such as the write-ahead log, is on another.)
    pub fn start_on_a_disk() -> (Self, Disk, String) {
        let mut disk = None;
        let server = Self::start_with(|folder| {
            let disk = disk.insert(Disk::below(&folder.join("disk")));
            disk.environment().map(|(name, value)| format!("{name}={value}")).join(" ")
        });
        let place = server.folder.join("disk");
        succeed(&mut unprivileged(&format!("mkdir {}", place.display())));
        server.execute("postgres", &format!("CREATE TABLESPACE disk LOCATION '{}'", place.display())).unwrap();
        server.execute("postgres", "CREATE DATABASE on_disk TABLESPACE disk").unwrap();
        let url = server.url("on_disk");
        (server, disk.unwrap(), url)
    }

    fn start_with(environment: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::Builder::new().prefix("sidegate-postgres-").tempdir().unwrap().keep();
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        let initdb = format!(
            "exec {} -D {} -U app --auth=trust --no-sync -E UTF8 --locale=C.UTF-8",
            binary("initdb").display(),
            data.display()
        );
        succeed(&mut unprivileged(&initdb));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { environment: environment(&folder), folder, port, keeper: None };
        server.resume();
        server
    }

    /// Starts it again on the same data, and waits until it answers.
    pub fn resume(&mut self) {
        // A shell has what it runs beside itself ignore SIGQUIT, and PostgreSQL heeds it only once it is up.
        let script = format!(
            "env --default-signal=QUIT {environment} {} -D {data} -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} \
             -c max_connections=400 -c shared_buffers=64MB >>{folder}/log 2>&1 & \
             server=$!; read -r then; kill -QUIT $server; wait $server; [ \"$then\" = keep ] || rm -rf {folder}",
            binary("postgres").display(),
            data = self.folder.join("data").display(),
            folder = self.folder.display(),
            port = self.port,
            environment = self.environment,
        );
        self.keeper = Some(unprivileged(&script).stdin(Stdio::piped()).spawn().unwrap());
        super::eventually("PostgreSQL answers", || self.execute("postgres", "SELECT 1").is_ok());
    }

    /// Stops it as a crash would: at once, with every connection cut.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            // One that was stopped would not hear.
            self.signal("CONT");
            keeper.stdin.take().unwrap().write_all(b"keep\n").unwrap();
            keeper.wait().unwrap();
        }
    }

    /// Sends a signal to the server and to every process of it: with STOP, it keeps all connections and says nothing.
    pub fn signal(&self, signal: &str) {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let server = file.lines().next().unwrap().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        let all = std::iter::once(&*server).chain(children.split_whitespace());
        // One of its children may end by itself in the meantime.
        run(Command::new("kill").arg(format!("-{signal}")).args(all));
    }

    /// A new database, as a URL.
    pub fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        self.url(&name)
    }

    /// Runs a statement.
    pub fn execute(&self, database: &str, statement: &str) -> Result<(), sqlx::Error> {
        execute(&self.url(database), statement)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://app@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

/// Runs a statement in the database of a URL.
pub fn execute(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    super::wait_for(async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
        connection.close().await
    })
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// PostgreSQL refuses to run as root.
fn unprivileged(script: &str) -> Command {
    let mut command = Command::new(if is_root() { "runuser" } else { "sh" });
    if is_root() {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    command.arg("-c").arg(script).current_dir("/");
    command
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| run(Command::new("id").arg("-u")).1.trim() == "0")
}

fn succeed(command: &mut Command) {
    let (output, _, err) = run(command);
    assert!(output.status.success(), "{command:?}: {err}");
}

/// Debian keeps the programs of each version in a folder of its own.
fn binary(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let newest = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file()).max();
    newest.unwrap_or_else(|| Path::new(name).to_owned())
}
