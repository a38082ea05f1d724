//! What a stranger's model may be, judged by its file before the runtime reads it.
//!
//! This knows of the format what it refuses or changes; everything else is left to the runtime.

use std::collections::BTreeSet;

use chartroom_wire::models::{Code, Failure};

use super::protobuf::{Broken, Field, Fields};
use super::schema::{
    attribute, function, graph, kind, model, node, opset, shape, sparse_tensor, tensor,
    tensor_kind, training, value,
};
use super::zipmap;

/// The domains whose operators the runtime brings along.
const DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];
/// Graphs within graphs: protobuf itself reads no more.
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 1_000_000;
const MAX_FUNCTIONS: usize = 10_000;
/// Inputs or outputs of the model.
const MAX_PLACES: usize = 1_000;
const MAX_AXES: usize = 32;

/// What was found in a model that is taken.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Of the standard operators; 0 where none of them is used.
    pub(super) opset: i64,
    pub(super) producer: String,
    /// Whether it changes the case of texts by the rules of a language.
    pub(super) folds_case: bool,
    pub(super) notes: Vec<String>,
    edits: Vec<zipmap::Edit>,
}

impl Judged {
    /// Changes the file as the notes say.
    pub(super) fn apply(&mut self, file: &mut Vec<u8>) {
        for edit in std::mem::take(&mut self.edits) {
            drop(file.splice(edit.place, edit.becomes));
        }
    }
}

pub(super) fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Code::Model, why)
}

impl From<Broken> for Failure {
    fn from(_broken: Broken) -> Self {
        refused("the file is no ONNX model: it is damaged, or it is of another format")
    }
}

/// A name out of the file, for a sentence.
pub(super) fn quoted(name: &str) -> String {
    let short: String = name.chars().take(100).collect();
    format!("{short:?}")
}

pub(super) fn judge(file: &[u8]) -> Result<Judged, Failure> {
    if file.is_empty() {
        return Err(refused("the file is empty"));
    }
    if file.get(4..8) == Some(b"ORTM") {
        return Err(refused(
            "the file is in ONNX Runtime's own format; send the ONNX file that it was made from",
        ));
    }
    let mut judged = Judged::default();
    let mut walk = Walk::default();
    let (mut graphs, mut producer) = (Vec::new(), [""; 2]);
    for field in Fields::of(file) {
        let field = field?;
        match field.number {
            model::PRODUCER => producer[0] = field.text().ok_or(Broken)?,
            model::PRODUCER_VERSION => producer[1] = field.text().ok_or(Broken)?,
            model::OPSET => standard_opset(&field, &mut judged.opset)?,
            model::FUNCTION => walk.know(&field)?,
            model::GRAPH => graphs.push(field),
            _ => {}
        }
    }
    let [graph] = graphs.as_slice() else {
        return Err(match graphs.len() {
            0 => refused("the file is no ONNX model: there is no graph in it"),
            _ => refused("the file is no ONNX model: there are several graphs in it"),
        });
    };
    for field in Fields::of(file) {
        walk.part(&field?)?;
    }
    walk.graph(graph, 0)?;
    judged.edits = zipmap::rewrite(graph, &mut judged.notes)?;
    let rewritten: BTreeSet<usize> = judged.edits.iter().map(|edit| edit.place.start).collect();
    places(graph, &rewritten)?;
    judged.producer = producer.join(" ").trim().chars().take(200).collect();
    judged.folds_case = walk.folds_case;
    Ok(judged)
}

/// Takes over the version of an opset that is the standard one.
fn standard_opset(field: &Field<'_>, version: &mut i64) -> Result<(), Failure> {
    let (mut domain, mut number) = ("", 0);
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        match field.number {
            opset::DOMAIN => domain = field.text().ok_or(Broken)?,
            opset::VERSION => number = field.number().ok_or(Broken)?,
            _ => {}
        }
    }
    if matches!(domain, "" | "ai.onnx") {
        *version = i64::try_from(number).unwrap_or(i64::MAX);
    }
    Ok(())
}

/// Goes through everything that may hold operators or tensors.
#[derive(Debug, Default)]
struct Walk<'a> {
    /// The domains of functions that the model brings along.
    own: BTreeSet<&'a str>,
    functions: usize,
    nodes: usize,
    folds_case: bool,
}

