//! `make invoke` beside `make run`: each payload of `events/`, with the answer that the list of them says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::stack::Stack;

#[tokio::test]
async fn every_payload_is_answered_as_the_list_says() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let mut appointment = None;
    let list = std::fs::read_to_string(project().join("events/README.md")).unwrap();
    for (payload, answer) in rows(&list) {
        let (ended_well, printed) = invoke(&stack, &project(), payload, appointment.as_deref()).await;
        assert!(ended_well, "{payload}: {printed}");
        let printed_answer = match printed.strip_prefix("HTTP ") {
            Some(response) => response.lines().next().unwrap().to_owned(),
            None => serde_json::from_str::<Value>(&printed).unwrap().to_string(),
        };
        assert_eq!(printed_answer, answer, "{payload}: {printed}");
        if payload == "appointments-api/book" {
            appointment = Some(id_in(&printed));
        }
    }
    assert!(appointment.is_some(), "the list has a booking");
    stack.end().await;
}

#[tokio::test]
async fn a_function_that_fails_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let here = tempfile::tempdir().unwrap();
    let events = here.path().join("events");
    std::fs::create_dir_all(events.join("appointments-api")).unwrap();
    std::fs::copy(
        project().join("events/env.example.json"),
        events.join("env.example.json"),
    )
    .unwrap();
    let no_request = json!({"version": "2.0"}).to_string();
    std::fs::write(events.join("appointments-api/odd.json"), no_request).unwrap();
    let (ended_well, printed) = invoke(&stack, here.path(), "appointments-api/odd", None).await;
    assert!(!ended_well, "{printed}");
    stack.end().await;
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Each payload of the list, and its answer: what stands there up to a comma, or between backticks.
fn rows(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = list.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let answer = match cells[3].strip_prefix('`') {
            Some(json) => json.trim_end_matches('`'),
            None => cells[3].split(',').next().unwrap(),
        };
        (cells[1].trim_matches('`'), answer)
    })
}

/// Whether the command ended well, and what it printed.
async fn invoke(stack: &Stack, folder: &Path, payload: &str, appointment: Option<&str>) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["invoke", payload])
        .args(appointment)
        .current_dir(folder)
        .env("LOCAL_FOLDER", stack.folder())
        .env("LOCAL_API_PORT", stack.ports[0].to_string())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), printed + &complaint)
}

fn id_in(response: &str) -> String {
    let (_, body) = response.split_once("\n\n").unwrap();
    let appointment: Value = serde_json::from_str(body).unwrap();
    appointment["id"].as_str().unwrap().to_owned()
}
