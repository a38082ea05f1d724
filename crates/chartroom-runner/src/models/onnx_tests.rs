//! Models that are taken, changed and refused, and files that are none.

use super::{Code, judge};
use crate::models::build::*;

fn refusal(file: &[u8]) -> String {
    let failure = judge(file).unwrap_err();
    assert_eq!(failure.code, Code::Model);
    failure.message
}

/// A graph that is a model's only one.
fn only(nodes: &[Vec<u8>], weights: &[Vec<u8>]) -> Vec<u8> {
    let inputs = [place("x", &kind(FLOAT, &[-1]))];
    let outputs = [place("y", &kind(FLOAT, &[-1]))];
    graph(nodes, &inputs, &outputs, weights)
}

#[test]
fn a_plain_model_is_taken_as_it_is() {
    let file = linear();
    let mut judged = judge(&file).unwrap();
    assert_eq!((judged.opset, judged.producer.as_str()), (17, "tests 1"));
    assert!(judged.notes.is_empty() && !judged.folds_case);
    let mut same = file.clone();
    judged.apply(&mut same);
    assert_eq!(same, file);
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    for (file, said) in [
        (&b""[..], "is empty"),
        (b"no protobuf at all", "no ONNX model"),
        (b"\x08\x07", "no graph"),
        (b"\x18\0\0\0ORTM\0\0\0\0", "own format"),
    ] {
        let told = refusal(file);
        assert!(told.contains(said), "{told}");
    }
    let graph = only(&[], &[]);
    let two = [model(&graph, STANDARD), bytes(7, &graph)].concat();
    assert!(refusal(&two).contains("several graphs"));
    let file = linear();
    for length in 1..file.len() {
        assert!(judge(&file[..length]).is_err(), "{length}");
    }
}

#[test]
fn values_elsewhere_are_refused_wherever_they_are_named() {
    let branch = graph(&[], &[], &[], &[elsewhere("deep")]);
    let constant = node(
        "Constant",
        &[],
        &["y"],
        &[tensor_of("value", &elsewhere("held"))],
    );
    let sparse = bytes(1, &elsewhere("few"));
    for (nodes, weights, more, name) in [
        (vec![], vec![elsewhere("w")], vec![], "w"),
        (vec![constant.clone()], vec![], vec![], "held"),
        (
            vec![node(
                "If",
                &["c"],
                &["y"],
                &[within("then_branch", &branch)],
            )],
            vec![],
            vec![],
            "deep",
        ),
        (vec![], vec![], bytes(15, &sparse), "few"),
    ] {
        let graph = [only(&nodes, &weights), more].concat();
        let told = refusal(&model(&graph, STANDARD));
        assert!(
            told.contains(&format!("tensor \"{name}\" are in another file")),
            "{told}"
        );
        assert!(told.contains("onnx.save_model"), "{told}");
    }
    let function = bytes(25, &[bytes(10, b"own"), bytes(7, &constant)].concat());
    let told = refusal(&[model(&only(&[], &[]), STANDARD), function].concat());
    assert!(told.contains("held"), "{told}");
    let marked = [tensor("w", FLOAT, &[1], &[0; 4]), number(14, 0)].concat();
    assert!(judge(&model(&only(&[], &[marked]), STANDARD)).is_ok());
    for location in [1, 2, 1 << 32 | 1] {
        let marked = [tensor("w", FLOAT, &[1], &[0; 4]), number(14, location)].concat();
        assert!(refusal(&model(&only(&[], &[marked]), STANDARD)).contains("another file"));
    }
}

