//! Reading the feed and following it.

use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{EventFilter, Page};
use super::stream::Stream;
use super::webhooks::EventType;
use crate::events::cloud::CloudEvent;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidQuery;
use crate::http::caller::Signed;
use crate::http::shell::policy::takes_event_stream;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::principal::Principal;
use crate::kernel::types::ProjectId;
use crate::kernel::values::number;

const LAST_EVENT_ID: &str = "last-event-id";
const USUAL: i64 = 50;

number! {
    /// The number of an event: what a client in JavaScript can say exactly
    Number(i64): 0..=9_007_199_254_740_991;
    /// How many events a page has at most
    EventLimit(i64): 1..=200;
}

/// A page of the feed
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    items: Vec<CloudEvent>,
    /// Give it as `after` to go on from here. A page can be empty although there is more
    #[schema(minimum = 0)]
    next: i64,
    /// Whether there is more already
    more: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only what happened in this project
    project_id: Option<ProjectId>,
    /// Only events of this type
    #[serde(rename = "type")]
    #[param(inline)]
    kind: Option<EventType>,
    /// Only what came after the event with this `sequence`. Without it, a page begins with the
    /// oldest event that is kept, and a stream with the next that happens; with 0, both begin with
    /// the oldest
    #[param(inline)]
    after: Option<Number>,
    /// How many events a page has at most; 50 unless given
    #[param(inline)]
    limit: Option<EventLimit>,
}

/// Read or follow what happens
///
/// What happened in the projects that you can read, oldest first. A page says where the next one
/// begins, also when there is nothing more yet: ask again from there, and you miss nothing. Events
/// are kept for 30 days, unless the operator has set another time; who comes back later is answered
/// 410 and has to read the resources themselves.
///
/// With `Accept: text/event-stream` the answer is a stream of Server-Sent Events that goes on. Each
/// has its `sequence` as its id; send the last one in `Last-Event-ID`, as browsers do, to go on
/// where a stream ended. A stream ends by itself after about half an hour, when the service stops,
/// and when you lose the access that it needs. A message `place` says where a stream begins, and
/// `resync` that older events than the one you named are not kept any more.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    security(("caller" = [])),
    extensions(("x-policy" = json!("watch"))),
    params(
        EventQuery,
        (
            "Last-Event-ID" = Option<String>,
            Header,
            pattern = "^[0-9]*$",
            description = "The `sequence` of the last event that you have, for a stream. It goes before `after`; empty is the same as none",
        ),
    ),
    responses(
        (
            status = OK,
            description = "A page of the feed, or the stream.",
            content((EventPage = "application/json"), (String = "text/event-stream")),
        ),
        ApiError,
    ),
)]
pub async fn list_events(
    who: Signed,
    app: AppState,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<EventQuery>,
) -> ApiResult<Response> {
    let EventQuery {
        project_id: project,
        kind,
        after,
        limit,
    } = query;
    let after = after.map(Number::get);
    let filter = EventFilter {
        project,
        kind: kind.map(String::from),
    };
    let last = last_event_id(&headers)?;
    if takes_event_stream(&headers) {
        let after = last.or(after);
        let stream = Stream::open(app, Principal::clone(&who), filter, after).await?;
        return Ok(stream.into_response());
    }
    let limit = limit.map_or(USUAL, EventLimit::get);
    let from = after.unwrap_or(0);
    let page = app
        .db
        .read(async |connection| Page::read(connection, who.id, &filter, from, limit).await)
        .await?;
    if !page.is_readable {
        return Err(ApiError::not_found("project"));
    }
    if from != 0 && from + 1 < page.oldest {
        return Err(ApiError::new(
            Code::EventsExpired,
            format!(
                "events up to {} are not kept any more; read the resources, then go on with after={}",
                page.oldest - 1,
                page.oldest - 1
            ),
        ));
    }
    let source = app.ring.source();
    let page = EventPage {
        items: page
            .events
            .into_iter()
            .map(|event| CloudEvent::new(event, source))
            .collect(),
        next: page.to,
        more: page.is_more,
    };
    Ok(Answer::ok(&page)?.into_response())
}

fn last_event_id(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    // A client that has had no event yet sends an empty one.
    if value.is_empty() {
        return Ok(None);
    }
    let text = value.to_str().unwrap_or("not ASCII");
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| {
        ApiError::new(
            Code::InvalidParameter,
            "Last-Event-ID: expected the `sequence` of an event",
        )
    })
}
