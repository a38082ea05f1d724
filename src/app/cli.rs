//! The command line: one enum of subcommands, and how each ends. Exit codes: 0 done, 1 failed, 2
//! wrong usage, 65 refused for good and 75 out of time (`provision`), 78 unusable configuration;
//! those of a client's subcommands are `client`'s.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::app::admin;
use crate::app::healthcheck;
use crate::app::serve::{self, Database};
use crate::app::smoke::{self, Smoke};
use crate::app::worker;
use crate::client::{self, Client, ClientError};
use crate::config::{self, Broken, Config, Span};
use crate::db::grants;
use crate::db::migrate::{self, MIGRATIONS};
use crate::db::retention;
use crate::kernel::error::with_causes;
use crate::kube;
use crate::kube::provision::{Provision, ProvisionError};

const FAILED: u8 = 1;
/// EX_DATAERR of sysexits.h: trying again changes nothing.
const REFUSED: u8 = 65;
/// EX_TEMPFAIL: the time for it is over, though a later run may succeed.
const OUT_OF_TIME: u8 = 75;
/// EX_CONFIG of sysexits.h.
const UNUSABLE_CONFIGURATION: u8 = 78;
/// How long `migrate` waits for another process that migrates.
const MIGRATE_PATIENCE: Duration = Duration::from_secs(240);

/// A self-hosted registry for data teams: projects, posts, datasets and models behind one HTTP API
/// on PostgreSQL
#[derive(Debug, Parser)]
#[command(
    name = "chartroom",
    version,
    max_term_width = 120,
    after_help = "Every setting is a flag and an environment variable. Secrets may come from files, which are read again at each use.\nExit codes: 0 done, 1 failed, 2 wrong usage, 65 refused and 75 out of time (provision), 78 unusable configuration; of what asks a service, 3 refused, 4 not found, 5 conflict, 6 try again."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (the default); without a configured database, on a private PostgreSQL
    Serve,
    /// Do jobs on a configured database, and serve nothing but probes and metrics
    Worker,
    /// Bring the database schema up to date, show it, or take its newest step back
    #[command(subcommand)]
    Migrate(Migrate),
    /// Make the keys that sign tokens
    #[command(subcommand)]
    Keys(admin::Keys),
    /// Make an administrator, shut an account, replace a password; the accounts of a service that
    /// runs elsewhere
    #[command(subcommand)]
    User(admin::User),
    /// In Kubernetes: make the secrets and the CloudNativePG cluster of a release, and wait until
    /// it can be written to
    Provision(Provision),
    /// Ask a running service as a client would, from its probes to a vote: exit code 0 or 1
    Smoke(Smoke),
    /// Print the OpenAPI document
    Openapi,
    /// Ask the ops listener of a running service whether it is ready: exit code 0 or 1
    Healthcheck,
    /// Print every setting in force, secrets masked, and where it came from
    Config,
    #[command(flatten)]
    Client(client::Listed),
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Apply what is pending; safe to run from several places at once
    Up {
        /// Let this role read and write rows, and nothing else: the one that the service runs as,
        /// where it is not the owner
        #[arg(long, value_name = "ROLE")]
        runtime_role: Option<String>,
        /// Time to wait for a database that can be written to
        #[arg(long, value_name = "TIME", default_value = "0s")]
        wait: Span,
    },
    /// Show what is applied and what is pending
    Status,
    /// Revert the newest migration, with the data it holds
    Down {
        /// Say that losing data is intended
        #[arg(long, required = true)]
        allow_data_loss: bool,
    },
}

