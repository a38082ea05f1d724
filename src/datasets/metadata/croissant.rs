//! MLCommons Croissant 1.0, in JSON-LD.

use serde_json::{Map, Value, json};

use super::{CroissantDataset, Described, is_url, said};
use crate::datasets::column::{Column, ColumnType};

const FILE: &str = "records.csv";
const RECORDS: &str = "records";

impl Described<'_> {
    pub fn croissant(&self) -> CroissantDataset {
        let dataset = self.dataset;
        let mut document = Map::new();
        let mut put = |name: &str, value: Value| {
            document.insert(name.to_owned(), value);
        };
        put("@context", context());
        put("@type", "sc:Dataset".into());
        put("conformsTo", "http://mlcommons.org/croissant/1.0".into());
        put("name", dataset.name.clone().into());
        let description = said(dataset.description.as_deref());
        put("description", description.unwrap_or(&dataset.name).into());
        put("url", self.url().into());
        put("identifier", dataset.id.to_string().into());
        put("version", self.semantic().into());
        put("datePublished", self.made_at().into());
        // The file is made when it is asked for, so nobody has its checksum beforehand.
        put("isLiveDataset", true.into());
        let card = &dataset.card;
        if let Some(licence) = said(card.licence.as_deref()) {
            put("license", licence.into());
        }
        if let Some(source) = said(card.source.as_deref()) {
            match is_url(source) {
                true => put("isBasedOn", source.into()),
                false => put("creditText", source.into()),
            }
        }
        if let Some(contact) = said(card.contact.as_deref()) {
            put(
                "creator",
                json!({ "@type": "sc:Organization", "name": contact }),
            );
        }
        if !card.tags.is_empty() {
            put("keywords", card.tags.clone().into());
        }
        put(
            "distribution",
            json!([{
                "@type": "cr:FileObject",
                "@id": FILE,
                "name": FILE,
                "contentUrl": self.file(),
                "encodingFormat": "text/csv",
            }]),
        );
        put("recordSet", json!([self.records()]));
        CroissantDataset(Value::Object(document))
    }

    fn records(&self) -> Value {
        let columns = &self.dataset.columns;
        let fields: Vec<Value> = columns.0.iter().map(field).collect();
        let mut records = json!({
            "@type": "cr:RecordSet",
            "@id": RECORDS,
            "name": RECORDS,
            "field": fields,
        });
        let key = self.dataset.key();
        if let (false, Some(members)) = (key.is_empty(), records.as_object_mut()) {
            let key: Vec<Value> = key
                .iter()
                .map(|field| json!({ "@id": id(field) }))
                .collect();
            members.insert("key".to_owned(), key.into());
        }
        records
    }
}

fn id(field: &str) -> String {
    format!("{RECORDS}/{field}")
}

fn field(column: &Column) -> Value {
    let kind = match column.kind {
        ColumnType::Text | ColumnType::IntRange | ColumnType::Json => "sc:Text",
        ColumnType::Int | ColumnType::Bigint => "sc:Integer",
        ColumnType::Float64 | ColumnType::Decimal => "sc:Float",
        ColumnType::Bool => "sc:Boolean",
        ColumnType::Date => "sc:Date",
        ColumnType::Timestamp => "sc:DateTime",
    };
    let mut field = json!({
        "@type": "cr:Field",
        "@id": id(&column.field),
        "name": column.field,
        "dataType": kind,
        "source": {
            "fileObject": { "@id": FILE },
            "extract": { "column": column.name },
        },
    });
    let unit = said(column.unit.as_deref()).map(|unit| format!("In {unit}."));
    let described = said(column.description.as_deref()).map(str::to_owned);
    let description: Vec<String> = described.into_iter().chain(unit).collect();
    if let (false, Some(members)) = (description.is_empty(), field.as_object_mut()) {
        members.insert("description".to_owned(), description.join(" ").into());
    }
    field
}

/// As the specification gives it.
fn context() -> Value {
    let mut context = json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "dct": "http://purl.org/dc/terms/",
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
    });
    let own = [
        "citeAs",
        "column",
        "equivalentProperty",
        "extract",
        "field",
        "fileObject",
        "fileProperty",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
    ];
    if let Some(members) = context.as_object_mut() {
        let own = own.map(|name| (name.to_owned(), Value::String(format!("cr:{name}"))));
        members.extend(own);
    }
    context
}
