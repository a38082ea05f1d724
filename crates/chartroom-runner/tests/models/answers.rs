//! What is answered, by the program with a real library.

use std::time::Instant;

use chartroom_wire::models::{Code, Datatype, Failure, Tensor};

use crate::needs::library;
use crate::onnx::{self, FLOAT, INT64, STANDARD, TEXT, graph, kind, model, node, place};
use crate::peer::{Walled, floats, longs, of, texts};

/// `failed.code` and that its sentence has these words.
fn is(failure: &Failure, code: Code, words: &str) {
    assert_eq!(failure.code, code, "{failure}");
    assert!(failure.message.contains(words), "{failure}");
}

#[test]
fn a_model_says_what_it_is_and_answers() {
    let Some(library) = library() else { return };
    let mut walled = Walled::start(&library);
    let loaded = walled.peer().load(&onnx::linear()).unwrap();
    let tensor = |name: &str| Tensor {
        name: name.to_owned(),
        datatype: Datatype::Fp32,
        shape: vec![-1, 2],
    };
    assert_eq!(
        (loaded.inputs, loaded.outputs),
        (vec![tensor("x")], vec![tensor("y")])
    );
    assert_eq!((loaded.opset, loaded.producer.as_str()), (17, "tests 1"));
    assert!(
        loaded.runtime.starts_with("ONNX Runtime 1."),
        "{}",
        loaded.runtime
    );
    assert_eq!((loaded.batchable, loaded.notes), (Some(true), vec![]));
    assert!(
        loaded.memory > 1 << 20 && loaded.memory < 512 << 20,
        "{}",
        loaded.memory
    );

    let peer = walled.peer();
    let ask = |peer: &mut crate::peer::Peer, rows: u64, values: &[f32]| {
        peer.ask(vec![floats(&[rows, 2], values)], &[]).unwrap()
    };
    assert_eq!(ask(peer, 1, &[1.0, 1.0]), [floats(&[1, 2], &[14.0, 26.0])]);
    let two = floats(&[2, 2], &[10.0, 20.0, 11.0, 22.0]);
    assert_eq!(ask(peer, 2, &[0.0, 0.0, 1.0, 0.0]), [two]);
    assert_eq!(ask(peer, 0, &[]), [floats(&[0, 2], &[])]);
    let told = ask(peer, 1, &[f32::NAN, 1.0]);
    assert!(
        told[0]
            .bytes
            .chunks(4)
            .all(|it| f32::from_le_bytes(it.try_into().unwrap()).is_nan())
    );

    // An answer that is refused is no end.
    for (value, words) in [
        (
            floats(&[1, 3], &[1.0; 3]),
            "the input \"x\" has the shape [any, 2], but [1, 3] came",
        ),
        (
            floats(&[2], &[1.0; 2]),
            "the input \"x\" has the shape [any, 2], but [2] came",
        ),
        (
            of(Datatype::Fp64, &[1, 2], vec![0; 16]),
            "the input \"x\" is FP32, but FP64 came",
        ),
    ] {
        is(&peer.ask(vec![value], &[]).unwrap_err(), Code::Input, words);
    }
    is(
        &peer.ask(vec![], &[]).unwrap_err(),
        Code::Input,
        "has 1 inputs, but 0 came",
    );
    let right = vec![floats(&[1, 2], &[1.0, 1.0])];
    is(
        &peer.ask(right.clone(), &[1]).unwrap_err(),
        Code::Input,
        "output 1 is asked for, but there are 1",
    );
    assert_eq!(peer.ask(right, &[0, 0]).unwrap().len(), 2);
    assert!(walled.end().success());
}

