//! Asynchronous invocation as Lambda does it: the caller never waits, a failed run is tried twice more.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{lock, remember};
use crate::sandbox::longest;

/// One run and two retries, then the event is given up.
const ATTEMPTS: u32 = 3;

/// The longest pause while the functions cannot be reached at all.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long functions may be unreachable before an event is given up: Lambda keeps one for six hours.
const KEPT: Duration = Duration::from_hours(6);

/// How a delivery ended.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The function.
    pub function: String,
    /// The id of the event.
    pub event_id: String,
    /// How many times the function ran.
    pub attempts: u32,
    /// Whether the last run succeeded.
    pub delivered: bool,
    /// What the last run answered.
    pub answer: String,
}

#[derive(Debug)]
pub(super) struct Delivery {
    client: reqwest::Client,
    functions: String,
    retry_after: Duration,
    outcomes: Mutex<VecDeque<Outcome>>,
}

/// What came of asking for one run.
enum Run {
    Succeeded(String),
    Failed(String),
    Unreachable,
}

impl Delivery {
    pub(super) fn new(functions: String, retry_after: Duration) -> Self {
        Self {
            client: reqwest::Client::new(),
            functions,
            retry_after,
            outcomes: Mutex::default(),
        }
    }

    /// Invokes `function` until it succeeds or the attempts are used up.
    pub(super) async fn deliver(&self, function: &str, event: &Value) -> Outcome {
        let mut outcome = Outcome {
            function: function.to_owned(),
            event_id: event["id"].as_str().unwrap_or_default().to_owned(),
            attempts: 0,
            delivered: false,
            answer: String::new(),
        };
        let queued = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(100);
        while outcome.attempts < ATTEMPTS && queued.elapsed() < KEPT {
            match self.invoke(function, event).await {
                Run::Unreachable => {
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                    continue;
                }
                Run::Succeeded(answer) => {
                    outcome.delivered = true;
                    outcome.answer = answer;
                }
                Run::Failed(answer) => outcome.answer = answer,
            }
            outcome.attempts += 1;
            if outcome.delivered {
                break;
            }
            tracing::warn!(
                function,
                attempt = outcome.attempts,
                answer = outcome.answer,
                "invocation failed"
            );
            if outcome.attempts < ATTEMPTS {
                tokio::time::sleep(self.retry_after * outcome.attempts).await;
            }
        }
        remember(&mut lock(&self.outcomes), outcome.clone());
        outcome
    }

    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        lock(&self.outcomes).iter().cloned().collect()
    }

    async fn invoke(&self, function: &str, event: &Value) -> Run {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.functions);
        let request = self.client.post(url).timeout(longest(function)).json(event);
        // One that is never answered may not have been taken up: it is handed over again, which does no harm.
        let Ok(response) = request.send().await else {
            return Run::Unreachable;
        };
        let status = response.status();
        // Lambda reports a failed run with 200 and this header, the control plane of cargo-lambda with 500.
        let failed = !status.is_success() || response.headers().contains_key("x-amz-function-error");
        let answer = format!("{status} {}", response.text().await.unwrap_or_default());
        if failed {
            Run::Failed(answer)
        } else {
            Run::Succeeded(answer)
        }
    }
}
