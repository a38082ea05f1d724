//! The start: what needs one's attention, and how to begin.

use axum::response::Response;
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};

use super::form::key;
use super::notices::sentence;
use super::parts::{filter, first};
use super::view::View;
use crate::datasets::import::model::{FailedImport, failed_of};
use crate::http::caller::Person;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::models::overview::{Unready, unready_of};
use crate::models::version::VersionState;
use crate::notifications::model::Notification;
use crate::projects::access::Role;
use crate::projects::list::{self, ProjectFilter, ProjectSort};
use crate::projects::model::Project;

/// Projects that end before long.
const SOON: TimeDelta = TimeDelta::days(30);
/// How many of each are shown.
const FEW: usize = 5;

struct Needs {
    expiring: Vec<(Project, Role)>,
    failed: Vec<FailedImport>,
    unready: Vec<Unready>,
    unread: Vec<Notification>,
    mine: Vec<(Project, Role)>,
}

pub async fn show(who: Person, app: AppState, view: View) -> ApiResult<Response> {
    let id = who.id;
    let soon = (Utc::now() + SOON).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let expiring: ProjectFilter = filter(&[
        ("status", "active"),
        ("expires_at__lt", &soon),
        ("role", "owner"),
    ])?;
    let needs = app.db.read(async |connection| {
        let page = first::<ProjectSort>(FEW);
        let expiring = list::page(connection, id, &page, &expiring).await?;
        let all = ProjectFilter::default();
        let mine = list::page(connection, id, &page, &all).await?;
        let unread = Notification::page(connection, &first(FEW), id, Some(true)).await?;
        Ok(Needs {
            expiring: expiring.parts(FEW).0,
            failed: failed_of(connection, id).await?,
            unready: unready_of(connection, id).await?,
            unread: unread.parts(FEW).0,
            mine: mine.parts(FEW).0,
        })
    });
    let needs = needs.await?;
    let lang = view.lang;
    let page = view.page(lang.home()).await.api("/api/v1/projects");
    Ok(
        page.show(match needs.mine.is_empty() && needs.unread.is_empty() {
            true => beginning(&view),
            false => overview(&view, &needs),
        }),
    )
}

/// For who has nothing yet.
fn beginning(view: &View) -> Markup {
    let lang = view.lang;
    html! {
        h1 { (lang.welcome()) }
        p { (lang.three_steps()) }
        ol.steps {
            li {
                h2 { (lang.step_sample()) }
                p { (lang.step_sample_why()) }
                form method="post" action="/home/sample" {
                    (key())
                    button.main { (lang.load_sample()) }
                }
            }
            li {
                h2 { (lang.step_project()) }
                p { (lang.step_project_why()) }
                div { a.button href="/projects/new" { (lang.new_project()) } }
            }
            li {
                h2 { (lang.step_token()) }
                p { (lang.step_token_why()) }
                div { a.button href="/me/tokens" { (lang.make_token()) } }
            }
        }
    }
}

fn overview(view: &View, needs: &Needs) -> Markup {
    let lang = view.lang;
    let Needs {
        expiring,
        failed,
        unready,
        unread,
        mine,
    } = needs;
    html! {
        h1 { (lang.needs_you()) }
        @let is_quiet = expiring.is_empty() && failed.is_empty() && unready.is_empty();
        @if is_quiet && unread.is_empty() {
            p.note.good { (lang.all_quiet()) }
        } @else {
            ul.cards data-rows {
                @for (project, _) in expiring {
                    @let path = format!("/projects/{}", project.id);
                    li { div.between {
                        span {
                            a.title data-row href=(path) { (project.name) } " "
                            @if let Some(end) = project.expires_at {
                                span.tag.warn { (lang.expires_on(super::view::day(lang, end))) }
                            }
                        }
                        form method="post" action={ (path) "/extend" } {
                            input type="hidden" name="days" value="30";
                            button.small { (lang.extend_30()) }
                        }
                    } }
                }
                @for import in failed {
                    @let path = format!("/datasets/{}/imports/{}", import.dataset_id, import.id);
                    li { div.between {
                        a.title data-row href=(path) { (lang.import_failed(&import.dataset)) }
                        span { (view.at(import.started_at)) }
                    } }
                }
                @for one in unready {
                    @let path = format!("/models/{}/versions/{}", one.model, one.version);
                    li { div.between {
                        a.title data-row href=(path) {
                            @if one.state == VersionState::Failed {
                                (lang.check_failed(&one.model, one.version))
                            } @else { (lang.check_waits(&one.model, one.version)) }
                        }
                        span { (view.at(one.created_at)) }
                    } }
                }
                @for notice in unread {
                    li { div.between {
                        span { (sentence(lang, notice)) }
                        form method="post" action="/notifications" {
                            input type="hidden" name="id" value=(notice.id);
                            button.small { (lang.mark_read()) }
                        }
                    } }
                }
            }
        }
        h2 { (lang.your_projects()) }
        ul.cards data-rows {
            @for (project, role) in mine { (super::projects::list::card(view, project, *role)) }
        }
        p.row {
            a.button href="/projects" { (lang.all_projects()) }
            a.button href="/projects/new" { (lang.new_project()) }
        }
    }
}
