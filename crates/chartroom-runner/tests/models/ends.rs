//! How the program ends, and what it cannot do before.

use std::os::unix::process::ExitStatusExt as _;

use chartroom_wire::models::Code;
use chartroom_wire::tabular::Room;

use crate::needs::library;
use crate::onnx::{self, FLOAT, INT64, STANDARD, graph, kind, model, node, place};
use crate::peer::{ROOM, Walled, floats, load_of, longs};

/// As many floats as its input says.
fn filled() -> Vec<u8> {
    let nodes = [node("ConstantOfShape", &["x"], &["y"], &[])];
    let inputs = [place("x", &kind(INT64, &[2]))];
    let outputs = [place("y", &kind(FLOAT, &[-1, -2]))];
    model(&graph(&nodes, &inputs, &outputs, &[]), STANDARD)
}

/// What the kernel says of the process.
fn status(of: &Walled, name: &str) -> String {
    let said = std::fs::read_to_string(format!("/proc/{}/status", of.child.id())).unwrap();
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.trim_matches([':', '\t', ' ']).to_owned()
}

#[test]
fn the_walls_stand_before_the_model_is_read() {
    let Some(library) = library() else { return };
    let mut walled = Walled::start(&library);
    let file = onnx::linear();
    walled.peer().send(&load_of(&file, ROOM), &file);
    let walls = walled.peer().walls();
    assert_eq!(walls.len(), chartroom_wire::tabular::WALLS.len());
    let seccomp = walls.iter().find(|wall| wall.name == "seccomp").unwrap();
    assert_eq!(seccomp.missing, None);
    assert_eq!(
        (status(&walled, "Seccomp"), status(&walled, "NoNewPrivs")),
        ("2".into(), "1".into())
    );
    assert_eq!(status(&walled, "Threads"), "1");
}

/// The library is by itself not silent: it keeps an identifier in the home of who runs it.
#[test]
fn the_library_keeps_nothing_and_starts_no_thread() {
    let Some(library) = library() else { return };
    let home = std::env::temp_dir().join(format!("chartroom-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let home_text = home.to_str().unwrap();
    let environment = [
        ("HOME", home_text),
        ("XDG_CACHE_HOME", home_text),
        ("TMPDIR", home_text),
        ("ORT_DISABLE_TELEMETRY", "0"),
    ];
    let mut walled = Walled::with(&library, &environment);
    walled.peer().load(&onnx::linear()).unwrap();
    assert_eq!(status(&walled, "Threads"), "1");
    walled
        .peer()
        .ask(vec![floats(&[1, 2], &[1.0, 1.0])], &[])
        .unwrap();
    assert!(walled.end().success());
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 0);
    std::fs::remove_dir_all(&home).unwrap();
}

#[test]
fn memory_has_an_end_and_the_process_goes_on() {
    let Some(library) = library() else { return };
    let mut walled = Walled::start(&library);
    walled.peer().load(&filled()).unwrap();
    let peer = walled.peer();
    let told = peer.ask(vec![longs(&[2], &[1_000, 1_000])], &[]).unwrap();
    assert_eq!(
        (told[0].shape.as_slice(), told[0].bytes.len()),
        (&[1_000, 1_000][..], 4_000_000)
    );
    // More than there is for the process, more than an answer may have, more than can be counted.
    for (shape, code) in [
        ([1 << 20, 1 << 20], Code::OutOfMemory),
        ([5_000, 5_000], Code::Inference),
        ([1 << 33, 1 << 33], Code::Inference),
    ] {
        let failure = peer.ask(vec![longs(&[2], &shape)], &[]).unwrap_err();
        assert_eq!(failure.code, code, "{shape:?}: {failure}");
        assert!(
            !failure.message.contains(".cc:") && !failure.message.contains("::"),
            "{failure}"
        );
    }
    assert_eq!(
        peer.ask(vec![longs(&[2], &[1, 2])], &[]).unwrap()[0].shape,
        [1, 2]
    );
    assert!(walled.end().success());

    let small = Room {
        memory: 1 << 10,
        ..ROOM
    };
    let file = [onnx::linear(), onnx::bytes(14, &[0; 2_000])].concat();
    let mut walled = Walled::start(&library);
    walled.peer().send(&load_of(&file, small), &file);
    assert!(
        walled
            .peer()
            .read()
            .is_none_or(|message| message.kind != chartroom_wire::Kind::Head)
    );
}

#[test]
fn time_has_an_end() {
    const XCPU: i32 = 24;
    let Some(library) = library() else { return };
    let mut walled = Walled::start(&library);
    let mut load = load_of(&onnx::endless(), Room { cpu: 2, ..ROOM });
    load.probe = false;
    walled.peer().send(&load, &onnx::endless());
    walled.peer().loaded().unwrap();
    walled.peer().begin(vec![floats(&[1], &[1.0])], &[]);
    assert!(walled.peer().read().is_none());
    assert_eq!(walled.end().signal(), Some(XCPU));
}

#[test]
fn a_stream_that_is_no_protocol_is_an_end() {
    let Some(library) = library() else { return };
    for body in [&b"nonsense nonsense nonsense"[..], &[0; 12]] {
        let mut walled = Walled::start(&library);
        walled.peer().load(&onnx::linear()).unwrap();
        walled.peer().raw(body);
        assert!(!walled.end().success());
    }
    // Nobody wanted a model.
    assert!(Walled::start(&library).end().success());
}