impl<'a> Walk<'a> {
    fn know(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        self.functions += 1;
        if self.functions > MAX_FUNCTIONS {
            let message = format!("the model has more than {MAX_FUNCTIONS} functions of its own");
            return Err(refused(message));
        }
        for field in field.fields().ok_or(Broken)? {
            let field = field?;
            if field.number == function::DOMAIN {
                self.own.insert(field.text().ok_or(Broken)?);
            }
        }
        Ok(())
    }

    /// A part of the model that is not its graph.
    fn part(&mut self, part: &Field<'a>) -> Result<(), Failure> {
        if !matches!(part.number, model::FUNCTION | model::TRAINING) {
            return Ok(());
        }
        for field in part.fields().ok_or(Broken)? {
            let field = field?;
            match (part.number, field.number) {
                (model::FUNCTION, function::NODE) => self.node(&field, 0)?,
                (model::FUNCTION, function::ATTRIBUTE) => self.attribute(&field, 0)?,
                (model::TRAINING, training::INITIALIZATION | training::ALGORITHM) => {
                    self.graph(&field, 0)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn graph(&mut self, field: &Field<'a>, depth: usize) -> Result<(), Failure> {
        if depth > MAX_DEPTH {
            let message = format!("the model has more than {MAX_DEPTH} graphs within each other");
            return Err(refused(message));
        }
        for field in field.fields().ok_or(Broken)? {
            let field = field?;
            match field.number {
                graph::NODE => self.node(&field, depth)?,
                graph::INITIALIZER => whole(&field)?,
                graph::SPARSE_INITIALIZER => sparse(&field)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn node(&mut self, field: &Field<'a>, depth: usize) -> Result<(), Failure> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the model has more than {MAX_NODES} operators");
            return Err(refused(message));
        }
        let (mut domain, mut operator) = ("", "");
        for field in field.fields().ok_or(Broken)? {
            let field = field?;
            match field.number {
                node::DOMAIN => domain = field.text().ok_or(Broken)?,
                node::OPERATOR => operator = field.text().ok_or(Broken)?,
                node::ATTRIBUTE => self.attribute(&field, depth)?,
                _ => {}
            }
        }
        if !DOMAINS.contains(&domain) && !self.own.contains(domain) {
            return Err(refused(format!(
                "the model uses the operator {} of the domain {}; operators of ai.onnx, ai.onnx.ml \
                 and com.microsoft are run, and no others",
                quoted(operator),
                quoted(domain)
            )));
        }
        if operator == "StringNormalizer" && depends_on_language(field)? {
            self.folds_case = true;
        }
        Ok(())
    }

    fn attribute(&mut self, field: &Field<'a>, depth: usize) -> Result<(), Failure> {
        for field in field.fields().ok_or(Broken)? {
            let field = field?;
            match field.number {
                attribute::TENSOR | attribute::TENSORS => whole(&field)?,
                attribute::SPARSE_TENSOR | attribute::SPARSE_TENSORS => sparse(&field)?,
                attribute::GRAPH | attribute::GRAPHS => self.graph(&field, depth + 1)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a StringNormalizer takes the rules of a language. Those of another one than the
/// runtime's own are refused, as they would be read from the disk.
fn depends_on_language(field: &Field<'_>) -> Result<bool, Failure> {
    let (mut locale, mut changes, mut is_exact, mut stops) = ("en_US.UTF-8", false, false, false);
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        if field.number != node::ATTRIBUTE {
            continue;
        }
        let attribute: Vec<Field<'_>> = field.fields().ok_or(Broken)?.collect::<Result<_, _>>()?;
        let find = |number: u64| attribute.iter().rfind(|field| field.number == number);
        let text = find(attribute::TEXT).and_then(Field::text).unwrap_or("");
        match find(attribute::NAME).and_then(Field::text) {
            Some("locale") => locale = text,
            Some("case_change_action") => changes = text != "NONE",
            Some("stopwords") => stops = find(attribute::TEXTS).is_some(),
            Some("is_case_sensitive") => {
                is_exact = find(attribute::NUMBER).and_then(Field::number) == Some(1);
            }
            _ => {}
        }
    }
    if !(changes || stops && !is_exact) || matches!(locale, "C" | "POSIX") {
        return Ok(false);
    }
    if locale != "en_US.UTF-8" {
        return Err(refused(format!(
            "the model changes the case of texts by the rules of the locale {}; \"en_US.UTF-8\" and \
             \"C\" are there, so export it with one of them",
            quoted(locale)
        )));
    }
    Ok(true)
}

fn sparse(field: &Field<'_>) -> Result<(), Failure> {
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        if matches!(field.number, sparse_tensor::VALUES | sparse_tensor::INDICES) {
            whole(&field)?;
        }
    }
    Ok(())
}

/// Refuses a tensor whose values are in another file, or anywhere else.
fn whole(field: &Field<'_>) -> Result<(), Failure> {
    let (mut name, mut is_elsewhere) = ("", false);
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        match field.number {
            tensor::NAME => name = field.text().ok_or(Broken)?,
            tensor::EXTERNAL_DATA => is_elsewhere = true,
            tensor::DATA_LOCATION => is_elsewhere |= field.number() != Some(0),
            _ => {}
        }
    }
    if !is_elsewhere {
        return Ok(());
    }
    Err(refused(format!(
        "the values of the tensor {} are in another file; save the model as one file: \
         onnx.save_model(onnx.load(\"model.onnx\"), \"whole.onnx\"), or \
         torch.onnx.export(.., external_data=False)",
        quoted(name)
    )))
}

/// Judges the inputs and outputs of the model; those at `rewritten` places become tensors.
fn places(field: &Field<'_>, rewritten: &BTreeSet<usize>) -> Result<(), Failure> {
    let (mut inputs, mut outputs) = (0, 0);
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        match field.number {
            graph::INPUT => {
                inputs += 1;
                place(&field, "input")?;
            }
            graph::OUTPUT => {
                outputs += 1;
                if !rewritten.contains(&field.whole.start) {
                    place(&field, "output")?;
                }
            }
            _ => {}
        }
    }
    if inputs > MAX_PLACES || outputs > MAX_PLACES {
        let message = format!("the model has more than {MAX_PLACES} inputs or outputs");
        return Err(refused(message));
    }
    match outputs {
        0 => Err(refused("the model has no output")),
        _ => Ok(()),
    }
}

fn place(field: &Field<'_>, what: &str) -> Result<(), Failure> {
    let (mut name, mut found, mut axes) = ("", None, None);
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        match field.number {
            value::NAME => name = field.text().ok_or(Broken)?,
            value::TYPE => {
                for field in field.fields().ok_or(Broken)? {
                    let field = field?;
                    found = Some(field.number);
                    if field.number == kind::TENSOR {
                        axes = count_axes(&field)?;
                    }
                }
            }
            _ => {}
        }
    }
    let other = match found {
        Some(kind::SEQUENCE) => "a sequence",
        Some(kind::MAP) => "a map",
        Some(kind::OPTIONAL) => "an optional value",
        Some(kind::SPARSE_TENSOR) => "a sparse tensor",
        Some(kind::OPAQUE) => "an opaque value",
        _ if axes.is_some_and(|axes| axes > MAX_AXES) => {
            let message = format!("the {what} {} has more than {MAX_AXES} axes", quoted(name));
            return Err(refused(message));
        }
        _ if axes.is_none() && what == "input" => {
            let message = format!("the input {} does not say its shape", quoted(name));
            return Err(refused(message));
        }
        _ => return Ok(()),
    };
    Err(refused(format!(
        "the {what} {} is {other}, and only tensors are taken; export the model so that it has \
         tensors alone, with scikit-learn as to_onnx(.., options={{\"zipmap\": False}})",
        quoted(name)
    )))
}

/// `None` where the tensor does not say its shape.
fn count_axes(field: &Field<'_>) -> Result<Option<usize>, Failure> {
    let mut axes = None;
    for field in field.fields().ok_or(Broken)? {
        let field = field?;
        if field.number == tensor_kind::SHAPE {
            let of = field.fields().ok_or(Broken)?;
            axes = Some(of.flatten().filter(|it| it.number == shape::AXIS).count());
        }
    }
    Ok(axes)
}

#[cfg(test)]
#[path = "onnx_tests.rs"]
mod tests;
