//! The console: pages for people, above all features.
//!
//! One page is one file: its handler and its template. Handlers call what the handlers of the API
//! call, or these themselves, and have no rules and no SQL of their own. `view` is who looks and
//! how, `layout` what every page is set in, `form` what was typed, `file` what was uploaded,
//! `inside` what the lists and forms of things in projects have alike, `merge` what two have
//! changed at once, `words` what pages say, `markup` the one file that writes unescaped HTML,
//! `errors` what went wrong.

pub mod admin;
pub mod assets;
pub mod datasets;
pub mod errors;
pub mod file;
pub mod first;
pub mod form;
pub mod home;
pub mod inside;
pub mod layout;
pub mod lineage;
pub mod markup;
pub mod me;
pub mod merge;
pub mod models;
pub mod notices;
pub mod notifications;
pub mod parts;
pub mod posts;
pub mod projects;
pub mod sign_in;
pub mod view;
pub mod words;

use crate::http::shell::pages::Pages;
use crate::http::shell::policy::RoutePolicy::{Analysis, Inference, Large, Upload};
use crate::identity::api::AppState;

/// Where people begin.
pub const HOME: &str = "/home";

/// Every page, and what its forms do.
pub fn pages() -> Pages<AppState> {
    Pages::default()
        .get("/assets/{name}", assets::show)
        .get("/sign-in", sign_in::show)
        .post("/sign-in", sign_in::submit)
        .post("/sign-out", sign_in::out)
        .get("/register", first::show)
        .post("/register", first::submit)
        .get(HOME, home::show)
        .merge(of_projects())
        .merge(of_posts())
        .merge(of_datasets())
        .merge(of_models())
        .merge(of_me())
        .merge(of_administration())
}

fn of_projects() -> Pages<AppState> {
    use projects::{edit, invitations, list, members, new, one};
    Pages::default()
        .get("/projects", list::show)
        .get("/projects/new", new::show)
        .post_as(Large, "/projects/new", new::submit)
        .get("/projects/{id}", one::show)
        .get("/projects/{id}/edit", edit::show)
        .post_as(Large, "/projects/{id}/edit", edit::submit)
        .post("/projects/{id}/extend", edit::extend)
        .post("/projects/{id}/delete", edit::delete)
        .post("/projects/{id}/members", members::submit)
        .get("/projects/{id}/invitations", invitations::show)
        .post("/projects/{id}/invitations", invitations::submit)
}

fn of_posts() -> Pages<AppState> {
    use posts::{edit, list, one, write};
    Pages::default()
        .get("/posts", list::show)
        .get("/posts/new", write::show)
        .post_as(Large, "/posts/new", write::submit)
        .get("/posts/{id}", one::show)
        .get("/posts/{id}/edit", edit::show)
        .post_as(Large, "/posts/{id}/edit", edit::submit)
        .post("/posts/{id}/delete", one::delete)
        .post("/posts/{id}/vote", one::vote)
}

fn of_datasets() -> Pages<AppState> {
    use datasets::{
        ask, compare, difference, import, imports, list, new, profile, sample, settings, table,
        versions,
    };
    Pages::default()
        .post_as(Analysis, "/home/sample", sample::submit)
        .get("/datasets/{id}", table::show)
        .get("/datasets/{id}/ask", ask::show)
        .get("/datasets/{id}/profile", profile::show)
        .get_as(Analysis, "/datasets/{id}/compare", compare::show)
        .get("/datasets/{id}/versions", versions::show)
        .get(
            "/datasets/{id}/versions/{version}/lineage",
            lineage::of_dataset,
        )
        .get("/datasets/{id}/difference", difference::show)
        .get("/datasets/{id}/import", import::show)
        .post_as(Upload, "/datasets/{id}/import", import::submit)
        .get("/datasets/{id}/imports", imports::list)
        .get("/datasets/{id}/imports/{import}", imports::show)
        .post("/datasets/{id}/imports/{import}/stop", imports::stop)
        .get("/datasets/{id}/settings", settings::show)
        .post_as(Large, "/datasets/{id}/settings", settings::submit)
        .post("/datasets/{id}/delete", settings::delete)
        .get("/datasets", list::show)
        .get("/datasets/new", new::show)
        .post_as(Large, "/datasets/new", new::submit)
}

fn of_models() -> Pages<AppState> {
    use models::{
        alias, describe, edit, golden, list, log, moving, new, one, trial, upload, version,
    };
    Pages::default()
        .get("/models", list::show)
        .get("/models/new", new::show)
        .post_as(Large, "/models/new", new::submit)
        .get("/models/{name}", one::show)
        .get("/models/{name}/edit", edit::show)
        .post_as(Large, "/models/{name}/edit", edit::submit)
        .post("/models/{name}/delete", edit::delete)
        .get("/models/{name}/upload", upload::show)
        .post_as(Upload, "/models/{name}/upload", upload::submit)
        .get("/models/{name}/versions/{version}", version::show)
        .get("/models/{name}/versions/{version}/edit", describe::show)
        .post_as(
            Large,
            "/models/{name}/versions/{version}/edit",
            describe::submit,
        )
        .get(
            "/models/{name}/versions/{version}/lineage",
            lineage::of_model,
        )
        .get("/models/{name}/versions/{version}/golden", golden::show)
        .post_as(
            Inference,
            "/models/{name}/versions/{version}/golden",
            golden::submit,
        )
        .post("/models/{name}/versions/{version}/verify", version::verify)
        .post("/models/{name}/versions/{version}/delete", version::delete)
        .get("/models/{name}/move", moving::show)
        .post("/models/{name}/move", moving::submit)
        .get("/models/{name}/aliases/{alias}", alias::show)
        .post("/models/{name}/aliases/{alias}/delete", alias::delete)
        .get("/models/{name}/log", log::show)
        .post("/models/{name}/log", log::submit)
        .get("/models/{name}/try", trial::show)
        .post_as(Inference, "/models/{name}/try", trial::submit)
}

fn of_me() -> Pages<AppState> {
    use me::{account, email, identities, password, sessions, tokens};
    Pages::default()
        .get("/me", account::show)
        .post("/me", account::submit)
        .post("/me/display", account::show_as)
        .post("/me/identities", identities::submit)
        .get("/me/email", email::show)
        .post("/me/email", email::submit)
        .get("/me/password", password::show)
        .post("/me/password", password::submit)
        .get("/me/sessions", sessions::show)
        .post("/me/sessions", sessions::submit)
        .get("/me/tokens", tokens::show)
        .post("/me/tokens", tokens::submit)
        .post("/me/tokens/delete", tokens::delete)
        .get("/notifications", notifications::show)
        .post("/notifications", notifications::submit)
        .get("/notifications/settings", notifications::settings)
        .post("/notifications/settings", notifications::set)
}

fn of_administration() -> Pages<AppState> {
    use admin::{audit, jobs, users};
    Pages::default()
        .get("/admin", users::show)
        .post("/admin", users::submit)
        .get("/admin/audit", audit::show)
        .get("/admin/jobs", jobs::show)
        .post("/admin/jobs", jobs::submit)
}
