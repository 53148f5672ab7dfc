//! The composition root: configuration in, parts built once, the server run. Nobody imports it but the command line.

mod admin_token;
mod banner;
mod config;
mod listen;
mod memory;
mod open;
mod reload;
mod serve;
mod settings;

pub use config::{Config, ConfigError, Flags, Layers, Origin, Shown};
pub use listen::fingerprint_of;
pub use open::open;
pub use serve::serve;
