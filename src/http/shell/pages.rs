//! Pages for people: routes that are in no document of the API. Each says by the type of its
//! handler's first parameter who may ask for it, as an operation of the API does.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::handler::Handler as Served;
use axum::routing::{MethodRouter, get, post};
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, Method, Response, Uri};

use super::Shell;
use super::policy::RoutePolicy;
use super::routes::Route;
use crate::http::accept::accepted;
use crate::http::caller::Handler;
use crate::http::openapi::access::Access;
use crate::http::same_origin::is_same_origin;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// A page, or what one of its forms does.
#[derive(Clone, Debug)]
pub struct PageRoute {
    pub template: &'static str,
    pub method: Method,
    pub access: Access,
    pub policy: RoutePolicy,
}

/// The pages of a feature, and who serves them.
pub struct Pages<S> {
    router: Router<S>,
    routes: Vec<PageRoute>,
}

impl<S: Clone + Send + Sync + 'static> Default for Pages<S> {
    fn default() -> Self {
        Self {
            router: Router::new(),
            routes: Vec::new(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Pages<S> {
    #[must_use]
    pub fn get<H, P, T>(self, template: &'static str, handler: H) -> Self
    where
        H: Handler<P> + Served<T, S>,
        T: 'static,
    {
        self.get_as(RoutePolicy::Short, template, handler)
    }

    /// A page that is served otherwise than most.
    #[must_use]
    pub fn get_as<H, P, T>(self, policy: RoutePolicy, template: &'static str, handler: H) -> Self
    where
        H: Handler<P> + Served<T, S>,
        T: 'static,
    {
        self.with(Method::GET, H::ACCESS, policy, template, get(handler))
    }

    /// What a form does.
    #[must_use]
    pub fn post<H, P, T>(self, template: &'static str, handler: H) -> Self
    where
        H: Handler<P> + Served<T, S>,
        T: 'static,
    {
        self.post_as(RoutePolicy::Short, template, handler)
    }

    #[must_use]
    pub fn post_as<H, P, T>(self, policy: RoutePolicy, template: &'static str, handler: H) -> Self
    where
        H: Handler<P> + Served<T, S>,
        T: 'static,
    {
        self.with(Method::POST, H::ACCESS, policy, template, post(handler))
    }

    fn with(
        mut self,
        method: Method,
        access: Access,
        policy: RoutePolicy,
        template: &'static str,
        served: MethodRouter<S>,
    ) -> Self {
        self.routes.push(PageRoute {
            template,
            method,
            access,
            policy,
        });
        self.router = self.router.route(template, served);
        self
    }

    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.routes.extend(other.routes);
        self
    }

    pub fn routes(&self) -> &[PageRoute] {
        &self.routes
    }

    pub fn split(self) -> (Router<S>, Vec<PageRoute>) {
        (self.router, self.routes)
    }
}

/// What a page was asked with, for the page that says why it cannot be shown.
pub struct PageAsked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

/// The cookie that a form leaves for the page after it: what it has done.
pub const SAID: &str = "__Host-said";

impl PageAsked {
    /// Whether the page comes after a form, whose change it has to show.
    pub(super) fn has_just_changed(&self) -> bool {
        cookie(&self.headers, SAID).is_some()
    }

    /// Who does not take HTML is a program, and gets a problem document.
    pub fn takes_html(headers: &HeaderMap) -> bool {
        accepted(headers).any(|kind| kind == "text/html")
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).into_iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// How errors look to people. `console` knows, which is above this room.
pub trait ErrorPages: Send + Sync + 'static {
    fn show(
        &self,
        error: &ApiError,
        asked: &PageAsked,
        request_id: &str,
        retry_after: Option<u64>,
    ) -> Response<Body>;
}

/// An answer that says what is wrong by itself: a page with a form that is filled in.
#[derive(Clone, Copy)]
pub struct ShownPage;

impl Route {
    /// Every form of a page, whoever sends it and by whichever credential: a browser keeps
    /// passwords as well as cookies.
    pub(super) fn is_of_this_site(&self, parts: &Parts, public_url: &str) -> ApiResult<()> {
        if !self.is_page || parts.method.is_safe() || is_same_origin(public_url, &parts.headers) {
            return Ok(());
        }
        Err(ApiError::new(
            Code::Forbidden,
            "a form of this site is sent from this site; programs use the API",
        ))
    }
}

impl<G> Shell<G> {
    /// A page that is asked for by a person, or no page at a path where one might be.
    pub(super) fn page_asked(
        &self,
        parts: &Parts,
        found: Option<&Arc<Route>>,
    ) -> Option<PageAsked> {
        self.error_pages.as_ref()?;
        let may_be_page = match found {
            Some(route) => route.is_page,
            None => !parts.uri.path().starts_with("/api/"),
        };
        (may_be_page && PageAsked::takes_html(&parts.headers)).then(|| PageAsked {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
        })
    }
}
