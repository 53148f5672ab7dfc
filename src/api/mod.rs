//! The JSON API of tenants: decode, call one use case, encode.

mod attributes;
mod operations;

pub use attributes::{delete_attribute, get_attribute, my_attributes, put_attribute};
pub use operations::{healthz, metrics, readyz};
