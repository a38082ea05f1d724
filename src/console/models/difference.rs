//! How what a version takes and gives differs from what another does.

use maud::{Markup, html};

use crate::console::words::Lang;
use crate::models::signature::{Signature, TensorType};

/// A tensor of which there is another kind, or none, on one side.
struct Differing<'a> {
    is_input: bool,
    name: &'a str,
    now: Option<&'a TensorType>,
    then: Option<&'a TensorType>,
}

fn differing<'a>(now: &'a Signature, then: &'a Signature) -> Vec<Differing<'a>> {
    let of = |is_input, now: &'a [TensorType], then: &'a [TensorType]| {
        let find = |all: &'a [TensorType], name: &str| all.iter().find(|one| one.name == name);
        let more = then
            .iter()
            .filter(move |one| find(now, &one.name).is_none());
        let all = now.iter().chain(more);
        all.map(move |one| Differing {
            is_input,
            name: &one.name,
            now: find(now, &one.name),
            then: find(then, &one.name),
        })
    };
    of(true, &now.inputs, &then.inputs)
        .chain(of(false, &now.outputs, &then.outputs))
        .filter(|one| one.now != one.then)
        .collect()
}

/// A table of the tensors that differ; nothing where none does.
pub fn table(lang: Lang, now: &Signature, then: &Signature) -> Option<Markup> {
    let all = differing(now, then);
    if all.is_empty() {
        return None;
    }
    let side = |tensor: Option<&TensorType>| match tensor {
        Some(tensor) => html! { td { (kind(tensor)) } },
        None => html! { td.null { (lang.is_missing()) } },
    };
    Some(html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (lang.tensor()) }
                th scope="col" { (lang.now_leads_to()) }
                th scope="col" { (lang.then_leads_to()) }
            } }
            tbody { @for one in &all { tr {
                th scope="row" {
                    (one.name) " "
                    span.tag {
                        @if one.is_input { (lang.input_word()) } @else { (lang.output_word()) }
                    }
                }
                (side(one.now))
                (side(one.then))
            } } }
        } }
    })
}

/// Its type and the length of its axes.
pub fn kind(tensor: &TensorType) -> String {
    format!("{} {:?}", tensor.datatype.word(), tensor.shape)
}

#[cfg(test)]
mod tests {
    use chartroom_wire::models::Datatype;

    use super::*;

    fn tensor(name: &str, datatype: Datatype, shape: &[i64]) -> TensorType {
        TensorType {
            name: name.to_owned(),
            datatype,
            shape: shape.to_vec(),
        }
    }

    fn signature(inputs: Vec<TensorType>, outputs: Vec<TensorType>) -> Signature {
        Signature {
            inputs,
            outputs,
            opset: 18,
            producer: String::new(),
            runtime: String::new(),
            batches: false,
            notes: Vec::new(),
            memory: 0,
        }
    }

    #[test]
    fn what_comes_goes_and_changes_is_seen_and_nothing_else() {
        let x = || tensor("x", Datatype::Fp32, &[-1, 2]);
        let now = signature(vec![x(), tensor("gone", Datatype::Bool, &[1])], vec![x()]);
        let wide = tensor("x", Datatype::Fp32, &[-1, 3]);
        let then = signature(vec![tensor("new", Datatype::Bytes, &[]), wide], vec![x()]);
        let seen = differing(&now, &then);
        let seen: Vec<_> = seen
            .iter()
            .map(|one| {
                (
                    one.name,
                    one.is_input,
                    one.now.is_some(),
                    one.then.is_some(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("x", true, true, true),
                ("gone", true, true, false),
                ("new", true, false, true)
            ]
        );
        // In another order it is the same.
        let swapped = signature(now.inputs.iter().rev().cloned().collect(), vec![x()]);
        assert!(table(Lang::En, &now, &swapped).is_none());
    }
}
