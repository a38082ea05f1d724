//! A PostgreSQL with TLS on loopback, and the authorities that certify it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chartroom::config::endpoint::{Endpoint, Tls};
use chartroom::config::{Secret, SslMode};

use super::SOON;
use crate::support::chaos_proxy::reserve_port;
use crate::support::database::SERVER;
use crate::support::process::{Process, TempDir, wait_for_end};
use crate::support::wait::until;

const PASSWORD: &str = "not a secret";

/// A PostgreSQL on loopback whose certificate can be changed; the private one of the service has no
/// TCP at all.
pub(super) struct Postgres {
    child: Child,
    pub(super) port: u16,
    pub(super) directory: TempDir,
    owner: Option<(u32, u32)>,
    _port: tokio::net::TcpSocket,
}

/// PostgreSQL refuses to run as root: then it runs as the account that packages make for it, or as
/// nobody.
fn owner() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    if uid.unwrap().split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let mut fields = passwd
            .lines()
            .find(|line| line.starts_with(name))?
            .split(':');
        let uid = fields.nth(2)?.parse().ok()?;
        Some((uid, fields.next()?.parse().ok()?))
    };
    Some(ids("postgres:").or_else(|| ids("nobody:")).unwrap())
}

impl Postgres {
    pub(super) async fn start() -> Self {
        let bin_dir = tokio::task::spawn_blocking(|| SERVER.bin_dir.clone())
            .await
            .unwrap();
        let (owner, directory) = (owner(), TempDir::new("tls").unwrap());
        let (socket, address) = reserve_port().unwrap();
        let write = |name: &str, text: &str| write(&directory.0, owner, name, text);
        if let Some((uid, gid)) = owner {
            chown(&directory.0, Some(uid), Some(gid)).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(bin_dir.join(program));
            if let Some((uid, gid)) = owner {
                command.uid(uid).gid(gid);
            }
            command
                .arg("-D")
                .arg(directory.0.join("data"))
                .current_dir("/");
            command
                .env("LC_ALL", "C")
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            command
        };
        write("password", PASSWORD);
        let mut initdb = command("initdb");
        initdb.args([
            "-U",
            "chartroom",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        initdb.arg(format!("--pwfile={}/password", directory.0.display()));
        let made = tokio::task::spawn_blocking(move || initdb.output())
            .await
            .unwrap()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let log = fs::File::create(directory.0.join("log")).unwrap();
        let mut server = command("postgres");
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "shared_buffers=1MB",
            "max_connections=20",
        ] {
            server.args(["-c", setting]);
        }
        server
            .arg("-c")
            .arg(format!("port={}", address.port()))
            .stderr(log);
        let server = Self {
            child: server.spawn().unwrap(),
            port: address.port(),
            directory,
            owner,
            _port: socket,
        };
        until("the server", SOON, async || server.plain().await)
            .await
            .unwrap();
        server
    }

    pub(super) async fn plain(&self) -> Option<tokio_postgres::Client> {
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user("chartroom")
            .password(PASSWORD)
            .dbname("postgres");
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }

    /// Serves with this certificate from now on, or without TLS.
    pub(super) async fn presents(&self, certificate: Option<(String, String)>) {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let session = self.plain().await.unwrap();
        let set = async |key: &str, value: &str| {
            let statement = format!("ALTER SYSTEM SET {key} = '{value}'");
            session.batch_execute(&statement).await.unwrap();
        };
        if let Some((certificate, key)) = &certificate {
            for (kind, text) in [("crt", certificate), ("key", key)] {
                write(
                    &self.directory.0,
                    self.owner,
                    &format!("{name}.{kind}"),
                    text,
                );
            }
            set(
                "ssl_cert_file",
                &format!("{}/{name}.crt", self.directory.0.display()),
            )
            .await;
            set(
                "ssl_key_file",
                &format!("{}/{name}.key", self.directory.0.display()),
            )
            .await;
        }
        set("ssl", if certificate.is_some() { "on" } else { "off" }).await;
        // Seen by a new session, so the process that accepts has read it.
        set("log_line_prefix", &name).await;
        session
            .batch_execute("SELECT pg_reload_conf()")
            .await
            .unwrap();
        until("the certificate", SOON, async || {
            let row = self
                .plain()
                .await?
                .query_one("SHOW log_line_prefix", &[])
                .await
                .ok()?;
            (row.get::<_, String>(0) == name).then_some(())
        })
        .await
        .unwrap();
    }

    pub(super) fn endpoint(&self, mode: SslMode, ca_file: Option<PathBuf>) -> Endpoint {
        Endpoint::Fields {
            host: "localhost".to_owned(),
            port: self.port,
            dbname: "postgres".to_owned(),
            user: "chartroom".to_owned(),
            password: Some(Secret::Value(PASSWORD.into())),
            tls: Tls { mode, ca_file },
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let process = Process::find(self.child.id());
        if let Some(process) = process {
            let _ = process.signal("QUIT");
            let _ = self.child.wait();
            wait_for_end(&[process]);
        }
    }
}

fn write(directory: &Path, owner: Option<(u32, u32)>, name: &str, text: &str) {
    let path = directory.join(name);
    fs::File::create(&path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    if let Some((uid, gid)) = owner {
        chown(&path, Some(uid), Some(gid)).unwrap();
    }
}
