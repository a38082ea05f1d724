//! What an administrator does from the command line: the keys that sign, and accounts, without the
//! API.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use serde_json::json;

use crate::app::serve::Database;
use crate::config::{Broken, Config, Secret, Span};
use crate::db::migrate;
use crate::db::purpose::Purpose;
use crate::db::transaction::{Failure, Listeners, Tx, Work, in_transaction};
use crate::db::window::schema_state;
use crate::events::Event;
use crate::identity::account::names;
use crate::identity::account::{Account, NewUser, User as Row};
use crate::identity::end::end_everything;
use crate::identity::keys::{self, KeySet, KeysError};
use crate::identity::password::{self, Passwords};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::PrincipalId;
use crate::kernel::values::Wrong;
use crate::kube::api::Objects;
use crate::kube::provision::ProvisionError;
use crate::kube::provision::rotate::{self, RotateKeys};
use crate::schema::users;
use crate::telemetry::metrics::Metrics;

/// What events say of the command line, which is nobody's account and has no address.
const BY: &str = "command line";
/// More than any password; standard input has no end of its own.
const MOST_BYTES: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key in the directory of keys, and print its file
    Generate {
        /// Time until it signs; every replica has to know it by then
        #[arg(long, value_name = "TIME", default_value = "0s")]
        delay: Span,
        /// Make none where a usable one is there already
        #[arg(long)]
        if_none: bool,
        /// Let the group of the file read it, too: for a service that runs as another user
        #[arg(long)]
        group_readable: bool,
    },
    /// In Kubernetes: add a key to the Secret of a release, without a restart
    Rotate(RotateKeys),
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account that administers; its password comes from standard input
    CreateAdmin {
        email: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Shut an account, and end all its sessions and API tokens
    Disable { email: String },
    /// Replace an account's password, from standard input, and end all its sessions and API tokens
    ResetPassword {
        email: String,
        #[command(flatten)]
        password: NewPassword,
    },
}

#[derive(Debug, clap::Args)]
pub struct NewPassword {
    /// File that holds the password, instead of standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl NewPassword {
    /// A closing newline is not part of it.
    fn read(&self) -> anyhow::Result<SecretString> {
        let password = match &self.password_file {
            Some(file) => Secret::File(file.clone())
                .read()
                .map_err(|problem| anyhow::anyhow!("--password-file: {problem}"))?,
            None => from_standard_input()?,
        };
        password::acceptable(&password).map_err(said)?;
        Ok(password)
    }
}

fn from_standard_input() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    let mut text = String::new();
    let read = if stdin.is_terminal() {
        eprintln!("The password, in one line (it shows as you type it):");
        stdin.read_line(&mut text)
    } else {
        stdin.lock().take(MOST_BYTES).read_to_string(&mut text)
    };
    read.map_err(|error| {
        anyhow::anyhow!(
            "cannot read the password from standard input: {}",
            error.kind()
        )
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

fn said(wrong: Wrong) -> anyhow::Error {
    anyhow::Error::msg(wrong.detail)
}

/// `chartroom keys`; returns what to print.
pub async fn keys(config: &Config, action: &Keys) -> anyhow::Result<String> {
    let (delay, if_none, group_readable) = match action {
        Keys::Generate {
            delay,
            if_none,
            group_readable,
        } => (delay, if_none, group_readable),
        Keys::Rotate(arguments) => {
            let objects = Objects::connect(&arguments.namespace)
                .await
                .map_err(ProvisionError::from)?;
            return Ok(rotate::keys_of(&objects, arguments).await?);
        }
    };
    let directory = match &config.identity.keys_dir {
        Some(directory) => directory.clone(),
        None if config.is_embedded() => config.embedded.data_dir.join("keys"),
        None => {
            return Err(Broken::new(
                "CHARTROOM_KEYS_DIR",
                "expected the directory to make the key in; --keys-dir names it, too",
            )
            .into());
        }
    };
    if *if_none && is_usable(&directory)? {
        return Ok(format!(
            "nothing to do: {} holds a key\n",
            directory.display()
        ));
    }
    let file = keys::generate(&directory, delay.0)?;
    if *group_readable {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640))
            .map_err(|error| KeysError::Write(file.clone(), error.kind()))?;
    }
    Ok(format!("{}\n", file.display()))
}

