//! The one middleware around the public router. Its order, and why:
//!
//! 1. request id and trace context first, so that every answer and log line has them, refusals
//!    included;
//! 2. the head is checked before anything trusts it, the host it names too; then the route is
//!    looked up, because limits and labels depend on it;
//! 3. CORS preflight is answered without a permit or a database;
//! 4. the caller is found before the body is read: nobody sends a body in vain, and a handler never
//!    sees a stranger;
//! 5. the rate limit counts the request for its caller, and for the address where there is none:
//!    bad credentials too;
//! 6. the body is read before a permit is taken, so that slow senders cannot use up the permits;
//!    what is streamed has permits of its own, and an upload is read by its handler;
//! 7. load shedding by one shared permit pool: whoever finds none is refused at once, nobody
//!    queues;
//! 8. panic guard and deadline around the handler alone: everything outside them is ours and short;
//! 9. on the way out: problem document, compression, room for a large answer, security headers,
//!    CORS, metrics, and the request line last, when all is known: of a stream, at its end.

pub mod client;
pub mod cors;
pub mod encoding;
mod ending;
mod finish;
mod held;
pub mod hosts;
pub mod limits;
pub mod pages;
mod path;
mod perform;
pub mod policy;
mod refusal;
pub mod routes;
mod streams;

use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use http::header::{CONNECTION, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, Version};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::db;
use crate::http::body::Held;
use crate::http::body::upload::Progress;
use crate::http::openapi::access::Access;
use crate::http::openapi::failures;
use crate::kernel::error::{ApiError, ApiResult, Code, Door};
use crate::kernel::origin::Origin;
use crate::kernel::principal::Principal;
use crate::kernel::request::{RequestId, TraceParent};
use crate::kernel::types::PrincipalId;
use crate::server::Peer;
use crate::server::head;
use crate::state::Core;
use crate::telemetry::trace::{self, Parent};
use client::{Caller, ClientAddress, Prefix};
use cors::Cors;
use ending::{Ending, Streaming};
use finish::without_body;
use held::Answers;
use hosts::Hosts;
use limits::{RateLimit, Standing};
use pages::{ErrorPages, PageAsked};
use policy::RoutePolicy;
use refusal::{refused_head, wrong_query};
use routes::{Route, Routes, is_counted};
use streams::{Streams, TRANSFERS, WATCHES};

const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// On what a replica has said, which may be behind.
const DATA_SOURCE: HeaderName = HeaderName::from_static("x-data-source");
const REPLICA: HeaderValue = HeaderValue::from_static("replica");

/// Who may come in. `identity` knows, which is above this room.
pub trait Gate: Send + Sync + 'static {
    /// The caller that a route asks for; `None` where it asks for none or none came.
    fn authenticate(
        &self,
        access: Access,
        parts: &Parts,
        address: IpAddr,
        origin: &Origin,
    ) -> impl Future<Output = ApiResult<Option<Principal>>> + Send;

    /// Whether this caller, by this credential, may ask for the route at all.
    fn may(&self, access: Access, principal: &Principal, parts: &Parts) -> ApiResult<()>;

    /// Notes in the trail that somebody was refused.
    fn refused(&self, who: PrincipalId, method: &Method, route: &str, from: Origin, reason: &str);
}

pub struct Shell<G> {
    pub(super) app: Arc<Core>,
    gate: G,
    router: Router,
    routes: Routes,
    pub(super) cors: Cors,
    rate_limit: Option<RateLimit>,
    held: Held,
    answers: Answers,
    hosts: Hosts,
    error_pages: Option<Box<dyn ErrorPages>>,
    permits: Semaphore,
    streams: Arc<Streams>,
    watches: Arc<Streams>,
    pub(super) is_https: bool,
}

/// What the last steps need of a request after its handler has consumed it.
pub(super) struct Context {
    pub(super) begun: Instant,
    pub(super) id: RequestId,
    parent: Option<TraceParent>,
    pub(super) method: Method,
    version: Version,
    pub(super) origin: Option<HeaderValue>,
    takes_gzip: bool,
    user_agent: Option<HeaderValue>,
    peer: Option<Peer>,
    /// In whose form errors are too.
    pub(super) door: Door,
    /// Where a person asks for a page, whose errors are pages too.
    pub(super) page: Option<PageAsked>,
}

