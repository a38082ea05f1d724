//! Models, each in a process of its own that can be killed: how one is started, asked and ended.
//!
//! The process is `chartroom-runner model` (`crates/chartroom-runner`), behind two pipes as a child
//! of this one, or behind a socket or a network where a runner in another container starts it.
//! Either way one stream of frames is one model, and ending the stream ends the process.

mod connection;
mod network;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, TryStreamExt as _};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;

use chartroom_wire::models::{Code, Failure, Load, Loaded};
use chartroom_wire::tabular::Room;
use chartroom_wire::{Kind, WireError};

use crate::config::models::{Models, ModelsRunner};
use connection::Connection;
use network::Network;

/// For a model to be loaded and, where it is new, tried out.
const LOADING: Duration = Duration::from_secs(30);
/// Seconds of a processor that a model has while it is loaded and tried out.
const LOADING_CPU: u64 = 60;
/// The same of one that answers, for as long as it is loaded: what bounds it is the deadline of
/// each answer.
const SERVING_CPU: u64 = 1 << 31;

/// Why a model cannot be loaded or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("models are switched off here")]
    Off,
    #[error("what runs models cannot be started or reached: {0}")]
    Unreachable(io::Error),
    /// Its bytes cannot be read from where they are kept.
    #[error("the bytes of the model cannot be read: {0}")]
    Bytes(anyhow::Error),
    /// The model or the values are to blame; the failure says why, for those who sent them.
    #[error(transparent)]
    Refused(Failure),
    #[error("it takes longer than {} ms", .0.as_millis())]
    Late(Duration),
    #[error("its process ended: {0}")]
    Ended(String),
    /// It says nothing of the model: another runner may be asked the same.
    #[error("the runner that it was loaded in went away")]
    Gone,
    #[error("what runs models cannot be understood: {0}")]
    Wire(WireError),
}

impl ModelError {
    /// Whether the model is to blame, so that trying again makes no sense; else it is what runs it.
    pub fn is_of_the_model(&self) -> bool {
        match self {
            Self::Refused(failure) => match failure.code {
                Code::Model | Code::Input | Code::Inference | Code::OutOfMemory | Code::Ended => {
                    true
                }
                Code::Damaged | Code::Runtime | Code::Busy => false,
            },
            Self::Late(_) | Self::Ended(_) => true,
            Self::Off | Self::Unreachable(_) | Self::Bytes(_) | Self::Wire(_) | Self::Gone => false,
        }
    }

    /// Whether there is no room for the model where it was to be loaded.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Refused(failure) if failure.code == Code::Busy)
    }
}

/// A model that is to be loaded.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// Whether it is to be tried out, which is done once.
    pub is_new: bool,
    /// Where it is loaded already, so that another runner is better.
    pub avoid: Vec<SocketAddr>,
}

/// Where libonnxruntime is; or what to do about that it is nowhere.
pub type FindLibrary = Arc<dyn Fn() -> BoxFuture<'static, Result<PathBuf, String>> + Send + Sync>;

/// Starts processes of models.
pub struct ModelRunner {
    place: ModelsRunner,
    /// Where that is one.
    network: Option<Network>,
    library: FindLibrary,
    /// Bytes that each process may write to.
    memory: u64,
}

impl ModelRunner {
    pub fn of(settings: &Models, library: FindLibrary) -> Self {
        let folder = settings.models_runner_tls.clone().unwrap_or_default();
        let network = match &settings.models_runner {
            ModelsRunner::Network(hosts) => Some(Network::new(hosts, &folder)),
            _ => None,
        };
        Self {
            place: settings.models_runner.clone(),
            network,
            library,
            memory: u64::try_from(settings.model_memory.0).unwrap_or(u64::MAX),
        }
    }

    /// Whether nothing runs models here: it is switched off, or the program is not there.
    pub fn is_off(&self) -> bool {
        match &self.place {
            ModelsRunner::Off => true,
            ModelsRunner::Beside => beside().is_err(),
            ModelsRunner::Program(_) | ModelsRunner::Socket(_) | ModelsRunner::Network(_) => false,
        }
    }

