//! moto's server: AWS services that we did not write, for tests. It believes every signature.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Says where it listens, and ends with the test.
const SERVER: &str = "
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger('werkzeug').setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print('http://%s:%d' % server.get_host_and_port(), flush=True)
sys.stdin.read()
";

/// A running server with nothing in it.
#[derive(Debug)]
pub struct Moto {
    url: String,
    _process: Child,
}

impl Moto {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is no Python with moto: a test can do nothing about that.
    pub async fn start() -> Self {
        let python = std::env::var_os("PROJECT_PYTHON");
        let python = python.unwrap_or_else(|| panic!("PROJECT_PYTHON names no Python: `make test` sets it"));
        let mut command = Command::new(python);
        command
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("moto: {error}"));
        let Some(output) = process.stdout.take() else {
            panic!("moto has no standard output");
        };
        let url = BufReader::new(output).lines().next_line().await;
        let Ok(Some(url)) = url else {
            panic!("moto does not say where it listens");
        };
        Self {
            url,
            _process: process,
        }
    }

    /// The value for `AWS_ENDPOINT_URL_...`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One call of a service, see [`call`].
    ///
    /// # Panics
    /// When it is refused.
    pub async fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        call(&self.url, service, target, body).await
    }
}

/// One call of a service in the AWS JSON protocol, such as `events` and `AWSEvents.PutRule`.
///
/// # Panics
/// When it is refused.
pub async fn call(url: &str, service: &str, target: &str, body: &Value) -> Value {
    let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request");
    let request = reqwest::Client::new()
        .post(url)
        .header("authorization", credential)
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1")
        .body(body.to_string());
    let answer = async {
        let answer = request.send().await?;
        Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
    };
    let (status, text) = answer.await.unwrap_or_else(|error| panic!("{target}: {error}"));
    assert!(status.is_success(), "{target}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}
