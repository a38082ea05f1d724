//! A service account token taken apart: RFC 7519 with the claims of Kubernetes, and nothing that
//! could be read in two ways.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::kernel::workload::WorkloadName;

/// Longer than any that Kubernetes makes; a header of a request may hold more.
const LONGEST: usize = 16 * 1024;
/// How far the API server's clock may be ahead.
const LEEWAY_SECONDS: i64 = 30;

/// What a token is signed by. A key is for one of them, so none can be taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    RS256,
    ES256,
}

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
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
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
    pub algorithm: Algorithm,
    pub kid: String,
    pub message: &'a [u8],
    pub signature: Vec<u8>,
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
    let issued: Issued = serde_json::from_slice(&parts(token)?.1).ok()?;
    Some(issued.iss)
}

/// For whom a token is, of the service itself.
pub fn audiences_of(token: &str) -> Vec<String> {
    let body = parts(token).and_then(|(_, body, _)| serde_json::from_slice::<Body>(&body).ok());
    body.map(|body| body.aud.all()).unwrap_or_default()
}

type Parts<'a> = (&'a str, Vec<u8>, &'a str);

fn parts(token: &str) -> Option<Parts<'_>> {
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split('.');
    let (header, body, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some((header, BASE64_URL_SAFE_NO_PAD.decode(body).ok()?, signature))
}

impl Audiences {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl<'a> Unproven<'a> {
    pub fn of(token: &'a str) -> Option<Self> {
        let (header, body, signature) = parts(token)?;
        let header: Header =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.typ.is_some_and(|typ| typ != "JWT") {
            return None;
        }
        let (message, _) = token.rsplit_once('.')?;
        Some(Self {
            algorithm: header.alg,
            kid: header.kid,
            message: message.as_bytes(),
            signature: BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?,
            body,
        })
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
