//! The `local` binary as the Makefile uses it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn a_taken_port_is_one_line_that_names_it_and_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();

    let output = local(&["run"])
        .env("LOCAL_FOLDER", folder.path())
        .env("LOCAL_API_PORT", &port)
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    let expected = format!(
        "port {port} is taken (the API): end what uses it, or choose another with LOCAL_API_PORT=PORT\n"
    );
    assert_eq!(complaint(&output), expected);
}

#[test]
fn a_port_that_is_none_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let output = local(&["run"])
        .env("LOCAL_FOLDER", folder.path())
        .env("LOCAL_BUS_PORT", "high")
        .output()
        .unwrap();
    assert_eq!(
        complaint(&output),
        "LOCAL_BUS_PORT should be a port, 1 to 65535\n"
    );
}

#[test]
fn invoking_needs_a_payload_and_the_running_system() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    for (payload, expected) in [
        (
            "appointments-api/dance",
            "there is no events/appointments-api/dance.json: `make invoke` alone lists what there is\n"
                .to_owned(),
        ),
        (
            "events/appointments-api/book.json",
            format!("nothing answers on port {port}: start everything with `make run` first\n"),
        ),
    ] {
        let output = local(&["invoke", payload])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .env("LOCAL_API_PORT", &port)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(complaint(&output), expected);
    }
}

#[test]
fn with_postgres_ends_as_its_program_ended() {
    let output = local(&[
        "with-postgres",
        "--",
        "sh",
        "-c",
        "echo $TEST_DATABASE_URL; exit 7",
    ])
    .output()
    .unwrap();

    assert_eq!(output.status.code(), Some(7), "{}", complaint(&output));
    let url = String::from_utf8(output.stdout).unwrap();
    let address = url
        .trim()
        .trim_start_matches("postgres://postgres@")
        .trim_end_matches("/postgres")
        .to_owned();
    assert!(
        TcpListener::bind(address).is_ok(),
        "the server has ended: its port is free"
    );
}

#[test]
fn an_unknown_command_is_answered_with_those_that_exist() {
    let output = local(&["dance"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).starts_with("usage: local COMMAND\n"));
}

fn local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(arguments);
    command
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
