//! The Cluster that is wanted beside the one that lives: what must not change is sent back as it
//! is, and what would lose or endanger data is refused before anything is applied.

use serde_json::Value;

use super::Refused;
use super::owner::{mark, stranger};
use super::plan::Plan;

/// The Cluster to apply: `wanted`, in the plan's name.
pub fn to_apply(plan: &Plan, wanted: &Value, live: Option<&Value>) -> Result<Value, Refused> {
    let mut apply = wanted.clone();
    mark(&mut apply, &plan.metadata);
    let Some(live) = live else {
        return Ok(apply);
    };
    let name = text(live, "/metadata/name").unwrap_or_default();
    if let Some(owner) = stranger(live, &plan.release).filter(|_| !plan.adopt) {
        return Err(Refused(format!(
            "the Cluster {name} belongs to {owner}, not to the release {}; the value database.cnpg.adopt takes it over",
            plan.release
        )));
    }
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Err(Refused(format!(
            "the Cluster {name} is being deleted; install again when it is gone"
        )));
    }
    at_rest(name, live)?;
    same_database(name, wanted, live)?;
    image(name, wanted, live, plan.allow_major_upgrade)?;
    for storage in ["storage", "walStorage"] {
        not_smaller(name, wanted, live, storage)?;
    }
    // CloudNativePG reads the owner and the database from it for ever, and server-side apply drops
    // what is no longer sent.
    if let (Some(spec), Some(bootstrap)) = (
        apply.get_mut("spec").and_then(Value::as_object_mut),
        live.pointer("/spec/bootstrap"),
    ) {
        spec.insert("bootstrap".to_owned(), bootstrap.clone());
    }
    Ok(apply)
}

/// Somebody put it to sleep or cut it off on purpose: waiting for it would be in vain, waking it is
/// theirs to do.
fn at_rest(name: &str, live: &Value) -> Result<(), Refused> {
    let annotation = |key: &str| {
        live.pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(key))
            .and_then(Value::as_str)
    };
    if annotation("cnpg.io/hibernation") == Some("on") {
        return Err(Refused(format!(
            "the Cluster {name} hibernates; wake it first: kubectl annotate cluster {name} cnpg.io/hibernation=off --overwrite"
        )));
    }
    match annotation("cnpg.io/fencedInstances") {
        None | Some("" | "[]") => Ok(()),
        Some(instances) => Err(Refused(format!(
            "instances of the Cluster {name} are fenced: {instances}; lift it first: kubectl annotate cluster {name} cnpg.io/fencedInstances-"
        ))),
    }
}

fn same_database(name: &str, wanted: &Value, live: &Value) -> Result<(), Refused> {
    for (member, value) in [("database", "database.name"), ("owner", "database.owner")] {
        let wanted = text(wanted, &format!("/spec/bootstrap/initdb/{member}"));
        let is = ["initdb", "recovery", "pg_basebackup"]
            .iter()
            .find_map(|way| text(live, &format!("/spec/bootstrap/{way}/{member}")));
        if let (Some(wanted), Some(is)) = (wanted, is)
            && wanted != is
        {
            return Err(Refused(format!(
                "the Cluster {name} was made with the {member} {is}, which cannot be changed to {wanted}; set {value} back to {is}"
            )));
        }
    }
    Ok(())
}

fn image(
    name: &str,
    wanted: &Value,
    live: &Value,
    allow_major_upgrade: bool,
) -> Result<(), Refused> {
    let (Some(wanted), Some(is)) = (
        text(wanted, "/spec/imageName"),
        text(live, "/spec/imageName"),
    ) else {
        return Ok(());
    };
    match (major(wanted), major(is)) {
        (Some(new), Some(old)) if new < old => Err(Refused(format!(
            "the Cluster {name} runs PostgreSQL {old}, which cannot go back to {new}; set database.cnpg.imageName back"
        ))),
        (Some(new), Some(old)) if new > old && !allow_major_upgrade => Err(Refused(format!(
            "database.cnpg.imageName would take the Cluster {name} from PostgreSQL {old} to {new}, which stops all its instances and \
             rewrites the data; take a backup, then set database.cnpg.allowMajorUpgrade"
        ))),
        _ => Ok(()),
    }
}

/// Of `registry:5000/postgresql:18.6-system-trixie@sha256:..`, 18.
fn major(image: &str) -> Option<u32> {
    let image = image.split('@').next()?;
    let (_, tag) = image
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))?;
    let digits = tag.find(|c: char| !c.is_ascii_digit()).unwrap_or(tag.len());
    tag.get(..digits)?.parse().ok()
}

fn not_smaller(name: &str, wanted: &Value, live: &Value, storage: &str) -> Result<(), Refused> {
    let pointer = format!("/spec/{storage}/size");
    let (Some(wanted), Some(is)) = (text(wanted, &pointer), text(live, &pointer)) else {
        return Ok(());
    };
    match (bytes(wanted), bytes(is)) {
        (Some(new), Some(old)) if new < old => Err(Refused(format!(
            "the volumes of the Cluster {name} cannot shrink from {is} to {wanted}; set database.cnpg.{storage}.size to {is} or more"
        ))),
        _ => Ok(()),
    }
}

/// A quantity such as `10Gi`, `500M` or `1.5Ti`. One that it cannot read is left to the API server.
fn bytes(quantity: &str) -> Option<f64> {
    let unit = quantity.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = quantity.strip_suffix(unit)?.parse().ok()?;
    let power = |letter: &str| "kMGTPE".find(letter).or("KMGTPE".find(letter));
    let factor = match unit.strip_suffix('i') {
        _ if unit.is_empty() => 1.0,
        Some(letter) => 1024_f64.powi(i32::try_from(power(letter)?).ok()? + 1),
        None => 1000_f64.powi(i32::try_from(power(unit)?).ok()? + 1),
    };
    Some(number * factor)
}

pub fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_read_from_the_tag_alone() {
        for (image, expected) in [
            (
                "ghcr.io/cloudnative-pg/postgresql:18.6-system-trixie",
                Some(18),
            ),
            ("registry:5000/postgresql:15@sha256:00ff", Some(15)),
            ("registry:5000/postgresql", None),
            ("postgresql:latest", None),
        ] {
            assert_eq!(major(image), expected, "{image}");
        }
    }

    #[test]
    fn quantities_compare_by_what_they_mean() {
        for (less, more) in [
            ("1G", "1Gi"),
            ("1023Mi", "1Gi"),
            ("1.5Ti", "2Ti"),
            ("500M", "1G"),
            ("4096", "8k"),
        ] {
            assert!(bytes(less) < bytes(more), "{less} {more}");
            assert!(bytes(less).is_some());
        }
        assert_eq!(bytes("10 Gi"), None);
        assert_eq!(bytes("much"), None);
    }
}
