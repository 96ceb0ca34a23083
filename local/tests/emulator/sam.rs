//! What `sam local invoke` would use: its emulator, and the variables of a function. SAM's own code is asked, up to where it
//! would start a container.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::scene::{folder, read};

/// Asked once for all tests.
static SAM: LazyLock<Sam> = LazyLock::new(|| {
    let python = std::env::var_os("PROJECT_PYTHON");
    let python = python.unwrap_or_else(|| panic!("PROJECT_PYTHON names no Python: `make test` sets it"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python)
        .arg(here.join("tests/emulator/sam.py"))
        .arg(here.join("../template.yaml"))
        .arg(folder().join("env.example.json"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "SAM does not answer: see above");
    serde_json::from_slice(&output.stdout).unwrap()
});

#[derive(Deserialize)]
struct Sam {
    emulator: PathBuf,
    /// By function.
    variables: BTreeMap<String, Variables>,
}

type Variables = BTreeMap<String, String>;

pub(crate) fn emulator() -> &'static Path {
    &SAM.emulator
}

/// The environment that a function's container would have under `--env-vars events/env.example.json`.
pub(crate) fn variables(function: &str) -> Variables {
    SAM.variables[function].clone()
}

#[test]
fn sam_hands_over_every_example() {
    let examples: BTreeMap<String, Variables> = serde_json::from_value(read("env.example")).unwrap();
    assert_eq!(examples.len(), SAM.variables.len());
    for variables in SAM.variables.values() {
        let examples = &examples[&variables["AWS_LAMBDA_FUNCTION_NAME"]];
        for (name, example) in examples {
            assert_eq!(variables.get(name), Some(example), "{name}");
        }
    }
}
