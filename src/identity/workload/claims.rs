//! A service account token taken apart: RFC 7519 with the claims of Kubernetes, and nothing that
//! could be read in two ways.

use serde::Deserialize;

use crate::identity::jwks::{Algorithm, Audiences, LEEWAY_SECONDS, Parts, Signed};
use crate::kernel::workload::WorkloadName;

/// What points elsewhere for a key, or must be understood, is no member that Kubernetes writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: Algorithm,
    kid: String,
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    aud: Audiences,
    sub: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Kubernetes,
}

#[derive(Deserialize)]
struct Kubernetes {
    namespace: String,
    serviceaccount: Object,
    pod: Option<Object>,
}

#[derive(Deserialize)]
struct Object {
    name: String,
    uid: String,
}

/// A token in its parts, of which nothing is proven.
pub struct Unproven<'a> {
    pub signed: Signed<'a>,
    body: Vec<u8>,
}

/// What a token says that has been proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub name: WorkloadName,
    pub username: String,
    pub uid: String,
    pub pod: Option<String>,
    pub expires_at: i64,
}

/// What a proven token lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A claim is missing or not as Kubernetes writes it, as in the tokens of old Secrets, which
    /// never end.
    Form,
    Issuer,
    Audience,
    Expired,
    Early,
}

/// Whom a token names as its issuer, which decides who looks at it and nothing else.
pub fn issuer_of(token: &str) -> Option<String> {
    let issued: Issued = serde_json::from_slice(&Parts::of(token)?.body).ok()?;
    Some(issued.iss)
}

/// For whom a token is, of the service itself.
pub fn audiences_of(token: &str) -> Vec<String> {
    let body = Parts::of(token).and_then(|it| serde_json::from_slice::<Body>(&it.body).ok());
    body.map(|body| body.aud.all()).unwrap_or_default()
}

impl<'a> Unproven<'a> {
    pub fn of(token: &'a str) -> Option<Self> {
        let Parts {
            header,
            body,
            message,
            signature,
        } = Parts::of(token)?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        if header.typ.is_some_and(|typ| typ != "JWT") {
            return None;
        }
        let signed = Signed {
            algorithm: header.alg,
            kid: header.kid,
            message,
            signature,
        };
        Some(Self { signed, body })
    }

    /// To be asked once the signature is proven.
    pub fn claims(&self, issuer: &str, audience: &str, now: i64) -> Result<Claims, Flaw> {
        let body: Body = serde_json::from_slice(&self.body).or(Err(Flaw::Form))?;
        let Kubernetes {
            namespace,
            serviceaccount,
            pod,
        } = body.kubernetes;
        let name = WorkloadName::new(&namespace, &serviceaccount.name).ok_or(Flaw::Form)?;
        if WorkloadName::from_username(&body.sub).as_ref() != Some(&name)
            || serviceaccount.uid.is_empty()
        {
            return Err(Flaw::Form);
        }
        if body.iss != issuer {
            return Err(Flaw::Issuer);
        }
        if !body.aud.all().iter().any(|one| one == audience) {
            return Err(Flaw::Audience);
        }
        if body.exp <= now {
            return Err(Flaw::Expired);
        }
        let latest = now + LEEWAY_SECONDS;
        if body.iat > latest || body.nbf.is_some_and(|begin| begin > latest) {
            return Err(Flaw::Early);
        }
        Ok(Claims {
            name,
            username: body.sub,
            uid: serviceaccount.uid,
            pod: pod.map(|pod| pod.name),
            expires_at: body.exp,
        })
    }
}
