//! `make run` as a person meets it: the real functions under cargo-lambda's server, started, hurt and ended.
#![expect(clippy::unwrap_used, reason = "a test that unwraps fails where it stands")]

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

#[tokio::test]
async fn everything_starts_survives_a_dead_part_and_ends_with_one_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = Stack::start(&folder).await;
    let key = stack.key.clone();
    assert_eq!(stack.status("/health").await, 200);
    assert_eq!(
        stack.status("/appointments").await,
        200,
        "the key that was printed is good"
    );

    stack.kill_the_bus().await;
    let said = stack.line_with("the event bus ended").await;
    assert!(said.contains("started again"), "{said}");

    let ports = stack.ports.clone();
    stack.end().await;
    for port in &ports {
        assert!(
            TcpListener::bind(("127.0.0.1", *port)).is_ok(),
            "something still listens on {port}"
        );
    }

    let stack = Stack::start(&folder).await;
    assert_eq!(stack.key, key, "what is stored stays");
    stack.end().await;
}

/// A running `local run` on free ports.
struct Stack {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// API, Google stand-in, bus, PostgreSQL.
    ports: Vec<u16>,
    key: String,
}

impl Stack {
    async fn start(folder: &TempDir) -> Self {
        let ports = free_ports();
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command
            .arg("run")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command.env("LOCAL_FOLDER", folder.path());
        for (port, setting) in ports.iter().zip(["API", "GOOGLE", "BUS", "POSTGRES"]) {
            command.env(format!("LOCAL_{setting}_PORT"), port.to_string());
        }
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut stack = Self {
            process,
            output,
            ports,
            key: String::new(),
        };
        stack.line_with("ready").await;
        let line = stack.line_with("API key").await;
        line.split_whitespace().last().unwrap().clone_into(&mut stack.key);
        stack.line_with("Ctrl-C").await;
        stack
    }

    /// The next line that has `text` in it.
    async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.output.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended before it said '{text}'"));
            if line.contains(text) {
                return line;
            }
        }
    }

    async fn status(&self, path: &str) -> u16 {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[0]);
        let request = reqwest::Client::new().get(url).bearer_auth(&self.key);
        request.send().await.unwrap().status().as_u16()
    }

    /// Kills the process that listens on the bus's port, found by what it was started with.
    async fn kill_the_bus(&self) {
        let listing = Command::new("ps")
            .args(["-eo", "pid=,args="])
            .output()
            .await
            .unwrap();
        let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
        let started_with = format!("local bus --port {} ", self.ports[2]);
        let line = listing.lines().find(|line| line.contains(&started_with)).unwrap();
        let pid: i32 = line.split_whitespace().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }

    /// Ctrl-C, as the terminal sends it.
    async fn end(mut self) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
        let status = self.process.wait().await.unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

/// Four different ports that were free a moment ago.
fn free_ports() -> Vec<u16> {
    let listeners: Vec<_> = (0..4)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}
