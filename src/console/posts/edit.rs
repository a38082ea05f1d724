//! Changing a post.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::one::look;
use super::write::{buttons, inputs, seen};
use crate::console::form::{Fields, Form, parse};
use crate::console::merge::{
    Change, Draft, Field, Kept, Now, Outcome, Values, opened, save, still_opened, value as value_of,
};
use crate::console::view::{View, done};
use crate::console::words::Lang;
use crate::events::model::Told;
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PostId;
use crate::posts::handlers::one::update_post;
use crate::posts::model::Post;
use crate::projects::access::{Editor, suffices};

fn fields(lang: Lang) -> [Field; 3] {
    let field = |name, label, is_long| Field {
        name,
        label,
        is_long,
    };
    [
        field("title", lang.title(), false),
        field("content", lang.content(), true),
        field("published", lang.published(), false),
    ]
}

fn values(post: &Post) -> Values {
    let published = if post.published { "on" } else { "" };
    vec![
        ("title", post.title.clone()),
        ("content", post.content.clone()),
        ("published", published.to_owned()),
    ]
}

fn json(name: &str, text: &str) -> Value {
    match name {
        "published" => Value::Bool(text == "on"),
        _ => Value::String(text.to_owned()),
    }
}

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    ValidPath(id): ValidPath<PostId>,
) -> ApiResult<Response> {
    let post = look(&app, who.id, id).await?;
    // A form that cannot be sent is not shown.
    suffices::<Editor>(post.role)?;
    let kept = values(&post);
    let value = |name: &str| value_of(&kept, name).to_owned();
    let hidden = opened(&kept, post.version);
    Ok(page(&view, id, &hidden, &value, &Form::default(), None).await)
}

async fn page(
    view: &View,
    id: PostId,
    hidden: &Markup,
    value: &(dyn Fn(&str) -> String + Sync),
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let path = format!("/posts/{id}");
    let page = view
        .page(lang.edit_post())
        .await
        .width("middle")
        .status(status);
    page.api(format!("/api/v1/posts/{id}")).show(html! {
        p.crumbs { a href="/posts" { (lang.posts()) } " / " a href=(path) { (value("title")) } }
        h1 { (lang.edit_post()) }
        (fields.summary())
        form method="post" action={ (path) "/edit" } data-guard {
            (hidden)
            (inputs(&fields, value, Some(&path)))
            label.check {
                input type="checkbox" name="published" value="on"
                    checked[value("published") == "on"];
                (lang.published())
            }
            (buttons(lang, lang.save(), &path))
        }
        (seen(lang, form))
    })
}

pub async fn submit(
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    ValidPath(id): ValidPath<PostId>,
    form: Form,
) -> ApiResult<Response> {
    // Who may not see the post hears nothing of what is wrong with the form.
    suffices::<Editor>(look(&app, who.id, id).await?.role)?;
    let fields = fields(view.lang);
    let value = |name: &str| form.get(name);
    if form.does("preview") {
        let hidden = still_opened(&form, &fields);
        return Ok(page(&view, id, &hidden, &value, &form, None).await);
    }
    let draft = Draft::of(&form, &fields);
    let patch = Value::Object(draft.patch(json));
    let path = format!("/posts/{id}");
    let action = format!("{path}/edit");
    let kept = OfPost {
        who,
        app,
        actor,
        id,
    };
    let saved = save(&kept, &draft, &view, &action, form.conditions()?, &patch).await?;
    Ok(match saved {
        Outcome::Saved(how) => done(how, &path)?,
        Outcome::Clash(page) => page,
        Outcome::Refused(error) => {
            let hidden = still_opened(&form, &fields);
            page(&view, id, &hidden, &value, &form, Some(&error)).await
        }
    })
}

/// A post that an editor changes.
struct OfPost {
    who: Signed,
    app: AppState,
    actor: Actor,
    id: PostId,
}

impl Kept for OfPost {
    fn app(&self) -> &AppState {
        &self.app
    }

    async fn now(&self) -> ApiResult<Now> {
        let post = look(&self.app, self.who.id, self.id).await?;
        // The trail has what others change of a post.
        let told = post.project_id.map(|project| Told {
            action: "post.changed",
            target: project.0,
            about: json!({ "post": post.id }),
            since: post.updated_at,
        });
        let by = post.author.as_ref();
        let by = by.and_then(|it| it.name.clone().or_else(|| it.username.clone()));
        Ok(Now {
            values: values(&post),
            version: post.version,
            changed: Change {
                at: post.updated_at,
                by,
                told,
            },
        })
    }

    async fn save(&self, holds: Conditions, patch: &Value) -> ApiResult<()> {
        let (who, app, actor) = (self.who.clone(), self.app.clone(), self.actor.clone());
        let patch = MergePatch(parse(patch)?);
        update_post(who, app, actor, ValidPath(self.id), holds, patch).await?;
        Ok(())
    }
}
