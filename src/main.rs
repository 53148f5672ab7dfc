//! The `sidegate` program.

fn main() -> std::process::ExitCode {
    sidegate::cli::run()
}