/// What is known of a request that is to be worked on.
struct Asked<'a> {
    route: &'a Route,
    policy: RoutePolicy,
    access: Access,
    caller: Caller,
    principal: Option<Principal>,
    address: ClientAddress,
    origin: Origin,
    streaming: Option<&'a mut Streaming>,
}

impl<G: Gate> Shell<G> {
    pub fn new(
        app: Arc<Core>,
        gate: G,
        router: Router,
        routes: Routes,
        error_pages: Option<Box<dyn ErrorPages>>,
    ) -> anyhow::Result<Self> {
        let permits = Semaphore::new(app.config.limits.max_in_flight);
        let cors = Cors::new(&app.config.http.cors_origins)?;
        let held = Held::new(
            app.config.limits.max_body.0,
            app.metrics.http_server_body_bytes.clone(),
            app.metrics.http_server_requests_shed_total.clone(),
        );
        let answers = Answers::new(
            app.config.limits.max_answers.0,
            app.metrics.http_server_answer_bytes.clone(),
            app.metrics.http_server_requests_shed_total.clone(),
        );
        let streams = Streams::new(
            app.config.limits.max_streams,
            TRANSFERS,
            app.metrics.http_server_streams_in_flight.clone(),
            app.metrics.http_server_requests_shed_total.clone(),
        );
        let watches = Streams::new(
            app.config.limits.max_event_streams,
            WATCHES,
            app.metrics.event_streams_in_flight.clone(),
            app.metrics.http_server_requests_shed_total.clone(),
        );
        for outcome in ["complete", "aborted"] {
            app.metrics
                .http_server_streams_total
                .with_label_values(&[outcome]);
        }
        let hosts = Hosts::new(app.config.http.listen, &app.public_url);
        let rate_limit = RateLimit::new(
            app.config.limits.rate_limit,
            app.metrics.http_server_requests_rate_limited_total.clone(),
        );
        let is_https = app.public_url.starts_with("https:");
        Ok(Self {
            app,
            gate,
            router,
            routes,
            cors,
            rate_limit,
            held,
            answers,
            hosts,
            error_pages,
            permits,
            streams,
            watches,
            is_https,
        })
    }

    /// Answers one request. Every answer of the public listener comes from here.
    pub async fn handle(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let mut context = Context {
            begun: Instant::now(),
            id: RequestId::of(&parts.headers),
            parent: TraceParent::of(&parts.headers),
            method: parts.method.clone(),
            version: parts.version,
            origin: self.cors.origin(&parts.headers).cloned(),
            takes_gzip: encoding::accepts_gzip(&parts.headers),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            peer: parts.extensions.get::<Peer>().copied(),
            door: failures::door(parts.uri.path().trim_end_matches('/')),
            page: None,
        };
        path::normalize(&mut parts.uri);
        let found = self.routes.find(parts.uri.path());
        let route = found.unwrap_or(self.routes.unmatched());
        context.page = self.page_asked(&parts, found);
        let parent = context.parent.map(|named| Parent {
            named,
            is_trusted: context
                .peer
                .is_some_and(|peer| self.app.config.http.trusts(peer.0.ip())),
        });
        let span = trace::request_span(&context.method, &route.template, parent);
        let trace_id = trace::id_of(&span).or(context.parent.map(|parent| parent.trace_id));
        let client = context.peer.map(|peer| peer.0.ip());
        let policy = route
            .policy(&context.method)
            .asked(&parts.headers, parts.uri.query());
        let mut streaming = policy.is_stream().then(|| Streaming {
            metrics: self.app.metrics.clone(),
            route: Arc::clone(route),
            id: context.id.clone(),
            trace_id,
            method: context.method.clone(),
            begun: context.begun,
            client,
            user_agent: context.user_agent.clone(),
            permit: None,
            progress: Arc::new(Progress::new(context.begun)),
            answered: None,
            sent: 0,
            // Who stops following has had all there was.
            is_complete: policy == RoutePolicy::Watch,
        });
        let page = context.page.as_ref();
        let has_just_changed = page.is_some_and(PageAsked::has_just_changed);
        let (standing, answered, from_replica) = {
            let answer = self.answer(&context, parts, body, found, policy, streaming.as_mut());
            let mut answer = pin!(db::sourced(answer, has_just_changed));
            let (standing, answered) = answer.as_mut().instrument(span.clone()).await;
            (standing, answered, db::is_from_replica(answer))
        };
        let (mut response, mut error) = match answered {
            Ok(response) => self.problem_of(response, &context),
            Err(error) => self.problem(error, &context),
        };
        if context.takes_gzip {
            response = encoding::encode(response, &context.method).await;
        }
        if context.method == Method::HEAD {
            response = without_body(response);
        }
        // Last, when the answer is as small as it gets.
        let held = self
            .answers
            .hold(response, &context.method, context.version);
        match held.await {
            Ok(held) => response = held,
            Err(refusal) => (response, error) = self.problem(refusal, &context),
        }
        if from_replica {
            response.headers_mut().insert(DATA_SOURCE, REPLICA);
        }
        if self.app.shutdown.draining() && context.version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        if let (Some(limit), Some(standing)) = (&self.rate_limit, standing) {
            limit.write(standing, response.headers_mut());
        }
        self.finish_headers(&context, &span, response.headers_mut());
        let status = response.status();
        trace::finish(&span, status);
        if let Some(mut streaming) = streaming {
            streaming.answered = Some((status.as_u16(), error));
            return response.map(|body| streaming.around(body));
        }
        Ending {
            metrics: &self.app.metrics,
            route,
            id: &context.id,
            trace_id,
            method: &context.method,
            begun: context.begun,
            client,
            user_agent: context.user_agent.as_ref(),
            status: status.as_u16(),
            error: error.as_ref(),
            stream: None,
        }
        .write();
        response
    }

