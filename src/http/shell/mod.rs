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
//! 7. load shedding by one shared permit pool: whoever finds none is refused at once, nobody
//!    queues;
//! 8. panic guard and deadline around the handler alone: everything outside them is ours and short;
//! 9. on the way out: problem document, compression, room for a large answer, security headers,
//!    CORS, metrics, and the request line last, when all is known.

pub mod client;
pub mod cors;
pub mod encoding;
mod finish;
mod held;
pub mod hosts;
pub mod limits;
mod path;
mod refusal;
pub mod routes;

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use futures_util::FutureExt as _;
use http::header::{CONNECTION, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, Version};
use tokio::sync::Semaphore;
use tower::Service as _;
use tracing::Instrument as _;

use crate::db;
use crate::http::body::{self, Held};
use crate::http::openapi::access::Access;
use crate::http::openapi::failures;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::origin::Origin;
use crate::kernel::principal::Principal;
use crate::kernel::request::{RequestId, TraceParent};
use crate::kernel::types::PrincipalId;
use crate::server::Peer;
use crate::server::head;
use crate::state::Core;
use crate::telemetry::request_line::RequestLine;
use crate::telemetry::trace::{self, Parent};
use client::{Caller, ClientAddress, Prefix};
use cors::Cors;
use finish::without_body;
use held::Answers;
use hosts::Hosts;
use limits::{RateLimit, Standing};
use refusal::{refused_head, wrong_query};
use routes::{Route, Routes, is_counted};

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
    permits: Semaphore,
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
    /// The token endpoints answer errors in OAuth's form too.
    pub(super) is_oauth: bool,
}

/// What is known of a request that is to be worked on.
struct Asked<'a> {
    route: &'a Route,
    access: Access,
    caller: Caller,
    principal: Option<Principal>,
    address: ClientAddress,
    origin: Origin,
}

impl<G: Gate> Shell<G> {
    pub fn new(app: Arc<Core>, gate: G, router: Router, routes: Routes) -> anyhow::Result<Self> {
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
            permits,
            is_https,
        })
    }

    /// Answers one request. Every answer of the public listener comes from here.
    pub async fn handle(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let context = Context {
            begun: Instant::now(),
            id: RequestId::of(&parts.headers),
            parent: TraceParent::of(&parts.headers),
            method: parts.method.clone(),
            version: parts.version,
            origin: self.cors.origin(&parts.headers).cloned(),
            takes_gzip: encoding::accepts_gzip(&parts.headers),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            peer: parts.extensions.get::<Peer>().copied(),
            is_oauth: failures::are_oauth(parts.uri.path().trim_end_matches('/')),
        };
        path::normalize(&mut parts.uri);
        let route = self.routes.find(parts.uri.path());
        let template = route.map_or(self.routes.unmatched().template.as_str(), |route| {
            route.template.as_str()
        });
        let parent = context.parent.map(|named| Parent {
            named,
            is_trusted: context
                .peer
                .is_some_and(|peer| self.app.config.http.trusts(peer.0.ip())),
        });
        let span = trace::request_span(&context.method, template, parent);
        let trace_id = trace::id_of(&span).or(context.parent.map(|parent| parent.trace_id));
        let mut answer = pin!(db::sourced(self.answer(&context, parts, body, route)));
        let (standing, answered) = answer.as_mut().instrument(span.clone()).await;
        let from_replica = db::is_from_replica(answer);
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
        let took = context.begun.elapsed();
        let status = response.status();
        trace::finish(&span, status);
        if let Some(histogram) = route.unwrap_or(self.routes.unmatched()).duration(
            &self.app.metrics.http_server_request_duration_seconds,
            &context.method,
            status.as_u16(),
        ) {
            histogram.observe(took.as_secs_f64());
        }
        RequestLine {
            request_id: context.id.as_str(),
            trace_id,
            method: context.method.as_str(),
            route: template,
            status: status.as_u16(),
            took,
            client: context.peer.map(|peer| peer.0.ip()),
            user_agent: context.user_agent.as_ref(),
            error: error.as_ref(),
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
        route: Option<&Route>,
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
                    access,
                    caller,
                    principal,
                    address,
                    origin,
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
        route: Option<&'a Route>,
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

    async fn perform(
        &self,
        context: &Context,
        mut parts: Parts,
        body: Body,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, ApiError> {
        let Asked {
            route,
            access,
            caller,
            principal,
            address,
            mut origin,
        } = asked;
        let limits = &self.app.config.limits;
        let until = context.begun + limits.request_deadline.0;
        let refused = |who, origin: &Origin, reason: &str| {
            let (method, route) = (&context.method, &route.template);
            self.gate
                .refused(who, method, route, origin.clone(), reason);
        };
        let who = principal.as_ref().map(|principal| principal.id);
        if let Some(principal) = principal {
            origin.workload = principal.workload().cloned();
            self.gate
                .may(access, &principal, &parts)
                .inspect_err(|error| refused(principal.id, &origin, &error.detail))?;
            parts.extensions.insert(principal);
        }
        parts.extensions.insert(address);
        parts.extensions.insert(origin.clone());
        let most = route.max_body(&parts.method, limits.max_body.0);
        let mut share = self.held.share(caller);
        let body = body::read(body, most, until, &mut share).await?;
        let body = encoding::decode(&mut parts.headers, body, most, &mut share)?;
        let Ok(_permit) = self.permits.try_acquire() else {
            self.app.metrics.http_server_requests_shed_total.inc();
            return Err(ApiError::new(
                Code::Overloaded,
                "as many requests as allowed are being worked on; nothing was done, repeat the request",
            ));
        };
        let _in_flight = InFlight::enter(&self.app.metrics.http_server_requests_in_flight);
        let handler = AssertUnwindSafe(
            self.router
                .clone()
                .call(Request::from_parts(parts, Body::from(body))),
        )
        .catch_unwind();
        match tokio::time::timeout_at(until.into(), handler).await {
            Ok(Ok(Ok(response))) => {
                let error = response.extensions().get::<ApiError>();
                if let (Some(who), Some(error)) = (who, error)
                    && error.code == Code::Forbidden
                {
                    refused(who, &origin, &error.detail);
                }
                Ok(response)
            }
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_panic)) => {
                self.app.metrics.http_server_panics_total.inc();
                Err(ApiError::internal(anyhow::anyhow!(
                    "the handler panicked; the panic is in the log before this line"
                )))
            }
            Err(_) => Err(ApiError::new(
                Code::DeadlineExceeded,
                "the answer took too long and was given up; repeat the request, a POST with the same Idempotency-Key",
            )),
        }
    }
}

/// Counts a request for as long as it is worked on, however it ends.
struct InFlight<'a>(&'a prometheus::IntGauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
