//! The environment of a process that opens the library.
//!
//! The official builds of ONNX Runtime send what they see to their maker and keep an identifier on
//! the disk, on a thread of their own, from the moment that the library is made ready; a call that
//! switches it off comes too late. One variable keeps all of it from beginning. Others change what
//! the library does, so none of them is passed on.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use chartroom_wire::models::{Code, Failure};

const QUIET: (&str, &str) = ("ORT_DISABLE_TELEMETRY", "1");
/// Where languages are read from, if not from the system's own place, and the library itself.
const KEPT: [&str; 2] = ["LOCPATH", "CHARTROOM_ONNXRUNTIME"];

/// Lets the library begin in an environment that is ours: where this process has another one, it
/// becomes itself anew, with the same arguments and streams.
pub(crate) fn settle() -> Result<(), Failure> {
    if is_settled(std::env::vars_os()) {
        return Ok(());
    }
    let program = match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => std::env::current_exe(),
    };
    let error = match program {
        Ok(program) => {
            let mut arguments = std::env::args_os();
            let mut again = Command::new(program);
            quiet(&mut again);
            if let Some(name) = arguments.next() {
                again.arg0(name);
            }
            again.args(arguments).exec()
        }
        Err(error) => error,
    };
    let message = format!("what runs models cannot be started: {error}");
    Err(Failure::new(Code::Runtime, message))
}

/// Gives a process that is to open the library the environment that it needs.
pub(crate) fn quiet(command: &mut Command) {
    command.env_clear().env(QUIET.0, QUIET.1);
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

fn is_settled(variables: impl Iterator<Item = (OsString, OsString)>) -> bool {
    let mut is_quiet = false;
    for (name, value) in variables {
        match name.to_str() {
            Some(name) if name == QUIET.0 => is_quiet = value == QUIET.1,
            Some(name) if KEPT.contains(&name) => {}
            _ => return false,
        }
    }
    is_quiet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_environment_is_ours() {
        let settled = |variables: &[(&str, &str)]| {
            is_settled(
                variables
                    .iter()
                    .map(|(name, value)| (name.into(), value.into())),
            )
        };
        assert!(settled(&[QUIET]));
        assert!(settled(&[QUIET, (KEPT[0], "/usr/lib/locale")]));
        assert!(!settled(&[]));
        assert!(!settled(&[(KEPT[0], "/usr/lib/locale")]));
        assert!(!settled(&[(QUIET.0, "0")]));
        assert!(!settled(&[QUIET, ("ORT_LOAD_CONFIG_FROM_MODEL", "1")]));
    }
}
