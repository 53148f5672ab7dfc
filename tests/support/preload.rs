//! Libraries between a program and the system (`LD_PRELOAD`), built from C beside this file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{root, run};

/// Builds the library of that name.
pub fn build(name: &str) -> PathBuf {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.so", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library);
    let (output, _, err) = run(compiler.arg(root().join(format!("tests/support/{name}.c"))).arg("-ldl"));
    assert!(output.status.success(), "{err}");
    library
}

/// What a program is started with whose clock is so many seconds ahead.
pub fn wrong_clock(seconds: i64) -> [(&'static str, String); 2] {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let library = BUILT.get_or_init(|| build("clock"));
    [("LD_PRELOAD", library.to_str().unwrap().to_owned()), ("CLOCK_OFFSET", seconds.to_string())]
}
