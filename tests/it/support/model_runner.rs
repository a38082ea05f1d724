//! A runner of models that needs no ONNX Runtime: it speaks the protocol of the real one over a
//! socket, and its models are a few lines of JSON.
//!
//! A model has the input `x` of FP32 with the shape [-1, 2] and the output `y` with each value
//! times `factor`; `input` and `output` call them otherwise, and with `says` the output is that
//! text for every value. `{"problem": ".."}` is refused with that. A first value says what else
//! happens: 666 closes the connection, 777 is never answered, 888 is refused.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chartroom::kernel::types::ModelId;
use chartroom::models::check::CheckVersion;
use chartroom_wire::models::{
    Code, Datatype, Failure, Inputs, Load, Loaded, Outputs, Tensor, Values,
};
use chartroom_wire::tls::Identity;
use chartroom_wire::{Frame, HEAD, Kind, Message, Messages};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use super::app::TestApp;

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    factor: f32,
    #[serde(default)]
    batchable: bool,
    #[serde(default)]
    problem: Option<String>,
    /// For each answer.
    #[serde(default)]
    takes_ms: u64,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    says: Option<String>,
    /// Bytes that it says it takes up.
    #[serde(default)]
    memory: u64,
    /// So many of the processes that are loaded first end at their second question.
    #[serde(default)]
    dies: usize,
}

pub(crate) struct ModelRunner {
    pub(crate) path: PathBuf,
    /// Where it is behind a network.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) counts: Arc<Counts>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
pub(crate) struct Counts {
    /// Models that were loaded to be asked.
    pub(crate) loads: AtomicUsize,
    /// Connections that are there.
    pub(crate) open: AtomicUsize,
    pub(crate) questions: AtomicUsize,
}

impl ModelRunner {
    pub(crate) fn start() -> Self {
        let name = format!("chartroom-models-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path).unwrap();
        let counts = Arc::<Counts>::default();
        let counted = counts.clone();
        let task = tokio::spawn(async move {
            // Those who are connected go with it.
            let mut all = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                all.spawn(attend(stream, counted.clone()));
            }
        });
        Self {
            path,
            address: None,
            counts,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Behind a network, with the certificate in this folder.
    pub(crate) async fn far(folder: &Path) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), folder).await
    }

    /// The same, at this address.
    pub(crate) async fn at(address: SocketAddr, folder: &Path) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let identity = Identity::server(folder, |_what| {});
        let counts = Arc::<Counts>::default();
        let counted = counts.clone();
        let task = tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = TlsAcceptor::from(identity.now().unwrap());
                let counts = counted.clone();
                all.spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        attend(stream, counts).await;
                    }
                });
            }
        });
        Self {
            path: PathBuf::new(),
            address: Some(address),
            counts,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// What makes an application use it.
    pub(crate) fn setting(&self) -> String {
        format!("--models-runner=unix:{}", self.path.display())
    }
}

