//! The use cases without a server around them, for what is counted or measured in this process.

use std::path::Path;
use std::sync::Arc;

use sidegate::service::{DataFolder, Networks, Parts, Service};
use sidegate::store::Store;

/// A service on data of its own in a folder, with the policies that lie in it.
pub async fn service(folder: &Path) -> Arc<Service> {
    let path = folder.join("data");
    let data = DataFolder::create(&path).unwrap();
    let store = Store::open(&DataFolder::database(&path), data.audit_key().unwrap()).await.unwrap();
    let parts = Parts {
        store,
        folder: data,
        admin_token: "0123456789abcdef0123456789abcdef".into(),
        policies: folder.join("policies"),
        default_tenant: None,
        dev_tokens: false,
        decision_log: None,
        redis: None,
        warm_up: 0,
        issuer_networks: Networks::loopback(),
        failures: 0,
        cache_bytes: 1 << 20,
        stale_grace: std::time::Duration::from_secs(300),
    };
    let service = Service::new(parts).await.unwrap();
    service.reload(None).await.unwrap();
    service
}
