//! Helm, and the objects that it renders from each values file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::process::{installed, or_skip};

pub(crate) const NAMESPACE: &str = "ns";
pub(crate) const FULLNAME: &str = "demo-chartroom";

pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/chartroom")
}

/// One rendered object.
#[derive(Clone, PartialEq)]
pub(crate) struct Object(pub Value);

impl Object {
    pub(crate) fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub(crate) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// Null where there is none.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.at("/metadata/annotations")[name].as_str()
    }

    /// The pod template of a workload, or the pod itself: what has `metadata` and `spec`.
    pub(crate) fn pod(&self) -> Option<&Value> {
        match self.kind() {
            "Deployment" | "Job" => self.0.pointer("/spec/template"),
            "Pod" => Some(&self.0),
            _ => None,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// What one values file renders.
#[derive(Clone)]
pub(crate) struct Case {
    pub file: String,
    pub objects: Vec<Object>,
}

impl Case {
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(move |o| o.kind() == kind)
    }

    pub(crate) fn one(&self, kind: &str, name: &str) -> &Object {
        self.of_kind(kind)
            .find(|o| o.name() == name)
            .unwrap_or_else(|| panic!("{}: no {kind} {name}", self.file))
    }
}

pub(crate) struct Helm(PathBuf);

impl Helm {
    /// `helm`, or `helm3` beside it.
    pub(crate) fn find(program: &str) -> Option<Self> {
        or_skip(program, installed(program, &[])).map(Self)
    }

    /// The rendered text, or what Helm said against it. Helm built from source believes in an
    /// ancient cluster unless told.
    pub(crate) fn text(
        &self,
        release: &str,
        chart: &Path,
        arguments: &[&str],
    ) -> Result<String, String> {
        let output = Command::new(&self.0)
            .args([
                "template",
                "--namespace",
                NAMESPACE,
                "--kube-version",
                "1.34.0",
            ])
            .args(arguments)
            .args(["--", release])
            .arg(chart)
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }

    /// What an install would print at its end.
    pub(crate) fn notes(&self, file: &str) -> String {
        let output = Command::new(&self.0)
            .args([
                "install",
                "--dry-run=client",
                "--namespace",
                NAMESPACE,
                "--values",
            ])
            .arg(chart().join("ci").join(file))
            .args(["--", "demo"])
            .arg(chart())
            .env("KUBECONFIG", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (_, notes) = said
            .split_once("\nNOTES:\n")
            .unwrap_or_else(|| panic!("{file}: {}", String::from_utf8_lossy(&output.stderr)));
        notes.to_owned()
    }

    /// What `helm lint` finds, warnings included.
    pub(crate) fn lint(&self, file: &str) -> Result<(), String> {
        let output = Command::new(&self.0)
            .args(["lint", "--strict", "--quiet", "--kube-version", "1.34.0"])
            .args(["--namespace", NAMESPACE, "--values"])
            .arg(chart().join("ci").join(file))
            .arg(chart())
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stdout).into_owned()),
        }
    }

    pub(crate) fn template(&self, arguments: &[&str]) -> Result<Vec<Object>, String> {
        Ok(parse(&self.text("demo", &chart(), arguments)?))
    }

    pub(crate) fn case(&self, file: &str) -> Case {
        let path = chart().join("ci").join(file);
        let objects = self
            .template(&["--values", path.to_str().unwrap()])
            .unwrap_or_else(|said| panic!("{file}: {said}"));
        Case {
            file: file.to_owned(),
            objects,
        }
    }
}

/// Sorted, because the order in which Helm prints is no promise.
pub(crate) fn parse(text: &str) -> Vec<Object> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let mut objects: Vec<Object> = documents
        .into_iter()
        .filter(|document| !document.is_null())
        .map(Object)
        .collect();
    objects.sort_by_key(|o| (o.kind().to_owned(), o.name().to_owned()));
    objects
}

pub(crate) fn files() -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(chart().join("ci"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    files
}

/// Every values file under `ci/`, rendered once; nothing without Helm.
pub(crate) fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| match Helm::find("helm") {
        Some(helm) => files().iter().map(|file| helm.case(file)).collect(),
        None => Vec::new(),
    })
}

/// One of them; `None` without Helm.
pub(crate) fn case(file: &str) -> Option<&'static Case> {
    let cases = cases();
    let found = cases.iter().find(|case| case.file == file);
    assert!(found.is_some() || cases.is_empty(), "no ci/{file}");
    found
}

/// What a control does to the objects, and its name.
pub(crate) type Broken<'a> = (&'a str, &'a dyn Fn(&mut Object));

/// A rule holds for every case, and notices the case that `broken` makes of `file`: a rule that
/// sees nothing would pass, too.
pub(crate) fn holds(rule: impl Fn(&Case) -> Vec<String>, file: &str, broken: &[Broken<'_>]) {
    for case in cases() {
        let findings = rule(case);
        assert!(findings.is_empty(), "{}: {findings:#?}", case.file);
    }
    let Some(sound) = case(file) else { return };
    for (what, breaks) in broken {
        let mut case = sound.clone();
        case.objects.iter_mut().for_each(breaks);
        assert!(
            case.objects != sound.objects,
            "{what}: nothing of {file} was broken"
        );
        assert!(!rule(&case).is_empty(), "not noticed: {what}");
    }
}