impl Drop for ModelRunner {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Does the checks of versions that wait, as a worker does.
pub(crate) async fn check(app: &TestApp, session: &tokio_postgres::Client) {
    let waiting = "SELECT args::text, id FROM jobs WHERE kind = 'models.check.1'";
    let core = &app.app.core;
    for row in session.query(waiting, &[]).await.unwrap() {
        let args: serde_json::Value = serde_json::from_str(row.get(0)).unwrap();
        let check = CheckVersion {
            model: ModelId(serde_json::from_value(args["model"].clone()).unwrap()),
            version: args["version"].as_i64().unwrap(),
        };
        check.make(&core.db, &core.models).await.unwrap();
        let id: i64 = row.get(1);
        let done = format!("DELETE FROM jobs WHERE id = {id}");
        session.batch_execute(&done).await.unwrap();
    }
}

/// A connection on either way.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

async fn attend(stream: impl Stream, counts: Arc<Counts>) {
    let _open = Open::new(counts.clone());
    // The other side may go away at any point.
    let _ = serve(stream, &counts).await;
}

struct Open(Arc<Counts>);

impl Open {
    fn new(counts: Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::SeqCst);
        Self(counts)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn message(stream: &mut impl Stream, messages: &mut Messages) -> std::io::Result<Message> {
    loop {
        let mut head = [0; HEAD];
        stream.read_exact(&mut head).await?;
        let frame = Frame::parse(head).unwrap();
        let mut payload = vec![0; frame.length()];
        stream.read_exact(&mut payload).await?;
        if let Some(message) = messages.push(frame, payload).unwrap() {
            return Ok(message);
        }
    }
}

async fn send(stream: &mut impl Stream, id: u32, kind: Kind, body: &[u8]) -> std::io::Result<()> {
    let mut frames = Vec::new();
    chartroom_wire::write(&mut frames, id, kind, body).unwrap();
    stream.write_all(&frames).await
}

async fn serve(mut stream: impl Stream, counts: &Counts) -> std::io::Result<()> {
    let mut messages = Messages::new(64 << 20);
    let load: Load = message(&mut stream, &mut messages).await?.json().unwrap();
    let mut bytes = Vec::new();
    loop {
        let part = message(&mut stream, &mut messages).await?;
        match part.kind {
            Kind::Data => bytes.extend_from_slice(&part.body),
            Kind::End => break,
            other => panic!("{other:?}"),
        }
    }
    send(&mut stream, 0, Kind::Walls, b"[]").await?;
    let model = match serde_json::from_slice::<Model>(&bytes) {
        Ok(model) if model.problem.is_none() => model,
        wrong => {
            let problem = wrong.ok().and_then(|model| model.problem);
            let problem = problem.unwrap_or_else(|| "the file is no model".to_owned());
            let failure = serde_json::to_vec(&Failure::new(Code::Model, problem)).unwrap();
            return send(&mut stream, 0, Kind::Failure, &failure).await;
        }
    };
    let before = match load.probe {
        true => usize::MAX,
        false => counts.loads.fetch_add(1, Ordering::SeqCst),
    };
    let tensor = |named: &Option<String>, name: &str, datatype| Tensor {
        name: named.clone().unwrap_or_else(|| name.to_owned()),
        datatype,
        shape: vec![-1, 2],
    };
    let answers = match model.says {
        Some(_) => Datatype::Bytes,
        None => Datatype::Fp32,
    };
    let loaded = Loaded {
        inputs: vec![tensor(&model.input, "x", Datatype::Fp32)],
        outputs: vec![tensor(&model.output, "y", answers)],
        opset: 18,
        producer: "a test".to_owned(),
        runtime: "onnxruntime 0".to_owned(),
        batchable: load.probe.then_some(model.batchable),
        notes: Vec::new(),
        memory: model.memory,
    };
    let loaded = serde_json::to_vec(&loaded).unwrap();
    send(&mut stream, 0, Kind::Head, &loaded).await?;
    for asked in 1.. {
        let question = message(&mut stream, &mut messages).await?;
        if asked == 2 && before < model.dies {
            return Ok(());
        }
        counts.questions.fetch_add(1, Ordering::SeqCst);
        let inputs = Inputs::parse(&question.body).unwrap();
        let [x] = inputs.values.as_slice() else {
            panic!("{inputs:?}");
        };
        let (all, _) = x.bytes.as_chunks::<4>();
        let all: Vec<f32> = all.iter().map(|it| f32::from_le_bytes(*it)).collect();
        tokio::time::sleep(Duration::from_millis(model.takes_ms)).await;
        let is = |number: f32| all.iter().any(|value| (value - number).abs() < 0.5);
        if is(666.0) {
            return Ok(());
        }
        if is(777.0) {
            // Until the other side gives up.
            stream.read_u8().await?;
        }
        if is(888.0) {
            let failure = Failure::new(Code::Inference, "888 is too much");
            let failure = serde_json::to_vec(&failure).unwrap();
            send(&mut stream, question.id, Kind::Failure, &failure).await?;
            continue;
        }
        let bytes: Vec<u8> = match &model.says {
            Some(text) => {
                let length = u32::try_from(text.len()).unwrap().to_le_bytes();
                let one = [&length, text.as_bytes()].concat();
                one.repeat(all.len())
            }
            None => all
                .iter()
                .flat_map(|it| (it * model.factor).to_le_bytes())
                .collect(),
        };
        let outputs = Outputs {
            values: vec![Values {
                datatype: answers,
                shape: x.shape.clone(),
                bytes,
            }],
        };
        send(&mut stream, question.id, Kind::Data, &outputs.to_bytes()).await?;
    }
    Ok(())
}
