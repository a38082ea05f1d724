use super::*;

fn values(datatype: Datatype, shape: &[u64], bytes: &[u8]) -> Values<Vec<u8>> {
    Values {
        datatype,
        shape: shape.to_vec(),
        bytes: bytes.to_vec(),
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [&length.to_le_bytes(), text.as_bytes()].concat()
}

fn inputs() -> Inputs {
    Inputs {
        values: vec![
            values(Datatype::Fp32, &[2, 3], &[7; 24]),
            values(Datatype::Bytes, &[2], &[text("Ωmega"), text("")].concat()),
            values(Datatype::Bool, &[], &[1]),
            values(Datatype::Int64, &[0, 5], &[]),
        ],
        wanted: vec![1, 0],
    }
}

#[test]
fn tensors_survive_the_way() {
    let sent = inputs();
    let bytes = sent.to_bytes();
    let read = Inputs::parse(&bytes).unwrap();
    assert_eq!(read.wanted, sent.wanted);
    let owned = |it: &Values<&[u8]>| values(it.datatype, &it.shape, it.bytes);
    assert_eq!(
        read.values.iter().map(owned).collect::<Vec<_>>(),
        sent.values
    );
    let texts: Option<Vec<&[u8]>> = texts(read.values[1].bytes).collect();
    assert_eq!(texts.unwrap(), ["Ωmega".as_bytes(), b""]);

    let sent = Outputs {
        values: sent.values,
    };
    let bytes = sent.to_bytes();
    assert_eq!(Outputs::parse(&bytes).unwrap().values.len(), 4);
}

#[test]
fn every_shorter_or_longer_body_is_refused() {
    let bytes = inputs().to_bytes();
    for length in 0..bytes.len() {
        assert!(Inputs::parse(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Inputs::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn what_is_no_tensor_is_refused() {
    let wrong = [
        // As many bytes as three elements, as a part of one, and more than can be counted.
        values(Datatype::Fp32, &[2], &[0; 12]),
        values(Datatype::Fp32, &[2], &[0; 7]),
        values(Datatype::Uint8, &[u64::MAX, u64::MAX], &[]),
        // One text instead of two; one that is longer than what there is.
        values(Datatype::Bytes, &[2], &text("a")),
        values(Datatype::Bytes, &[1], &[255, 255, 255, 255, 1]),
        values(Datatype::Bool, &[1; 33], &[1]),
    ];
    for value in wrong {
        let sent = Outputs {
            values: vec![value],
        };
        let refused = Outputs::parse(&sent.to_bytes()).is_err();
        assert!(refused, "{sent:?}");
    }
}

#[test]
fn any_byte_may_be_another_one() {
    let bytes = inputs().to_bytes();
    for at in 0..bytes.len() {
        for other in [0, 1, 127, 128, 255] {
            let mut bytes = bytes.clone();
            bytes[at] = other;
            let _ = Inputs::parse(&bytes);
        }
    }
}
