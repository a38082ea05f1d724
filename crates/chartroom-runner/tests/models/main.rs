//! The program that runs models, with a real library.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod answers;
mod ends;
mod needs;
mod network;
#[expect(dead_code, reason = "shared with the tests beside the code")]
mod onnx;
mod peer;
mod serving;
