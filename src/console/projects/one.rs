//! A project: what it is about, what is in it, who its members are.

use axum::response::Response;
use maud::{Markup, html};

use super::members;
use crate::console::markup::markdown;
use crate::console::models::list::{Shown, shown};
use crate::console::parts::{filter, first, role, visibility};
use crate::console::view::{View, day};
use crate::datasets::model::{Dataset, Wanted};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::models::model::{Model, Wanted as WantedModels};
use crate::posts::list::{PostFilter, Wanted as WantedPosts};
use crate::posts::model::Post;
use crate::projects::access::{ProjectAccess, Role, Viewer};
use crate::projects::members::{Member, MemberFilter};
use crate::projects::model::Project;

const FEW: usize = 5;
/// A project with more members shows the first of them.
const MEMBERS: usize = 200;

struct Inside {
    datasets: Vec<Dataset>,
    models: Vec<Model>,
    /// What is shown beside the models.
    shown: Shown,
    posts: Vec<Post>,
    members: Vec<Member>,
    /// Whether people can be invited by it.
    sends_mail: bool,
}

pub async fn show(
    access: ProjectAccess<Viewer>,
    who: Signed,
    app: AppState,
    view: View,
) -> ApiResult<Response> {
    let (me, id) = (who.id, access.project.id);
    let datasets = Wanted {
        me,
        project: Some(id),
        name: None,
        name_contains: None,
        tag: None,
    };
    let models = WantedModels {
        me,
        project: Some(id),
        name: None,
        name_contains: None,
    };
    let of_project: PostFilter = filter(&[("project_id", &id.to_string())])?;
    let posts = WantedPosts::new(Some(me), of_project, &app.config.posts.search_language);
    let everybody: MemberFilter = filter(&[])?;
    let sends_mail = app.config.mail_server().is_some();
    let inside = app.db.read(async |connection| {
        let datasets = datasets.page(connection, &first(FEW)).await?;
        let models = models.page(connection, &first(FEW)).await?.parts(FEW).0;
        let shown = shown(connection, &models).await?;
        let posts = posts.page(connection, &first(FEW)).await?;
        let members = access
            .members(connection, &first(MEMBERS), &everybody)
            .await?;
        let posts = posts.parts(FEW).0.into_iter().map(|row| row.post);
        Ok(Inside {
            datasets: datasets.parts(FEW).0,
            models,
            shown,
            posts: posts.collect(),
            members: members.parts(MEMBERS).0,
            sends_mail,
        })
    });
    let inside = inside.await?;
    let inner = |what: &str| format!("/api/v1/{what}?project_id={id}&limit={FEW}");
    let page = view
        .page(&access.project.name)
        .await
        .api(format!("/api/v1/projects/{id}"))
        .api(format!("/api/v1/projects/{id}/members?limit={MEMBERS}"))
        .api(inner("datasets"))
        .api(inner("models"))
        .api(inner("posts"));
    Ok(page.show(body(&view, &access, &inside)))
}

fn body(view: &View, access: &ProjectAccess<Viewer>, inside: &Inside) -> Markup {
    let (lang, project) = (view.lang, &access.project);
    let is_over = access.writable().is_err();
    let manages = access.role == Some(Role::Owner);
    let path = format!("/projects/{}", project.id);
    html! {
        p.crumbs { a href="/projects" { (lang.projects()) } }
        div.head {
            h1 { (project.name) }
            @if manages { a.button href={ (path) "/edit" } { (lang.edit()) } }
        }
        (facts(view, project, access.role))
        @if is_over {
            div.note.warn {
                p { (lang.expired_banner()) " " @if !manages { (lang.ask_owner()) } }
                @if manages { (extension(view, &path)) }
            }
        } @else if manages && project.expires_at.is_some() {
            details.more { summary { (lang.extend()) " …" } (extension(view, &path)) }
        }
        @match &project.description {
            Some(text) if !text.is_empty() => (markdown(text)),
            _ => p.hint { (lang.no_description()) },
        }
        (contents(view, project, access.role, inside))
        div.head { h2 #members { (lang.members()) }
            @if manages && inside.sends_mail {
                a.button.small href={ (path) "/invitations" } { (lang.invite()) }
            }
        }
        (members::table(view, project.id, &inside.members, access.role))
    }
}

fn facts(view: &View, project: &Project, mine: Option<Role>) -> Markup {
    let lang = view.lang;
    html! {
        ul.facts {
            li { (visibility(lang, project.visibility)) }
            li { (lang.your_role()) ": " (role(lang, mine)) }
            @if let Some(end) = project.expires_at {
                @let day = day(lang, end);
                li {
                    @if end <= chrono::Utc::now() {
                        (lang.expired_on(day))
                    } @else { (lang.expires_on(day)) }
                }
            }
            li { (lang.created()) " " (view.at(project.created_at)) }
            li { (lang.updated()) " " (view.at(project.updated_at)) }
        }
    }
}

fn extension(view: &View, path: &str) -> Markup {
    let lang = view.lang;
    html! {
        form.row method="post" action={ (path) "/extend" } {
            button name="days" value="30" { (lang.extend_30()) }
            button name="days" value="90" { (lang.extend_90()) }
            button name="days" value="never" { (lang.never_expires()) }
        }
    }
}

fn contents(view: &View, project: &Project, mine: Option<Role>, inside: &Inside) -> Markup {
    let (lang, id) = (view.lang, project.id);
    let writes = mine >= Some(Role::Editor);
    html! {
        div.head { h2 { (lang.datasets()) }
            @if writes {
                a.button.small href={ "/datasets/new?project_id=" (id) } { (lang.new_dataset()) }
            }
        }
        @if inside.datasets.is_empty() { p.hint { (lang.no_datasets_here()) } } @else {
            ul.cards data-rows {
                @for dataset in &inside.datasets {
                    (crate::console::datasets::list::card(view, dataset))
                }
            }
            @if inside.datasets.len() == FEW {
                p { a href={ "/datasets?project_id=" (id) } { (lang.all_of_them()) } }
            }
        }
        div.head { h2 { (lang.models()) }
            @if writes {
                a.button.small href={ "/models/new?project_id=" (id) } { (lang.new_model()) }
            }
        }
        @if inside.models.is_empty() { p.hint { (lang.no_models_here()) } } @else {
            ul.cards data-rows {
                @for model in &inside.models {
                    (crate::console::models::list::card(view, model, &inside.shown))
                }
            }
            @if inside.models.len() == FEW {
                p { a href={ "/models?project_id=" (id) } { (lang.all_of_them()) } }
            }
        }
        div.head { h2 { (lang.posts()) }
            @if writes {
                a.button.small href={ "/posts/new?project_id=" (id) } { (lang.new_post()) }
            }
        }
        @if inside.posts.is_empty() { p.hint { (lang.no_posts_here()) } } @else {
            ul.cards data-rows {
                @for post in &inside.posts { (crate::console::posts::list::card(view, post)) }
            }
            @if inside.posts.len() == FEW {
                p { a href={ "/posts?project_id=" (id) } { (lang.all_of_them()) } }
            }
        }
    }
}
