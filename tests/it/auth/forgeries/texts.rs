//! What is wrong with a token as text: parts, padding, duplicates, signatures.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::workshop::{Forge, ORDER, Signed, encode, other_s};

impl Forge {
    pub(super) fn texts(&self) -> Vec<(String, String)> {
        let (header, claims) = (
            json!(self.header).to_string(),
            json!(self.claims).to_string(),
        );
        let (message, signature) = self.original.rsplit_once('.').unwrap();
        let (head, body) = message.split_once('.').unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        let us = |header: &str, claims: &str| self.sign_text(Signed::Us, header, claims);
        let twice = |text: &str, first: &str| text.replacen('{', &format!("{{{first},"), 1);
        let with = |bytes: &[u8]| format!("{message}.{}", encode(bytes));
        let o = &self.original;
        let mut flipped = bytes.clone();
        flipped[0] ^= 1;
        let other_claims = encode(claims.replace("chartroom", "chartrooM"));
        let padded =
            |text: &str| BASE64_URL_SAFE.encode(BASE64_URL_SAFE_NO_PAD.decode(text).unwrap());
        let mut trailing = signature.to_owned();
        let last = trailing.pop().unwrap();
        trailing.push(char::from(u8::try_from(u32::from(last)).unwrap() + 1));
        let cases = [
            (
                "duplicated claim",
                us(
                    &header,
                    &twice(&claims, "\"sub\":\"00000000-0000-0000-0000-000000000000\""),
                ),
            ),
            (
                "duplicated equal claim",
                us(&header, &twice(&claims, "\"aud\":\"chartroom\"")),
            ),
            (
                "duplicated adm",
                us(
                    &header,
                    &twice(&twice(&claims, "\"adm\":true"), "\"adm\":false"),
                ),
            ),
            (
                "duplicated header member",
                us(&twice(&header, "\"alg\":\"none\""), &claims),
            ),
            (
                "duplicated kid",
                us(&twice(&header, "\"kid\":\"x\""), &claims),
            ),
            ("text after the header", us(&format!("{header}x"), &claims)),
            (
                "text after the claims",
                us(&header, &format!("{claims}{claims}")),
            ),
            ("header as an array", us("[\"ES256\",\"at+jwt\"]", &claims)),
            ("claims as an array", us(&header, &format!("[{claims}]"))),
            ("claims as text", us(&header, "x")),
            ("empty claims", us(&header, "{}")),
            ("empty header", us("{}", &claims)),
            (
                "not UTF-8 in the header",
                format!("{}.{body}.{signature}", encode(b"{\"alg\":\"\xff\"}")),
            ),
            ("byte order mark", us(&format!("\u{feff}{header}"), &claims)),
            ("high s", with(&other_s(&bytes))),
            ("flipped bit", with(&flipped)),
            ("all zero", with(&[0; 64])),
            (
                "r and s of the order",
                with(&[hex_order(), hex_order()].concat()),
            ),
            ("truncated", with(&bytes[..63])),
            ("half", with(&bytes[..32])),
            ("extended", with(&[&bytes[..], &[0]].concat())),
            ("twice", with(&[&bytes[..], &bytes[..]].concat())),
            ("bits after the end", format!("{message}.{trailing}")),
            ("other claims", format!("{head}.{other_claims}.{signature}")),
            (
                "padded header",
                format!("{}=.{body}.{signature}", padded(head).trim_end_matches('=')),
            ),
            (
                "padded signature",
                format!("{message}.{}", padded(signature)),
            ),
            ("more padding", format!("{o}==")),
            ("space after", format!("{o} x")),
            ("space before", format!(" {o}")),
            ("tab before", format!("\t{o}")),
            ("space inside", format!("{head}. {body}.{signature}")),
            ("commas", format!("{o},{o}")),
            ("quoted", format!("\"{o}\"")),
            ("fullwidth dots", o.replace('.', "\u{ff0e}")),
            ("ideographic dots", o.replace('.', "\u{3002}")),
            ("percent dots", o.replace('.', "%2E")),
            ("four parts", format!("{o}.")),
            ("five parts", format!("{o}.x.y")),
            ("two parts", message.to_owned()),
            ("one part", head.to_owned()),
            ("empty signature", format!("{message}.")),
            ("empty payload", format!("{head}..{signature}")),
            ("empty head", format!(".{body}.{signature}")),
            ("dots", "..".to_owned()),
            ("nothing", String::new()),
            ("Bearer again", format!("Bearer {o}")),
            (
                "standard alphabet",
                format!("{message}.{}", BASE64_STANDARD.encode(&bytes)),
            ),
            (
                "16 KiB",
                us(
                    &header,
                    &twice(&claims, &format!("\"x\":\"{}\"", "a".repeat(12_000))),
                ),
            ),
            ("16 KiB of nothing", "a".repeat(16_000)),
            ("16 KiB of dots", ".".repeat(16_000)),
        ];
        cases.map(|(name, token)| (name.to_owned(), token)).to_vec()
    }
}

fn hex_order() -> Vec<u8> {
    (0..32)
        .map(|i| u8::from_str_radix(&ORDER[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}
