//! The table of routes: what each is called in metrics and which query parameters it takes, looked
//! up once per request.

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use http::Method;
use percent_encoding::percent_decode_str;
use prometheus::{Histogram, HistogramVec};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::pages::PageRoute;
use super::policy::RoutePolicy;
use crate::http::openapi::access::Access;

/// What the rate limit does not count: the inference protocol, whose callers have limits of their
/// own.
const UNCOUNTED: &str = "/v2";

/// Label of requests that match no route, so that random paths make no series.
const UNMATCHED: &str = "unmatched";
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

pub struct Routes {
    table: matchit::Router<usize>,
    routes: Vec<Arc<Route>>,
    unmatched: Arc<Route>,
}

pub struct Route {
    pub template: String,
    /// Per method the query parameters it takes; `None` where its handler knows which. A method not
    /// in it is not documented and takes any.
    queries: Vec<(Method, Option<Vec<String>>)>,
    /// Per method what it asks of its caller; what is not in it is outside the API and public.
    access: Vec<(Method, Access)>,
    /// Per documented method how it is served.
    policies: Vec<(Method, RoutePolicy)>,
    /// Whether it is for people: its forms come from this site alone, and its errors are pages.
    pub is_page: bool,
    durations: [[OnceLock<Histogram>; CLASSES.len()]; METHODS.len()],
}

/// What is wrong with a query.
pub enum WrongQuery<'a> {
    /// The first parameter that this operation does not take, and the ones it takes.
    Unknown(String, &'a [String]),
    /// The first parameter that is no UTF-8 or holds a NUL character, which PostgreSQL cannot
    /// store.
    NotText(String),
}

fn decoded(name: &str) -> String {
    percent_decode_str(&name.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

impl Routes {
    pub fn new(
        document: OpenApi,
        undocumented: &[&str],
        pages: &[PageRoute],
    ) -> anyhow::Result<Self> {
        let documented = document.paths.paths.into_iter();
        let routes = documented
            .map(|(template, mut item)| Route::documented(&template, &mut item))
            .chain(undocumented.iter().map(|template| Ok(Route::new(template))))
            .chain(Route::of_pages(pages).into_iter().map(Ok))
            .map(|route| route.map(Arc::new))
            .collect::<anyhow::Result<Vec<Arc<Route>>>>()?;
        let mut table = matchit::Router::new();
        for (index, route) in routes.iter().enumerate() {
            table.insert(route.template.clone(), index)?;
        }
        Ok(Self {
            table,
            routes,
            unmatched: Arc::new(Route::new(UNMATCHED)),
        })
    }

    pub fn find(&self, path: &str) -> Option<&Arc<Route>> {
        self.table
            .at(path)
            .ok()
            .and_then(|found| self.routes.get(*found.value))
    }

    pub fn unmatched(&self) -> &Arc<Route> {
        &self.unmatched
    }
}

/// Whether requests to a path count towards the rate limit, a path without a route too.
pub fn is_counted(path: &str) -> bool {
    let rest = path.strip_prefix(UNCOUNTED);
    !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether it takes the fields of something as parameters, which its handler knows.
fn takes_fields(operation: &Operation) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.into_iter().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.explode == Some(true),
        RefOr::Ref(_) => false,
    })
}

fn queries_of(operation: &Operation) -> Vec<String> {
    let parameters =
        operation
            .parameters
            .iter()
            .flatten()
            .filter_map(|parameter| match parameter {
                RefOr::T(parameter) => Some(parameter),
                RefOr::Ref(_) => None,
            });
    parameters
        .filter(|parameter| matches!(parameter.parameter_in, ParameterIn::Query))
        .map(|parameter| parameter.name.clone())
        .collect()
}

/// The operations of a path: what the document shows and what is enforced are made from the same
/// list.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        head,
        options,
        ..
    } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
        (Method::HEAD, head),
        (Method::OPTIONS, options),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// What is documented of a method; HEAD is a GET without its body.
fn of_method<'a, T>(all: &'a [(Method, T)], method: &Method) -> Option<&'a T> {
    let method = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let found = all.iter().find(|(documented, _)| documented == method);
    found.map(|(_, value)| value)
}

