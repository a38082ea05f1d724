//! What the runtime says, in words for the one who sent the model or the request.

use chartroom_wire::models::{Code, Failure};

/// Characters of what is passed on.
const MOST: usize = 400;

/// The failure that an error of the runtime is: of memory, or the given one.
pub(super) fn failure(code: Code, what: &str, error: &ort::Error) -> Failure {
    if is_memory(error.message()) {
        let message = format!("{what} takes more memory than there is for it");
        return Failure::new(Code::OutOfMemory, message);
    }
    let said = clean(error.message());
    Failure::new(code, format!("{what} failed: {said}"))
}

fn is_memory(said: &str) -> bool {
    let words = [
        "bad_alloc",
        "bad allocation",
        "Failed to allocate memory",
        "bad array new",
    ];
    words.iter().any(|words| said.contains(words))
}

/// Without the places of the runtime's own sources, of which nobody knows anything here.
pub(super) fn clean(said: &str) -> String {
    let mut words = Vec::new();
    let mut left = said;
    while let Some((word, behind)) = first_word(left) {
        left = behind;
        if is_place(word) {
            left = behind_name(behind_signature(left));
        } else if word == "[ONNXRuntimeError]" {
            left = behind_code(left);
        } else {
            words.push(word);
        }
    }
    let text = words.join(" ");
    let text = text.trim_matches([' ', '.', ':']);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(word, _)| !word.is_empty())
}

/// `/folder/file.cc:41` or `file.cc:41`, with anything around it.
fn is_place(word: &str) -> bool {
    let word = word.trim_matches(['(', ')', '[', ']', ',', '.']);
    let Some((file, line)) = word.rsplit_once(':') else {
        return false;
    };
    let endings = [".cc", ".h", ".hpp", ".cpp", ".inc"];
    let is_line = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    is_line && endings.iter().any(|ending| file.ends_with(ending))
}

/// ` : 1 : FAIL : ` is the number and the name of an error.
fn behind_code(text: &str) -> &str {
    let mut parts = text.splitn(4, ':');
    let is_code = parts.next().is_some_and(|part| part.trim().is_empty())
        && parts
            .next()
            .is_some_and(|part| part.trim().parse::<u32>().is_ok())
        && parts.next().is_some_and(|part| !part.trim().contains(' '));
    match parts.next() {
        Some(rest) if is_code => rest,
        _ => text,
    }
}

/// `NameOfAFunction` alone.
fn behind_name(text: &str) -> &str {
    let is_name = |word: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut pairs = word.chars().zip(word.chars().skip(1));
        word.chars().all(is_letter)
            && pairs.any(|(one, next)| one.is_lowercase() && next.is_uppercase())
    };
    match first_word(text) {
        Some((word, behind)) if is_name(word) => behind,
        _ => text,
    }
}

/// What follows the name of a function of C++ with its parameters, if one stands there.
fn behind_signature(text: &str) -> &str {
    let Some(open) = text.find('(') else {
        return text;
    };
    let name = text.get(..open).unwrap_or_default();
    if !name.contains("::") && name.split_whitespace().count() > 2 {
        return text;
    }
    let mut depth = 0_usize;
    let mut rest = text.get(open..).unwrap_or_default();
    loop {
        let Some(at) = rest.find(['(', ')']) else {
            return text;
        };
        let (through, behind) = rest.split_at(at + 1);
        rest = behind;
        match through.ends_with('(') {
            true => depth += 1,
            false => depth = depth.saturating_sub(1),
        }
        if depth > 0 {
            continue;
        }
        // Of a template: what it was made with; of a closure: its name. Both stand behind.
        let trimmed = rest.trim_start();
        let trimmed = trimmed
            .strip_prefix("const")
            .unwrap_or(trimmed)
            .trim_start();
        if let Some(nested) = trimmed.strip_prefix("::") {
            return match nested.contains('(') {
                true => behind_signature(nested),
                false => text,
            };
        }
        if trimmed.starts_with("[with ") {
            let end = trimmed.find(']').map_or(0, |end| end + 1);
            return trimmed.get(end..).unwrap_or_default();
        }
        return trimmed.trim_start_matches('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runtime_says_is_told_without_its_sources() {
        for (said, told) in [
            (
                "Non-zero status code returned while running Gather node. Name:'n' Status Message: \
                 indices element out of data bounds, idx=5 must be within the inclusive range [-3,2]",
                "Non-zero status code returned while running Gather node. Name:'n' Status Message: \
                 indices element out of data bounds, idx=5 must be within the inclusive range [-3,2]",
            ),
            (
                "/onnxruntime_src/onnxruntime/core/graph/model.cc:256 onnxruntime::Model::Model(\
                 onnx::ModelProto&&, const onnxruntime::PathString&) Unsupported model IR version: \
                 99, max supported IR version: 14\n",
                "Unsupported model IR version: 99, max supported IR version: 14",
            ),
            (
                "Exception during initialization: /a/string_normalizer.cc:235 onnxruntime::\
                 StringNormalizer::Locale::Locale(const std::string&)::<lambda()> Failed to construct",
                "Exception during initialization: Failed to construct",
            ),
            (
                "Status Message: /src/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::\
                 AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory",
                "Status Message: Failed to allocate memory",
            ),
            (
                "/src/op.h:12 T onnxruntime::Get(const F&) const [with T = int; F = G(int)] a > b \
                 was false.",
                "a > b was false",
            ),
            (
                "plain words (with some in brackets)",
                "plain words (with some in brackets)",
            ),
            ("", ""),
        ] {
            assert_eq!(clean(said), told, "{said}");
        }
        assert_eq!(clean(&"long ".repeat(200)).chars().count(), MOST + 2);
    }

    #[test]
    fn no_text_is_too_odd() {
        for said in [
            "/a.cc:1 f(",
            "/a.cc:1 f()::",
            "/a.cc:1 f() const [with ",
            "(",
            "/a.cc:1 )(",
            "ü/ß.cc:7 é(",
        ] {
            let _ = clean(said);
        }
        assert_eq!(clean("/a.cc:1 f() said"), "said");
    }
}
