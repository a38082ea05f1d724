//! Projects: what people share. A project has members, each with a role, and everything inside it
//! is open to them by that role; `access` is the only way there. That a project keeps an owner is a
//! rule of the database. Who is no member yet may be invited by mail (`invitations`).

pub mod access;
pub mod handlers;
pub mod invitations;
pub mod leaving;
pub mod list;
pub mod members;
pub mod model;
pub mod reminders;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[(
            "projects",
            "Projects, their members and invitations, and what happened to them.",
        )],
        ending: Some(leaving::leave_all),
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            handlers::list::list_projects,
            handlers::create::create_project
        ))
        .routes(routes!(
            handlers::one::get_project,
            handlers::one::update_project,
            handlers::one::delete_project
        ))
        .routes(routes!(handlers::members::list_members))
        .routes(routes!(
            handlers::members::get_member,
            handlers::members::put_member,
            handlers::members::delete_member
        ))
        .routes(routes!(
            handlers::invitations::list_invitations,
            handlers::invitations::create_invitation
        ))
        .routes(routes!(
            handlers::invitations::get_invitation,
            handlers::invitations::delete_invitation
        ))
        .routes(routes!(handlers::accept::accept_invitation))
        .routes(routes!(handlers::trail::list_project_events))
}
