//! `chartroom sample`: a dataset to try things on, made as anybody else would make it. The files
//! are the U.S. Census Bureau's as it publishes them.

use bytes::Bytes;
use clap::Args;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};

use super::account;
use super::call::Site;
use super::dataset::file::Kind;
use super::dataset::named::{find_project, in_project};
use super::dataset::progress::Sending;
use super::dataset::told::ended;
use super::dataset::upload::Upload;
use super::error::ClientError;
use super::names::text;
use super::output::{Format, plain, write};

/// What the sample is made of; the console makes it of the same.
pub const NAME: &str = "income";
pub const DESCRIPTION: &str = "Age and people by median income and sex, white and Asian people: historical income table P-8 \
    of the U.S. Census Bureau, which is in the public domain. Two years are in it twice, with different methods.";
/// In the order in which they are loaded, each as a version.
pub const WORKBOOKS: [(&str, &[u8]); 2] = [
    ("p08w.xlsx", include_bytes!("../../tests/data/p08w.xlsx")),
    ("p08a.xlsx", include_bytes!("../../tests/data/p08a.xlsx")),
];
pub const COLUMNS: [(&str, &str); 9] = [
    ("race", "text"),
    ("age_range", "int_range"),
    ("year", "int"),
    ("male_count", "int"),
    ("male_income", "int"),
    ("male_income_2019", "int"),
    ("female_count", "int"),
    ("female_income", "int"),
    ("female_income_2019", "int"),
];
/// Header lines, seven tables below each other, and footnotes in the cells of years.
pub const OPTIONS: [(&str, &str); 6] = [
    ("skip_rows", "3"),
    (
        "columns",
        "year,male_count,male_income,male_income_2019,female_count,female_income,female_income_2019",
    ),
    ("section_column", "race:^(White|Asian)"),
    ("section_column", r"age_range:^\.*(\d+ .*Years.*)"),
    (
        "skip_if",
        "^(Age and year|Number|Current|Source|SOURCE|Footnotes)",
    ),
    ("strip", r"year:\s*\(\d+\)$"),
];
/// Men of 28 years, and what their incomes have become in ten years.
pub const COMPARISON: &str = "by=race&groups=White,Asian&measures=male_income_2019,male_count&period=year&at=2019&base=2009\
    &age_range__covers=28";

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Environment:\n  CHARTROOM_URL         The service, such as https://chartroom.example.com\n  CHARTROOM_TOKEN       An API token or an access token\n  CHARTROOM_TOKEN_FILE  A file with the token\n\nExit codes: 0 it is there, 1 failed, 2 wrong usage, 3 not allowed, 6 try again."
)]
pub struct Sample {
    /// The name of the project, which is made where you have none that is called so, or the id of
    /// one that is there
    #[arg(long, value_name = "PROJECT", default_value = "Sample")]
    project: String,
    /// How the result is written [default: text on a terminal, else json]
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    output: Option<Format>,
}

pub(super) async fn sample(arguments: Sample, context: Option<&str>) -> Result<(), ClientError> {
    let Sample { project, output } = arguments;
    let site = account::open(context)?;
    let (project_id, is_new_project) = match find_project(&site, &project).await? {
        Some(id) => (id, false),
        None => {
            let new = json!({ "name": project });
            let made = site.ask(Method::POST, "/api/v1/projects", Some(&new));
            (text(&made.await?, "id")?, true)
        }
    };
    let found = match is_new_project {
        true => None,
        false => in_project(&site, &project_id, NAME).await?,
    };
    let dataset = match found {
        Some(id) => id,
        None => make(&site, &project_id).await?,
    };
    let loaded = load(&site, &dataset).await?;
    let path = format!("/api/v1/datasets/{dataset}");
    let now = site.get(&path).await?;
    let rows = now.get("rows").and_then(Value::as_i64).unwrap_or_default();
    let compare = format!("{}{path}/compare?{COMPARISON}", site.url());
    let result = match output.unwrap_or_else(Format::usual) {
        Format::Json => {
            let result = json!({
                "project_id": project_id, "dataset_id": dataset, "rows": rows, "made": loaded > 0,
                "compare": compare,
            });
            format!("{result}\n")
        }
        Format::Text => {
            let done = if loaded > 0 { "made" } else { "there already:" };
            let project = plain(&project);
            format!(
                "{done} the dataset {NAME} in the project {project}: {rows} records\n\
                 id:      {dataset}\n\
                 compare: curl -H \"Authorization: Bearer $CHARTROOM_TOKEN\" \"{compare}\"\n"
            )
        }
    };
    write(&result)
}

async fn make(site: &Site, project: &str) -> Result<String, ClientError> {
    let columns = COLUMNS.map(|(name, kind)| json!({ "name": name, "type": kind }));
    let new = json!({
        "project_id": project, "name": NAME, "description": DESCRIPTION, "columns": columns,
    });
    let made = site
        .ask(Method::POST, "/api/v1/datasets", Some(&new))
        .await?;
    text(&made, "id")
}

/// Loads the workbooks that are not there yet, and says how many those were.
async fn load(site: &Site, dataset: &str) -> Result<usize, ClientError> {
    let now = site.get(&format!("/api/v1/datasets/{dataset}")).await?;
    let version = now.get("version").and_then(Value::as_u64);
    let there = version.and_then(|version| usize::try_from(version).ok());
    let mut loaded = 0;
    for (name, bytes) in WORKBOOKS.into_iter().skip(there.unwrap_or_default()) {
        let mut upload = Upload::new(site, dataset.to_owned(), Kind::Xlsx);
        let message = [("mode", "append"), ("message", name)];
        let query: Vec<_> = OPTIONS.into_iter().chain(message).collect();
        upload.query = serde_urlencoded::to_string(query).unwrap_or_default();
        // Two who make it at the same time load each file once.
        upload.key = format!("chartroom-sample-{name}");
        let parts = stream::iter([Ok(Bytes::from_static(bytes))]);
        let import = upload.send(parts, Sending::default()).await?;
        let import = upload.followed(import).await?;
        ended(&import)?;
        loaded += 1;
    }
    Ok(loaded)
}
