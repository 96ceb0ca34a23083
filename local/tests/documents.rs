//! What the documents promise to be tested is tested: each test that they name exists.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Names of tests are sentences; other code in the documents is shorter.
const FEWEST_WORDS: usize = 5;

#[test]
fn every_test_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let source: String = ["shared", "functions", "local"]
        .iter()
        .flat_map(|folder| files(&root.join(folder), "rs"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut named = 0;
    for document in files(&root.join("docs"), "md") {
        let text = fs::read_to_string(&document).unwrap();
        for name in text.split('`').filter(|code| is_test_name(code)) {
            let defined = source.contains(&format!("fn {name}()"));
            assert!(defined, "{} names {name}, which is no test", document.display());
            named += 1;
        }
    }
    assert!(named > 15, "only {named} tests are named");
}

fn is_test_name(code: &str) -> bool {
    let is_name = code.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
    is_name && code.split('_').count() >= FEWEST_WORDS
}

/// The files with this extension in a folder and those below.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found
}
