//! Jobs that wait, run, or are dead.

use axum::response::Response;
use maud::{Markup, html};

use super::head;
use crate::console::form::{Form, key};
use crate::console::parts::pager;
use crate::console::view::{Done, View, done, with};
use crate::http::answer::conditional::Conditions;
use crate::http::answer::page::PageParams;
use crate::http::body::extract::ValidPath;
use crate::http::caller::{Administrator, Signed};
use crate::identity::api::AppState;
use crate::jobs::admin::{Job, JobSort, JobState, Wanted};
use crate::jobs::handlers::{cancel_job, retry_job};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};

pub async fn show(
    _: Administrator,
    app: AppState,
    view: View,
    page: PageParams<JobSort>,
) -> ApiResult<Response> {
    let state = crate::console::parts::given(&view.frame.uri, "state");
    let state = JobState::ALL.iter().find(|known| known.as_str() == state);
    let wanted = Wanted {
        state: state.copied(),
        kind: None,
    };
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, uri) = (view.lang, &view.frame.uri);
    let to = |word: Option<&str>| with(uri, &[("state", word), ("cursor", None), ("before", None)]);
    Ok(view
        .page(lang.jobs())
        .await
        .api("/api/v1/jobs")
        .show(html! {
            (head(&view, lang.jobs()))
            ul.chips aria-label=(lang.filters()) {
                li.tag { a href=(to(None)) { (lang.all_of_them()) } }
                @for one in JobState::ALL {
                    li.tag { a href=(to(Some(one.as_str()))) { (one.as_str()) } }
                }
            }
            @if found.rows.is_empty() { p.note.good { (lang.no_jobs()) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(lang.jobs()) { table {
                    thead { tr {
                        th scope="col" { (lang.kind()) }
                        th scope="col" { (lang.state()) }
                        th scope="col" { (lang.due()) }
                        th.number scope="col" { (lang.failures()) }
                        th scope="col" { (lang.last_error()) }
                        th scope="col" { span.hidden-text { (lang.actions()) } }
                    } }
                    tbody { @for job in &found.rows { (row(&view, job)) } }
                } }
            }
            (pager(&view, &found))
        }))
}

fn row(view: &View, job: &Job) -> Markup {
    let lang = view.lang;
    let is_dead = job.died_at.is_some();
    html! {
        tr {
            td.text { (job.kind) @if let Some(owner) = job.owner { span.hint { (owner) } } }
            td { span.tag.bad[is_dead] { (job.state.as_str()) } }
            td { (view.at(job.due_at)) }
            td.number { (job.failures) "/" (job.max_failures) }
            td.text lang="en" { (job.last_error.as_deref().unwrap_or_default()) }
            td { form.row method="post" action="/admin/jobs" {
                (key())
                input type="hidden" name="id" value=(job.id);
                @if is_dead { button.small name="do" value="retry" { (lang.retry()) } }
                button.small name="do" value="cancel" { (lang.cancel()) }
            } }
        }
    }
}

pub async fn submit(
    _: Administrator,
    who: Signed,
    app: AppState,
    actor: Actor,
    form: Form,
) -> ApiResult<Response> {
    let id: i64 = form.get("id").parse().or(Err(ApiError::not_found("job")))?;
    if form.does("retry") {
        let once = form.once_of("", id.to_string().as_bytes())?;
        retry_job(who, app, actor, ValidPath(id), once).await?;
        return done(Done::Saved, "/admin/jobs");
    }
    cancel_job(who, app, actor, ValidPath(id), Conditions::default()).await?;
    done(Done::Deleted, "/admin/jobs")
}
