//! What documents promise to be tested is tested: each row of a table whose last column is `test` names tests, and these
//! exist. The list of payloads is complete.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_row_of_a_document_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let source: String = ["shared", "functions", "local"]
        .iter()
        .flat_map(|folder| files(&root.join(folder), "rs"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut rows = 0;
    for document in files(&root.join("docs"), "md") {
        let text = fs::read_to_string(&document).unwrap();
        for row in rows_of_tables(&text, |head| head.ends_with("| test |")) {
            let named = names_in_last_cell(row);
            assert!(!named.is_empty(), "{}: no test in {row}", document.display());
            for name in named {
                assert!(
                    is_test(&source, name),
                    "{}: {name} is no test",
                    document.display()
                );
            }
            rows += 1;
        }
    }
    assert!(rows > 50, "only {rows} rows");
}

#[test]
fn every_payload_stands_in_the_list_of_them_and_nothing_else() {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let list = fs::read_to_string(events.join("README.md")).unwrap();
    let listed: BTreeSet<PathBuf> = rows_of_tables(&list, |_| true)
        .filter_map(|row| row.split('`').nth(1))
        .map(|name| events.join(format!("{name}.json")))
        .collect();
    let mut payloads: BTreeSet<PathBuf> = files(&events, "json").into_iter().collect();
    assert!(payloads.remove(&events.join("env.example.json")));
    assert_eq!(listed, payloads);
}

/// The rows below the heads of tables, of those whose head is `wanted`.
fn rows_of_tables(text: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    let (mut above, mut below_head) = ("", false);
    text.lines().filter(move |line| {
        let is_rule = line.starts_with("|-");
        below_head = line.starts_with('|') && (below_head || is_rule && wanted(above));
        above = line;
        below_head && !is_rule
    })
}

fn names_in_last_cell(row: &str) -> Vec<&str> {
    let last = row.trim_end().trim_end_matches('|').rsplit('|').next();
    last.unwrap_or_default().split('`').skip(1).step_by(2).collect()
}

/// Whether there is a function of this name, with a test's attribute above it.
fn is_test(source: &str, name: &str) -> bool {
    source.match_indices(&format!("fn {name}()")).any(|(at, _)| {
        let above = source[..at].rsplit("\n\n").next().unwrap_or_default();
        above.contains("#[test]") || above.contains("#[tokio::test")
    })
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
