//! Changing what a dataset says of itself, and what its records have to be.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::datasets::{DatasetBody, taken};
use crate::datasets::access::DatasetAccess;
use crate::datasets::card::CardChanges;
use crate::datasets::model::{Dataset, DatasetChanges, DatasetDescription, DatasetName};
use crate::datasets::retention::{KeepDays, KeepVersions};
use crate::datasets::rules::DatasetRules;
use crate::datasets::rules::change::NewRules;
use crate::datasets::rules::declare::{ColumnChanges, DatasetRulesChanges, weigh};
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::{Change, MergePatch, Patch};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, FieldError};
use crate::kernel::types::DatasetId;
use crate::projects::access::{Editor, Owner, suffices};

/// Changes to a dataset
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDataset {
    #[serde(default)]
    #[schema(value_type = DatasetName, required = false)]
    name: Change<DatasetName>,
    #[serde(default)]
    #[schema(value_type = Option<DatasetDescription>)]
    description: Patch<DatasetDescription>,
    #[serde(default)]
    #[schema(required = false)]
    card: CardChanges,
    /// How many of the newest versions are kept; null for what the service keeps. Owners set it
    #[serde(default)]
    #[schema(value_type = Option<KeepVersions>)]
    keep_versions: Patch<KeepVersions>,
    /// For how many days a version is kept after another has taken its place; null for what the
    /// service keeps. Owners set it
    #[serde(default)]
    #[schema(value_type = Option<KeepDays>)]
    keep_days: Patch<KeepDays>,
    /// By its field, what is to change of a column
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, ColumnChanges>, required = false)]
    columns: Change<BTreeMap<String, ColumnChanges>>,
    /// What the records have to be together; null removes all of it
    #[serde(default)]
    #[schema(value_type = Option<DatasetRulesChanges>)]
    rules: Patch<DatasetRulesChanges>,
}

/// Change what a dataset says of itself
///
/// A merge patch: members that you leave out stay as they are. You need the role `editor` in the
/// project, and `owner` for how long versions are kept. With `If-Match` nobody's change is
/// overwritten.
///
/// A change of rules is a version. If records break a rule that is to be set, the answer is 409
/// `rules-broken`, and `errors` says how many.
#[utoipa::path(
    patch,
    path = "/api/v1/datasets/{id}",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(("id" = DatasetId, Path, description = "Id of the dataset")),
    request_body(content = UpdateDataset, content_type = "application/merge-patch+json"),
    responses((status = OK, body = DatasetBody), ApiError),
)]
pub async fn update_dataset(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<DatasetId>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdateDataset>,
) -> ApiResult<Versioned<DatasetBody>> {
    let me = who.id;
    let UpdateDataset {
        name,
        description,
        card,
        keep_versions,
        keep_days,
        columns,
        rules,
    } = &patch;
    let tags = card.sorted_tags()?;
    let changed = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Dataset> {
        let access = DatasetAccess::<Editor>::to_write(tx, me, id).await?;
        conditions.write(Some(access.dataset.revision))?;
        let keep_versions = keep_versions.as_update().map(|it| it.map(|it| it.get()));
        let keep_days = keep_days.as_update().map(|it| it.map(|it| it.get()));
        if keep_versions.is_some() || keep_days.is_some() {
            // Who may shorten what is kept may delete.
            suffices::<Owner>(access.dataset.role)?;
        }
        let changes = DatasetChanges {
            name: name.value(),
            description: description.as_update(),
            licence: card.licence.as_update(),
            source: card.source.as_update(),
            contact: card.contact.as_update(),
            tags: tags.as_deref(),
            keep_versions,
            keep_days,
        };
        Dataset::update(tx, id, changes).await.map_err(taken)?;
        let new = ruled(&access.dataset, columns.value(), rules)?;
        new.set(tx, &access.dataset).await?;
        tx.tell(Event::DatasetDescribed {
            project: access.dataset.project_id,
            dataset: id,
        })
        .await?;
        let changed = Dataset::find(tx, me, id).await?;
        Ok(changed.ok_or(ApiError::not_found("dataset"))?)
    })
    .await?;
    Ok(Versioned::new(changed.revision, changed.into()))
}

/// The rules of a dataset as they are to be.
fn ruled(
    dataset: &Dataset,
    columns: Option<&BTreeMap<String, ColumnChanges>>,
    rules: &Patch<DatasetRulesChanges>,
) -> ApiResult<NewRules> {
    let mut new = NewRules {
        columns: dataset.columns.clone(),
        rules: dataset.rules.0.clone(),
    };
    let mut errors = Vec::new();
    for (field, changes) in columns.into_iter().flatten() {
        let pointer = format!("/columns/{}", field.replace('~', "~0").replace('/', "~1"));
        let place = new.columns.place(field);
        match place.and_then(|place| new.columns.0.get_mut(place)) {
            Some(column) => changes.apply(column, &pointer, &mut errors),
            None => errors.push(FieldError {
                pointer,
                code: "unknown-field".into(),
                detail: "the dataset has no such field".to_owned(),
            }),
        }
    }
    match rules {
        Patch::Absent => {}
        Patch::Null => new.rules = DatasetRules::default(),
        Patch::Value(changes) => changes.apply(&mut new.rules, &dataset.columns, &mut errors),
    }
    weigh(&new.columns, &new.rules, &mut errors);
    match errors.is_empty() {
        true => Ok(new),
        false => Err(ApiError::validation(errors)),
    }
}