impl Route {
    fn new(template: &str) -> Self {
        Self {
            template: template.to_owned(),
            queries: Vec::new(),
            access: Vec::new(),
            policies: Vec::new(),
            is_page: false,
            durations: Default::default(),
        }
    }

    fn documented(template: &str, item: &mut PathItem) -> anyhow::Result<Self> {
        let mut route = Self::new(template);
        for (method, operation) in operations(item) {
            let query = (!takes_fields(operation)).then(|| queries_of(operation));
            route.queries.push((method.clone(), query));
            let name = || format!("{method} {template}");
            let policy = RoutePolicy::of(operation).with_context(name)?;
            route.policies.push((method.clone(), policy));
            let access = Access::of(operation).with_context(name)?;
            route.access.push((method, access));
        }
        Ok(route)
    }

    /// One for each path.
    fn of_pages(pages: &[PageRoute]) -> Vec<Self> {
        let mut routes: Vec<Self> = Vec::new();
        for page in pages {
            let found = routes.iter().position(|it| it.template == page.template);
            let at = found.unwrap_or_else(|| {
                routes.push(Self::new(page.template));
                routes.len() - 1
            });
            let Some(route) = routes.get_mut(at) else {
                continue;
            };
            route.is_page = true;
            route.queries.push((page.method.clone(), None));
            route.access.push((page.method.clone(), page.access));
            route.policies.push((page.method.clone(), page.policy));
        }
        routes
    }

    /// What a request asks of its caller. A method that is not documented reaches no handler.
    pub fn access(&self, method: &Method) -> Access {
        of_method(&self.access, method)
            .copied()
            .unwrap_or(Access::Public)
    }

    pub fn policy(&self, method: &Method) -> RoutePolicy {
        of_method(&self.policies, method)
            .copied()
            .unwrap_or_default()
    }

    /// Whether the operation takes these parameters, and whether they are texts that it can use.
    pub fn check_query(&self, method: &Method, query: Option<&str>) -> Result<(), WrongQuery<'_>> {
        let Some(query) = query else { return Ok(()) };
        for pair in query.split('&').filter(|pair| pair.contains('%')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_text = |part| {
                percent_decode_str(part)
                    .decode_utf8()
                    .is_ok_and(|text| !text.contains('\0'))
            };
            if !is_text(name) || !is_text(value) {
                return Err(WrongQuery::NotText(decoded(name)));
            }
        }
        let Some(Some(known)) = of_method(&self.queries, method) else {
            return Ok(());
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or(pair);
            if !known.iter().any(|known| known == name) && !known.contains(&decoded(name)) {
                return Err(WrongQuery::Unknown(decoded(name), known));
            }
        }
        Ok(())
    }

    /// A method that a route does not take is as good as any other: with a series for each, a flood
    /// would make many.
    fn takes(&self, method: &Method) -> bool {
        match self.queries.is_empty() {
            true => matches!(*method, Method::GET | Method::HEAD),
            false => self.queries.iter().any(|(documented, _)| {
                documented == method || (*documented == Method::GET && *method == Method::HEAD)
            }),
        }
    }

    /// The histogram for this route, resolved the first time and found by index afterwards.
    pub fn duration(&self, all: &HistogramVec, method: &Method, status: u16) -> Option<&Histogram> {
        let method_index = METHODS
            .iter()
            .position(|known| *known == method.as_str())
            .filter(|_| self.takes(method))
            .unwrap_or(METHODS.len() - 1);
        let class_index = usize::from(status / 100).checked_sub(1)?;
        let (method, class) = (METHODS.get(method_index)?, CLASSES.get(class_index)?);
        let slot = self.durations.get(method_index)?.get(class_index)?;
        Some(slot.get_or_init(|| all.with_label_values(&[*method, self.template.as_str(), *class])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inference_protocol_is_not_counted() {
        for path in ["/v2", "/v2/", "/v2/models/m/infer"] {
            assert!(!is_counted(path), "{path}");
        }
        for path in ["/", "/v2x", "/api/v1/posts", "/api/v2", "/V2"] {
            assert!(is_counted(path), "{path}");
        }
    }
}
