//! Real Redis servers, started by the tests that want them.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::run;

/// A server of its own. It ends when it is dropped, and with the tests however they end: it lives as long as its
/// keeper's standard input is open.
pub struct Redis {
    folder: TempDir,
    port: u16,
    args: Vec<String>,
    keeper: Option<Child>,
}

impl Redis {
    pub fn start() -> Self {
        Self::with(&[])
    }

    fn with(args: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sidegate-redis-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut redis = Self { folder, port, args, keeper: None };
        redis.resume();
        redis
    }

    /// Starts it again, empty, and waits until it answers.
    pub fn resume(&mut self) {
        let script = format!(
            "redis-server --port {} --bind 127.0.0.1 --save '' --appendonly no --dir {folder} --pidfile {folder}/pid {} \
             >>{folder}/log 2>&1 & server=$!; echo $server >{folder}/pid; read -r then; kill -9 $server; wait $server",
            self.port,
            self.args.join(" "),
            folder = self.folder.path().display(),
        );
        self.keeper =
            Some(Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        super::eventually("Redis answers", || self.ask(&["PING"]) == "PONG");
    }

    /// Stops it as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    /// With STOP, it keeps all connections and says nothing.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        let (output, _, err) = run(Command::new("kill").args([&format!("-{signal}"), pid.trim()]));
        assert!(output.status.success(), "{err}");
    }

    /// What it answers to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        run(Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(command)).1.trim_end().to_owned()
    }

    /// The keys that it holds.
    pub fn keys(&self) -> Vec<String> {
        self.ask(&["--raw", "KEYS", "*"]).lines().map(str::to_owned).collect()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A cluster of three.
pub struct Cluster(Vec<Redis>);

impl Cluster {
    pub fn start() -> Self {
        // The bus has a port of its own, which would be out of range for a port that is not.
        let args = ["--cluster-enabled yes", "--cluster-config-file nodes.conf", "--cluster-node-timeout 2000"];
        let node = || {
            let bus = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            Redis::with(&[&args[..], &[&format!("--cluster-port {bus}")]].concat())
        };
        let nodes: Vec<Redis> = (0..3).map(|_| node()).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let (output, out, err) = run(Command::new("redis-cli").args(["--cluster", "create"]).args(addresses).args([
            "--cluster-replicas",
            "0",
            "--cluster-yes",
        ]));
        assert!(output.status.success(), "{out}{err}");
        super::eventually("the cluster", || {
            nodes.iter().all(|node| node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok"))
        });
        Self(nodes)
    }

    pub fn nodes(&mut self) -> &mut [Redis] {
        &mut self.0
    }

    pub fn url(&self) -> String {
        self.0.iter().map(Redis::url).collect::<Vec<_>>().join(",")
    }
}