    /// In how many places a model can be loaded, as of now.
    pub async fn places(&self) -> usize {
        match &self.network {
            Some(network) => network.places().await.map_or(0, |places| places.len()),
            None => 1,
        }
    }

    /// Whether there is a place that is none of these, and well.
    pub async fn has_other_than(&self, taken: &[SocketAddr]) -> bool {
        match &self.network {
            Some(network) => network.has_other_than(taken).await,
            None => false,
        }
    }

    /// The certificate by which runners know this process, in DER.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.network.as_ref()?.certificate()
    }

    /// Loads a model. Dropping what comes back, or this future, ends its process.
    pub async fn load<E>(
        &self,
        wanted: &Wanted,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<(Loaded, ModelProcess), ModelError>
    where
        E: Into<anyhow::Error>,
    {
        let loading = self.begin(wanted, bytes);
        let late = |_elapsed| ModelError::Late(LOADING);
        timeout(LOADING, loading).await.map_err(late)?
    }

    async fn begin<E: Into<anyhow::Error>>(
        &self,
        wanted: &Wanted,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<(Loaded, ModelProcess), ModelError> {
        let (mut connection, address) = self.connect(wanted).await?;
        let load = Load {
            size: wanted.size,
            sha256: wanted.sha256.clone(),
            walls: Room {
                memory: self.memory,
                cpu: if wanted.is_new {
                    LOADING_CPU
                } else {
                    SERVING_CPU
                },
            },
            probe: wanted.is_new,
        };
        let sent = send(&mut connection, &load, bytes).await;
        // Why it takes no more is what it says itself.
        match sent {
            Ok(()) | Err(ModelError::Wire(WireError::Io(_))) => {}
            Err(error) => return Err(error),
        }
        loop {
            let message = connection.message().await.inspect_err(|error| {
                if matches!(error, ModelError::Gone) {
                    self.failed(address);
                }
            })?;
            match message.kind {
                Kind::Walls => connection.note_walls(&message),
                Kind::Head => {
                    let loaded = message.json().map_err(ModelError::Wire)?;
                    let process = ModelProcess {
                        connection,
                        address,
                        next: 1,
                        is_broken: false,
                    };
                    return Ok((loaded, process));
                }
                _ => {
                    let refused = refusal(&message);
                    if refused.is_full() {
                        self.failed(address);
                    }
                    return Err(refused);
                }
            }
        }
    }

    /// What is loaded next comes to another place, if there is one.
    pub fn failed(&self, address: Option<SocketAddr>) {
        if let (Some(network), Some(address)) = (&self.network, address) {
            network.failed(address);
        }
    }

    async fn connect(
        &self,
        wanted: &Wanted,
    ) -> Result<(Connection, Option<SocketAddr>), ModelError> {
        if let Some(network) = &self.network {
            // What TLS needs is large, and seldom needed.
            let connected = Box::pin(network.connect(&wanted.sha256, &wanted.avoid)).await;
            let (address, stream) = connected.map_err(ModelError::Unreachable)?;
            let (from, to) = tokio::io::split(stream);
            return Ok((Connection::far(from, to), Some(address)));
        }
        let program = match &self.place {
            ModelsRunner::Off | ModelsRunner::Network(_) => return Err(ModelError::Off),
            ModelsRunner::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                let (from, to) = stream.map_err(ModelError::Unreachable)?.into_split();
                return Ok((Connection::new(from, to, None), None));
            }
            ModelsRunner::Program(program) => program.clone(),
            ModelsRunner::Beside => beside().map_err(ModelError::Unreachable)?,
        };
        let missing = |why| ModelError::Unreachable(io::Error::new(io::ErrorKind::NotFound, why));
        let library = (self.library)().await.map_err(missing)?;
        let mut child = Command::new(program);
        child.env_clear();
        // Where the system has none: texts are compared by the rules of a language.
        if let Some(locales) = std::env::var_os("LOCPATH") {
            child.env("LOCPATH", locales);
        }
        let mut child = child
            .arg("model")
            .arg(library)
            // The library would send what it sees to its maker.
            .env("ORT_DISABLE_TELEMETRY", "1")
            .current_dir("/")
            // A signal from the terminal is for the service, which then ends its children.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(ModelError::Unreachable)?;
        let pipes = (child.stdout.take(), child.stdin.take());
        let (Some(from), Some(to)) = pipes else {
            return Err(ModelError::Unreachable(io::ErrorKind::BrokenPipe.into()));
        };
        Ok((Connection::new(from, to, Some(child)), None))
    }
}

