//! When two requests are one: a caller's key, and what was asked under it; pure.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A caller's name for one request, the same each time it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The longest key, in characters.
    pub const LONGEST: usize = 255;

    /// Reads a key; the error says what one looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if printable && (1..=Self::LONGEST).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "must be 1 to {} printable ASCII characters",
                Self::LONGEST
            ))
        }
    }
}

/// A request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    key: Key,
    fingerprint: [u8; 32],
}

impl Keyed {
    /// The POST of `body` to `path`. How the JSON is laid out makes no difference.
    pub fn post(key: Key, path: &str, body: &Value) -> Self {
        // No path has a line break. Values write their members in one order.
        let request = format!("POST {path}\n{body}");
        Self {
            key,
            fingerprint: Sha256::digest(request).into(),
        }
    }

    /// The key, for the database.
    pub(super) fn key(&self) -> &str {
        &self.key.0
    }

    /// What tells the request from others, and nothing about a patient.
    pub(super) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}

/// Who asks for a write, and under which key if it may be sent again.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The caller's name, for the history.
    pub caller: &'a str,
    /// The request, where the caller gave it a key.
    pub keyed: Option<&'a Keyed>,
}

/// A caller without a key.
impl<'a> From<&'a str> for By<'a> {
    fn from(caller: &'a str) -> Self {
        Self { caller, keyed: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_short_and_printable() {
        for good in [
            "a",
            "8e03978e-40d5-43e8-bc93-6894a57f9324",
            "\"quoted\"",
            "a key",
            &"k".repeat(255),
        ] {
            assert!(Key::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a\tb", "a\u{7f}", "schlüssel", &"k".repeat(256)] {
            assert!(Key::parse(bad).unwrap_err().contains("1 to 255"), "{bad}");
        }
    }

    #[test]
    fn what_is_asked_tells_requests_apart_and_how_it_is_written_does_not() {
        let fingerprint = |path: &str, body: &str| {
            let body = serde_json::from_str(body).unwrap();
            Keyed::post(Key::parse("k").unwrap(), path, &body).fingerprint
        };
        let one = fingerprint("/appointments", r#"{"a": 1, "b": [1, 2]}"#);
        assert_eq!(one, fingerprint("/appointments", "{\"b\":[1,2],\n\"a\":1}"));
        for (path, body) in [
            ("/appointments", r#"{"a": 1, "b": [2, 1]}"#),
            ("/appointments", r#"{"a": 1}"#),
            ("/appointments", r#"{"a": "1", "b": [1, 2]}"#),
            ("/appointments/x/cancel", r#"{"a": 1, "b": [1, 2]}"#),
        ] {
            assert_ne!(one, fingerprint(path, body), "{path} {body}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_build() {
        // It is compared with what an earlier deployment stored. The beginning of SHA-256 of
        // POST /appointments\n{"a":null,"b":1}
        let keyed = Keyed::post(
            Key::parse("k").unwrap(),
            "/appointments",
            &json!({"b": 1, "a": null}),
        );
        assert_eq!(keyed.fingerprint[..4], [0xce, 0x57, 0x80, 0x98]);
    }
}
