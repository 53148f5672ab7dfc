//! The `sidegate` program.

/// Answers are many small buffers that live for microseconds; it is faster with these than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sidegate::cli::run()
}
