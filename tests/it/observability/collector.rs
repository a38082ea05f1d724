//! An OTLP collector: takes what the exporter sends over gRPC and keeps the spans.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

type Spans = Arc<Mutex<Vec<Span>>>;

pub(super) struct Collector {
    pub(super) addr: SocketAddr,
    spans: Spans,
    _task: AbortOnDropHandle<()>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let spans = Spans::default();
        let seen = spans.clone();
        let task = tokio::spawn(async move {
            let mut live = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = seen.clone();
                let service = service_fn(move |request| export(request, seen.clone()));
                live.spawn(
                    http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self {
            addr,
            spans,
            _task: AbortOnDropHandle::new(task),
        }
    }

    pub(super) fn flag(&self) -> String {
        format!("--otlp-endpoint=http://{}", self.addr)
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

type Frames =
    StreamBody<futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn export(request: Request<Incoming>, spans: Spans) -> Result<Response<Frames>, Infallible> {
    assert_eq!(request.uri().path(), EXPORT);
    let mut body = request.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.get_u8(), 0, "not compressed");
    let length = usize::try_from(body.get_u32()).unwrap();
    let batch = ExportTraceServiceRequest::decode(body.split_to(length)).unwrap();
    let new = batch
        .resource_spans
        .into_iter()
        .flat_map(|it| it.scope_spans)
        .flat_map(|it| it.spans);
    spans.lock().unwrap().extend(new);
    let trailers = HeaderMap::from_iter([(
        "grpc-status".parse().unwrap(),
        HeaderValue::from_static("0"),
    )]);
    let frames = vec![
        Ok(Frame::data(Bytes::from_static(&[0; 5]))),
        Ok(Frame::trailers(trailers)),
    ];
    let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|it| it.key == name);
    match found.and_then(|it| it.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
