//! The variables that `sam local invoke` would give a function. SAM's own code is asked, up to where it would start a
//! container.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::scene::{folder, read};

type Variables = BTreeMap<String, String>;

/// Asked once for all tests.
static SAM: LazyLock<BTreeMap<String, Variables>> = LazyLock::new(|| {
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

/// The environment that a function's container would have under `--env-vars events/env.example.json`.
pub(crate) fn variables(function: &str) -> Variables {
    SAM[function].clone()
}

#[test]
fn sam_hands_over_every_example() {
    let examples: BTreeMap<String, Variables> = serde_json::from_value(read("env.example")).unwrap();
    assert_eq!(examples.len(), SAM.len());
    for variables in SAM.values() {
        let examples = &examples[&variables["AWS_LAMBDA_FUNCTION_NAME"]];
        for (name, example) in examples {
            assert_eq!(variables.get(name), Some(example), "{name}");
        }
    }
}
