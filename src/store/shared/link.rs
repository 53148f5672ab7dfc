//! Connections to one Redis or to a cluster: taken up when they are needed, and again when they break.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::{
    Client, Cmd, ConnectionInfo, Pipeline, ProtocolVersion, PushInfo, PushKind, RedisFuture, RedisResult, Value, cmd,
};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::RedisAt;

/// How long a connection may take to come about, and the connection for news to answer.
const CONNECT: Duration = Duration::from_secs(2);

/// How often the connection for news is asked whether it is one.
const SILENCE: Duration = Duration::from_secs(2);

/// Connections; clones share them.
#[derive(Clone)]
pub(super) struct Link {
    to: To,
    nodes: Vec<ConnectionInfo>,
}

#[derive(Clone)]
enum To {
    One(ConnectionManager),
    Cluster(Arc<ClusterClient>, Arc<OnceCell<ClusterConnection>>),
}

impl Link {
    pub(super) fn new(RedisAt(nodes): &RedisAt) -> RedisResult<Self> {
        let to = match nodes.as_slice() {
            [one] => To::One(manager(one.clone(), ConnectionManagerConfig::new())?),
            several => {
                let builder = ClusterClientBuilder::new(several.to_vec()).connection_timeout(CONNECT);
                To::Cluster(Arc::new(builder.build()?), Arc::default())
            }
        };
        Ok(Self { to, nodes: nodes.clone() })
    }

    /// Passes on the messages of a channel, until it is dropped. In a cluster, every node has all of them: one hears them
    /// as long as one of those listed is there.
    pub(super) async fn listen(&self, channel: &str, told: impl Fn() + Send + Sync + 'static) {
        let told = Arc::new(told);
        let mut listening = JoinSet::new();
        for node in self.nodes.clone() {
            let (channel, told) = (channel.to_owned(), told.clone());
            listening.spawn(async move {
                let _ = listen_at(node, &channel, told).await;
            });
        }
        while listening.join_next().await.is_some() {}
    }
}

async fn listen_at(
    node: ConnectionInfo,
    channel: &str,
    told: Arc<impl Fn() + Send + Sync + 'static>,
) -> RedisResult<()> {
    let settings = node.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let push = move |push: PushInfo| {
        // What was said while nobody listened is news, too.
        if matches!(push.kind, PushKind::Message | PushKind::Subscribe | PushKind::Disconnection) {
            told();
        }
        Ok::<_, std::convert::Infallible>(())
    };
    let config = ConnectionManagerConfig::new().set_push_sender(push).set_automatic_resubscription();
    let mut manager = manager(node.set_redis_settings(settings), config)?;
    while manager.subscribe(channel).await.is_err() {
        tokio::time::sleep(SILENCE).await;
    }
    loop {
        tokio::time::sleep(SILENCE).await;
        // A connection that broke is taken up again by whoever uses it.
        let _ = tokio::time::timeout(CONNECT, manager.send_packed_command(&cmd("PING"))).await;
    }
}

fn manager(node: ConnectionInfo, config: ConnectionManagerConfig) -> RedisResult<ConnectionManager> {
    let config = config.set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(CONNECT));
    // Whoever asks does not wait for more.
    ConnectionManager::new_lazy_with_config(Client::open(node)?, config.set_number_of_retries(1))
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.to {
            To::One(manager) => manager.req_packed_command(cmd),
            To::Cluster(client, connection) => Box::pin(async move {
                let mut connection = connection.get_or_try_init(|| client.get_async_connection()).await?.clone();
                connection.req_packed_command(cmd).await
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.to {
            To::One(manager) => manager.req_packed_commands(pipeline, offset, count),
            To::Cluster(client, connection) => Box::pin(async move {
                let mut connection = connection.get_or_try_init(|| client.get_async_connection()).await?.clone();
                connection.req_packed_commands(pipeline, offset, count).await
            }),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}
