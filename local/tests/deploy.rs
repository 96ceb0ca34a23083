//! `make deploy`, tried by `deploy/test_deploy.py`.

use std::process::Command;

#[test]
fn what_make_deploy_does_before_sam_is_tried() {
    let python = std::env::var_os("PROJECT_PYTHON")
        .unwrap_or_else(|| panic!("PROJECT_PYTHON names no Python: `make test` sets it"));
    let output = Command::new(python)
        .arg("test_deploy.py")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
