//! A call to the clinic, played by the voice agent's definitions and requests as they stand in the documents.

use std::path::Path;

use reqwest::{Client, Method};
use serde_json::{Map, Value, json};

use crate::stack::Stack;

/// What a platform does with the definitions: it checks a tool call and makes the request.
struct Agent<'a> {
    stack: &'a Stack,
    client: Client,
    tools: Value,
    requests: Value,
}

fn documented(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl<'a> Agent<'a> {
    fn new(stack: &'a Stack) -> Self {
        Self {
            stack,
            client: Client::new(),
            tools: documented("voice-agent-tools.json"),
            requests: documented("voice-agent-requests.json"),
        }
    }

    /// The answer to a tool call.
    async fn call(&self, call_id: &str, tool: &str, arguments: Value) -> (u16, Value) {
        self.insist_on_schema(tool, &arguments);
        let request = &self.requests[tool];
        let filled = |text: &str| {
            let text = text.replace("{call_id}", call_id);
            ["appointment_id", "version"].iter().fold(text, |text, name| {
                let value = arguments[*name]
                    .as_str()
                    .map_or_else(|| arguments[*name].to_string(), str::to_owned);
                text.replace(&format!("{{{name}}}"), &value)
            })
        };
        let named = |place: &str| -> Map<String, Value> {
            let names = request[place].as_array().into_iter().flatten();
            let names = names.map(|name| name.as_str().unwrap());
            names
                .filter_map(|name| Some((name.to_owned(), arguments.get(name)?.clone())))
                .collect()
        };
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let path = filled(request["path"].as_str().unwrap());
        let mut sent = self
            .client
            .request(
                method.clone(),
                format!("http://127.0.0.1:{}{path}", self.stack.ports[0]),
            )
            .bearer_auth(&self.stack.key)
            .query(&named("query"));
        if method == Method::POST {
            sent = sent.json(&named("body"));
        }
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            sent = sent.header(name, filled(value.as_str().unwrap()));
        }
        let answer = sent.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A platform refuses a call that does not fit the definition.
    fn insist_on_schema(&self, tool: &str, arguments: &Value) {
        let mut tools = self.tools.as_array().unwrap().iter();
        let parameters = &tools.find(|known| known["name"] == tool).unwrap()["parameters"];
        for name in arguments.as_object().unwrap().keys() {
            assert!(
                parameters["properties"].get(name).is_some(),
                "{tool} has no {name}"
            );
        }
        for name in parameters["required"].as_array().unwrap() {
            assert!(
                arguments.get(name.as_str().unwrap()).is_some(),
                "{tool} needs {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_call_finds_books_looks_up_moves_and_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let agent = Agent::new(&stack);
    let phone = "+92 300 1234567";

    let morning = json!({"from": "2031-01-06T09:00:00+05:00", "to": "2031-01-06T12:00:00+05:00"});
    let (status, found) = agent.call("call-1", "find_slots", morning.clone()).await;
    assert_eq!(status, 200, "{found}");
    let slot = |number: usize| found["slots"][number]["starts_at"].clone();

    let booking = json!({"patient_name": "A. Khan", "patient_phone": phone, "starts_at": slot(0), "reason": "Check-up"});
    let (status, booked) = agent.call("call-2", "book_appointment", booking.clone()).await;
    assert_eq!((status, &booked["starts_at"]), (201, &slot(0)), "{booked}");
    // The platform heard nothing, and tries again.
    let (status, again) = agent.call("call-2", "book_appointment", booking.clone()).await;
    assert_eq!((status, &again), (201, &booked));
    // Another caller wants the same time, and is offered what is left.
    let (status, taken) = agent.call("call-3", "book_appointment", booking).await;
    assert_eq!((status, &taken["code"]), (409, &json!("slot_taken")));
    let (_, left) = agent.call("call-4", "find_slots", morning).await;
    let offered = left["slots"][0]["starts_at"].clone();
    assert_ne!(offered, slot(0));

    // As the patient says it.
    let ahead =
        json!({"patient_phone": "0300 1234567", "from": "2031-01-01T00:00:00+05:00", "status": "scheduled"});
    let (status, list) = agent
        .call("call-5", "find_appointments_by_phone", ahead.clone())
        .await;
    assert_eq!(
        (status, list["items"].as_array().map(Vec::len)),
        (200, Some(1)),
        "{list}"
    );
    let known = &list["items"][0];

    let change = json!({"appointment_id": known["id"], "version": known["version"], "starts_at": offered});
    let (status, moved) = agent
        .call("call-6", "reschedule_appointment", change.clone())
        .await;
    assert_eq!((status, &moved["starts_at"]), (200, &offered), "{moved}");
    let stale = json!({"appointment_id": known["id"], "version": known["version"]});
    let (status, refused) = agent.call("call-7", "cancel_appointment", stale).await;
    assert_eq!((status, &refused["code"]), (412, &json!("version_conflict")));

    let (_, list) = agent
        .call("call-8", "find_appointments_by_phone", ahead.clone())
        .await;
    let now = json!({
        "appointment_id": known["id"], "version": list["items"][0]["version"], "reason": "The patient is ill."
    });
    let (status, cancelled) = agent.call("call-9", "cancel_appointment", now).await;
    assert_eq!(
        (status, &cancelled["status"]),
        (200, &json!("cancelled")),
        "{cancelled}"
    );
    let (_, list) = agent.call("call-10", "find_appointments_by_phone", ahead).await;
    assert_eq!(list["items"], json!([]));
    stack.end().await;
}