/// The runner in the folder of this program.
fn beside() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("chartroom-runner");
    if program.is_file() {
        return Ok(program);
    }
    let missing = "the program chartroom-runner is not in the folder of this one";
    Err(io::Error::new(io::ErrorKind::NotFound, missing))
}

async fn send<E: Into<anyhow::Error>>(
    connection: &mut Connection,
    load: &Load,
    bytes: impl Stream<Item = Result<Bytes, E>> + Send,
) -> Result<(), ModelError> {
    let head = serde_json::to_vec(load).map_err(|error| ModelError::Wire(error.into()))?;
    connection.send(0, Kind::Head, &head).await?;
    let mut bytes = std::pin::pin!(bytes);
    loop {
        let part = bytes.try_next().await;
        let Some(part) = part.map_err(|error| ModelError::Bytes(error.into()))? else {
            break;
        };
        connection.send(0, Kind::Data, &part).await?;
    }
    connection.send(0, Kind::End, &[]).await
}

/// What a message says that is no answer.
fn refusal(message: &chartroom_wire::Message) -> ModelError {
    match (message.kind, message.json::<Failure>()) {
        (Kind::Failure, Ok(failure)) if failure.code == Code::Ended => {
            ModelError::Ended(failure.message)
        }
        (Kind::Failure, Ok(failure)) => ModelError::Refused(failure),
        _ => ModelError::Wire(WireError::Malformed("a message that does not belong here")),
    }
}

/// A model that is loaded. It answers one question at a time.
pub struct ModelProcess {
    connection: Connection,
    /// Of its runner, where that is behind a network.
    pub address: Option<SocketAddr>,
    next: u32,
    is_broken: bool,
}

impl ModelProcess {
    /// Asks by what `chartroom_wire::models::Inputs` makes. Where no answer comes in time, or this
    /// future is dropped, the process is of no use any more.
    pub async fn ask(&mut self, inputs: &[u8], within: Duration) -> Result<Vec<u8>, ModelError> {
        if self.is_broken {
            return Err(ModelError::Ended("it was given up before".to_owned()));
        }
        self.is_broken = true;
        let late = |_elapsed| ModelError::Late(within);
        let answer = timeout(within, self.answer(inputs)).await.map_err(late)?;
        self.is_broken = matches!(&answer, Err(error) if !is_answer(error));
        answer
    }

    /// Whether it can be asked again.
    pub fn is_usable(&self) -> bool {
        !self.is_broken
    }

    async fn answer(&mut self, inputs: &[u8]) -> Result<Vec<u8>, ModelError> {
        let id = self.next;
        // Neither 0 nor the highest, which mean something else.
        self.next = if id >= u32::MAX - 1 { 1 } else { id + 1 };
        let sent = self.connection.send(id, Kind::Data, inputs).await;
        match sent {
            Ok(()) | Err(ModelError::Wire(WireError::Io(_))) => {}
            Err(error) => return Err(error),
        }
        let message = self.connection.message().await?;
        match message.kind {
            Kind::Data if message.id == id => Ok(message.body),
            _ => Err(refusal(&message)),
        }
    }
}

/// Whether it is the model that said so, and goes on.
fn is_answer(error: &ModelError) -> bool {
    let ModelError::Refused(failure) = error else {
        return false;
    };
    matches!(failure.code, Code::Input | Code::Inference)
}
