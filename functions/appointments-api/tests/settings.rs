//! The binary itself under an environment that it cannot work in.
#![expect(clippy::unwrap_used, reason = "a test that unwraps fails where it stands")]

use std::process::{Command, Output};

use local::moto::Moto;
use serde_json::Value;

#[test]
fn a_setting_that_is_missing_or_malformed_is_one_line_that_names_it() {
    let database = ("DATABASE_URL", "postgres://clinic:hunter2@127.0.0.1/clinic");
    for (environment, name) in [
        (vec![], "DATABASE_URL"),
        (vec![("DATABASE_URL", "hunter2")], "DATABASE_URL"),
        (vec![database, ("API_KEYS", "hunter2")], "API_KEYS"),
        (
            vec![database, ("OIDC_ISSUER", "https://hunter2")],
            "OIDC_AUDIENCE",
        ),
        (vec![database, ("OIDC_AUDIENCE", "hunter2")], "OIDC_ISSUER"),
        (
            vec![database, ("CLINIC_TIME_ZONE", "hunter2")],
            "CLINIC_TIME_ZONE",
        ),
        (vec![database, ("WORKING_HOURS", "hunter2")], "WORKING_HOURS"),
    ] {
        let output = function(&environment);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.ends_with('\n') && said.lines().count() == 1, "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        let line: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(line["setting.name"], name);
        assert!(line["message"].as_str().unwrap().starts_with(name), "{said}");
    }
}

/// A secret that nobody has.
const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:lost-AbCdEf";

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_one_line_that_names_its_setting_and_why() {
    let moto = Moto::start().await;
    for (address, why) in [
        ("http://127.0.0.1:1", "dispatch failure"),
        (moto.url(), "ResourceNotFoundException"),
    ] {
        let output = function(&[
            ("DATABASE_URL", ARN),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", address),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.lines().count() == 1 && !said.contains("hunter2"), "{said}");
        let line: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(line["setting.name"], "DATABASE_URL");
        let message = line["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
#[cfg(unix)]
fn a_setting_that_is_no_text_is_malformed_not_absent() {
    use std::os::unix::ffi::OsStrExt;

    let output = Command::new(env!("CARGO_BIN_EXE_appointments-api"))
        .env_clear()
        .env("DATABASE_URL", "postgres://clinic@127.0.0.1/clinic")
        .env("CLINIC_TIME_ZONE", std::ffi::OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["setting.name"], "CLINIC_TIME_ZONE");
}

fn function(environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_appointments-api"))
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}
