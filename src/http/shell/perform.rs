//! The middle of the middleware: what a caller may, the body, a permit, and the handler under its
//! guard and its deadline.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Instant;

use axum::body::Body;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Request, Response};
use prometheus::IntGauge;
use tokio::sync::SemaphorePermit;
use tower::Service as _;

use super::policy::RoutePolicy;
use super::{Asked, Context, Gate, Shell, encoding};
use crate::http::body;
use crate::http::body::upload::UploadTerms;
use crate::kernel::error::{ApiError, Code};
use crate::kernel::origin::Origin;

impl<G: Gate> Shell<G> {
    pub(super) async fn perform(
        &self,
        context: &Context,
        mut parts: Parts,
        body: Body,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, ApiError> {
        let Asked {
            route,
            policy,
            access,
            caller,
            principal,
            address,
            mut origin,
            streaming,
        } = asked;
        let limits = &self.app.config.limits;
        let until = context.begun + policy.deadline(limits.request_deadline.0);
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
        let most = match policy {
            RoutePolicy::Large => limits.max_body.0,
            RoutePolicy::Inference => self.app.config.models.model_body.0,
            _ => body::SMALL.min(limits.max_body.0),
        };
        let mut share = self.held.share(caller);
        let mut upload = None;
        let mut short = None;
        let body = match streaming {
            Some(streaming) => {
                let streams = match policy {
                    RoutePolicy::Watch => &self.watches,
                    _ => &self.streams,
                };
                streaming.permit = Some(streams.take(caller)?);
                if policy == RoutePolicy::Upload {
                    let terms = UploadTerms {
                        most: limits.max_upload.0,
                        progress: streaming.progress.clone(),
                    };
                    upload = Some(terms.progress.clone());
                    parts.extensions.insert(terms);
                    body
                } else {
                    let body = body::read(body, most, until, &mut share).await?;
                    encoding::decode(&mut parts.headers, body, most, &mut share)?.into()
                }
            }
            None => {
                let body = body::read(body, most, until, &mut share).await?;
                let body = encoding::decode(&mut parts.headers, body, most, &mut share)?;
                short = Some(self.short_permit()?);
                body.into()
            }
        };
        let _short = short;
        let handler = self.router.clone().call(Request::from_parts(parts, body));
        let mut handler = pin!(AssertUnwindSafe(handler).catch_unwind());
        let deadline = || match &upload {
            None => until,
            Some(progress) => {
                progress.deadline(limits.body_idle_timeout.0, limits.request_deadline.0)
            }
        };
        let answered = loop {
            let until: Instant = deadline();
            let answered = tokio::time::timeout_at(until.into(), handler.as_mut()).await;
            // An upload that has gone on in the meantime has got more time by it.
            if answered.is_ok() || deadline() <= until {
                break answered;
            }
        };
        match answered {
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

    fn short_permit(&self) -> Result<ShortPermit<'_>, ApiError> {
        let Ok(permit) = self.permits.try_acquire() else {
            self.app.metrics.http_server_requests_shed_total.inc();
            return Err(ApiError::new(
                Code::Overloaded,
                "as many requests as allowed are being worked on; nothing was done, repeat the request",
            ));
        };
        let gauge = &self.app.metrics.http_server_requests_in_flight;
        gauge.inc();
        Ok(ShortPermit {
            _permit: permit,
            gauge,
        })
    }
}

/// Counts a request that is not streamed for as long as it is worked on, however it ends.
struct ShortPermit<'a> {
    _permit: SemaphorePermit<'a>,
    gauge: &'a IntGauge,
}

impl Drop for ShortPermit<'_> {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}
