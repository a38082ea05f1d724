//! The members of a project: a table with what an owner may do, and what its forms do.

use axum::response::Response;
use maud::{Markup, html};

use crate::console::form::{Form, object, parse, select};
use crate::console::parts::{role, roles};
use crate::console::view::{Done, View, done};
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::{ValidJson, ValidPath};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::projects::access::{ProjectAccess, Role, Viewer};
use crate::projects::handlers::members::{InPath, delete_member, put_member};
use crate::projects::members::{Member, Person};

/// What somebody is called, whatever they have told of themselves.
pub fn called(person: &Person) -> String {
    let name = person.name.as_deref().or(person.username.as_deref());
    name.map_or_else(|| person.id.to_string(), str::to_owned)
}

pub fn table(view: &View, project: ProjectId, members: &[Member], mine: Option<Role>) -> Markup {
    let lang = view.lang;
    let manages = mine == Some(Role::Owner);
    let me = view.who.as_ref().map(|who| who.id);
    let action = format!("/projects/{project}/members");
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.members()) { table {
            thead { tr {
                th scope="col" { (lang.member()) }
                th scope="col" { (lang.role()) }
                th scope="col" { (lang.member_since()) }
                @if mine.is_some() { th scope="col" { span.hidden-text { (lang.actions()) } } }
            } }
            tbody { @for member in members {
                @let is_me = me == Some(member.person.id);
                tr {
                    td {
                        (called(&member.person)) " "
                        @if is_me { span.tag { (lang.it_is_you()) } }
                        @if member.person.workload().is_some() { span.tag { (lang.workload()) } }
                        @else if let (Some(_), Some(username)) = (&member.person.name, &member.person.username) {
                            span.hint { (username) }
                        }
                    }
                    td {
                        @if manages {
                            (role_form(view, &action, member))
                        } @else { (role(lang, Some(member.role))) }
                    }
                    td { (view.at(member.since)) }
                    @if mine.is_some() { td {
                        @if manages || is_me { (removal(view, &action, member.person.id, is_me)) }
                    } }
                }
            } }
        } }
        @if manages {
            form.inline method="post" action=(action) {
                label {
                    (lang.add_member())
                    input name="member" required autocomplete="off";
                    span.hint { (lang.member_hint()) }
                }
                label { (lang.role()) (select("role", "viewer", &roles(lang))) }
                button { (lang.add()) }
            }
        }
    }
}

fn role_form(view: &View, action: &str, member: &Member) -> Markup {
    let lang = view.lang;
    html! {
        form.row method="post" action=(action) {
            input type="hidden" name="member" value=(member.person.id);
            select name="role" aria-label={ (lang.role()) ": " (called(&member.person)) } {
                @for (word, text) in roles(lang) {
                    option value=(word) selected[word == member.role.as_str()] { (text) }
                }
            }
            button.small { (lang.change()) }
        }
    }
}

fn removal(view: &View, action: &str, id: PrincipalId, is_me: bool) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name="member" value=(id);
            button.small name="do" value="remove" {
                @if is_me { (view.lang.leave()) } @else { (view.lang.remove()) }
            }
        }
    }
}

/// Who may not see the project hears nothing of what is wrong with the form.
pub async fn submit(
    access: ProjectAccess<Viewer>,
    who: Signed,
    app: AppState,
    actor: Actor,
    form: Form,
) -> ApiResult<Response> {
    let id = access.project.id;
    let principal = form.get("member").trim().to_owned();
    let is_me = principal == who.id.to_string();
    let path = ValidPath(InPath { id, principal });
    let nothing = Conditions::default();
    if form.does("remove") {
        delete_member(who, app, actor, path, nothing).await?;
        let next = match is_me {
            true => "/projects".to_owned(),
            false => format!("/projects/{id}"),
        };
        return done(Done::Deleted, &next);
    }
    let body = parse(&object([("role", form.text("role"))]))?;
    put_member(who, app, actor, path, nothing, ValidJson(body)).await?;
    done(Done::Saved, &format!("/projects/{id}"))
}