/// Everything between the process's start and its exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // What the service starts to read files; it has neither settings nor a thread beside its own.
    if arguments.get(1).is_some_and(|word| word == "runner") {
        return chartroom_runner::main(arguments.into_iter().skip(2));
    }
    let parsed = if Client::is_meant(&arguments) {
        parse_client(&arguments).map(Parsed::Client)
    } else {
        parse(arguments).map(|(cli, shown)| Parsed::Service(Box::new(cli), shown))
    };
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(Refused::Configuration(broken)) => return refuse(&broken),
        Err(Refused::Usage(error)) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILED));
        }
    };
    let outcome = match parsed {
        Parsed::Client(client) => block_on(async { Ok(client.run(complete).await?) }),
        Parsed::Service(cli, shown) => run(*cli, &shown),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<Broken>() {
            Some(broken) => refuse(broken),
            None => {
                crate::telemetry::sink::flush();
                eprintln!("chartroom: {}", with_causes(error.as_ref()));
                if let Some(error) = error.downcast_ref::<ClientError>() {
                    return ExitCode::from(error.exit_code());
                }
                match error.downcast_ref::<ProvisionError>() {
                    Some(ProvisionError::Unusable(_)) => ExitCode::from(UNUSABLE_CONFIGURATION),
                    Some(ProvisionError::TooLong(_)) => ExitCode::from(OUT_OF_TIME),
                    Some(error) if error.is_final() => ExitCode::from(REFUSED),
                    _ => ExitCode::from(FAILED),
                }
            }
        },
    }
}

fn refuse(broken: &Broken) -> ExitCode {
    eprintln!("chartroom: {broken}");
    ExitCode::from(UNUSABLE_CONFIGURATION)
}

enum Refused {
    Configuration(Broken),
    Usage(clap::Error),
}

impl From<Broken> for Refused {
    fn from(broken: Broken) -> Self {
        Self::Configuration(broken)
    }
}

enum Parsed {
    Client(Client),
    /// With the table that `chartroom config` prints.
    Service(Box<Cli>, String),
}

fn refuse_unknown(described: &clap::Command) -> Result<(), Broken> {
    config::refuse_unknown(described, &config::CLIENT_VARIABLES, std::env::vars_os())
}

fn parse_client(arguments: &[OsString]) -> Result<Client, Refused> {
    let client = Client::of(arguments).map_err(Refused::Usage)?;
    refuse_unknown(&Cli::command())?;
    Ok(client)
}

/// The arguments, and the table that `chartroom config` prints.
fn parse(arguments: Vec<OsString>) -> Result<(Cli, String), Refused> {
    let described = Cli::command();
    let command = config::without_service_links(described.clone());
    let refused =
        |error: clap::Error, command: &clap::Command| match Broken::from_clap(&error, command) {
            Some(broken) => Refused::Configuration(broken),
            None => Refused::Usage(error),
        };
    let first = command
        .clone()
        .try_get_matches_from(&arguments)
        .map_err(|error| refused(error, &command));
    refuse_unknown(&described)?;
    let (command, from_file) = match env_file(&first, &arguments) {
        Some(file) => config::with_env_file(command, Path::new(&file))?,
        None => (command, Vec::new()),
    };
    let matches = match first {
        Ok(matches) if from_file.is_empty() => matches,
        Err(error) if from_file.is_empty() => return Err(error),
        _ => command
            .clone()
            .try_get_matches_from(&arguments)
            .map_err(|error| refused(error, &command))?,
    };
    let shown = config::show(&described, &matches, &from_file);
    let cli = Cli::from_arg_matches(&matches).map_err(|error| refused(error, &command))?;
    let needs_none = matches!(cli.command, Some(Command::Openapi | Command::Client(_)));
    if !needs_none {
        cli.config.validate()?;
    }
    Ok((cli, shown))
}

fn env_file(first: &Result<ArgMatches, Refused>, arguments: &[OsString]) -> Option<OsString> {
    match first {
        Ok(matches) => matches
            .get_one::<std::path::PathBuf>("env_file")
            .map(|path| path.clone().into_os_string()),
        // A value the file corrects may be what clap refused: look for the file by hand.
        Err(_) => arguments
            .iter()
            .skip_while(|argument| *argument != "--env-file")
            .nth(1)
            .cloned()
            .or_else(|| std::env::var_os("CHARTROOM_ENV_FILE")),
    }
}

