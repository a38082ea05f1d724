//! Where connections come from: a Unix socket, TCP of this machine, or a network.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

#[derive(Debug)]
pub(super) enum Listener {
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
    Tls(TcpListener),
}

/// One that has come.
#[derive(Debug)]
pub(super) enum Came {
    /// From this machine.
    Here(OwnedFd),
    /// From somebody who has yet to prove who they are.
    Stranger(TcpStream),
}

impl Listener {
    pub(super) fn bind(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix("unix:") {
            return bind_unix(Path::new(path));
        }
        let parsed = address
            .split_once(':')
            .and_then(|(kind, it)| Some((kind, it.parse::<SocketAddr>().ok()?)));
        match parsed {
            Some(("tls", address)) => Ok(Self::Tls(TcpListener::bind(address)?)),
            Some(("tcp", address)) if address.ip().is_loopback() => {
                Ok(Self::Tcp(TcpListener::bind(address)?))
            }
            Some(("tcp", _)) => Err(io::Error::other(
                "tcp: lets in whoever reaches it, so its address has to be one of this machine \
                 alone; tls: is for a network",
            )),
            _ => Err(io::Error::other(
                "an address is unix:/PATH, tls:ADDRESS:PORT such as tls:0.0.0.0:9443, or \
                 tcp:ADDRESS:PORT such as tcp:127.0.0.1:9000",
            )),
        }
    }

    pub(super) fn accept(&self) -> io::Result<Came> {
        match self {
            Self::Unix(listener, _) => Ok(Came::Here(listener.accept()?.0.into())),
            Self::Tcp(listener) => {
                let (connection, _) = listener.accept()?;
                // Each write is a whole answer, or as much of one as fits.
                connection.set_nodelay(true)?;
                Ok(Came::Here(connection.into()))
            }
            Self::Tls(listener) => Ok(Came::Stranger(listener.accept()?.0)),
        }
    }

    /// Where it is, also where the kernel chose the port.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Unix(_, path) => format!("unix:{}", path.display()),
            Self::Tcp(listener) => at("tcp", listener),
            Self::Tls(listener) => at("tls", listener),
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(listener, _) => listener.as_fd(),
            Self::Tcp(listener) | Self::Tls(listener) => listener.as_fd(),
        }
    }
}

fn at(kind: &str, listener: &TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) => format!("{kind}:{address}"),
        Err(error) => format!("{kind}: {error}"),
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // One that is gone already is as good.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// For its own account alone. A socket that nobody listens at any more is replaced.
fn bind_unix(path: &Path) -> io::Result<Listener> {
    let wrong = |why: &str| io::Error::other(format!("{} {why}", path.display()));
    if let Ok(there) = path.symlink_metadata() {
        if !there.file_type().is_socket() {
            return Err(wrong("is there already, and it is no socket"));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(wrong("is where another process listens"));
        }
        std::fs::remove_file(path)?;
    }
    // Nobody gets in between making it and closing it to others.
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    let bound = bound.map_err(|error| wrong(&format!("cannot be listened at: {error}")))?;
    Ok(Listener::Unix(bound, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_old_socket_is_replaced_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("chartroom-address-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("socket");
        let address = format!("unix:{}", path.display());
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = Listener::bind(&address).unwrap();
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();
        let error = Listener::bind(&address).unwrap_err().to_string();
        assert!(error.contains("another process"), "{error}");
        drop(listener);
        assert!(!path.exists());
        std::fs::write(&path, "a file").unwrap();
        let error = Listener::bind(&address).unwrap_err().to_string();
        assert!(error.contains("no socket"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_address_is_one_of_three_kinds() {
        assert!(matches!(
            Listener::bind("tcp:127.0.0.1:0"),
            Ok(Listener::Tcp(_))
        ));
        assert!(matches!(
            Listener::bind("tls:0.0.0.0:0"),
            Ok(Listener::Tls(_))
        ));
        let error = Listener::bind("tcp:0.0.0.0:0").unwrap_err().to_string();
        assert!(error.contains("tls: is for a network"), "{error}");
        for address in ["tcp:nowhere", "127.0.0.1:0", "", "http://127.0.0.1"] {
            let error = Listener::bind(address).unwrap_err().to_string();
            assert!(error.contains("unix:/PATH"), "{address}: {error}");
        }
    }
}