    /// The answer, and where it leaves the caller under the rate limit.
    async fn answer(
        &self,
        context: &Context,
        mut parts: Parts,
        body: Body,
        route: Option<&Arc<Route>>,
        policy: RoutePolicy,
        streaming: Option<&mut Streaming>,
    ) -> (Option<Standing>, Result<Response<Body>, ApiError>) {
        let head = head::admit(&mut parts)
            .map_err(refused_head)
            .and_then(|()| self.hosts.check(&parts));
        let peer = context
            .peer
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
        let address = ClientAddress::of(&self.app.config.http, peer, &parts.headers);
        let origin = Origin {
            address: Some(address.0),
            request_id: Some(context.id.clone()),
            workload: None,
        };
        let admitted = match head {
            Ok(()) => {
                if let Some(preflight) = self.cors.preflight(&parts.method, &parts.headers) {
                    return (None, Ok(preflight));
                }
                self.admit(&parts, route, address, &origin).await
            }
            Err(refusal) => Err(refusal),
        };
        let caller = match &admitted {
            Ok((_, _, Some(principal))) => Caller::Known(principal.id),
            _ => Caller::Stranger(Prefix::of(address.0)),
        };
        let limit = self.rate_limit.as_ref();
        let limit = limit.filter(|_| is_counted(parts.uri.path()));
        let (standing, admitted) = match limit.map(|limit| limit.count(caller, context.begun)) {
            None => (None, admitted),
            Some(Ok(standing)) => (Some(standing), admitted),
            Some(Err(standing)) => (Some(standing), Err(standing.refuse())),
        };
        let answered = match admitted {
            Ok((route, access, principal)) => {
                let asked = Asked {
                    route,
                    policy,
                    access,
                    caller,
                    principal,
                    address,
                    origin,
                    streaming,
                };
                self.perform(context, parts, body, asked).await
            }
            Err(error) => Err(error),
        };
        (standing, answered)
    }

    /// The route, what it asks of its caller, and the caller, where it asks for one.
    async fn admit<'a>(
        &self,
        parts: &Parts,
        route: Option<&'a Arc<Route>>,
        address: ClientAddress,
        origin: &Origin,
    ) -> Result<(&'a Route, Access, Option<Principal>), ApiError> {
        let Some(route) = route else {
            return Err(ApiError::new(
                Code::NotFound,
                "there is nothing at this path",
            ));
        };
        route
            .check_query(&parts.method, parts.uri.query())
            .map_err(wrong_query)?;
        route.is_of_this_site(parts, &self.app.public_url)?;
        let access = route.access(&parts.method);
        let principal = if access == Access::Public {
            None
        } else {
            self.gate
                .authenticate(access, parts, address.0, origin)
                .await?
        };
        Ok((route, access, principal))
    }
}
