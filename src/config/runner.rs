//! Settings of what reads the files that strangers send.

use std::path::PathBuf;

use clap::Args;

use super::units::{Size, size};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Files")]
pub struct RunnerSettings {
    /// Memory of the process that reads an XLSX, Parquet or Arrow file, beside this one's [default:
    /// the smaller of 256MiB and 40 % of the container's limit]
    #[arg(
        long,
        env = "CHARTROOM_RUNNER_MEMORY",
        global = true,
        value_name = "SIZE",
        value_parser = size("32MiB", "64GiB"),
    )]
    pub runner_memory: Option<Size>,
    /// Directory for XLSX, Parquet and Arrow files until they have been read [default: that of the
    /// system for temporary files]
    #[arg(long, env = "CHARTROOM_SPOOL_DIR", global = true, value_name = "DIR")]
    pub spool_dir: Option<PathBuf>,
    /// Most that such files take there together
    #[arg(
        long,
        env = "CHARTROOM_SPOOL_SIZE",
        global = true,
        value_name = "SIZE",
        default_value = "2GiB",
        value_parser = size("1MiB", "1024GiB"),
    )]
    pub spool_size: Size,
}
