//! A question to a model, as programs ask it.

use serde_json::Value;

use super::typed::Given;
use crate::models::serving::route::DEFAULT;

/// Which model is asked, and where.
pub struct Asked<'a> {
    pub public_url: &'a str,
    pub model: &'a str,
    /// A version or an alias.
    pub word: &'a str,
}

impl Asked<'_> {
    pub fn curl(&self, question: &str) -> String {
        let Self {
            public_url,
            model,
            word,
        } = self;
        let path = match *word {
            DEFAULT => format!("/v2/models/{model}/infer"),
            word => format!("/v2/models/{model}/versions/{word}/infer"),
        };
        // A quote ends the text of a shell, so it stands between two.
        let question = question.replace('\'', r"'\''");
        let lines = [
            "curl -H \"Authorization: Bearer $CHARTROOM_TOKEN\"".to_owned(),
            format!("--json '{question}'"),
            format!("'{public_url}{path}'"),
        ];
        lines.join(" \\\n  ")
    }

    /// With NVIDIA's client, `pip install tritonclient[http]`.
    pub fn python(&self, inputs: &[Given<'_>]) -> String {
        let (scheme, host) = self.public_url.split_once("://").unwrap_or(("", ""));
        let ssl = if scheme == "https" { ", ssl=True" } else { "" };
        let mut lines = vec![
            "import os".to_owned(),
            String::new(),
            "import numpy as np".to_owned(),
            "from tritonclient import http as triton".to_owned(),
            String::new(),
            format!("client = triton.InferenceServerClient(\"{host}\"{ssl})"),
            "inputs = []".to_owned(),
        ];
        for input in inputs {
            let (name, datatype) = (literal(&Value::from(input.name)), input.datatype);
            let (shape, data) = (&input.shape, literal(&input.data));
            let kind = numpy(datatype);
            lines.extend([
                format!("values = np.array({data}, dtype=np.{kind}).reshape({shape:?})"),
                format!("one = triton.InferInput({name}, {shape:?}, \"{datatype}\")"),
                "one.set_data_from_numpy(values)".to_owned(),
                "inputs.append(one)".to_owned(),
            ]);
        }
        let (model, word) = (self.model, self.word);
        let version = match word {
            DEFAULT => String::new(),
            word => format!("model_version=\"{word}\", "),
        };
        lines.extend([
            "headers = {\"Authorization\": \"Bearer \" + os.environ[\"CHARTROOM_TOKEN\"]}"
                .to_owned(),
            format!("answer = client.infer(\"{model}\", inputs, {version}headers=headers)"),
            "for output in answer.get_response()[\"outputs\"]:".to_owned(),
            "    print(output[\"name\"], answer.as_numpy(output[\"name\"]))".to_owned(),
        ]);
        lines.join("\n")
    }
}

/// How numpy calls a type of the protocol.
fn numpy(datatype: &str) -> String {
    match datatype {
        "BOOL" => "bool_".to_owned(),
        "BYTES" => "object_".to_owned(),
        "FP16" => "float16".to_owned(),
        "FP32" => "float32".to_owned(),
        "FP64" => "float64".to_owned(),
        whole => whole.to_ascii_lowercase(),
    }
}

/// A value as Python writes it: as JSON does, but for three words.
pub fn literal(value: &Value) -> String {
    match value {
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(literal).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ASKED: Asked<'static> = Asked {
        public_url: "https://models.example.org",
        model: "churn",
        word: "2",
    };

    #[test]
    fn a_quote_does_not_leave_the_text_of_a_shell() {
        let written = ASKED.curl(r#"{"data":["it's"]}"#);
        assert!(
            written.contains(r#"--json '{"data":["it'\''s"]}' "#),
            "{written}"
        );
        assert!(
            written.ends_with("/v2/models/churn/versions/2/infer'"),
            "{written}"
        );
        let usual = Asked {
            word: DEFAULT,
            ..ASKED
        };
        assert!(usual.curl("{}").ends_with("/v2/models/churn/infer'"));
    }

    #[test]
    fn python_has_its_own_words() {
        let input = Given {
            name: "a \"b\"",
            shape: vec![1, 3],
            datatype: "BOOL",
            data: json!([true, false, null]),
        };
        let written = ASKED.python(&[input]);
        for part in [
            "InferenceServerClient(\"models.example.org\", ssl=True)",
            "np.array([True, False, None], dtype=np.bool_).reshape([1, 3])",
            "InferInput(\"a \\\"b\\\"\", [1, 3], \"BOOL\")",
            "model_version=\"2\"",
        ] {
            assert!(written.contains(part), "{part}: {written}");
        }
    }
}
