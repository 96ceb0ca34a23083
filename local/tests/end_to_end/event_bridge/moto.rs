//! moto's server: an EventBridge and an SQS that we did not write.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::relay::call;

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

pub(super) struct Moto {
    url: String,
    _process: Child,
}

impl Moto {
    pub(super) async fn start() -> Self {
        let python = std::env::var_os("PROJECT_PYTHON");
        let python = python.unwrap_or_else(|| panic!("PROJECT_PYTHON names no Python: `make test` sets it"));
        let mut command = Command::new(python);
        command
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.next_line().await.unwrap().unwrap();
        Self {
            url,
            _process: process,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn events(&self, operation: &str, body: Value) -> Value {
        call(&self.url, "events", &format!("AWSEvents.{operation}"), &body).await
    }

    async fn sqs(&self, operation: &str, body: Value) -> Value {
        call(&self.url, "sqs", &format!("AmazonSQS.{operation}"), &body).await
    }

    /// A queue, by its address, that gets what a pattern matches on a bus.
    pub(super) async fn queue_of(&self, bus: &str, pattern: &Value) -> String {
        let queue = self.sqs("CreateQueue", json!({"QueueName": "listener"})).await["QueueUrl"].clone();
        let asked = json!({"QueueUrl": queue, "AttributeNames": ["QueueArn"]});
        let arn = self.sqs("GetQueueAttributes", asked).await["Attributes"]["QueueArn"].clone();
        let rule = json!({"Name": "listener", "EventBusName": bus, "EventPattern": pattern.to_string()});
        self.events("PutRule", rule).await;
        let targets = json!({"Rule": "listener", "EventBusName": bus, "Targets": [{"Id": "1", "Arn": arn}]});
        self.events("PutTargets", targets).await;
        queue.as_str().unwrap().to_owned()
    }

    /// The next event in a queue.
    pub(super) async fn receive(&self, queue: &str) -> Option<Value> {
        let answer = self.sqs("ReceiveMessage", json!({"QueueUrl": queue})).await;
        serde_json::from_str(answer["Messages"][0]["Body"].as_str()?).ok()
    }
}
