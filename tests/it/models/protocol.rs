//! The Open Inference Protocol, byte by byte: JSON and binary both ways, and every mistake named.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{Place, values};
use crate::support::app::{Answer, outcome};

const ASK: &str = "/v2/models/m/infer";

impl Place {
    async fn served() -> Self {
        let place = Self::new().await;
        let model = place.model("m").await;
        place.ready(&model, json!({ "factor": 2.0 })).await;
        place
            .lead(&model, "production", json!({ "version": 1 }))
            .await;
        place
    }

    async fn question(&self, question: Value) -> Answer {
        self.send(Method::POST, ASK, Some(question)).await
    }

    /// JSON, and bytes behind it.
    async fn binary(&self, head: &Value, bytes: &[u8], length: &str) -> Answer {
        let head = head.to_string();
        let length = length.replace("right", &head.len().to_string());
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/octet-stream"),
            ("inference-header-content-length", length.as_str()),
        ];
        let body = [head.as_bytes(), bytes].concat();
        self.app
            .send(Method::POST, ASK, &headers, Body::from(body))
            .await
    }
}

fn floats(all: &[f32]) -> Vec<u8> {
    all.iter().flat_map(|it| it.to_le_bytes()).collect()
}

#[tokio::test]
async fn a_model_says_what_it_takes() {
    let place = Place::served().await;
    let tensor = |name: &str| json!([{ "name": name, "datatype": "FP32", "shape": [-1, 2] }]);
    let expected = json!({
        "name": "m", "versions": ["1"], "platform": "onnxruntime_onnx",
        "inputs": tensor("x"), "outputs": tensor("y"),
    });
    for target in [
        "/v2/models/m",
        "/v2/models/m/versions/1",
        "/v2/models/m/versions/production",
    ] {
        assert_eq!(place.get(target).await.json(), expected, "{target}");
        let ready = place.get(&format!("{target}/ready")).await;
        assert_eq!(
            (ready.status.as_u16(), ready.json()),
            (200, json!({ "ready": true }))
        );
    }
    for target in [
        "/v2/models/m/versions/2",
        "/v2/models/m/versions/staging/ready",
    ] {
        assert_eq!(
            outcome(&place.get(target).await),
            (404, "not-found".to_owned())
        );
    }
    let ready = place.app.get("/v2/health/ready").await;
    assert_eq!(ready.json(), json!({ "ready": true }), "{}", ready.text());
}

#[tokio::test]
async fn values_are_read_in_every_way_that_the_protocol_has() {
    let place = Place::served().await;
    let input =
        |data: Value| json!({ "name": "x", "shape": [2, 2], "datatype": "FP32", "data": data });
    for data in [
        json!([1, 2, 3, 4.5]),
        json!([[1, 2], [3, 4.5]]),
        json!([[[1], [2.0]], 3e0, [[4.5]]]),
    ] {
        let answer = place
            .question(json!({ "id": "a\"b", "inputs": [input(data)] }))
            .await;
        assert_eq!(values(&answer), [2.0, 4.0, 6.0, 9.0]);
        let answer = answer.json();
        assert_eq!(
            (&answer["id"], &answer["model_version"]),
            (&json!("a\"b"), &json!("1"))
        );
        assert_eq!(answer["outputs"][0]["shape"], json!([2, 2]));
    }
    // The order of members means nothing.
    let text = r#"{"inputs": [{"data": [1, 2], "datatype": "FP32", "shape": [1, 2], "name": "x"}], "more": {}}"#;
    let answer = place.question(serde_json::from_str(text).unwrap()).await;
    assert_eq!(values(&answer), [2.0, 4.0]);
    let wanted = json!({ "inputs": [input(json!([1, 2, 3, 4]))], "outputs": [{ "name": "y" }] });
    assert_eq!(values(&place.question(wanted).await), [2.0, 4.0, 6.0, 8.0]);
}

