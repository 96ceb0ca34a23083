//! What we publish, and the rule that starts the 5-minute run: Amazon EventBridge.
//!
//! The bus only says "look now". What there is to do stands in the database, so a message that is lost costs time,
//! nothing else: publishing is bounded and its failure is logged, never shown. No patient data goes on the bus.

use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, RuleState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::aws::Aws;

/// The `source` of all that we publish.
pub const SOURCE: &str = "appointment-sync";

/// How long a publisher waits for the bus.
const PUBLISH_WITHIN: Duration = Duration::from_millis(300);
/// `PutEvents` takes no more entries at once.
const MOST_ENTRIES: usize = 10;

/// What happened, for anyone who listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message {
    /// An appointment changed; committed before it is told.
    AppointmentChanged {
        /// Which.
        appointment_id: Uuid,
        /// In which calendar.
        calendar_id: String,
        /// As of which version.
        version: i64,
        /// `created`, `updated`, `rescheduled`, `cancelled` or `restored`.
        change: String,
        /// Which side it came from.
        origin: Origin,
    },
    /// Google says that something in a calendar changed.
    CalendarChanged {
        /// Which calendar.
        calendar_id: String,
        /// The watch channel that said so.
        channel_id: String,
        /// Google's number of the notification.
        message_number: i64,
    },
}

/// Where a change of an appointment came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A caller of the API.
    Api,
    /// A person in Google Calendar.
    GoogleCalendar,
}

impl Message {
    /// The `detail-type`.
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::AppointmentChanged { .. } => "AppointmentChanged",
            Self::CalendarChanged { .. } => "CalendarChanged",
        }
    }
}

/// Who is told of what happened. The sync engine knows the bus by this alone.
pub trait Announce: Send + Sync {
    /// Tells of `messages`. It may fail, but neither shows that nor takes long.
    fn announce<'a>(&'a self, messages: &'a [Message]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

impl Announce for Bus {
    fn announce<'a>(&'a self, messages: &'a [Message]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.publish(messages))
    }
}

/// Which bus and which rule.
#[derive(Debug, Clone)]
pub struct BusSettings {
    /// The way to AWS.
    pub aws: Aws,
    /// `EVENT_BUS_NAME`.
    pub bus_name: String,
    /// `AUTO_SYNC_RULE_NAME`.
    pub rule_name: Option<String>,
}

/// The bus and the rule. The AWS client is made at the first use: it costs start-up time.
#[derive(Debug)]
pub struct Bus {
    settings: BusSettings,
    client: OnceLock<Client>,
}

/// Why the rule could not be read or switched.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// `AUTO_SYNC_RULE_NAME` is not set.
    #[error("AUTO_SYNC_RULE_NAME is not set")]
    NotConfigured,
    /// There is no such rule.
    #[error("the EventBridge rule does not exist")]
    NotFound,
    /// This function's role may not do that.
    #[error("access to the EventBridge rule is denied")]
    AccessDenied,
    /// EventBridge will not do that with this rule: it belongs to another service, or its name is none.
    #[error("EventBridge refuses: {0}")]
    Refused(String),
    /// EventBridge did not answer in time or failed; the same may succeed soon.
    #[error("EventBridge cannot be reached")]
    Unavailable,
}

impl Bus {
    /// A bus that is not yet connected to.
    pub fn new(settings: BusSettings) -> Self {
        Self {
            settings,
            client: OnceLock::new(),
        }
    }