#[test]
fn operators_are_of_domains_that_are_known() {
    let of = |domain: &str| {
        model(
            &only(&[of_domain(domain, "Op", &["x"], &["y"], &[])], &[]),
            STANDARD,
        )
    };
    for domain in ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"] {
        assert!(judge(&of(domain)).is_ok(), "{domain}");
    }
    for domain in ["evil", "ai.onnx.training", "com.microsoft.extensions"] {
        let told = refusal(&of(domain));
        assert!(
            told.contains(&format!("\"Op\" of the domain {domain:?}")),
            "{told}"
        );
    }
    // A function that the model brings along is its own, but what it is made of counts.
    let function = |domain: &str| {
        let inner = of_domain(domain, "Inner", &["a"], &["b"], &[]);
        bytes(
            25,
            &[bytes(1, b"Op"), bytes(10, b"own"), bytes(7, &inner)].concat(),
        )
    };
    assert!(judge(&[of("own"), function("")].concat()).is_ok());
    assert!(refusal(&[of("own"), function("evil")].concat()).contains("\"Inner\""));
}

#[test]
fn only_tensors_go_in_and_come_out() {
    let one = |name: &str, of: &[u8]| {
        let outputs = [place(name, of)];
        model(
            &graph(&[], &[place("x", &kind(FLOAT, &[1]))], &outputs, &[]),
            STANDARD,
        )
    };
    for (number, word) in [
        (4, "a sequence"),
        (5, "a map"),
        (7, "opaque"),
        (8, "sparse"),
        (9, "optional"),
    ] {
        let told = refusal(&one("y", &bytes(number, &[])));
        assert!(told.contains(word) && told.contains("zipmap"), "{told}");
    }
    assert!(judge(&one("y", &kind(FLOAT, &[]))).is_ok());
    assert!(refusal(&one("y", &kind(FLOAT, &[1; 33]))).contains("more than 32 axes"));
    let nameless = graph(
        &[],
        &[place("x", &bytes(1, &number(1, FLOAT)))],
        &[place("y", &kind(FLOAT, &[]))],
        &[],
    );
    assert!(refusal(&model(&nameless, STANDARD)).contains("does not say its shape"));
    let mute = graph(&[], &[], &[], &[]);
    assert!(refusal(&model(&mute, STANDARD)).contains("no output"));
}

#[test]
fn what_is_too_much_is_refused() {
    let nested = |depth: usize| {
        let mut inner = graph(&[], &[], &[], &[]);
        for _ in 0..depth {
            inner = graph(
                &[node("If", &["c"], &["y"], &[within("then_branch", &inner)])],
                &[],
                &[],
                &[],
            );
        }
        let outer = only(
            &[node("If", &["c"], &["y"], &[within("then_branch", &inner)])],
            &[],
        );
        model(&outer, STANDARD)
    };
    assert!(judge(&nested(31)).is_ok());
    assert!(refusal(&nested(32)).contains("graphs within each other"));
    assert!(refusal(&nested(5_000)).contains("graphs within each other"));
    let places: Vec<Vec<u8>> = (0..1_001)
        .map(|n| place(&n.to_string(), &kind(FLOAT, &[])))
        .collect();
    let wide = |count: usize| model(&graph(&[], &[], &places[..count], &[]), STANDARD);
    assert!(judge(&wide(1_000)).is_ok());
    assert!(refusal(&wide(1_001)).contains("more than 1000 inputs or outputs"));
}

#[test]
fn languages_are_the_one_that_is_there() {
    let normal = |more: &[Vec<u8>]| judge(&single("StringNormalizer", TEXT, &[-1], more));
    let lower = text("case_change_action", "LOWER");
    let none = text("case_change_action", "NONE");
    let folds = |more: &[Vec<u8>]| normal(more).unwrap().folds_case;
    assert!(!folds(&[]) && !folds(std::slice::from_ref(&none)));
    assert!(folds(std::slice::from_ref(&lower)));
    assert!(folds(&[lower.clone(), text("locale", "en_US.UTF-8")]));
    assert!(!folds(&[lower.clone(), text("locale", "C")]));
    assert!(folds(&[none.clone(), texts("stopwords", &["the"])]));
    assert!(!folds(&[
        none.clone(),
        texts("stopwords", &["the"]),
        whole("is_case_sensitive", 1)
    ]));
    assert!(!folds(&[none, text("locale", "de_DE.UTF-8")]));
    let failure = normal(&[lower, text("locale", "de_DE.UTF-8")]).unwrap_err();
    assert!(failure.message.contains("\"de_DE.UTF-8\""), "{failure}");
}

