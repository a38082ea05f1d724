//! The OpenAPI document: what utoipa reads from the handlers, made into what clients, their generators and validators need.

pub mod failures;
mod names;

use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, Http, HttpAuthScheme, OAuth2, Password, Scopes, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContactBuilder, Info, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Schema,
    ServerBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::auth::access::Access;
use crate::auth::credential::COOKIE_NAME;
use crate::error::{FieldError, Problem};
use crate::http::routes::operations;

/// The document before any route is in it.
pub fn base() -> OpenApi {
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
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

/// What depends on where the service runs.
pub fn finish(mut document: OpenApi, public_url: &str) -> anyhow::Result<OpenApi> {
    document.servers = Some(vec![ServerBuilder::new().url(public_url).build()]);
    let components = document.components.get_or_insert_default();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let access = Access::of(operation);
            failures::spell_out(path, &method, access, operation, components);
            operation.security = Some(access.document());
            // What a handler says to the middleware alone.
            operation.extensions = None;
        }
    }
    refer_to_items(components);
    components
        .security_schemes
        .extend(schemes().map(|(name, scheme)| (name.to_owned(), scheme.into())));
    names::readable(&document)
}

/// By name what utoipa writes out in full for every list: readers and generated clients see one type.
fn refer_to_items(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let (Some(item), RefOr::T(Schema::Object(page))) = (name.strip_prefix("Page_"), schema)
        else {
            continue;
        };
        if let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items") {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

fn schemes() -> [(&'static str, SecurityScheme); 4] {
    let password = Flow::Password(Password::new(
        "/auth/token",
        Scopes::one("api", "everything the person may do"),
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
