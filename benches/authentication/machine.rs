//! Who used the processor: this process, its load, its PostgreSQL, anybody else. Linux only.

use std::fs;

/// Kernel ticks in a second, which is the same on every Linux.
const TICKS: f64 = 100.0;

/// Fields of `/proc/PID/stat` behind the name, from the state on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = text.rsplit_once(')')?.1.split_whitespace();
    Some(fields.map(str::to_owned).collect())
}

fn seconds(fields: &[String], which: std::ops::Range<usize>) -> f64 {
    fields[which]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS
}

/// User and system time of one process, all its threads.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |fields| seconds(&fields, 11..13))
}

/// The same of a postmaster with its children, those that have ended included.
fn family_seconds(root: u32) -> f64 {
    let processes = fs::read_dir("/proc").unwrap();
    let children = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .filter(|fields| fields[1] == root.to_string());
    let own = stat(root).map_or(0.0, |fields| seconds(&fields, 11..15));
    own + children.map(|fields| seconds(&fields, 11..13)).sum::<f64>()
}

/// A moment's count.
pub(crate) struct Clock {
    postmaster: u32,
    service: f64,
    database: f64,
    busy: f64,
    all: f64,
}

/// What was used between two moments, in seconds; `foreign` is a share of the whole machine.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) service: f64,
    pub(crate) database: f64,
    pub(crate) foreign: f64,
}

impl Clock {
    pub(crate) fn read(postmaster: u32) -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap();
        let fields: Vec<f64> = text
            .lines()
            .next()
            .unwrap()
            .split_whitespace()
            .skip(1)
            .map(|ticks| ticks.parse::<f64>().unwrap() / TICKS)
            .collect();
        // user nice system idle iowait irq softirq steal; what guests use is in user already.
        let all: f64 = fields[..8].iter().sum();
        Self {
            postmaster,
            service: cpu_seconds(std::process::id()),
            database: family_seconds(postmaster),
            busy: all - fields[3] - fields[4],
            all,
        }
    }

    /// `load` is what the processes of the load used in between.
    pub(crate) fn since(&self, load: f64) -> Used {
        let now = Self::read(self.postmaster);
        let service = now.service - self.service;
        let database = now.database - self.database;
        let ours = service + database + load;
        Used {
            service,
            database,
            foreign: ((now.busy - self.busy - ours) / (now.all - self.all)).max(0.0),
        }
    }
}
