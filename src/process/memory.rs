//! How much memory a child may have where no setting says so.

const MOST: u64 = 256 << 20;
/// Of the container's memory, what remains is the service's own.
const PERCENT: u64 = 40;
/// Less is not worth beginning with.
const LEAST: u64 = 32 << 20;

/// Where the kernel says what the container may use: version 2 of control groups, then version 1.
const LIMITS: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// The smaller of 256 MiB and 40 % of the container's limit.
pub(super) fn share() -> u64 {
    let said = LIMITS
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok());
    of_limit(said.as_deref())
}

fn of_limit(said: Option<&str>) -> u64 {
    let limit = said.and_then(|said| said.trim().parse::<u64>().ok());
    let share = limit.map_or(MOST, |limit| (limit / 100).saturating_mul(PERCENT));
    share.clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_a_share_of_the_container() {
        for (said, expected) in [
            (None, 256 << 20),
            (Some("max\n"), 256 << 20),
            (Some("9223372036854771712"), 256 << 20),
            (Some("400000000\n"), 160_000_000),
            (Some("20000000"), 32 << 20),
        ] {
            assert_eq!(of_limit(said), expected, "{said:?}");
        }
    }
}
