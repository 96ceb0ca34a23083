//! The API against its own document: schemathesis sends what the document allows and what it does not, alone and in sequences,
//! and holds each answer against it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::stack::Stack;

/// Requests of each kind for each operation: a minute's worth.
const EXAMPLES: &str = "40";
/// The same requests each time, so that a change is judged by what it changes; `SEED=...` plays others.
const SEED: &str = "20261124";

#[tokio::test]
async fn the_api_is_what_its_document_says() {
    let python = std::env::var_os("PROJECT_PYTHON");
    let python = python.unwrap_or_else(|| panic!("PROJECT_PYTHON names no Python: `make test` sets it"));
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    // It reads its settings from where it stands, and leaves notes there.
    let settings = tempfile::tempdir().unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    for file in ["schemathesis.toml", "hooks.py"] {
        std::fs::copy(ours.join(file), settings.path().join(file)).unwrap();
    }
    let document = ours.join("../../../functions/appointments-api/openapi/openapi.json");
    let mut command = Command::new(python);
    command
        .args(["-m", "schemathesis.cli", "run"])
        // Of a document that it fetches itself it leaves out the operation that gives the document.
        .arg(&document)
        .args(["--url", &format!("http://127.0.0.1:{}/", stack.ports[0])])
        .args(["--header", &format!("Authorization: Bearer {}", stack.key)])
        .args([
            "--checks",
            "all",
            "--phases",
            "examples,coverage,fuzzing,stateful",
        ])
        .args(["--max-examples", EXAMPLES, "--continue-on-failure", "--no-color"])
        .args([
            "--seed",
            &std::env::var("SEED").unwrap_or_else(|_| SEED.to_owned()),
        ])
        .args(["--generation-database", "none"])
        .current_dir(&settings)
        .env("HYPOTHESIS_STORAGE_DIRECTORY", settings.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    let run = command.output().await.unwrap();
    let report = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{report}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    // An empty run would succeed, too.
    assert!(
        report.contains(&format!("Tested: {}\n", operations(&document))),
        "{report}"
    );
    stack.end().await;
}

/// How many operations the document has.
fn operations(document: &Path) -> usize {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(document).unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    paths.map(|methods| methods.as_object().unwrap().len()).sum()
}
