//! A gRPC server as the app, and a client for it. Both are tonic; their messages are texts (`google.protobuf.StringValue`).

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::body::Body;
use tonic::client;
use tonic::codegen::tokio_stream::{Iter, iter};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

/// Says back what it is told; `refuse` is refused.
pub const SAY: &str = "/echo.Echo/Say";
/// Counts up to a number.
pub const COUNT: &str = "/echo.Echo/Count";
/// Says back each message as it comes.
pub const CHAT: &str = "/echo.Echo/Chat";

/// A trailer of every answer of the app.
pub const TRAILER: &str = "x-app-trailer";

/// Serves HTTP/2 without TLS on a thread of its own, and keeps the heads of all requests as HTTP/1.1 would have them.
pub fn start(seen: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = seen.clone();
                let service = service_fn(move |request| {
                    seen.lock().unwrap().push(head(&request));
                    answer(request)
                });
                let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(http2.serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    address
}

fn head(request: &Request<Incoming>) -> String {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let authority = request.uri().authority().map(|authority| format!("host: {authority}\r\n"));
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    let fields: String = authority.into_iter().chain(fields).collect();
    format!("{} {target} HTTP/2\r\n{fields}\r\n", request.method())
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, http::Error> {
    let mut grpc = Grpc::new(ProstCodec::<String, String>::default());
    let response = match request.uri().path() {
        SAY => grpc.unary(Say, request).await,
        COUNT => grpc.server_streaming(Count, request).await,
        CHAT => grpc.streaming(Chat, request).await,
        _ => return Response::builder().body(Body::new("the app".to_owned())),
    };
    let trailers =
        async { Some(Ok(http::HeaderMap::from_iter([(TRAILER.parse().unwrap(), "intact".parse().unwrap())]))) };
    Ok(response.map(|body| Body::new(body.with_trailers(trailers))))
}

type Answering<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

struct Say;

impl UnaryService<String> for Say {
    type Response = String;
    type Future = Answering<String>;

    fn call(&mut self, request: tonic::Request<String>) -> Self::Future {
        let said = request.into_inner();
        let refused = said == "refuse";
        Box::pin(async move {
            if refused { Err(Status::failed_precondition("not today: 100 %")) } else { Ok(tonic::Response::new(said)) }
        })
    }
}

struct Count;

impl ServerStreamingService<String> for Count {
    type Response = String;
    type ResponseStream = Iter<std::vec::IntoIter<Result<String, Status>>>;
    type Future = Answering<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<String>) -> Self::Future {
        let upto: usize = request.into_inner().parse().unwrap();
        let numbers: Vec<_> = (1..=upto).map(|number| Ok(number.to_string())).collect();
        Box::pin(async { Ok(tonic::Response::new(iter(numbers))) })
    }
}

struct Chat;

impl StreamingService<String> for Chat {
    type Response = String;
    type ResponseStream = Streaming<String>;
    type Future = Answering<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<Streaming<String>>) -> Self::Future {
        Box::pin(async { Ok(tonic::Response::new(request.into_inner())) })
    }
}

/// A client of the app, as somebody or nobody.
#[derive(Clone)]
pub struct Caller {
    grpc: client::Grpc<Channel>,
    /// What stands in `authorization`.
    token: Option<String>,
}

impl Caller {
    /// Nobody.
    pub async fn connect(address: SocketAddr) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { grpc: client::Grpc::new(channel), token: None }
    }

    /// Somebody on the same connection.
    pub fn as_somebody(&self, token: &str) -> Self {
        Self { grpc: self.grpc.clone(), token: Some(token.to_owned()) }
    }

    fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.parse().unwrap());
        }
        request
    }

    /// The answer, and what came in fields before and after it.
    pub async fn say(&mut self, text: &str) -> Result<(String, MetadataMap), Status> {
        let request = self.request(text.to_owned());
        self.grpc.ready().await.unwrap();
        let answer = self.grpc.unary(request, SAY.parse().unwrap(), ProstCodec::default()).await?;
        let metadata = answer.metadata().clone();
        Ok((answer.into_inner(), metadata))
    }

    pub async fn count(&mut self, upto: usize) -> Result<Streaming<String>, Status> {
        let request = self.request(upto.to_string());
        self.grpc.ready().await.unwrap();
        let answer = self.grpc.server_streaming(request, COUNT.parse().unwrap(), ProstCodec::default()).await?;
        Ok(answer.into_inner())
    }

    pub async fn chat(
        &mut self,
        messages: impl tonic::codegen::tokio_stream::Stream<Item = String> + Send + 'static,
    ) -> Result<Streaming<String>, Status> {
        let request = self.request(messages);
        self.grpc.ready().await.unwrap();
        let answer = self.grpc.streaming(request, CHAT.parse().unwrap(), ProstCodec::default()).await?;
        Ok(answer.into_inner())
    }
}
