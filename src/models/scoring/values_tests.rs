//! Values on their way to a model and back.

use super::*;

fn written(kind: ColumnType, text: &str, datatype: Datatype) -> Option<Vec<u8>> {
    let (mut bytes, mut count) = (Vec::new(), 0);
    let to = Data {
        datatype,
        is_base64: false,
        bytes: &mut bytes,
        count: &mut count,
        depth: 0,
    };
    write(kind, text, to).map(|()| {
        assert_eq!(count, 1);
        bytes
    })
}

#[test]
fn a_value_is_written_as_the_datatype_has_it_or_not_at_all() {
    use ColumnType::{Bigint, Bool, Decimal, Float64, Int, Text};
    let fp32 = |value: f32| Some(value.to_le_bytes().to_vec());
    let int64 = |value: i64| Some(value.to_le_bytes().to_vec());
    for (kind, text, datatype, expected) in [
        (Float64, "0.1", Datatype::Fp32, fp32(0.1)),
        (Float64, "1e+39", Datatype::Fp32, None),
        (
            Float64,
            "-3.4028234663852886e+38",
            Datatype::Fp32,
            fp32(f32::MIN),
        ),
        (
            Float64,
            "65504",
            Datatype::Fp16,
            Some(f16::MAX.to_le_bytes().to_vec()),
        ),
        (Float64, "65505", Datatype::Fp16, None),
        (
            Float64,
            "1e+300",
            Datatype::Fp64,
            Some(1e300_f64.to_le_bytes().to_vec()),
        ),
        (Int, "16777217", Datatype::Fp32, fp32(16_777_216.0)),
        (Bool, "true", Datatype::Fp32, fp32(1.0)),
        (Int, "-7", Datatype::Int64, int64(-7)),
        (
            Bigint,
            "9223372036854775807",
            Datatype::Int64,
            int64(i64::MAX),
        ),
        (Float64, "3", Datatype::Int64, int64(3)),
        (
            Float64,
            "1e+18",
            Datatype::Int64,
            int64(1_000_000_000_000_000_000),
        ),
        (Float64, "1e+19", Datatype::Int64, None),
        (Float64, "1.5", Datatype::Int64, None),
        (Decimal, "12.000", Datatype::Int64, int64(12)),
        (Decimal, "12.001", Datatype::Int64, None),
        (Int, "300", Datatype::Uint8, None),
        (Int, "200", Datatype::Uint8, Some(vec![200])),
        (Int, "-1", Datatype::Uint64, None),
        (Bool, "false", Datatype::Int32, Some(vec![0; 4])),
        (Bool, "true", Datatype::Bool, Some(vec![1])),
        (
            Text,
            "ü",
            Datatype::Bytes,
            Some([&[2, 0, 0, 0], "ü".as_bytes()].concat()),
        ),
        (Text, "", Datatype::Bytes, Some(vec![0; 4])),
    ] {
        assert_eq!(
            written(kind, text, datatype),
            expected,
            "{text} as {datatype:?}"
        );
    }
}

#[test]
fn answers_are_texts_that_are_read_as_the_same_values() {
    let output = |datatype, columns: usize| Tensor {
        name: "y".to_owned(),
        datatype,
        columns: vec![String::new(); columns],
    };
    let all = |datatype, shape: &[u64], bytes: &[u8], rows| {
        let values = Values {
            datatype,
            shape: shape.to_vec(),
            bytes,
        };
        let columns = shape.get(1).map_or(1, |it| usize::try_from(*it).unwrap());
        texts(&output(datatype, columns), &values, rows)
    };
    let some = |texts: &[&str]| Ok(texts.iter().map(|it| Some((*it).to_owned())).collect());
    let floats = [0.1_f32, -3.5, 1e-30].map(f32::to_le_bytes).concat();
    let read = all(Datatype::Fp32, &[3], &floats, 3).unwrap();
    let read: Vec<f32> = read
        .into_iter()
        .map(|it| it.unwrap().parse().unwrap())
        .collect();
    assert_eq!(read, [0.1, -3.5, 1e-30]);
    let wide = [1_i64, 2, 3, i64::MIN].map(i64::to_le_bytes).concat();
    assert_eq!(
        all(Datatype::Int64, &[2, 2], &wide, 2),
        some(&["1", "2", "3", "-9223372036854775808"])
    );
    assert_eq!(
        all(Datatype::Bool, &[2, 1], &[0, 1], 2),
        some(&["false", "true"])
    );
    let texts = [[1, 0, 0, 0].as_slice(), b"a", &[1, 0, 0, 0], &[0xff]].concat();
    assert_eq!(
        all(Datatype::Bytes, &[2], &texts, 2),
        Ok(vec![Some("a".to_owned()), None])
    );
    let odd = [f64::NAN, f64::INFINITY, 1.0]
        .map(f64::to_le_bytes)
        .concat();
    assert_eq!(
        all(Datatype::Fp64, &[3], &odd, 3),
        Ok(vec![None, None, Some("1".to_owned())])
    );
    // Another number of rows than it was asked about, or of values.
    for (shape, rows) in [([2, 2].as_slice(), 3), (&[4], 2), (&[1, 4], 4)] {
        let wrong = all(Datatype::Int64, shape, &wide, rows).unwrap_err();
        assert_eq!(wrong.code, "unfit-answer", "{shape:?}");
    }
}