#[test]
fn a_zipmap_at_the_end_is_taken_away() {
    let many: Vec<u64> = (0..150).collect();
    for (labels, key, told) in [
        (
            wholes("classlabels_int64s", &[0, 7, u64::MAX]),
            INT64,
            "0, 7, -1",
        ),
        (
            texts("classlabels_strings", &["no", "yes", "ü"]),
            TEXT,
            "\"no\", \"yes\", \"ü\"",
        ),
        (
            wholes("classlabels_int64s", &many),
            INT64,
            "98, 99 and 50 more",
        ),
    ] {
        let mut file = zipmap(&[labels], key);
        let mut judged = judge(&file).unwrap();
        let note = judged.notes[0].clone();
        assert!(
            note.contains("\"output_probability\"") && note.ends_with(told),
            "{note}"
        );
        judged.apply(&mut file);
        // What is left has neither a ZipMap nor a list, and is a model that needs no change.
        assert!(!file.windows(6).any(|word| word == b"ZipMap"));
        let mut again = judge(&file).unwrap();
        assert!(again.notes.is_empty());
        let before = file.clone();
        again.apply(&mut file);
        assert_eq!(file, before);
        let position = |of: &[u8]| file.windows(of.len()).rposition(|word| word == of).unwrap();
        assert!(position(b"label") < position(b"probabilities"));
    }
}

#[test]
fn a_zipmap_that_is_no_end_is_left_and_refused() {
    let labels = wholes("classlabels_int64s", &[0, 1, 2]);
    let zip = |output: &str| {
        of_domain(
            "ai.onnx.ml",
            "ZipMap",
            &["p"],
            &[output],
            std::slice::from_ref(&labels),
        )
    };
    let inputs = [place("x", &kind(FLOAT, &[-1, 3]))];
    let first = node("Softmax", &["x"], &["p"], &[]);
    let maps = |name: &str| place(name, &maps(INT64));
    for (nodes, outputs) in [
        // The table is an output already.
        (
            vec![first.clone(), zip("z")],
            vec![place("p", &kind(FLOAT, &[-1, 3])), maps("z")],
        ),
        // Two lists of one table.
        (
            vec![first.clone(), zip("z"), zip("q")],
            vec![maps("z"), maps("q")],
        ),
        // One list, twice.
        (vec![first, zip("z")], vec![maps("z"), maps("z")]),
    ] {
        let told = refusal(&model(&graph(&nodes, &inputs, &outputs, &[]), WITH_ML));
        assert!(told.contains("a sequence"), "{told}");
    }
}

/// No file does more than be taken or refused.
#[test]
fn changed_files_are_judged_too() {
    let labels = wholes("classlabels_int64s", &[0, 1, 2]);
    let files = [
        linear(),
        endless(),
        zipmap(&[labels], INT64),
        single("Relu", FLOAT, &[-1], &[]),
    ];
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let (mut taken, mut not) = (0, 0);
    for file in files {
        for _ in 0..5_000 {
            let mut changed = file.clone();
            for _ in 0..=random(3) {
                let at = random(changed.len());
                match random(4) {
                    0 => changed[at] = u8::try_from(random(256)).unwrap(),
                    1 => changed[at] ^= 1 << random(8),
                    2 => drop(changed.drain(at..(at + random(8)).min(changed.len()))),
                    _ => changed.insert(at, u8::try_from(random(256)).unwrap()),
                }
                if changed.is_empty() {
                    break;
                }
            }
            match judge(&changed) {
                Ok(mut judged) => {
                    taken += 1;
                    judged.apply(&mut changed);
                    assert!(judge(&changed).is_ok());
                }
                Err(failure) => {
                    not += 1;
                    assert!(failure.message.len() < 600);
                }
            }
        }
    }
    assert!(taken > 1_000 && not > 1_000, "{taken} {not}");
}