#[test]
fn every_datatype_goes_in_and_comes_out() {
    let Some(library) = library() else { return };
    for (number, datatype, bytes) in [
        (1, Datatype::Fp32, vec![0, 0, 0x80, 0x3f]),
        (2, Datatype::Uint8, vec![255]),
        (3, Datatype::Int8, vec![0x80]),
        (4, Datatype::Uint16, vec![1, 0xff]),
        (5, Datatype::Int16, vec![1, 0x80]),
        (6, Datatype::Int32, vec![1, 2, 3, 0x80]),
        (7, Datatype::Int64, vec![1, 2, 3, 4, 5, 6, 7, 0x80]),
        (9, Datatype::Bool, vec![1]),
        (10, Datatype::Fp16, vec![0x01, 0x3c]),
        (11, Datatype::Fp64, vec![0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
        (12, Datatype::Uint32, vec![1, 2, 3, 0xff]),
        (13, Datatype::Uint64, vec![1, 2, 3, 4, 5, 6, 7, 0xff]),
    ] {
        let mut walled = Walled::start(&library);
        let loaded = walled
            .peer()
            .load(&onnx::single("Identity", number, &[-1], &[]))
            .unwrap();
        assert_eq!(loaded.inputs[0].datatype, datatype);
        let three = of(datatype, &[3], bytes.repeat(3));
        assert_eq!(
            walled.peer().ask(vec![three.clone()], &[]).unwrap(),
            [three],
            "{datatype:?}"
        );
        assert!(walled.end().success());
    }
    let mut walled = Walled::start(&library);
    walled
        .peer()
        .load(&onnx::single("Identity", TEXT, &[-1], &[]))
        .unwrap();
    let words = texts(&[3], &[b"one", b"", "zwölf \u{1f600}".as_bytes()]);
    assert_eq!(
        walled.peer().ask(vec![words.clone()], &[]).unwrap(),
        [words]
    );
    for wrong in [&b"a\0b"[..], b"\xff"] {
        let failure = walled
            .peer()
            .ask(vec![texts(&[1], &[wrong])], &[])
            .unwrap_err();
        is(
            &failure,
            Code::Input,
            "a text of the input \"x\" is not UTF-8, or holds a zero byte",
        );
    }
    // BFLOAT16 is a tensor that nothing here has a word for.
    let failure = Walled::start(&library)
        .peer()
        .load(&onnx::single("Identity", 16, &[-1], &[]))
        .unwrap_err();
    is(&failure, Code::Model, "a tensor of bf16");
}

#[test]
fn outputs_are_answered_in_the_order_in_which_they_are_asked_for() {
    let Some(library) = library() else { return };
    let mut walled = Walled::start(&library);
    for (labels, key) in [
        (onnx::wholes("classlabels_int64s", &[0, 1, 2]), INT64),
        (onnx::texts("classlabels_strings", &["a", "b", "c"]), TEXT),
    ] {
        walled = Walled::start(&library);
        let loaded = walled.peer().load(&onnx::zipmap(&[labels], key)).unwrap();
        let names: Vec<&str> = loaded.outputs.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["label", "probabilities"]);
        assert_eq!(loaded.outputs[1].shape, [-1, 3]);
        assert!(
            loaded.notes[0].contains("output_probability"),
            "{:?}",
            loaded.notes
        );
        assert_eq!(loaded.batchable, Some(true));
    }
    let peer = walled.peer();
    let rows = || vec![floats(&[2, 3], &[0.0, 0.0, 9.0, 9.0, 0.0, 0.0])];
    let all = peer.ask(rows(), &[]).unwrap();
    assert_eq!(all[0], longs(&[2], &[2, 0]));
    assert_eq!(all[1].shape, [2, 3]);
    let turned = peer.ask(rows(), &[1, 0]).unwrap();
    assert_eq!(turned, [all[1].clone(), all[0].clone()]);
    assert_eq!(peer.ask(rows(), &[1]).unwrap(), [all[1].clone()]);
}

#[test]
fn rows_are_joined_where_that_changes_nothing() {
    let Some(library) = library() else { return };
    let probed = |file: &[u8]| Walled::start(&library).peer().load(file).unwrap().batchable;
    assert_eq!(probed(&onnx::linear()), Some(true));
    let along = |axis: u64| onnx::single("Softmax", FLOAT, &[-1, 3], &[onnx::whole("axis", axis)]);
    assert_eq!(probed(&along(1)), Some(true));
    assert_eq!(probed(&along(0)), Some(false));
    // Nothing shows that these rows are not mixed, as they are all the same.
    let nodes = [node("Mul", &["x", "zero"], &["y"], &[])];
    let places = |name| [place(name, &kind(FLOAT, &[-1]))];
    let zero = [onnx::floats("zero", &[1], &[0.0])];
    assert_eq!(
        probed(&model(
            &graph(&nodes, &places("x"), &places("y"), &zero),
            STANDARD
        )),
        Some(false)
    );
    for axes in [&[4, -1][..], &[], &[2, -1, 128]] {
        assert_eq!(
            probed(&onnx::single("Relu", FLOAT, axes, &[])),
            Some(false),
            "{axes:?}"
        );
    }
    let mut walled = Walled::start(&library);
    let mut load = crate::peer::load_of(&onnx::linear(), crate::peer::ROOM);
    load.probe = false;
    walled.peer().send(&load, &onnx::linear());
    assert_eq!(walled.peer().loaded().unwrap().batchable, None);
}

#[test]
fn a_model_that_is_not_taken_is_told_why() {
    let Some(library) = library() else { return };
    let refused = |file: &[u8]| Walled::start(&library).peer().load(file).unwrap_err();
    let old = |version| model(&graph_of_relu(), &[("", version)]);
    is(
        &refused(&old(6)),
        Code::Model,
        "the opset 6, and the opsets 7 to ",
    );
    is(
        &refused(&old(999)),
        Code::Model,
        "the opset 999, and the opsets 7 to ",
    );
    assert!(Walled::start(&library).peer().load(&old(7)).is_ok());
    let newer = [onnx::number(1, 99), old(17)].concat();
    // The last one counts.
    assert!(Walled::start(&library).peer().load(&newer).is_ok());
    let newer = [old(17), onnx::number(1, 99)].concat();
    is(&refused(&newer), Code::Model, "set its ir_version to ");
    let nodes = [node("NoSuchOperator", &["x"], &["y"], &[])];
    let places = |name| [place(name, &kind(FLOAT, &[1]))];
    let unknown = model(&graph(&nodes, &places("x"), &places("y"), &[]), STANDARD);
    is(&refused(&unknown), Code::Model, "NoSuchOperator");
    let weights = [onnx::elsewhere("w")];
    let external = model(&graph(&[], &places("x"), &places("w"), &weights), STANDARD);
    is(&refused(&external), Code::Model, "another file");
    let huge = [onnx::tensor("y", FLOAT, &[1 << 40], &[0; 16])];
    let huge = model(&graph(&[], &places("x"), &places("y"), &huge), STANDARD);
    let failure = refused(&huge);
    assert_eq!(failure.code, Code::Model);
    assert!(!failure.message.contains(".cc:"), "{failure}");

    let mut walled = Walled::start(&library);
    let mut load = crate::peer::load_of(&onnx::linear(), crate::peer::ROOM);
    load.sha256 = "00".repeat(32);
    walled.peer().send(&load, &onnx::linear());
    is(
        &walled.peer().loaded().unwrap_err(),
        Code::Damaged,
        "other bytes came",
    );
    let mut walled = Walled::start(std::path::Path::new("/nowhere/libonnxruntime.so"));
    is(
        &walled.peer().load(&onnx::linear()).unwrap_err(),
        Code::Runtime,
        "/nowhere/libonnxruntime.so",
    );
}

fn graph_of_relu() -> Vec<u8> {
    let places = |name| [place(name, &kind(FLOAT, &[1]))];
    graph(
        &[node("Relu", &["x"], &["y"], &[])],
        &places("x"),
        &places("y"),
        &[],
    )
}

/// Where the machine has no such rules it says so; where it has, the texts are changed by them.
#[test]
fn texts_change_their_case_by_rules_that_were_read_before() {
    let Some(library) = library() else { return };
    let lower = [onnx::text("case_change_action", "LOWER")];
    let file = onnx::single("StringNormalizer", TEXT, &[-1], &lower);
    let place = std::env::var("LOCPATH").unwrap_or_default();
    let environment = [("LOCPATH", place.as_str())];
    let environment = if place.is_empty() {
        &[][..]
    } else {
        &environment
    };
    let mut walled = Walled::with(&library, environment);
    match walled.peer().load(&file) {
        Ok(_) => {
            let told = walled
                .peer()
                .ask(vec![texts(&[1], &["ÄRGER".as_bytes()])], &[]);
            assert_eq!(told.unwrap(), [texts(&[1], &["ärger".as_bytes()])]);
        }
        Err(failure) => is(&failure, Code::Runtime, "the locale en_US.UTF-8"),
    }
    // With none anywhere, and with rules that need none.
    let none = [("LOCPATH", "/nowhere")];
    let failure = Walled::with(&library, &none)
        .peer()
        .load(&file)
        .unwrap_err();
    is(&failure, Code::Runtime, "the locale en_US.UTF-8");
    let plain = [
        onnx::text("case_change_action", "LOWER"),
        onnx::text("locale", "C"),
    ];
    let mut walled = Walled::with(&library, &none);
    walled
        .peer()
        .load(&onnx::single("StringNormalizer", TEXT, &[-1], &plain))
        .unwrap();
    let told = walled.peer().ask(vec![texts(&[1], &[b"ABC"])], &[]);
    assert_eq!(told.unwrap(), [texts(&[1], &[b"abc"])]);
}

#[test]
fn a_call_is_short() {
    let Some(library) = library() else { return };
    let mut walled = Walled::start(&library);
    walled.peer().load(&onnx::linear()).unwrap();
    let began = Instant::now();
    const CALLS: u32 = 2_000;
    for _ in 0..CALLS {
        walled
            .peer()
            .ask(vec![floats(&[1, 2], &[1.0, 1.0])], &[])
            .unwrap();
    }
    let each = began.elapsed() / CALLS;
    println!("{each:?} a call");
    assert!(each.as_millis() < 20, "{each:?}");
}
