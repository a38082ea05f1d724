//! The runner as a program of its own; `chartroom runner` is the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    chartroom_runner::main(std::env::args_os().skip(1))
}
