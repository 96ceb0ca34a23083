//! The `key` binary as `make key` uses it.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

use std::process::{Command, Output};

#[test]
fn a_new_key_is_printed_once_with_its_entry() {
    let output = key(&["frontend", "appointments+calendar"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let values: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let [key, entry] = values.try_into().unwrap();
    assert!(key.starts_with("frontend_"), "{key}");
    assert!(entry.starts_with("frontend:appointments+calendar:"), "{entry}");
}

#[test]
fn a_bad_name_or_scope_is_one_line_that_names_it() {
    for (arguments, named) in [
        (vec![], "NAME "),
        (vec!["front end", "appointments"], "NAME "),
        (vec!["google_calendar", "appointments"], "NAME "),
        (vec!["frontend"], "SCOPES "),
        (vec!["frontend", "everything"], "SCOPES "),
    ] {
        let output = key(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(named) && said.lines().count() == 1, "{said}");
        assert!(output.stdout.is_empty());
    }
}

fn key(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_key"))
        .args(arguments)
        .output()
        .unwrap()
}