fn run(cli: Cli, shown: &str) -> anyhow::Result<()> {
    let Cli { command, config } = cli;
    match command.unwrap_or(Command::Serve) {
        Command::Serve => block_on(serve::serve(config)),
        Command::Worker => block_on(worker::worker(config)),
        Command::Migrate(action) => block_on(migrate(config, action)),
        Command::Keys(action) => block_on(async { print(&admin::keys(&config, &action).await?) }),
        Command::User(action) => block_on(user(config, action)),
        Command::Provision(arguments) => block_on(provision(arguments)),
        Command::Smoke(arguments) => block_on(async {
            smoke::smoke(&arguments, |line| {
                let _ = print(&format!("{line}\n"));
            })
            .await
        }),
        Command::Openapi => print(&format!(
            "{}\n",
            crate::app::features::openapi(&config.public_url())?.to_pretty_json()?
        )),
        Command::Healthcheck => block_on(async {
            healthcheck::ask(config.ops.ops_listen).await?;
            print("ready\n")
        }),
        Command::Config => print(shown),
        Command::Client(_) => Err(ClientError::Usage(
            "a client takes no setting of a service, so its subcommand comes first".to_owned(),
        )
        .into()),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(work);
    // What still blocks in a thread must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// A closed pipe is the reader's decision, not a failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

async fn migrate(config: Config, action: Migrate) -> anyhow::Result<()> {
    let telemetry = crate::telemetry::install(&config.telemetry)?;
    let database = Database::open(&config).await?;
    let outcome = migrate_on(&database, action, config.jobs.audit_keep_days).await;
    database.close(false).await;
    telemetry.finish();
    outcome
}

async fn provision(arguments: Provision) -> anyhow::Result<()> {
    let say = |line: &str| {
        let _ = print(&format!("{line}\n"));
    };
    kube::provision::provision(&arguments, say).await?;
    Ok(())
}

async fn user(config: Config, action: admin::User) -> anyhow::Result<()> {
    let telemetry = crate::telemetry::install(&config.telemetry)?;
    let outcome = admin::user(&config, action).await;
    telemetry.finish();
    print(&outcome?)
}

async fn migrate_on(
    database: &Database,
    action: Migrate,
    audit_keep_days: Option<i32>,
) -> anyhow::Result<()> {
    match action {
        Migrate::Up { runtime_role, wait } => {
            if !wait.0.is_zero() {
                let say = |problem: &str| eprintln!("chartroom: waiting: {problem}");
                migrate::writable(&database.primary, wait.0, say).await?;
            }
            let applied = migrate::up(&database.primary, || MIGRATIONS, MIGRATE_PATIENCE).await?;
            match applied.as_slice() {
                [] => print("nothing to do: the schema is up to date\n")?,
                applied => print(
                    &applied
                        .iter()
                        .map(|version| format!("applied {version}\n"))
                        .collect::<String>(),
                )?,
            }
            retention::keep_audit_events(&database.primary, audit_keep_days, MIGRATE_PATIENCE)
                .await?;
            if let Some(days) = audit_keep_days {
                print(&format!("the audit trail is kept for {days} days\n"))?;
            }
            let Some(role) = runtime_role else {
                return Ok(());
            };
            grants::grant(&database.primary, &role, MIGRATE_PATIENCE).await?;
            print(&format!("{role} reads and writes rows\n"))
        }
        Migrate::Status => {
            let state = migrate::status(&database.primary).await?;
            let rows = state
                .applied
                .iter()
                .map(|version| (version, "applied"))
                .chain(state.pending.iter().map(|version| (version, "pending")));
            print(
                &rows
                    .map(|(version, what)| format!("{version}  {what}\n"))
                    .collect::<String>(),
            )?;
            state.check().map_err(anyhow::Error::msg)
        }
        Migrate::Down { allow_data_loss: _ } => {
            let version = migrate::down(&database.primary, || MIGRATIONS, MIGRATE_PATIENCE).await?;
            print(&format!("reverted {version}\n"))
        }
    }
}

/// All that can be typed: settings where a service has them, a client's subcommands with their own
/// arguments, and `user` with both of its halves.
fn complete() -> clap::Command {
    let (service, client) = (Cli::command(), Client::command());
    let settings = || service.get_arguments().cloned();
    let of_a_service = |own: &clap::Command| own.clone().args(settings());
    let mut whole = clap::Command::new("chartroom")
        .disable_help_subcommand(true)
        .args(settings().map(|setting| setting.global(false)));
    for own in service.get_subcommands() {
        let described = match client.find_subcommand(own.get_name()) {
            Some(described) => described
                .clone()
                .args(client.get_arguments().cloned())
                .subcommands(own.get_subcommands().map(of_a_service)),
            None => of_a_service(own),
        };
        whole = whole.subcommand(described);
    }
    whole
}

/// The command line's description, for those who check the documentation against it.
pub fn command() -> clap::Command {
    Cli::command()
}
