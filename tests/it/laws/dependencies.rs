//! What a build of the service depends on, and which room may reach the crates beside it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::layers::sources;
use crate::support::process::TempDir;

/// What fetching and unpacking a PostgreSQL takes.
const FETCHING: [&str; 4] = ["reqwest", "tar", "liblzma", "liblzma-sys"];

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The crates that the default members are linked from, as cargo would build them with `more`.
fn linked(more: &[&str]) -> BTreeSet<String> {
    let output = cargo()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "--locked"])
        .args(["--edges=normal", "--prefix=none"])
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn without_default_features_nothing_can_fetch_a_database() {
    let bare = linked(&["--no-default-features"]);
    for name in FETCHING.into_iter().chain(["xz", "xz2"]) {
        assert!(!bare.contains(name), "{name}");
    }
    let service = linked(&["--no-default-features", "--package", "chartroom"]);
    assert!(!service.contains("chartroom-embedded"), "{service:?}");

    // Control: they are seen where they are.
    let all = linked(&[]);
    for name in FETCHING.into_iter().chain(["chartroom-embedded"]) {
        assert!(all.contains(name), "{name}");
    }
    println!(
        "{} crates, without default features {}",
        all.len(),
        service.len()
    );
}

/// The first layer of the image has the manifests and nothing else: a target of one of them that is
/// found by its place alone would not be found there.
#[test]
fn the_manifests_are_readable_where_the_image_is_built() {
    let dir = TempDir::new("manifests").unwrap();
    let dockerfile = std::fs::read_to_string("Dockerfile").unwrap();
    let copied = dockerfile.lines().filter_map(|line| {
        let words = line.strip_prefix("COPY ")?;
        let (files, place) = words.rsplit_once(' ')?;
        words.contains("Cargo.toml").then_some((files, place))
    });
    for (files, place) in copied {
        let place = dir.0.join(place);
        std::fs::create_dir_all(place.join("src")).unwrap();
        std::fs::write(place.join("src/lib.rs"), "").unwrap();
        for file in files.split(' ').map(Path::new) {
            std::fs::copy(file, place.join(file.file_name().unwrap())).unwrap();
        }
    }
    std::fs::write(dir.0.join("src/main.rs"), "fn main() {}").unwrap();
    // What is wrong with a target of a manifest comes before what is wrong with this command.
    let output = cargo()
        .current_dir(&dir.0)
        .env("CARGO_TARGET_DIR", dir.0.join("target"))
        .args(["build", "--offline", "--locked", "--package=chartroom"])
        .args(["--no-default-features", "--bin=nothing"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no bin target named `nothing`"), "{said}");
}

#[test]
fn only_app_knows_the_private_postgresql() {
    let of_ours = sources(Path::new("src")).into_iter();
    let knowing = of_ours.filter(|file| {
        let source = std::fs::read_to_string(file).unwrap();
        source.contains("chartroom_embedded")
    });
    let knowing: Vec<_> = knowing.collect();
    assert_eq!(knowing, [Path::new("src/app/embedded.rs")]);
}
