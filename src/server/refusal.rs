//! The document for a head that hyper cannot parse: it refuses such a request by itself, and
//! without a word.

use std::sync::LazyLock;

use crate::kernel::error::Code;

/// Longer than any head that hyper makes for a refusal, and shorter than ours.
const LONGEST: usize = 160;

/// How each of hyper's answers begins, and what is sent instead of it.
static REFUSALS: LazyLock<[(Vec<u8>, Vec<u8>); 3]> = LazyLock::new(|| {
    [
        (
            Code::BadRequest,
            "the method, the target, the version or a header field cannot be read",
        ),
        (Code::UriTooLong, "the target is far longer than 8 KiB"),
        (
            Code::HeadersTooLarge,
            "there are far more than 64 header fields, or more than 32 KiB of them",
        ),
    ]
    .map(|(code, detail)| {
        let begins = format!("HTTP/1.1 {}\r\n", code.status());
        let document = format!(
            r#"{{"type":"about:blank","title":"{}","status":{},"code":"{}","detail":"{detail}; nothing was done"}}"#,
            code.title(),
            code.status().as_u16(),
            code.as_str(),
        );
        let answer = format!(
            "{begins}content-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
            document.len()
        );
        (begins.into_bytes(), answer.into_bytes())
    })
});

/// What is sent instead of `bytes`, if they are such a refusal. Whatever the service answers has a
/// body or an id.
pub(super) fn instead_of(bytes: &[u8]) -> Option<&'static [u8]> {
    if bytes.len() > LONGEST || !bytes.starts_with(b"HTTP/1.1 4") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let empty = b"\r\ncontent-length: 0\r\n";
    bytes.windows(empty.len()).find(|part| part == empty)?;
    let of_it = |(begins, _): &&(Vec<u8>, Vec<u8>)| bytes.starts_with(begins);
    REFUSALS
        .iter()
        .find(of_it)
        .map(|(_, answer)| answer.as_slice())
}
