//! Datasets by their names, as people know them.

use std::str::FromStr;

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::super::call::Site;
use super::super::error::ClientError;
use super::super::names::{DATASET, PROJECT, missing, text};

/// A dataset, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Named {
    Id(Uuid),
    InProject { project: String, name: String },
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        match text.split_once('/') {
            Some((project, name)) if !project.is_empty() && !name.is_empty() => {
                Ok(Self::InProject {
                    project: project.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err("expected PROJECT/NAME, or the id of a dataset"),
        }
    }
}

/// The id of a project of the caller's, which may be named by its id. `None` where none is called
/// so.
pub(in super::super) async fn find_project(
    site: &Site,
    project: &str,
) -> Result<Option<String>, ClientError> {
    PROJECT.find(site, project, &[]).await
}

/// The id of the dataset. With `makes` it is made where the project has none of this name.
pub(super) async fn dataset(
    site: &Site,
    named: &Named,
    makes: bool,
) -> Result<String, ClientError> {
    let (of_project, name) = match named {
        Named::Id(id) => return Ok(id.to_string()),
        Named::InProject { project, name } => (project, name),
    };
    let project = find_project(site, of_project).await?;
    let project = project
        .ok_or_else(|| missing(format!("none of your projects has the name {of_project:?}")))?;
    if let Some(id) = in_project(site, &project, name).await? {
        return Ok(id);
    }
    if !makes {
        return Err(missing(format!(
            "the project {of_project:?} has no dataset {name:?} that you can read; --create makes it"
        )));
    }
    let new = json!({ "project_id": project, "name": name });
    let made = site
        .ask(Method::POST, "/api/v1/datasets", Some(&new))
        .await?;
    text(&made, "id")
}

/// The id of the dataset that has this name in the project.
pub(in super::super) async fn in_project(
    site: &Site,
    project: &str,
    name: &str,
) -> Result<Option<String>, ClientError> {
    DATASET.find(site, name, &[("project_id", project)]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_named_by_its_id_or_in_its_project() {
        let id = Uuid::from_u128(7);
        assert_eq!(id.to_string().parse(), Ok(Named::Id(id)));
        let named = |project: &str, name: &str| Named::InProject {
            project: project.to_owned(),
            name: name.to_owned(),
        };
        assert_eq!("census/income".parse(), Ok(named("census", "income")));
        assert_eq!("a b/c/d".parse(), Ok(named("a b", "c/d")));
        for wrong in ["", "census", "/income", "census/"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
    }
}
