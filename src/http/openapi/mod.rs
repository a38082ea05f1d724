//! The OpenAPI document: what utoipa reads from the handlers, made into what clients, their
//! generators and validators need.

pub mod access;
pub mod failures;
mod headers;
mod lists;
mod names;
mod successes;
mod values;

use anyhow::Context as _;
use http::StatusCode;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, Http, HttpAuthScheme, OAuth2, Password, Scopes, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContactBuilder, Info, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use self::headers::Kind;
use crate::http::openapi::access::Access;
use crate::http::shell::routes::operations;
use crate::kernel::error::{Code, FieldError, Problem};

/// The name makes browsers keep it to this host, path `/` and TLS.
pub const COOKIE_NAME: &str = "__Host-session";
/// The group of what the platform itself answers.
const SERVICE: (&str, &str) = ("service", "The service itself.");

/// The document before any route is in it, with the groups of operations in the order of a reader.
pub fn base(tags: impl Iterator<Item = (&'static str, &'static str)>) -> OpenApi {
    let mut info = Info::new("Chartroom", env!("CARGO_PKG_VERSION"));
    info.description = Some("A registry for data teams: projects, posts and votes, datasets and models behind one API. Every failure is a problem document (RFC 9457).".to_owned());
    info.license = Some(
        LicenseBuilder::new()
            .name("MIT OR Apache-2.0")
            .identifier(Some("MIT OR Apache-2.0"))
            .build(),
    );
    info.contact = Some(
        ContactBuilder::new()
            .name(Some("The operator of this service"))
            .build(),
    );
    let mut components = Components::new();
    components.schemas.insert(
        <Problem<'static>>::name().into_owned(),
        <Problem<'static>>::schema(),
    );
    components
        .schemas
        .insert(FieldError::name().into_owned(), FieldError::schema());
    components
        .schemas
        .insert(Code::name().into_owned(), Code::schema());
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some(tags.chain([SERVICE]).map(|(name, description)| {
            TagBuilder::new()
                .name(name)
                .description(Some(description))
                .build()
        })))
        .build()
}

/// What depends on where the service runs.
pub fn finish(mut document: OpenApi, public_url: &str) -> anyhow::Result<OpenApi> {
    document.servers = Some(vec![ServerBuilder::new().url(public_url).build()]);
    let components = document.components.get_or_insert_default();
    for (path, item) in &mut document.paths.paths {
        let not_modified = StatusCode::NOT_MODIFIED;
        let is_versioned = item
            .get
            .as_ref()
            .is_some_and(|get| get.responses.responses.contains_key(not_modified.as_str()));
        for (method, operation) in operations(item) {
            let access = Access::of(operation).with_context(|| format!("{method} {path}"))?;
            let kind = Kind::of(&method, access, is_versioned, operation);
            failures::spell_out(path, &method, access, operation, components);
            successes::describe(&method, kind, operation);
            successes::take_plain_patches(operation);
            headers::describe(kind, failures::door(path), operation);
            lists::describe(operation, components);
            operation.security = Some(access.document());
            // What a handler says to the middleware alone.
            operation.extensions = None;
        }
    }
    lists::refer_to_items(components);
    headers::components(components);
    components
        .security_schemes
        .extend(schemes().map(|(name, scheme)| (name.to_owned(), scheme.into())));
    names::readable(&document)
}

fn schemes() -> [(&'static str, SecurityScheme); 4] {
    let password = Flow::Password(Password::new(
        "/auth/token",
        Scopes::from_iter([
            ("api", "Everything that the person may do"),
            ("admin", "Administration, if the person is an administrator"),
            (
                "workload",
                "What is for programs in the cluster, which bring a token of their own",
            ),
        ]),
    ));
    let mut basic = Http::new(HttpAuthScheme::Basic);
    basic.description = Some("Email or username, and the password or an API token".to_owned());
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("An access token or an API token".to_owned());
    [
        ("bearer", SecurityScheme::Http(bearer)),
        ("oauth2", SecurityScheme::OAuth2(OAuth2::new([password]))),
        ("basic", SecurityScheme::Http(basic)),
        (
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE_NAME))),
        ),
    ]
}
