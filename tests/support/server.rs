//! The program under test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

use tempfile::TempDir;

use sidegate::store::DatabaseAt;

use super::postgres::{self, Postgres};
use super::{Client, database, root};

/// What the sample policies stand for, at every hour: an allow by traits, and nothing that looks at the clock.
const POLICIES: &str = r#"
allow enterprise_export {
  action "read", "export"
  resource "report"
  when user.traits.plan == "enterprise" AND user.traits.email_opt_in == true
}
"#;

/// The program, with an environment that has none of its variables.
pub fn sidegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidegate"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SIDEGATE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end; standard output and error as text.
pub fn run(command: &mut Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

/// Runs a command with a text on standard input: its exit status, standard output and error.
pub fn with_input(command: &mut Command, input: &str) -> (i32, String, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that fails before it reads its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// How a server is to be started.
pub struct Setup {
    folder: TempDir,
    args: Vec<String>,
    env: Vec<(String, String)>,
    sample: bool,
    own_data: bool,
    socket: bool,
    /// The URL of a PostgreSQL database, instead of SQLite in the folder.
    database: Option<String>,
}

impl Setup {
    /// Folders of its own with a tenant acme.
    pub fn new() -> Self {
        Self::named("sidegate-test-")
    }

    /// The same, in a folder whose name starts like that.
    pub fn named(prefix: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        let database = postgres::wanted().then(|| Postgres::shared().database());
        let setup =
            Self { folder, args: Vec::new(), env: Vec::new(), sample: false, own_data: true, socket: false, database };
        setup.policy("acme/acme.policy", POLICIES)
    }

    /// With the policies of the repository.
    pub fn sample() -> Self {
        Self { sample: true, ..Self::new() }
    }

    /// Leaves it to the environment where the data are.
    pub fn without_data(self) -> Self {
        Self { own_data: false, ..self }
    }

    /// On the data of a server that runs already.
    pub fn beside(self, server: &Server) -> Self {
        self.on_data_of(&server.setup)
    }

    /// On the data of another.
    pub fn on_data_of(self, other: &Setup) -> Self {
        let data = other.folder().join("data");
        let shared = Self { own_data: false, database: other.database.clone(), ..self };
        shared.env("SIDEGATE_DATA", data.to_str().unwrap())
    }

    /// Keeps its data in that PostgreSQL database, whatever the other tests do.
    pub fn on(self, url: String) -> Self {
        Self { database: Some(url), ..self }
    }

    /// Keeps its data in SQLite, whatever the other tests do.
    pub fn on_sqlite(self) -> Self {
        Self { database: None, ..self }
    }

    /// Listens on a Unix socket, too.
    pub fn with_socket(self) -> Self {
        Self { socket: true, ..self }
    }

    /// Where that is.
    pub fn socket(&self) -> PathBuf {
        self.folder().join("sidegate.sock")
    }

    pub fn policy(self, name: &str, text: &str) -> Self {
        write_file(&self.policies().join(name), text);
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database of its servers.
    pub fn database(&self) -> DatabaseAt {
        match &self.database {
            Some(url) => DatabaseAt::postgres(url).unwrap(),
            None => DatabaseAt::Sqlite(self.folder().join("data/sidegate.db")),
        }
    }

    fn policies(&self) -> PathBuf {
        if self.sample { root().join("policies") } else { self.folder.path().join("policies") }
    }

    /// Starts a server and does not wait for it.
    pub fn spawn(&self) -> Child {
        let mut command = sidegate();
        let socket = if self.socket { format!(",unix:{}", self.socket().display()) } else { String::new() };
        command.args(["serve", "--listen", &format!("127.0.0.1:0{socket}")]);
        if self.own_data {
            command.arg("--data").arg(self.folder().join("data"));
        }
        command.arg("--policies").arg(self.policies()).args(&self.args);
        command.envs(self.database.iter().map(|url| ("SIDEGATE_DATABASE", url)));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log")).unwrap();
        command.stdout(Stdio::piped()).stderr(log).spawn().unwrap()
    }

    /// A command of the program on the data that a server would have.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = sidegate();
        command.args(args).arg("--data").arg(self.folder().join("data"));
        command.envs(self.database.iter().map(|url| ("SIDEGATE_DATABASE", url)));
        command
    }

    pub fn start(self) -> Server {
        let (child, out, banner, address) = launch(&self);
        // A banner that is not on standard output is in the log.
        let is_in_the_log = self.args.iter().any(|arg| arg == "stdout");
        let secrets = Mutex::new(if is_in_the_log { Vec::new() } else { vec![secret_of(&banner)] });
        Server { setup: self, child, out, banner, address, secrets }
    }
}

fn launch(setup: &Setup) -> (Child, BufReader<ChildStdout>, String, SocketAddr) {
    let mut child = setup.spawn();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let log = || std::fs::read_to_string(setup.folder().join("log")).unwrap();
    let mut banner = String::new();
    if setup.args.iter().any(|arg| arg == "stdout") {
        // Decisions have standard output for themselves.
        super::eventually("the banner in the log", || log().contains("/portal/sign-in?link="));
        banner = log();
    }
    // The link into the portal is the last line.
    while !banner.contains("/portal/sign-in?link=") {
        let mut line = String::new();
        if out.read_line(&mut line).unwrap() == 0 {
            panic!("the server did not start: {banner}\n{}", log());
        }
        banner.push_str(&line);
    }
    let address = banner.split("://").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let address = address.parse().unwrap();
    (child, out, banner, address)
}

/// A running server, killed when it is dropped.
pub struct Server {
    setup: Setup,
    child: Child,
    /// Kept open, so that the server can write.
    out: BufReader<ChildStdout>,
    pub banner: String,
    pub address: SocketAddr,
    /// What must stand in nothing that it writes for others.
    secrets: Mutex<Vec<String>>,
}

impl Server {
    pub fn start() -> Self {
        Setup::new().start()
    }

    pub fn data(&self) -> PathBuf {
        self.setup.folder().join("data")
    }

    pub fn policies(&self) -> PathBuf {
        self.setup.policies()
    }

    pub fn socket(&self) -> PathBuf {
        self.setup.socket()
    }

    pub fn folder(&self) -> &Path {
        self.setup.folder()
    }

    /// The commands to paste that it printed.
    fn commands(&self) -> String {
        let (_, rest) = self.banner.split_once("paste this into another terminal").expect("commands to paste");
        let (_, rest) = rest.split_once(":\n").expect("a colon");
        rest.split_once("\nAnd open the portal").expect("the portal").0.to_owned()
    }

    /// Pastes them into a shell: whether they all succeed, and what they print.
    pub fn paste(&self) -> (bool, String, String) {
        let mut shell = Command::new("bash");
        shell.envs(self.setup.database.iter().map(|url| ("SIDEGATE_DATABASE", url)));
        let (output, out, err) = run(shell.args(["-euc", &self.commands()]));
        (output.status.success(), out, err)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.setup.folder().join("log")).unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a policy file in one step, as editors do.
    pub fn write_policy(&self, name: &str, text: &str) {
        let path = self.policies().join(name);
        let fresh = path.with_extension("fresh");
        write_file(&fresh, text);
        std::fs::rename(fresh, path).unwrap();
    }

    pub fn client(&self, token: Option<&str>) -> Client {
        Client::new(self.address, token)
    }

    /// One of its metrics, by its name with labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.client(None).get("/metrics").body.to_vec()).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// A client with the token of the instance's admin.
    pub fn admin(&self) -> Client {
        let token = std::fs::read_to_string(self.data().join("admin-token")).unwrap();
        self.client(Some(token.trim()))
    }

    /// A client with a new service token for acme.
    pub fn app(&self, scope: &str) -> Client {
        self.client(Some(&self.token(&["service-token", "--tenant", "acme", "--scope", scope])))
    }

    /// A client with a development token for a user of acme.
    pub fn user(&self, user: &str) -> Client {
        self.client(Some(&self.token(&["token", "--tenant", "acme", "--user", user])))
    }

    /// What a command of the program prints, run on this server's data.
    pub fn token(&self, args: &[&str]) -> String {
        let (output, out, err) = run(&mut self.command(args));
        assert!(output.status.success(), "{err}");
        self.secrets.lock().unwrap().push(secret_of(out.trim()));
        out.trim().to_owned()
    }

    /// A command of the program on this server's data.
    pub fn command(&self, args: &[&str]) -> Command {
        self.setup.command(args)
    }

    /// The database of this server, to look into from outside.
    pub fn database(&self) -> DatabaseAt {
        self.setup.database()
    }

    /// Runs a statement in the database of this server, past all of its code.
    pub fn execute(&self, statement: &str) {
        super::wait_for(database::execute(&self.database(), statement));
    }

    /// All rows of all tables of a PostgreSQL database, as text.
    pub fn rows(&self) -> String {
        let url = self.setup.database.as_ref().unwrap();
        let dump = run(Command::new("pg_dump").args(["--data-only", "--inserts", url]));
        assert!(dump.0.status.success(), "{}", dump.2);
        dump.1
    }

    pub fn signal(&self, signal: &str) {
        super::signal(self.pid(), signal);
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same program once more, which is not waited for.
    pub fn spawn(&self) -> Child {
        self.setup.spawn()
    }

    /// Insists at the end that a text stands in nothing that was written for others.
    pub fn keep_secret(&self, text: &str) {
        self.secrets.lock().unwrap().push(text.to_owned());
    }

    /// Starts it again on the same folders, whether or not it has ended.
    pub fn restart(&mut self) {
        self.kill();
        (self.child, self.out, self.banner, self.address) = launch(&self.setup);
    }

    /// Waits for its end, and tells how it ended and what was left of its standard output.
    pub fn wait(&mut self) -> (std::process::ExitStatus, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Server {
    /// Insists that no token or link that was made stands in its log, in the log of decisions, or elsewhere beside its data.
    fn has_told_nobody(&self) {
        let admin = std::fs::read_to_string(self.data().join("admin-token")).unwrap_or_default();
        let secrets = self.secrets.lock().unwrap();
        let secrets = secrets.iter().map(String::as_str).chain([admin.trim()]).filter(|secret| secret.len() >= 16);
        let files = std::fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        let texts = files.filter(|path| path.is_file()).filter_map(|path| std::fs::read(path).ok());
        let texts: Vec<String> = texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
        for secret in secrets {
            let told = texts.iter().find(|text| text.contains(secret));
            assert!(told.is_none(), "{secret} stands in {}", told.unwrap());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            self.has_told_nobody();
        }
    }
}

/// The part of a text that must not be told: of a link, what it ends with.
fn secret_of(text: &str) -> String {
    text.rsplit("?link=").next().unwrap_or_default().trim().to_owned()
}

pub fn write_file(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
