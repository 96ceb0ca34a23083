//! The document is what the code says, and what it says is true.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::conformance::faults;
use super::{document, page};

/// Each generated file and what it should hold.
fn files() -> Vec<(PathBuf, String)> {
    let document = document();
    let json = format!("{document:#}\n");
    let page = page::page(&document);
    let tag = |text: &str| format!("\"{}\"", hex(&Sha256::digest(text)[..16]));
    let policy = page::policy(&STANDARD.encode(Sha256::digest(page::STYLE)));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi");
    vec![
        (folder.join("openapi.json.tag"), tag(&json)),
        (folder.join("openapi.json"), json),
        (folder.join("docs.html.tag"), tag(&page)),
        (folder.join("docs.html.policy"), policy),
        (folder.join("docs.html"), page),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_files_are_what_the_code_says() {
    for (path, expected) in files() {
        if std::env::var_os("WRITE_OPENAPI").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let first = written.lines().zip(expected.lines()).find(|(written, expected)| written != expected);
        assert!(written == expected, "{} is not what the code says, `make openapi` writes it: {first:?}", path.display());
    }
}
