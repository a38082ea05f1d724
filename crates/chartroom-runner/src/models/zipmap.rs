//! Takes away the ZipMap that converters of scikit-learn put at the end of a classifier.
//!
//! It makes a list of maps of a table of probabilities. Without it the table itself is the output,
//! at the same place and under its own name.

use std::collections::BTreeSet;
use std::ops::Range;

use chartroom_wire::models::Failure;

use super::onnx::{quoted, refused};
use super::protobuf::{Broken, Field, packed, put_bytes, put_number, put_varint};
use super::schema::{attribute, axis, graph, kind, node, shape, tensor_kind, value};

/// Labels that a note names.
const NAMED: usize = 100;
/// Each of them moves what stands behind it.
const MAX_ZIPMAPS: usize = 16;
/// Of elements: 32-bit floats, the only ones that a ZipMap takes.
const FLOAT: u64 = 1;

/// A place of the file, and what it becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) place: Range<usize>,
    pub(super) becomes: Vec<u8>,
}

#[derive(Debug, Default)]
struct ZipMap<'a> {
    place: Range<usize>,
    input: &'a str,
    output: &'a str,
    labels: Vec<String>,
}

/// What is to be changed, from the end of the file to its beginning.
pub(super) fn rewrite(of: &Field<'_>, notes: &mut Vec<String>) -> Result<Vec<Edit>, Failure> {
    let (mut zipmaps, mut outputs) = (Vec::new(), Vec::new());
    for field in of.fields().ok_or(Broken)? {
        let field = field?;
        match field.number {
            graph::NODE => zipmaps.extend(zipmap(&field)?),
            graph::OUTPUT => outputs.push((name(&field)?, field.whole)),
            _ => {}
        }
    }
    if zipmaps.len() > MAX_ZIPMAPS {
        let message = format!("the model has more than {MAX_ZIPMAPS} ZipMaps");
        return Err(refused(message));
    }
    let mut edits = Vec::new();
    let mut taken: BTreeSet<&str> = outputs.iter().map(|(name, _)| *name).collect();
    for zipmap in zipmaps {
        let mut places = outputs.iter().filter(|(name, _)| *name == zipmap.output);
        let place = places.next().map(|(_, place)| place.clone());
        // One that is no end is left, and its list is refused where it comes out.
        let (Some(place), None, true) = (place, places.next(), taken.insert(zipmap.input)) else {
            continue;
        };
        let mut becomes = Vec::new();
        put_bytes(&mut becomes, graph::OUTPUT, &table(&zipmap));
        edits.push(Edit { place, becomes });
        edits.push(Edit {
            place: zipmap.place.clone(),
            becomes: Vec::new(),
        });
        notes.push(note(&zipmap));
    }
    if edits.is_empty() {
        return Ok(edits);
    }
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.place.start));
    edits.push(head(of, &edits));
    Ok(edits)
}

/// The head of the graph, which says its new length.
fn head(of: &Field<'_>, edits: &[Edit]) -> Edit {
    let gone: usize = edits.iter().map(|edit| edit.place.len()).sum();
    let added: usize = edits.iter().map(|edit| edit.becomes.len()).sum();
    let length = (of.body.len() + added).saturating_sub(gone);
    let mut becomes = Vec::new();
    put_varint(&mut becomes, of.number << 3 | 2);
    put_varint(&mut becomes, u64::try_from(length).unwrap_or(u64::MAX));
    Edit {
        place: of.whole.start..of.body.start,
        becomes,
    }
}

fn name<'a>(field: &Field<'a>) -> Result<&'a str, Failure> {
    let mut name = "";
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        if field.number == value::NAME {
            name = field.text().ok_or(Broken)?;
        }
    }
    Ok(name)
}

fn zipmap<'a>(of: &Field<'a>) -> Result<Option<ZipMap<'a>>, Failure> {
    let mut zipmap = ZipMap {
        place: of.whole.clone(),
        ..ZipMap::default()
    };
    let (mut operator, mut domain) = ("", "");
    for field in of.fields().ok_or(Broken)? {
        let field = field?;
        match field.number {
            node::OPERATOR => operator = field.text().ok_or(Broken)?,
            node::DOMAIN => domain = field.text().ok_or(Broken)?,
            node::INPUT => zipmap.input = field.text().ok_or(Broken)?,
            node::OUTPUT => zipmap.output = field.text().ok_or(Broken)?,
            node::ATTRIBUTE => labels(&field, &mut zipmap.labels)?,
            _ => {}
        }
    }
    Ok((operator == "ZipMap" && domain == "ai.onnx.ml").then_some(zipmap))
}

fn labels(of: &Field<'_>, labels: &mut Vec<String>) -> Result<(), Failure> {
    for field in of.fields().ok_or(Broken)? {
        let field = field?;
        match (field.number, field.number(), field.bytes()) {
            (attribute::NUMBERS, Some(label), _) => labels.push(label.cast_signed().to_string()),
            (attribute::NUMBERS, _, Some(bytes)) => {
                labels.extend(packed(bytes).map(|label| label.cast_signed().to_string()));
            }
            (attribute::TEXTS, _, Some(_)) => labels.push(quoted(field.text().ok_or(Broken)?)),
            _ => {}
        }
    }
    Ok(())
}

/// The output that takes the place of the list.
fn table(zipmap: &ZipMap<'_>) -> Vec<u8> {
    let (mut rows, mut columns, mut of, mut tensor, mut kind, mut output) = Default::default();
    put_bytes(&mut rows, axis::WORD, b"N");
    let count = u64::try_from(zipmap.labels.len()).unwrap_or(u64::MAX);
    put_number(&mut columns, axis::NUMBER, count);
    put_bytes(&mut of, shape::AXIS, &rows);
    put_bytes(&mut of, shape::AXIS, &columns);
    put_number(&mut tensor, tensor_kind::ELEMENT, FLOAT);
    put_bytes(&mut tensor, tensor_kind::SHAPE, &of);
    put_bytes(&mut kind, kind::TENSOR, &tensor);
    put_bytes(&mut output, value::NAME, zipmap.input.as_bytes());
    put_bytes(&mut output, value::TYPE, &kind);
    output
}

fn note(zipmap: &ZipMap<'_>) -> String {
    let named = zipmap.labels.iter().take(NAMED).cloned();
    let named: Vec<String> = named.collect();
    let more = match zipmap.labels.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "the output {}, a list of maps, became the tensor {} with a column for each label: {}{more}",
        quoted(zipmap.output),
        quoted(zipmap.input),
        named.join(", ")
    )
}
