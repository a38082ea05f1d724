//! One request: inputs to outputs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chartroom_wire::models::{Code, Failure, Inputs, MAX_MESSAGE, Outputs, Tensor, Values};
use ort::session::{Session, SessionInputValue};

use super::{tensors, words};

/// Answers what came as the body of a request.
pub(super) fn answer(
    session: &mut Session,
    inputs: &[Tensor],
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    let asked = Inputs::parse(body).map_err(|error| wrong(error.to_string()))?;
    let count = session.outputs().len();
    if let Some(place) = asked
        .wanted
        .iter()
        .find(|place| usize::from(**place) >= count)
    {
        let message = format!("the output {place} is asked for, but there are {count}");
        return Err(wrong(message));
    }
    let values = run_wanted(session, inputs, &asked.values, &asked.wanted)?;
    Ok(Outputs { values }.to_bytes())
}

/// All outputs of these inputs.
pub(super) fn run(
    session: &mut Session,
    inputs: &[Tensor],
    values: &[Values],
) -> Result<Vec<Values>, Failure> {
    let borrowed: Vec<Values<&[u8]>> = values
        .iter()
        .map(|it| Values {
            datatype: it.datatype,
            shape: it.shape.clone(),
            bytes: it.bytes.as_slice(),
        })
        .collect();
    run_wanted(session, inputs, &borrowed, &[])
}

fn wrong(why: String) -> Failure {
    Failure::new(Code::Input, why)
}

fn run_wanted(
    session: &mut Session,
    inputs: &[Tensor],
    values: &[Values<&[u8]>],
    wanted: &[u16],
) -> Result<Vec<Values>, Failure> {
    if values.len() != inputs.len() {
        let message = format!(
            "the model has {} inputs, but {} came",
            inputs.len(),
            values.len()
        );
        return Err(wrong(message));
    }
    let held: Result<Vec<SessionInputValue<'_>>, Failure> = inputs
        .iter()
        .zip(values)
        .map(|(input, value)| tensors::input(input, value))
        .collect();
    let held = held?;
    // A value that the binding does not expect ends in a panic, which is the model's matter.
    let ran = catch_unwind(AssertUnwindSafe(|| outputs(session, &held, wanted)));
    ran.unwrap_or_else(|_panic| {
        let message = "the model gives something that the runtime cannot hand on";
        Err(Failure::new(Code::Inference, message))
    })
}

fn outputs(
    session: &mut Session,
    held: &[SessionInputValue<'_>],
    wanted: &[u16],
) -> Result<Vec<Values>, Failure> {
    let names: Vec<String> = session
        .outputs()
        .iter()
        .map(|it| it.name().to_owned())
        .collect();
    let ran = session.run::<0>(held);
    let ran = ran.map_err(|error| words::failure(Code::Inference, "running the model", &error))?;
    let values: Vec<_> = ran.values().collect();
    let all: Vec<u16> = (0..u16::try_from(values.len()).unwrap_or(u16::MAX)).collect();
    let mut room = MAX_MESSAGE - 64 * 1024;
    let mut told = Vec::new();
    for place in if wanted.is_empty() { &all } else { wanted } {
        let place = usize::from(*place);
        let (Some(name), Some(value)) = (names.get(place), values.get(place)) else {
            return Err(wrong(format!("there is no output {place}")));
        };
        told.push(tensors::output(name, value, &mut room)?);
    }
    Ok(told)
}
