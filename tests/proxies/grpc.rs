//! gRPC all the way: a client, a proxy, and a server, both of them real.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use crate::support::wait_for;

use super::app::field;
use super::grpc_app::{CHAT, Caller, SAY, TRAILER};
use super::readings::no_path_reaches_the_app_on_a_reading_that_was_not_decided;
use super::scene::{Over, Proxy, Scene};

for_each_proxy! { calls_are_decided }

fn calls_are_decided(proxy: Proxy) {
    let mut scene = Scene::start(proxy, Over::Grpc);
    wait_for(who_may(&scene));
    wait_for(streams(&scene));
    // What is no call is decided, too.
    super::who_may(&scene);
    super::identity(&scene);
    super::spoofed(&scene);
    no_path_reaches_the_app_on_a_reading_that_was_not_decided(&scene);
    super::http2::odd_requests(&scene);
    // Traefik waits for half a minute, and cannot be told otherwise.
    if proxy != Proxy::Traefik {
        scene.server.signal("-STOP");
        wait_for(away(&scene));
        scene.server.signal("-CONT");
    }
    scene.server.kill();
    wait_for(away(&scene));
}

async fn who_may(scene: &Scene) {
    let (alice, bob) = (scene.token("alice"), scene.token("bob"));
    // All of them on one connection, as those of a gateway are.
    let nobody = Caller::connect(scene.address).await;
    let (mut alice, mut bob) = (nobody.as_somebody(&alice), nobody.as_somebody(&bob));
    let (mut nobody, mut fake) = (nobody.clone(), nobody.as_somebody("Bearer made.up.token"));
    for _ in 0..3 {
        let (said, fields) = alice.say("hello").await.unwrap();
        assert_eq!(said, "hello");
        assert_eq!(fields.get(TRAILER).unwrap(), "intact", "{:?}: {fields:?}", scene.proxy);
        let seen = scene.app.seen();
        let [seen] = &seen[..] else { panic!("{:?}: {seen:?}", scene.proxy) };
        assert!(seen.starts_with(&format!("POST {SAY} ")), "{seen}");
        assert_eq!(field(seen, "x-auth-subject"), Some("alice"), "{:?}: {seen}", scene.proxy);
        assert_eq!(field(seen, "x-auth-trait-plan"), Some("pro"), "{:?}: {seen}", scene.proxy);
        for (caller, code, reason) in [
            (&mut bob, Code::PermissionDenied, "100 % of calls are paid for"),
            (&mut nobody, Code::Unauthenticated, "Nobody is signed in here."),
            (&mut fake, Code::Unauthenticated, "the access token"),
        ] {
            let refused = caller.say("hello").await.unwrap_err();
            assert_eq!(refused.code(), code, "{:?}: {refused:?}", scene.proxy);
            // With nginx, it is the end of the stream that says so.
            let refused_stream = match caller.count(1).await {
                Ok(mut numbers) => numbers.message().await.unwrap_err(),
                Err(refused) => refused,
            };
            assert_eq!(refused_stream.code(), code, "{:?}: {refused_stream:?}", scene.proxy);
            assert!(scene.app.seen().is_empty(), "{:?}", scene.proxy);
            // nginx hands no reason on, and Envoy over HTTP the whole problem.
            let message = refused.message();
            match scene.proxy {
                Proxy::Nginx => {}
                Proxy::Envoy => assert!(message.starts_with('{') && message.contains(reason), "{refused:?}"),
                _ => assert!(message.starts_with(reason), "{:?}: {refused:?}", scene.proxy),
            }
        }
    }
    // The app's own refusal comes as it is.
    let refused = alice.say("refuse").await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::FailedPrecondition, "not today: 100 %"), "{refused:?}");
    scene.app.seen();
}

async fn streams(scene: &Scene) {
    let mut alice = Caller::connect(scene.address).await.as_somebody(&scene.token("alice"));
    let mut numbers = alice.count(500).await.unwrap();
    for number in 1..=500 {
        assert_eq!(next(&mut numbers).await, Some(number.to_string()), "{:?}", scene.proxy);
    }
    assert_eq!(next(&mut numbers).await, None);
    let trailers = numbers.trailers().await.unwrap().unwrap();
    assert_eq!(trailers.get(TRAILER).unwrap(), "intact", "{:?}", scene.proxy);

    // Nothing is held back: the second is said once the first has come back.
    let (say, messages) = mpsc::channel(1);
    say.send("first".to_owned()).await.unwrap();
    let mut chat = alice.chat(ReceiverStream::new(messages)).await.unwrap();
    assert_eq!(next(&mut chat).await.as_deref(), Some("first"), "{:?}", scene.proxy);
    say.send("second".to_owned()).await.unwrap();
    assert_eq!(next(&mut chat).await.as_deref(), Some("second"), "{:?}", scene.proxy);
    drop(say);
    assert_eq!(next(&mut chat).await, None);
    let seen = scene.app.seen();
    assert!(seen.len() == 2 && seen[1].starts_with(&format!("POST {CHAT} ")), "{seen:?}");
}

/// Without an answer from sidegate nobody passes, in time or at all.
async fn away(scene: &Scene) {
    let mut alice = Caller::connect(scene.address).await.as_somebody(&scene.token("alice"));
    let refused = alice.say("hello").await.unwrap_err();
    assert!(scene.app.seen().is_empty(), "{:?}", scene.proxy);
    // Traefik answers 500, which stands for nothing in gRPC.
    let code = if scene.proxy == Proxy::Traefik { Code::Unknown } else { Code::Unavailable };
    assert_eq!(refused.code(), code, "{:?}: {refused:?}", scene.proxy);
}

async fn next(messages: &mut Streaming<String>) -> Option<String> {
    timeout(Duration::from_secs(10), messages.message()).await.expect("a message in time").unwrap()
}
