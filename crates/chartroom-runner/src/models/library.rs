//! The library that runs models: opened, made ready, and asked for a session.

use std::path::Path;
use std::sync::Arc;

use chartroom_wire::models::{Code, Failure};
use ort::environment::Environment;
use ort::ep::CPU;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::environment;
use super::onnx::refused;
use super::protobuf::{put_bytes, put_number};
use super::schema::{attribute, axis, graph, kind, model, node, opset, shape, tensor_kind, value};
use super::words;

/// The oldest operators that the runtime promises to run.
const OLDEST_OPSET: i64 = 7;
/// What a text model has somewhere in its file.
const NORMALIZER: &str = "StringNormalizer";

pub(crate) struct Library {
    environment: Environment,
    /// The runtime and its version.
    pub(crate) name: String,
}

impl Library {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| {
            let path = path.display();
            let message = format!("the library of ONNX Runtime at {path} cannot be used: {why}");
            Failure::new(Code::Runtime, message)
        };
        let path = std::path::absolute(path).map_err(|error| wrong(error.to_string()))?;
        environment::settle()?;
        let builder = ort::init_from(&path).map_err(|error| wrong(error.to_string()))?;
        // Nothing is said on the streams of this process but what is said to who asks.
        let silent = |_level: LogLevel, _: &str, _: &str, _: &str, _: &str| ();
        let environment = builder
            .with_name("chartroom")
            .with_telemetry(false)
            .with_logger(Arc::new(silent))
            .build()
            .map_err(|error| wrong(words::clean(error.message())))?;
        environment.set_log_level(LogLevel::Fatal);
        Ok(Self {
            environment,
            name: name(&path),
        })
    }

    /// A session of one thread, which is the one that asks it.
    pub(super) fn load(&self, file: &[u8]) -> Result<Session, Failure> {
        let loaded = self.try_load(file);
        loaded.map_err(|error| self.told(&error))
    }

    fn try_load(&self, file: &[u8]) -> ort::Result<Session> {
        // An arena takes twice as much each time that it grows, and gives nothing back.
        let processor = CPU::default().with_arena_allocator(false).build();
        Session::builder(&self.environment)?
            .with_execution_providers([processor])?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_log_level(LogLevel::Fatal)?
            // What is not ONNX is not guessed at.
            .with_config_entry("session.load_model_format", "ONNX")?
            .commit_from_memory(file)
    }

    fn told(&self, error: &ort::Error) -> Failure {
        if let Some(newest) = behind(error.message(), "max supported IR version: ") {
            return refused(format!(
                "the file is written in a newer form of ONNX than is read here: set its ir_version \
                 to {newest} or lower before you save it"
            ));
        }
        words::failure(Code::Model, "loading the model", error)
    }

    /// Refuses operators of another time than those of the library.
    pub(super) fn within_window(&self, version: i64) -> Result<(), Failure> {
        let newest = self.newest_opset().unwrap_or(i64::MAX);
        if version == 0 || (OLDEST_OPSET..=newest).contains(&version) {
            return Ok(());
        }
        Err(refused(format!(
            "the model uses the opset {version}, and the opsets {OLDEST_OPSET} to {newest} are run; \
             export it with target_opset={newest}, or convert it by onnx.version_converter"
        )))
    }

    /// The library says it of a model that is newer than it.
    fn newest_opset(&self) -> Option<i64> {
        const FAR: u64 = 1 << 30;
        let error = self.try_load(&tiny("Identity", FAR, &[])).err()?;
        behind(error.message(), "domain ai.onnx is till opset ")
    }

    /// Lets the library read the rules of a language, by which texts change their case, while it
    /// may open files. They are there for as long as what comes back is; `None` where the machine
    /// has none.
    pub(super) fn read_language(&self, file: &[u8]) -> Option<Session> {
        memchr::memmem::find(file, NORMALIZER.as_bytes())?;
        let action = [("case_change_action", "LOWER")];
        self.try_load(&tiny(NORMALIZER, 17, &action)).ok()
    }
}

/// The library's version, and the commit that it was built of.
fn name(path: &Path) -> String {
    let mut name = "ONNX Runtime".to_owned();
    if let Some(minor) = ort::util::probe(path) {
        name.push_str(&format!(" 1.{minor}"));
    }
    let built = ort::info().split_once("git-commit-id=");
    let commit = built.and_then(|(_, commit)| commit.split([',', ' ']).next());
    if let Some(commit) = commit {
        name.push_str(&format!(" ({commit})"));
    }
    name
}

/// The number behind some words.
fn behind(said: &str, words: &str) -> Option<i64> {
    let (_, rest) = said.split_once(words)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// A model of one operator from texts to texts.
fn tiny(operator: &str, version: u64, attributes: &[(&str, &str)]) -> Vec<u8> {
    const TEXT: u64 = 8;
    const TYPE: u64 = 20;
    const STRING: u64 = 3;
    const IR_VERSION: (u64, u64) = (1, 8);
    let message = |fields: &[(u64, &[u8])]| {
        let mut message = Vec::new();
        for (number, bytes) in fields {
            put_bytes(&mut message, *number, bytes);
        }
        message
    };
    let axes = message(&[(shape::AXIS, &message(&[(axis::WORD, b"N")]))]);
    let mut tensor = message(&[(tensor_kind::SHAPE, &axes)]);
    put_number(&mut tensor, tensor_kind::ELEMENT, TEXT);
    let kind = message(&[(kind::TENSOR, &tensor)]);
    let place = |name: &[u8]| message(&[(value::NAME, name), (value::TYPE, &kind)]);
    let mut operation = message(&[
        (node::INPUT, b"x"),
        (node::OUTPUT, b"y"),
        (node::OPERATOR, operator.as_bytes()),
    ]);
    for (name, text) in attributes {
        let of = [
            (attribute::NAME, name.as_bytes()),
            (attribute::TEXT, text.as_bytes()),
        ];
        let mut of = message(&of);
        put_number(&mut of, TYPE, STRING);
        put_bytes(&mut operation, node::ATTRIBUTE, &of);
    }
    let graph = message(&[
        (graph::NODE, &operation),
        (2, b"tiny"),
        (graph::INPUT, &place(b"x")),
        (graph::OUTPUT, &place(b"y")),
    ]);
    let mut opset = Vec::new();
    put_number(&mut opset, opset::VERSION, version);
    let mut file = Vec::new();
    put_number(&mut file, IR_VERSION.0, IR_VERSION.1);
    put_bytes(&mut file, model::GRAPH, &graph);
    put_bytes(&mut file, model::OPSET, &opset);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::onnx::judge;

    #[test]
    fn the_built_in_models_are_models() {
        let judged = judge(&tiny("Identity", 17, &[])).unwrap();
        assert_eq!((judged.opset, judged.folds_case), (17, false));
        let lower = [("case_change_action", "LOWER")];
        assert!(judge(&tiny(NORMALIZER, 17, &lower)).unwrap().folds_case);
    }

    #[test]
    fn a_number_is_found_behind_its_words() {
        assert_eq!(
            behind("Current support is till opset 28.", "till opset "),
            Some(28)
        );
        assert_eq!(behind("something else", "till opset "), None);
        assert_eq!(behind("till opset x", "till opset "), None);
    }
}