    /// Makes the AWS client ahead of the first message, which must not wait for it.
    pub fn prepare(&self) {
        self.client();
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| self.settings.aws.event_bridge())
    }

    /// Tells of `messages`, within 300 ms or not at all. A failure is logged; the next run finds the work in the
    /// database.
    pub async fn publish(&self, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        let put_all = async {
            for chunk in messages.chunks(MOST_ENTRIES) {
                self.put(chunk).await;
            }
        };
        if tokio::time::timeout(PUBLISH_WITHIN, put_all).await.is_err() {
            tracing::warn!(
                bus.messages = messages.len(),
                "the bus did not answer in time, the next run will look"
            );
        }
    }

    async fn put(&self, messages: &[Message]) {
        let trace = trace_id();
        let entries = messages.iter().filter_map(|message| {
            let entry = PutEventsRequestEntry::builder()
                .event_bus_name(&self.settings.bus_name)
                .source(SOURCE)
                .detail_type(message.detail_type())
                // A message is strings and numbers: it always serialises.
                .detail(serde_json::to_string(message).ok()?)
                // What a message sets off belongs to the trace of what set it off.
                .set_trace_header(trace.clone());
            Some(entry.build())
        });
        let request = self.client().put_events().set_entries(Some(entries.collect()));
        match request.send().await {
            // An answer of 200 may still name entries that were not taken.
            Ok(answer) if answer.failed_entry_count() > 0 => {
                let code = answer
                    .entries()
                    .iter()
                    .find_map(|entry| entry.error_code())
                    .unwrap_or("unknown");
                tracing::warn!(
                    bus.failed = answer.failed_entry_count(),
                    bus.error = code,
                    "the bus refused messages"
                );
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(bus.error = %DisplayErrorContext(&error), "the bus did not take messages");
            }
        }
    }

    /// Whether the 5-minute rule is enabled.
    pub async fn rule_is_enabled(&self) -> Result<bool, RuleError> {
        let request = self.client().describe_rule().name(self.rule_name()?);
        let rule = request.send().await.map_err(|error| classify(&error))?;
        Ok(rule.state().is_some_and(|state| *state != RuleState::Disabled))
    }

    /// Enables or disables the 5-minute rule; repeating it changes nothing.
    pub async fn set_rule_enabled(&self, enabled: bool) -> Result<(), RuleError> {
        let name = self.rule_name()?;
        let client = self.client();
        if enabled {
            client
                .enable_rule()
                .name(name)
                .send()
                .await
                .map(drop)
                .map_err(|error| classify(&error))
        } else {
            client
                .disable_rule()
                .name(name)
                .send()
                .await
                .map(drop)
                .map_err(|error| classify(&error))
        }
    }

    fn rule_name(&self) -> Result<&str, RuleError> {
        self.settings.rule_name.as_deref().ok_or(RuleError::NotConfigured)
    }
}

/// The X-Ray trace of the invocation under way, where Lambda keeps it for whoever calls on.
fn trace_id() -> Option<String> {
    std::env::var("_X_AMZN_TRACE_ID")
        .ok()
        .filter(|trace| !trace.is_empty())
}

fn classify<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> RuleError {
    let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
    let refused = (400..500).contains(&status);
    // A refusal that comes before EventBridge itself may be in another protocol: then the status alone is understood.
    let unauthorised = matches!(status, 401 | 403);
    match error.code() {
        Some("ResourceNotFoundException") => return RuleError::NotFound,
        Some(
            "AccessDenied"
            | "AccessDeniedException"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
            | "UnrecognizedClientException",
        ) => return RuleError::AccessDenied,
        Some(
            "ConcurrentModificationException"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException",
        ) => {}
        None if unauthorised => return RuleError::AccessDenied,
        Some(code) if refused => return RuleError::Refused(code.to_owned()),
        _ => {}
    }
    tracing::warn!(bus.error = %DisplayErrorContext(error), "EventBridge did not answer for the rule");
    RuleError::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_look_as_the_contract_says() {
        let changed = Message::AppointmentChanged {
            appointment_id: Uuid::nil(),
            calendar_id: "clinic@example.com".into(),
            version: 2,
            change: "updated".into(),
            origin: Origin::GoogleCalendar,
        };
        assert_eq!(
            serde_json::to_value(&changed).unwrap(),
            json!({
                "appointment_id": "00000000-0000-0000-0000-000000000000", "calendar_id": "clinic@example.com",
                "version": 2, "change": "updated", "origin": "google_calendar"
            })
        );
        assert_eq!(changed.detail_type(), "AppointmentChanged");
    }
}
