//! Runs the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    chartroom::app::cli::main()
}
