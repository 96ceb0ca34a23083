//! An EventBridge and an SQS that we did not write, as tests use them.

use local::moto;
use serde_json::{Value, json};

pub(super) struct Moto(moto::Moto);

impl Moto {
    pub(super) async fn start() -> Self {
        Self(moto::Moto::start().await)
    }

    pub(super) fn url(&self) -> &str {
        self.0.url()
    }

    pub(super) async fn events(&self, operation: &str, body: Value) -> Value {
        self.0
            .call("events", &format!("AWSEvents.{operation}"), &body)
            .await
    }

    async fn sqs(&self, operation: &str, body: Value) -> Value {
        self.0.call("sqs", &format!("AmazonSQS.{operation}"), &body).await
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
