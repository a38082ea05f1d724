//! The walls that Linux has.

use std::collections::BTreeMap;
use std::error::Error;

use chartroom_wire::tabular::{Room, Wall};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

type Raised = Result<(), Box<dyn Error>>;

pub(super) fn raise(room: Room) -> Vec<Wall> {
    let wall = |name: &str, raised: Raised| Wall {
        name: name.to_owned(),
        missing: raised.err().map(|error| error.to_string()),
    };
    vec![
        wall("victim", victim()),
        wall("memory", memory(room.memory)),
        wall("cpu", cpu(room.cpu)),
        wall(
            "files",
            most(Resource::Fsize, 0).and(most(Resource::Core, 0)),
        ),
        wall("processes", most(Resource::Nproc, 0).and(counted())),
        wall("privileges", privileges()),
        wall("landlock", landlock()),
        // Only now, because Landlock takes a descriptor for a moment.
        wall("descriptors", most(Resource::Nofile, 0)),
        wall("seccomp", seccomp()),
    ]
}

/// Sets a limit for good, unless a lower one is set.
fn most(resource: Resource, most: u64) -> Raised {
    let there = getrlimit(resource).maximum;
    let most = Some(there.map_or(most, |there| there.min(most)));
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    Ok(setrlimit(resource, limit)?)
}

/// Where a container's memory runs out, the kernel kills what it finds here before the service.
fn victim() -> Raised {
    Ok(std::fs::write("/proc/self/oom_score_adj", "1000")?)
}

/// What can be written to counts against `Data`. `As` holds what does not count there, such as
/// pages that are shared; in it the program itself is counted as well, so it is added.
fn memory(bytes: u64) -> Raised {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages
        .split(' ')
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    let page = u64::try_from(rustix::param::page_size())?;
    let program = pages
        .and_then(|pages| pages.checked_mul(page))
        .unwrap_or(1 << 30);
    most(Resource::Data, bytes)?;
    most(Resource::As, bytes.saturating_add(program))
}

/// The first limit sends SIGXCPU, by which the service knows it; the second one kills.
fn cpu(seconds: u64) -> Raised {
    let there = getrlimit(Resource::Cpu).maximum;
    let least = |seconds: u64| Some(there.map_or(seconds, |there| there.min(seconds)));
    let limit = Rlimit {
        current: least(seconds),
        maximum: least(seconds.saturating_add(2)),
    };
    Ok(setrlimit(Resource::Cpu, limit)?)
}

fn counted() -> Raised {
    if rustix::process::geteuid().is_root() {
        return Err("the kernel counts no processes of root".into());
    }
    Ok(())
}

fn privileges() -> Raised {
    rustix::thread::set_no_new_privs(true)?;
    // Neither /proc/PID nor ptrace shows it to its own user.
    Ok(rustix::process::set_dumpable_behavior(
        DumpableBehavior::NotDumpable,
    )?)
}

/// No path and no port, and no signal or abstract socket of another process.
fn landlock() -> Raised {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err("the kernel has a part of it".into()),
        RulesetStatus::NotEnforced => Err("the kernel has none".into()),
    }
}

/// What reading a file, memory, writing to a pipe and ending take; nothing else. A call beyond
/// kills the process, since no such call is made by what is linked into it.
const CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_brk,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

fn seccomp() -> Raised {
    let when = |argument, operator, value| -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        let length = SeccompCmpArgLen::Dword;
        let condition = SeccompCondition::new(argument, length, operator, value)?;
        Ok(vec![SeccompRule::new(vec![condition])?])
    };
    let executable = u64::try_from(libc::PROT_EXEC)?;
    let mine = u64::from(std::process::id());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let no_code = || when(2, SeccompCmpOp::MaskedEq(executable), 0);
    rules.insert(libc::SYS_mmap, no_code()?);
    rules.insert(libc::SYS_mprotect, no_code()?);
    // What closes a file makes sure in debug builds that it is open.
    rules.insert(
        libc::SYS_fcntl,
        when(1, SeccompCmpOp::Eq, u64::try_from(libc::F_GETFD)?)?,
    );
    // An abort is a signal to oneself.
    rules.insert(libc::SYS_tgkill, when(0, SeccompCmpOp::Eq, mine)?);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
