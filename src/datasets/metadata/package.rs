//! Frictionless Data Package (datapackage.org), version 2.

use serde_json::{Map, Value, json};

use super::{DataPackage, Described, is_url, said};
use crate::datasets::column::{Column, ColumnType};
use crate::datasets::edit::as_text;
use crate::datasets::rules::RuleValue;
use crate::datasets::value::shown_range;

/// The name of the one resource, and of its file where somebody keeps it.
const RESOURCE: &str = "records";

impl Described<'_> {
    pub fn package(&self) -> DataPackage {
        let dataset = self.dataset;
        let mut package = Map::new();
        let mut put = |name: &str, value: Value| {
            package.insert(name.to_owned(), value);
        };
        put(
            "$schema",
            "https://datapackage.org/profiles/2.0/datapackage.json".into(),
        );
        put("name", slug(&dataset.name).into());
        put("id", dataset.id.to_string().into());
        put("title", dataset.name.clone().into());
        if let Some(description) = said(dataset.description.as_deref()) {
            put("description", description.into());
        }
        put("homepage", self.url().into());
        put("version", self.semantic().into());
        put("created", self.made_at().into());
        let card = &dataset.card;
        if let Some(licence) = said(card.licence.as_deref()) {
            put("licenses", json!([self::licence(licence)]));
        }
        if let Some(source) = said(card.source.as_deref()) {
            let mut known = json!({ "title": source });
            if let (true, Some(members)) = (is_url(source), known.as_object_mut()) {
                members.insert("path".to_owned(), source.into());
            }
            put("sources", json!([known]));
        }
        if let Some(contact) = said(card.contact.as_deref()) {
            put(
                "contributors",
                json!([{ "title": contact, "roles": ["contact"] }]),
            );
        }
        if !card.tags.is_empty() {
            put("keywords", card.tags.clone().into());
        }
        put("resources", json!([self.resource()]));
        DataPackage(Value::Object(package))
    }

    fn resource(&self) -> Value {
        let columns = &self.dataset.columns;
        let keeps_rules = self.keeps_rules();
        let fields = columns.0.iter().map(|column| field(column, keeps_rules));
        let fields: Vec<Value> = fields.collect();
        let mut schema = json!({ "fields": fields, "missingValues": [""] });
        let key = self.dataset.key();
        let names = key
            .iter()
            .filter_map(|field| Some(columns.find(field)?.0.name.clone()));
        let names: Vec<String> = names.collect();
        if let (false, Some(members)) = (names.is_empty(), schema.as_object_mut()) {
            members.insert("primaryKey".to_owned(), names.into());
        }
        json!({
            "name": RESOURCE,
            "path": self.file(),
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "schema": schema,
        })
    }
}

fn field(column: &Column, keeps_rules: bool) -> Value {
    let kind = match column.kind {
        ColumnType::Text | ColumnType::IntRange => "string",
        ColumnType::Int | ColumnType::Bigint => "integer",
        ColumnType::Float64 | ColumnType::Decimal => "number",
        ColumnType::Bool => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "datetime",
        ColumnType::Json => "any",
    };
    let mut field = json!({ "name": column.name, "type": kind });
    let Some(members) = field.as_object_mut() else {
        return field;
    };
    if let Some(description) = said(column.description.as_deref()) {
        members.insert("description".to_owned(), description.into());
    }
    if let Some(unit) = said(column.unit.as_deref()) {
        members.insert("unit".to_owned(), unit.into());
    }
    let constraints = constraints(column, keeps_rules);
    if !constraints.is_empty() {
        members.insert("constraints".to_owned(), constraints.into());
    }
    field
}

/// What a value has to be, in the words that there are for it.
fn constraints(column: &Column, keeps_rules: bool) -> Map<String, Value> {
    let mut constraints = Map::new();
    let mut put = |name: &str, value: Value| {
        constraints.insert(name.to_owned(), value);
    };
    if !column.nullable {
        put("required", true.into());
    }
    let rules = &column.rules;
    if !keeps_rules || rules.is_empty() {
        return constraints;
    }
    let value = |value: &RuleValue| in_file(column.kind, value);
    let bounds = [("minimum", &rules.min), ("maximum", &rules.max)];
    for (name, bound) in bounds {
        if let Some(bound) = bound {
            put(name, value(bound));
        }
    }
    let lengths = [
        ("minLength", rules.min_length),
        ("maxLength", rules.max_length),
    ];
    for (name, length) in lengths {
        if let Some(length) = length {
            put(name, length.into());
        }
    }
    if let Some(pattern) = rules
        .pattern
        .as_deref()
        .filter(|pattern| is_common(pattern))
    {
        // As a group, since what comes before and after a choice belongs to its parts.
        put("pattern", format!("({pattern})").into());
    }
    if !rules.one_of.is_empty() {
        let values: Vec<Value> = rules.one_of.iter().map(value).collect();
        put("enum", values.into());
    }
    if rules.unique {
        put("unique", true.into());
    }
    constraints
}

/// A value as the file of the records has it.
fn in_file(kind: ColumnType, RuleValue(value): &RuleValue) -> Value {
    let text = as_text(kind, value).unwrap_or_default();
    match kind {
        ColumnType::IntRange => shown_range(&text).unwrap_or(text).into(),
        ColumnType::Bigint => text.parse::<i64>().map_or(text.into(), Value::from),
        _ => value.clone(),
    }
}

/// Whether other languages read the expression as we do.
fn is_common(pattern: &str) -> bool {
    let own = [
        "(?", r"\p", r"\P", r"\z", r"\A", r"\x{", r"\u{", r"\U", "&&", "--", "~~", "[[",
    ];
    own.iter().all(|word| !pattern.contains(word))
}

/// A licence has a name that is one word, or a place.
fn licence(text: &str) -> Value {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match (is_url(text), text.chars().all(is_word)) {
        (true, _) => json!({ "path": text, "title": text }),
        (false, true) => json!({ "name": text }),
        (false, false) => json!({ "name": "other", "title": text }),
    }
}

/// A name that can stand in URLs.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '.' | '_' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    match slug.trim_end_matches('-') {
        "" => "dataset".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_of_ours_alone_is_told_to_nobody() {
        assert!(is_common(r"[A-Z]{2}\d+|none"));
        for own in ["(?i)a", r"\p{L}+", r"a\z", "[a-z&&[^b]]"] {
            assert!(!is_common(own), "{own}");
        }
    }

    #[test]
    fn names_and_licences_are_such_as_packages_take() {
        assert_eq!(slug("Income (2019, USD)"), "income-2019-usd");
        assert_eq!(slug("\u{65e5}\u{672c}"), "dataset");
        assert_eq!(licence("CC-BY-4.0"), json!({ "name": "CC-BY-4.0" }));
        assert_eq!(
            licence("for members"),
            json!({ "name": "other", "title": "for members" })
        );
        assert_eq!(licence("https://a.b/c")["path"], "https://a.b/c");
    }
}
