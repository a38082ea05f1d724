//! What people call things, into the ids that the API takes.

use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use uuid::Uuid;

use super::call::Site;
use super::error::ClientError;

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A search finds more than what is meant, so several pages are looked at.
const MOST_PAGES: usize = 10;

/// Where a kind of thing is looked up by its name.
#[derive(Debug)]
pub(super) struct Lookup {
    /// As in `no project is called "x"`.
    pub(super) what: &'static str,
    pub(super) list: &'static str,
    /// The parameter that finds it, and whether it searches for words instead of the name.
    pub(super) query: Option<&'static str>,
    pub(super) is_search: bool,
    /// What has to be the name.
    pub(super) member: &'static str,
}

pub(super) const PROJECT: Lookup = Lookup {
    what: "project of yours",
    list: "/api/v1/projects",
    query: Some("name"),
    is_search: false,
    member: "name",
};
pub(super) const DATASET: Lookup = Lookup {
    what: "dataset",
    list: "/api/v1/datasets",
    query: Some("name"),
    is_search: false,
    member: "name",
};
pub(super) const POST: Lookup = Lookup {
    what: "post",
    list: "/api/v1/posts",
    query: Some("q"),
    is_search: true,
    member: "title",
};
pub(super) const USER: Lookup = Lookup {
    what: "user",
    list: "/api/v1/users",
    query: Some("q"),
    is_search: false,
    member: "username",
};
pub(super) const TOKEN: Lookup = Lookup {
    what: "API token",
    list: "/api/v1/me/tokens",
    query: None,
    is_search: false,
    member: "name",
};

/// A text of an answer, which a Chartroom always has there.
pub(super) fn text(body: &Value, member: &str) -> Result<String, ClientError> {
    let text = body.get(member).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| {
        ClientError::Failed(format!(
            "the service's answer has no {member:?}; is it a Chartroom?"
        ))
    })
}

pub(super) fn missing(text: String) -> ClientError {
    ClientError::Answered {
        status: StatusCode::NOT_FOUND,
        text,
        retry_after: None,
    }
}

/// A part of a path, whatever is in it.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

impl Lookup {
    /// The id of what has exactly this name, or is given by its id.
    pub(super) async fn id(&self, site: &Site, name: &str) -> Result<String, ClientError> {
        let found = self.find(site, name, &[]).await?;
        found.ok_or_else(|| missing(format!("no {} is called {name:?}", self.what)))
    }

    /// `None` where nothing is called so. Further conditions narrow what it is looked for in.
    pub(super) async fn find(
        &self,
        site: &Site,
        name: &str,
        more: &[(&str, &str)],
    ) -> Result<Option<String>, ClientError> {
        if name.parse::<Uuid>().is_ok() {
            return Ok(Some(name.to_owned()));
        }
        let ids = self.ids(site, name, more).await?;
        match ids.as_slice() {
            [] => Ok(None),
            [id] => Ok(Some(id.clone())),
            several => Err(ClientError::Usage(format!(
                "more than one {} has the {} {name:?}; name one by its id: {}",
                self.what,
                self.member,
                several.join(", ")
            ))),
        }
    }

    async fn ids(
        &self,
        site: &Site,
        name: &str,
        more: &[(&str, &str)],
    ) -> Result<Vec<String>, ClientError> {
        let wanted = match self.is_search {
            // As a phrase, in which no sign means anything.
            true => format!("\"{}\"", name.replace('"', " ")),
            false => name.to_owned(),
        };
        let own = self.query.map(|query| (query, wanted.as_str()));
        let mut query: Vec<_> = own.into_iter().chain(more.iter().copied()).collect();
        query.push(("limit", "200"));
        let (mut ids, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let next = cursor.as_deref().map(|cursor| ("cursor", cursor));
            let all: Vec<_> = query.iter().copied().chain(next).collect();
            let all = serde_urlencoded::to_string(all).unwrap_or_default();
            let page = site.get(&format!("{}?{all}", self.list)).await?;
            let items = page.get("items").and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                if item.get(self.member).and_then(Value::as_str) == Some(name) {
                    ids.push(text(item, "id")?);
                }
            }
            cursor = page.get("next").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        Ok(ids)
    }
}

/// A dataset by its id, its name, or PROJECT/NAME.
pub(super) async fn dataset_id(site: &Site, named: &str) -> Result<String, ClientError> {
    match named.split_once('/') {
        Some((project, name)) => {
            let project_id = PROJECT.id(site, project).await?;
            let found = DATASET
                .find(site, name, &[("project_id", &project_id)])
                .await?;
            found.ok_or_else(|| missing(format!("the project {project:?} has no dataset {name:?}")))
        }
        None => DATASET.id(site, named).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_part_of_a_path() {
        assert_eq!(segment("ann-b.c_1"), "ann-b.c_1");
        assert_eq!(segment("k8s:shop/etl"), "k8s%3Ashop%2Fetl");
        assert_eq!(segment("../ä?#%"), "..%2F%C3%A4%3F%23%25");
    }
}
