//! Faults on order: refusals, lost answers, calls that hang, whole outages.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

/// One rule: which calls fail, and how.
///
/// ```
/// # use local::google::Fault;
/// let twice_too_many = Fault::on("events.insert").refuse(429, "rateLimitExceeded").retry_after("1").times(2);
/// let lost_answer = Fault::on("events.patch").after().disconnect();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// A call of the document, such as `events.insert`, or `token`; any call when left out.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only calls that name this calendar.
    #[serde(default)]
    pub calendar: Option<String>,
    /// Only requests whose method and path, such as `GET /calendar/v3/freeBusy`, contain this.
    #[serde(default)]
    pub path: Option<String>,
    /// Whether the call takes effect first.
    #[serde(default)]
    pub when: When,
    /// What the caller gets.
    pub answer: FaultAnswer,
    /// How often it happens; for ever when left out.
    #[serde(default)]
    pub times: Option<u32>,
}

/// Whether a failing call takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It does not.
    #[default]
    Before,
    /// It does, and the caller never learns it.
    After,
}

/// What the caller of a failing call gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultAnswer {
    /// A refusal in Google's envelope.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Google's code, such as `rateLimitExceeded`.
        reason: String,
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The connection is closed without an answer.
    Drop,
    /// No answer until the hanging calls are released.
    Hang,
}

/// What becomes of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// Calls are served.
    #[default]
    None,
    /// Calls are refused with 503.
    Unavailable,
    /// Connections are closed without an answer.
    Closed,
}

impl Fault {
    /// A fault of this call; unless told otherwise it refuses with 503 before anything happens, for ever.
    #[must_use]
    pub fn on(operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::on_any()
        }
    }

    /// A fault of every call.
    #[must_use]
    pub fn on_any() -> Self {
        let answer = FaultAnswer::Refuse {
            status: 503,
            reason: "backendError".to_owned(),
            retry_after: None,
        };
        Self {
            operation: None,
            calendar: None,
            path: None,
            when: When::Before,
            answer,
            times: None,
        }
    }

    /// Only for calls that name this calendar.
    #[must_use]
    pub fn of_calendar(mut self, calendar: &str) -> Self {
        self.calendar = Some(calendar.to_owned());
        self
    }

    /// Refuses with this status and Google's code for the reason.
    #[must_use]
    pub fn refuse(mut self, status: u16, reason: &str) -> Self {
        self.answer = FaultAnswer::Refuse {
            status,
            reason: reason.to_owned(),
            retry_after: None,
        };
        self
    }

    /// Adds a `Retry-After` header to the refusal.
    #[must_use]
    pub fn retry_after(mut self, value: &str) -> Self {
        if let FaultAnswer::Refuse { retry_after, .. } = &mut self.answer {
            *retry_after = Some(value.to_owned());
        }
        self
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub fn disconnect(mut self) -> Self {
        self.answer = FaultAnswer::Drop;
        self
    }

    /// Keeps the caller waiting until [`StandIn::release`](super::StandIn::release).
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.answer = FaultAnswer::Hang;
        self
    }

    /// Lets the call take effect; only the answer fails.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.when = When::After;
        self
    }

    /// Happens this often and then no more.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

impl FaultAnswer {
    /// The body of a refusal.
    pub(super) fn envelope(status: u16, reason: &str) -> Value {
        let limits = [
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "quotaExceeded",
            "dailyLimitExceeded",
        ];
        let domain = if limits.contains(&reason) {
            "usageLimits"
        } else {
            "global"
        };
        let message = match reason {
            "rateLimitExceeded" | "userRateLimitExceeded" => "Rate Limit Exceeded",
            "quotaExceeded" => "Calendar usage limits exceeded.",
            "backendError" => "Backend Error",
            _ => reason,
        };
        let entry = json!({"domain": domain, "reason": reason, "message": message});
        json!({"error": {"errors": [entry], "code": status, "message": message}})
    }
}

/// The faults in force.
pub(super) struct Faults {
    rules: Mutex<Vec<Fault>>,
    outage: Mutex<Outage>,
    /// Counts the releases of hanging calls.
    releases: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            rules: Mutex::default(),
            outage: Mutex::default(),
            releases: watch::Sender::new(0),
        }
    }
}

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }

    pub(super) fn list(&self) -> Vec<Fault> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_outage(&self, outage: Outage) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage;
    }

    /// Ends every fault and outage, and releases what hangs.
    pub(super) fn heal(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.set_outage(Outage::None);
        self.release();
    }

    pub(super) fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// The first fault that strikes a call, one of its times used up. An outage strikes every call.
    pub(super) fn strike(&self, operation: &str, calendar: Option<&str>, request: &str) -> Option<Strike> {
        let release = self.releases.subscribe();
        let (when, answer) = match *self.outage.lock().unwrap_or_else(PoisonError::into_inner) {
            Outage::None => self.use_up(operation, calendar, request)?,
            Outage::Closed => (When::Before, FaultAnswer::Drop),
            Outage::Unavailable => {
                let reason = "backendError".to_owned();
                (
                    When::Before,
                    FaultAnswer::Refuse {
                        status: 503,
                        reason,
                        retry_after: None,
                    },
                )
            }
        };
        Some(Strike {
            when,
            answer,
            release,
        })
    }

    fn use_up(&self, operation: &str, calendar: Option<&str>, request: &str) -> Option<(When, FaultAnswer)> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let index = rules
            .iter()
            .position(|rule| rule.strikes(operation, calendar, request))?;
        let struck = (rules[index].when, rules[index].answer.clone());
        if let Some(times) = &mut rules[index].times {
            *times -= 1;
            if *times == 0 {
                rules.remove(index);
            }
        }
        Some(struck)
    }
}

/// A fault that strikes one call.
pub(super) struct Strike {
    pub(super) when: When,
    pub(super) answer: FaultAnswer,
    /// Listens since the strike: a release that comes before the wait still ends it.
    release: watch::Receiver<u64>,
}

impl Strike {
    /// Comes back when what hangs is released.
    pub(super) async fn released(&mut self) {
        // An error means that the stand-in is gone, and with it the wait.
        let _ = self.release.changed().await;
    }
}

impl Fault {
    fn strikes(&self, operation: &str, calendar: Option<&str>, request: &str) -> bool {
        self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self
                .calendar
                .as_deref()
                .is_none_or(|wanted| Some(wanted) == calendar)
            && self.path.as_deref().is_none_or(|part| request.contains(part))
            && self.times != Some(0)
    }
}
