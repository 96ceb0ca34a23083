//! Google's own Python client finds the stand-in as it finds Google.

use local::google::StandIn;
use tokio::process::Command;

#[tokio::test]
async fn googles_python_client_is_content() {
    let python = std::env::var_os("PROJECT_PYTHON")
        .expect("PROJECT_PYTHON names no Python that has google-api-python-client; `make test` sets it");
    let google = StandIn::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key.json");
    std::fs::write(&key_file, google.service_account_json()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/google_client.py");
    let run = Command::new(python)
        .arg(script)
        .arg(google.base_url())
        .arg(key_file)
        .output()
        .await
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(google.violations(), Vec::<String>::new());
}
