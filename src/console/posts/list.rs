//! The posts that one may read.

use axum::response::Response;
use maud::{Markup, html};

use crate::console::form::{Asked, select};
use crate::console::markup::plain;
use crate::console::parts::{empty, given, pager};
use crate::console::view::View;
use crate::console::words::Lang;
use crate::http::answer::page::PageParams;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::posts::list::{PostFilter, PostSort, Wanted};
use crate::posts::model::{Author, Post};

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    page: PageParams<PostSort>,
    Asked(filter): Asked<PostFilter>,
) -> ApiResult<Response> {
    filter.check(page.sort)?;
    let wanted = Wanted::new(Some(who.id), filter, &app.config.posts.search_language);
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, uri) = (view.lang, &view.frame.uri);
    let (q, project) = (given(uri, "q"), given(uri, "project_id"));
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut sorts = vec![
        ("-created_at", lang.newest_first()),
        ("-votes", lang.most_votes()),
    ];
    if !q.is_empty() {
        sorts.insert(0, ("-rank", lang.best_match()));
    }
    let new = match project.is_empty() {
        true => "/posts/new".to_owned(),
        false => format!("/posts/new?project_id={project}"),
    };
    Ok(view
        .page(lang.posts())
        .await
        .api(format!("/api/v1/posts{query}"))
        .show(html! {
            div.head {
                h1 { (lang.posts()) }
                a.button.main href=(new) { (lang.new_post()) }
            }
            form.search method="get" action="/posts" role="search" {
                @if !project.is_empty() { input type="hidden" name="project_id" value=(project); }
                label.wide { (lang.search_posts()) input type="search" name="q" value=(q); }
                label {
                    (lang.state())
                    (select(
                        "published",
                        &given(uri, "published"),
                        &[("", lang.any()), ("true", lang.published()), ("false", lang.draft())],
                    ))
                }
                label { (lang.sort_by()) (select("sort", &given(uri, "sort"), &sorts)) }
                button { (lang.search()) }
                span.hint { (lang.search_posts_hint()) }
            }
            @if found.rows.is_empty() { (empty(&view, lang.no_posts())) } @else {
                ul.cards data-rows { @for row in &found.rows { (card(&view, &row.post)) } }
            }
            (pager(&view, &found))
        }))
}

/// Who wrote it, as far as there is somebody.
pub fn called(lang: Lang, author: Option<&Author>) -> String {
    let Some(author) = author else {
        return lang.somebody_gone().to_owned();
    };
    let name = author.name.as_deref().or(author.username.as_deref());
    name.map_or_else(|| author.id.to_string(), str::to_owned)
}

/// A post in a list.
pub fn card(view: &View, post: &Post) -> Markup {
    let lang = view.lang;
    let begin = plain(&post.content, 160);
    html! {
        li {
            div.between {
                a.title data-row href=(format!("/posts/{}", post.id)) { (post.title) }
                span.row {
                    @if !post.published { span.tag.warn { (lang.draft()) } }
                    span.tag { (lang.votes(view.number(post.votes))) }
                }
            }
            p {
                (lang.by_author(called(lang, post.author.as_ref())))
                ", "
                (view.at(post.created_at))
            }
            @if !begin.is_empty() { p { (begin) } }
        }
    }
}
