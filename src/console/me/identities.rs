//! By which providers somebody signs in here, and ending that.

use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use crate::console::form::Form;
use crate::console::view::{Done, View, day, done};
use crate::http::body::extract::ValidPath;
use crate::http::caller::PersonInSession;
use crate::identity::api::AppState;
use crate::identity::oidc::linked::Identity;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::IdentityId;
use crate::users::handlers::identities::delete_identity;

/// A provider that is not set up any more has its issuer for a name.
pub fn section(app: &AppState, view: &View, identities: &[Identity]) -> Markup {
    let lang = view.lang;
    let name = |issuer: &str| {
        let found = app.identity.providers.by_issuer(issuer);
        found.map_or_else(|| issuer.to_owned(), |it| it.name.clone())
    };
    html! {
        @if !identities.is_empty() {
            h2 #identities { (lang.providers()) }
            ul {
                @for one in identities {
                    li {
                        form.row method="post" action="/me/identities" {
                            (lang.linked_since(name(&one.issuer), day(lang, one.created_at)))
                            " "
                            input type="hidden" name="id" value=(one.id());
                            button.small { (lang.unlink()) }
                        }
                    }
                }
            }
            p.hint { (lang.unlink_why()) }
        }
    }
}

pub async fn submit(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let id = Uuid::try_parse(&form.get("id")).or(Err(ApiError::not_found("identity")))?;
    let user = who.id;
    let ended = delete_identity(who, app.clone(), actor, ValidPath(IdentityId(id))).await;
    match ended {
        Ok(_) => done(Done::Ended, "/me"),
        Err(error) => super::account::refused(&app, &view, user, error).await,
    }
}