fn is_usable(directory: &Path) -> Result<bool, KeysError> {
    match KeySet::read(directory) {
        Ok(_) => Ok(true),
        Err(KeysError::None(_) | KeysError::Directory(_, std::io::ErrorKind::NotFound)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// `chartroom user`; returns what to print. The password is read and judged before the database is
/// asked for.
pub async fn user(config: &Config, action: User) -> anyhow::Result<String> {
    let work = Task::from(action, config).await?;
    let database = Database::open(config).await?;
    let outcome = work.run(&database).await;
    database.close(false).await;
    outcome
}

enum Task {
    CreateAdmin(Box<NewUser>),
    Disable(String),
    ResetPassword { email: String, hash: String },
}

impl Task {
    async fn from(action: User, config: &Config) -> anyhow::Result<Self> {
        let hashed = async |password: NewPassword| {
            let passwords = Passwords::new(&config.sign_in, Metrics::new()?.password_hashes_total);
            let hash = passwords.hash(password.read()?).await;
            hash.map_err(|_error: ApiError| anyhow::anyhow!("the password could not be hashed"))
        };
        Ok(match action {
            User::CreateAdmin { email, password } => {
                let email = names::email(email.trim()).map_err(said)?;
                Self::CreateAdmin(Box::new(NewUser {
                    id: PrincipalId::fresh(),
                    email_key: names::key_of(&email),
                    email,
                    username: None,
                    username_key: None,
                    name: None,
                    profile: json!({}),
                    password_hash: hashed(password).await?,
                    is_admin: true,
                }))
            }
            User::Disable { email } => Self::Disable(names::email(email.trim()).map_err(said)?),
            User::ResetPassword { email, password } => Self::ResetPassword {
                email: names::email(email.trim()).map_err(said)?,
                hash: hashed(password).await?,
            },
        })
    }

    async fn run(&self, database: &Database) -> anyhow::Result<String> {
        let (mut connection, read_only) =
            migrate::open(&database.primary, Purpose::ACCOUNTS).await?;
        anyhow::ensure!(
            !read_only,
            "the database only reads: accounts need the primary"
        );
        schema_state(&mut connection)
            .await?
            .check()
            .map_err(anyhow::Error::msg)?;
        let (nobody, listeners) = (Actor::default(), Listeners::default());
        let outcome = in_transaction(
            &mut connection,
            &nobody,
            &listeners,
            async |tx| match self {
                Self::CreateAdmin(new) => create(tx, new).await,
                Self::Disable(email) => disable(tx, email).await,
                Self::ResetPassword { email, hash } => reset(tx, email, hash).await,
            },
        );
        outcome
            .await?
            .map_err(|refused| anyhow::anyhow!(refused.detail))
    }
}

async fn create(tx: &mut Tx<'_>, new: &NewUser) -> Work<String> {
    let Account { user, .. } = Account::insert(tx, new)
        .await
        .map_err(|error| match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Failure::from(refused(
                format!("there is an account with the email {} already", new.email),
            )),
            error => error.into(),
        })?;
    let by = BY;
    tx.tell(Event::UserCreated { user: user.id, by }).await?;
    Ok(format!(
        "created administrator {} ({})\n",
        user.email, user.id
    ))
}

fn refused(detail: String) -> ApiError {
    ApiError::new(Code::Conflict, detail)
}

/// The row is locked first: no session of a sign-in that runs now begins in between.
async fn locked(tx: &mut Tx<'_>, email: &str) -> Work<Row> {
    let user = users::table
        .filter(users::email_key.eq(names::key_of(email)))
        .select(Row::as_select())
        .for_update()
        .first(tx.connection())
        .await
        .optional()?;
    Ok(user.ok_or_else(|| refused(format!("there is no account with the email {email}")))?)
}

async fn disable(tx: &mut Tx<'_>, email: &str) -> Work<String> {
    let user = locked(tx, email).await?;
    if !user.is_disabled {
        diesel::update(users::table.find(user.id))
            .set((
                users::is_disabled.eq(true),
                users::version.eq(user.version + 1),
                users::updated_at.eq(diesel::dsl::now),
            ))
            .execute(tx.connection())
            .await?;
        let by = Some(BY);
        tx.tell(Event::UserDisabled { user: user.id, by }).await?;
    }
    let ended = end_everything(tx, user.id, "disabled").await?;
    Ok(format!(
        "disabled {}; sessions ended: {ended}\n",
        user.email
    ))
}

async fn reset(tx: &mut Tx<'_>, email: &str, hash: &str) -> Work<String> {
    let user = locked(tx, email).await?;
    diesel::update(users::table.find(user.id))
        .set(users::password_hash.eq(hash))
        .execute(tx.connection())
        .await?;
    let by = BY;
    tx.tell(Event::UserPasswordReset { user: user.id, by })
        .await?;
    let ended = end_everything(tx, user.id, "password_reset").await?;
    let still = if user.is_disabled {
        "; the account stays disabled"
    } else {
        ""
    };
    Ok(format!(
        "new password for {}; sessions ended: {ended}{still}\n",
        user.email
    ))
}
