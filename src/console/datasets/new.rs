//! A new dataset, whose columns its first file brings.

use axum::response::Response;

use super::kind;
use crate::console::form::{Asked, Form};
use crate::console::inside::{answer, body, show_new};
use crate::console::posts::write::Inside;
use crate::console::view::View;
use crate::datasets::handlers::datasets::create_dataset;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    Asked(inside): Asked<Inside>,
) -> ApiResult<Response> {
    show_new(&app, &view, &kind(view.lang), who.id, &inside).await
}

pub async fn submit(
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let me = who.id;
    let made = async {
        let once = form.once(&body(&form))?;
        create_dataset(who, app.clone(), actor, once).await
    };
    let made = made.await;
    answer(&app, &view, &kind(view.lang), me, &form, made).await
}