#[tokio::test]
async fn bytes_go_in_and_come_out() {
    let place = Place::served().await;
    let input = json!({
        "name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": { "binary_data_size": 8 },
    });
    let bytes = floats(&[1.5, -2.0]);
    let answer = place
        .binary(&json!({ "inputs": [input] }), &bytes, "right")
        .await;
    assert_eq!(values(&answer), [3.0, -4.0]);
    for asked in [
        json!({ "inputs": [input], "outputs": [{ "name": "y", "parameters": { "binary_data": true } }] }),
        json!({ "inputs": [input], "parameters": { "binary_data_output": true } }),
    ] {
        let answer = place.binary(&asked, &bytes, "right").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        let length: usize = answer
            .header("inference-header-content-length")
            .parse()
            .unwrap();
        let (head, rest) = answer.body.split_at(length);
        let head: Value = serde_json::from_slice(head).unwrap();
        assert_eq!(head["outputs"][0]["parameters"]["binary_data_size"], 8);
        assert_eq!(head["outputs"][0].get("data"), None);
        assert_eq!(rest, floats(&[3.0, -4.0]));
    }
    let short = place
        .binary(&json!({ "inputs": [input] }), &bytes[..7], "right")
        .await;
    assert_eq!(outcome(&short), (400, "invalid-input".to_owned()));
    let long = place
        .binary(
            &json!({ "inputs": [input] }),
            &[bytes.as_slice(), &[0]].concat(),
            "right",
        )
        .await;
    assert!(
        long.text().contains("1 bytes stand behind"),
        "{}",
        long.text()
    );
    for length in ["99999", "-1", "x"] {
        let answer = place
            .binary(&json!({ "inputs": [input] }), &bytes, length)
            .await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-input".to_owned()),
            "{length}"
        );
    }
}

#[tokio::test]
async fn every_mistake_names_the_tensor_and_what_was_expected() {
    let place = Place::served().await;
    let right = json!({ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2] });
    let with = |member: &str, value: Value| {
        let mut input = right.clone();
        input[member] = value;
        json!({ "inputs": [input] })
    };
    for (question, expected) in [
        (with("name", json!("z")), "x is missing; the model takes x"),
        (json!({ "inputs": [] }), "x is missing"),
        (json!({ "inputs": [right, right] }), "x is there twice"),
        (
            with("shape", json!([2, 1])),
            "x has the shape [2, 1], and the model takes [-1, 2]",
        ),
        (with("shape", json!([2])), "x has the shape [2]"),
        (
            with("shape", json!([1, 3])),
            "x has 2 values, and its shape [1, 3] is of 3",
        ),
        (
            with("shape", json!([u64::MAX, u64::MAX])),
            "the shape of x is too large",
        ),
        (with("shape", json!([-1, 2])), "does not fit"),
        (
            with("datatype", json!("FP64")),
            "x is of FP64, and the model takes FP32",
        ),
        (with("datatype", json!("FP33")), "unknown variant"),
        (with("data", json!(["a", "b"])), "is not a value of FP32"),
        (with("data", json!([true, 1])), "is not a value of FP32"),
        (
            with("data", json!([null, 1])),
            "null is not a value of FP32",
        ),
        (with("data", json!({})), "expected values of FP32"),
        (
            with("parameters", json!({ "binary_data_size": 8 })),
            "x has data and a binary_data_size",
        ),
        (
            json!({ "inputs": [right], "outputs": [{ "name": "z" }] }),
            "the model gives no z; it gives y",
        ),
        (json!({ "inputs": 1 }), "does not fit"),
        (json!({}), "missing field `inputs`"),
        (json!([]), "does not fit"),
    ] {
        let answer = place.question(question.clone()).await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-input".to_owned()),
            "{question}"
        );
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{question}: {detail}");
        assert_eq!(
            problem["error"], problem["detail"],
            "as the protocol wants it"
        );
    }
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("content-type", "application/json"),
    ];
    let mut deep = "[".repeat(5_000);
    deep.insert_str(
        0,
        r#"{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": "#,
    );
    for body in [deep.as_str(), "{", "", "\u{0}"] {
        let answer = place
            .app
            .send(Method::POST, ASK, &headers, Body::from(body.to_owned()))
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    // The control: nothing of it has harmed the model.
    assert_eq!(
        values(&place.question(json!({ "inputs": [right] })).await),
        [2.0, 4.0]
    );
}
