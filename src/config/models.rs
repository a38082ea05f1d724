//! Settings of models: where they run, and what each may take.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::units::{Size, Span, count, size, span};

/// Where models run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelsRunner {
    /// Nowhere.
    Off,
    /// In children of this process: the program `chartroom-runner` in the same folder.
    Beside,
    /// In children of this process, which are this program.
    Program(PathBuf),
    /// Behind a socket, as in another container of the same pod.
    Socket(PathBuf),
    /// Behind a network, wherever these names lead to.
    Network(Vec<Host>),
}

/// A name with a port. It may lead to several addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: u16,
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        let (name, port) = text.rsplit_once(':')?;
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().ok()?;
        (!name.is_empty() && !name.contains(['/', '@', ' '])).then(|| Self {
            name: name.to_owned(),
            port,
        })
    }
}

impl FromStr for ModelsRunner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(hosts) = text.strip_prefix("tls://") {
            let hosts: Option<Vec<Host>> = hosts.split(',').map(Host::read).collect();
            return hosts.map(Self::Network).ok_or_else(|| {
                "expected tls://HOST:PORT, or several such as tls://one:9443,two:9443".to_owned()
            });
        }
        match (text, text.strip_prefix("unix:")) {
            ("off", _) => Ok(Self::Off),
            ("beside", _) => Ok(Self::Beside),
            (_, Some(path)) if path.starts_with('/') => Ok(Self::Socket(path.into())),
            (path, None) if path.starts_with('/') => Ok(Self::Program(path.into())),
            _ => Err(
                "expected beside, off, unix: and the path of a socket, tls://HOST:PORT, or the \
                 path of a program"
                    .to_owned(),
            ),
        }
    }
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub struct Models {
    /// Where models run: `beside` in children of this process, by the program chartroom-runner in
    /// the same folder, or another one by its path; `unix:/PATH` in a runner behind a socket;
    /// `tls://HOST:PORT` in runners behind a network, at every address of that name; `off` nowhere
    #[arg(
        long,
        env = "CHARTROOM_MODELS_RUNNER",
        global = true,
        value_name = "WHERE",
        default_value = "beside",
        value_parser = ModelsRunner::from_str,
    )]
    pub models_runner: ModelsRunner,
    /// Folder with tls.crt, tls.key and ca.crt, by which this process and runners behind a network
    /// prove to each other who they are; read again when they change
    #[arg(
        long,
        env = "CHARTROOM_MODELS_RUNNER_TLS",
        global = true,
        value_name = "DIR"
    )]
    pub models_runner_tls: Option<PathBuf>,
    /// Most runners behind a network at which this process has one version of a model at once:
    /// another one is taken when questions wait
    #[arg(
        long,
        env = "CHARTROOM_MODELS_SPREAD",
        global = true,
        value_name = "NUMBER",
        default_value = "4",
        value_parser = count(1_usize, 64),
    )]
    pub models_spread: usize,
    /// The library libonnxruntime of such children [default: fetched once]
    #[arg(
        long,
        env = "CHARTROOM_ONNXRUNTIME",
        global = true,
        value_name = "FILE"
    )]
    pub onnxruntime: Option<PathBuf>,
    /// Most bytes of a model's file
    #[arg(
        long,
        env = "CHARTROOM_MODEL_SIZE",
        global = true,
        value_name = "SIZE",
        default_value = "256MiB",
        value_parser = size("1KiB", "8GiB"),
    )]
    pub model_size: Size,
    /// Most bytes of a question to a model
    #[arg(
        long,
        env = "CHARTROOM_MODEL_BODY",
        global = true,
        value_name = "SIZE",
        default_value = "16MiB",
        value_parser = size("1KiB", "48MiB"),
    )]
    pub model_body: Size,
    /// Memory of each process that a model runs in
    #[arg(
        long,
        env = "CHARTROOM_MODEL_MEMORY",
        global = true,
        value_name = "SIZE",
        default_value = "1GiB",
        value_parser = size("64MiB", "256GiB"),
    )]
    pub model_memory: Size,
    /// Memory of all models that are loaded together; beyond it, those go first that were asked
    /// least recently
    #[arg(
        long,
        env = "CHARTROOM_MODELS_MEMORY",
        global = true,
        value_name = "SIZE",
        default_value = "2GiB",
        value_parser = size("64MiB", "1024GiB"),
    )]
    pub models_memory: Size,
    /// For how long an answer of a model is waited for
    #[arg(
        long,
        env = "CHARTROOM_MODEL_DEADLINE",
        global = true,
        value_name = "DURATION",
        default_value = "2s",
        value_parser = span("10ms", "60s"),
    )]
    pub model_deadline: Span,
}
