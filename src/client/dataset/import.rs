//! `chartroom dataset import`: sends a file as it is read, and says what became of it.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::super::account;
use super::super::error::ClientError;
use super::super::output::{Format, say, write};
use super::file::{Kind, Sent, parts};
use super::named::{Named, dataset};
use super::options::Options;
use super::progress::Sending;
use super::told::{ended, told};
use super::upload::Upload;

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Environment:\n  CHARTROOM_URL         The service, such as https://chartroom.example.com\n  CHARTROOM_TOKEN       An API token or an access token\n  CHARTROOM_TOKEN_FILE  A file with the token\n\nIn a pod, without either token, the one at /var/run/secrets/chartroom/token.\n\nExit codes: 0 loaded, or checked, or still going on without --follow; 1 refused, with the mistakes on standard output, or stopped; 2 wrong usage, 3 not allowed, 4 not found, 5 the dataset has changed meanwhile, 6 try again."
)]
pub struct Import {
    /// The file, or - for standard input. Its ending says what it is; with .gz it is sent as it is
    file: PathBuf,
    /// The dataset, or its id. PROJECT is the id or the exact name of one of your projects
    #[arg(long, value_name = "PROJECT/NAME")]
    dataset: Named,
    /// Make the dataset where there is none of this name; its columns are made of the file
    #[arg(long)]
    create: bool,
    /// Wait until the import has ended, however long that takes
    #[arg(long)]
    follow: bool,
    /// What the file is [default: what its name ends with]
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    kind: Option<Kind>,
    /// The file is packed with gzip [default: whether its name ends with .gz]
    #[arg(long)]
    gzip: bool,
    #[command(flatten)]
    options: Options,
    /// Of two imports with the same, the second one loads nothing
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// How many mistakes to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    mistakes: usize,
    /// How the import is written: json is as the API has it [default: text on a terminal, else
    /// json]
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    output: Option<Format>,
}

impl Import {
    pub(in super::super) async fn run(self, context: Option<&str>) -> Result<(), ClientError> {
        Box::pin(import(self, context)).await
    }
}

async fn import(arguments: Import, context: Option<&str>) -> Result<(), ClientError> {
    let Import {
        file,
        dataset: named,
        create,
        follow,
        kind,
        gzip,
        mut options,
        idempotency_key,
        mistakes,
        output,
    } = arguments;
    let site = account::open(context)?;
    let sent = Sent::of(&file, kind, gzip)?;
    let (file, length) = sent.open()?;
    if sent.kind == Kind::Tsv && options.delimiter.is_none() {
        options.delimiter = Some("tab".to_owned());
    }
    let mut interrupted = heard(SignalKind::interrupt())?;
    let mut terminated = heard(SignalKind::terminate())?;
    let dataset = dataset(&site, &named, create).await?;
    let mut upload = Upload::new(&site, dataset, sent.kind);
    upload.is_gzip = sent.is_gzip;
    upload.query = options.query();
    upload.key = idempotency_key.unwrap_or(upload.key);

    let sending = Sending::default();
    let sends = async {
        let work = Box::pin(upload.send(parts(file), sending.clone()));
        let import = sending.shown(length, work).await?;
        match follow {
            true => upload.followed(import).await,
            false => Ok(import),
        }
    };
    let mut sends = std::pin::pin!(sends);
    let import = tokio::select! {
        import = &mut sends => import?,
        () = async { tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        } } => {
            say("stopping the import");
            // The file goes on being sent until the service has stopped it, and its key finds it.
            upload.cancel().await?
        }
    };
    write(&match output.unwrap_or_else(Format::usual) {
        Format::Json => format!("{import}\n"),
        Format::Text => told(&import, mistakes),
    })?;
    ended(&import)
}

fn heard(kind: SignalKind) -> Result<tokio::signal::unix::Signal, ClientError> {
    signal(kind).map_err(|error| ClientError::Failed(format!("signals: {error}")))
}
