//! Reads Google's answer to one try: what it means, and whether another try may help.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;

use super::error::{CredentialFault, Error, Gone, Outcome, Reason, Refusal, Transient};

/// What kind of thing the call is about: the same status means different things for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A calendar, or its events as a collection: 404 is about the calendar.
    Calendar,
    /// A listing with a sync token: 410 is about the token.
    Increment,
    /// One event: 404 may be about the event or about its calendar.
    Event,
    /// A notification channel: 404 is about the channel.
    Channel,
}

/// What one try that was answered came to, other than success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The access token is not accepted: worth one try with a new one.
    TokenRefused(Reason),
    /// Worth another try, after `pause` if Google named one.
    Passing {
        cause: Transient,
        pause: Option<Duration>,
        /// Whether this try may have taken effect.
        outcome: Outcome,
    },
    /// What Google says of an event may be meant of its whole calendar.
    EventOrCalendar(Doubt),
    /// No other try will help.
    Final(Error),
}

/// An answer that does not tell an event from its calendar. The two must not be confused: one deletion or refusal, or a
/// calendar's worth of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// 404: one of them is missing.
    Missing,
    /// 403 `forbidden`: this change of the event, or any change in the calendar.
    Forbidden,
}

/// Judges an answer whose status is not a success.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], subject: Subject) -> Verdict {
    let envelope = Envelope::read(body);
    let reason = Reason::parse(envelope.as_ref().and_then(Envelope::reason));
    let passing = |cause, outcome| Verdict::Passing {
        cause,
        pause: retry_after(headers, Utc::now()),
        outcome,
    };
    let refused = || {
        let status = status.as_u16();
        Verdict::Final(Error::Refused(Refusal {
            status,
            reason: reason.clone(),
        }))
    };

    match (status.as_u16(), subject) {
        (401, _) => Verdict::TokenRefused(reason),
        (429, _) => passing(Transient::RateLimited, Outcome::NotApplied),
        // Without Google's envelope it is some box on the way that speaks, and not about our request.
        (403, _) if envelope.is_none() => passing(Transient::ServerError(403), Outcome::NotApplied),
        (403, _) => match reason.as_str() {
            "rateLimitExceeded" | "userRateLimitExceeded" => {
                passing(Transient::RateLimited, Outcome::NotApplied)
            }
            "quotaExceeded" | "dailyLimitExceeded" => Verdict::Final(Error::QuotaExceeded {
                outcome: Outcome::NotApplied,
            }),
            "forbidden" if subject == Subject::Event => Verdict::EventOrCalendar(Doubt::Forbidden),
            "forbidden" | "requiredAccessLevel" => Verdict::Final(Error::Unshared),
            "accessNotConfigured" | "insufficientPermissions" => {
                Verdict::Final(Error::CredentialsInvalid(CredentialFault::NotAccepted(reason)))
            }
            _ => refused(),
        },
        (404, Subject::Calendar | Subject::Increment) => Verdict::Final(Error::Unshared),
        (404, Subject::Event) => Verdict::EventOrCalendar(Doubt::Missing),
        (404, Subject::Channel) => Verdict::Final(Error::Gone(Gone::NotFound)),
        (409, _) if reason.as_str() == "duplicate" => Verdict::Final(Error::AlreadyExists),
        (409, _) => passing(Transient::Conflict, Outcome::NotApplied),
        (410, Subject::Increment) => Verdict::Final(Error::TokenDead),
        (410, Subject::Event) => Verdict::Final(Error::Gone(Gone::Deleted)),
        (412, _) => Verdict::Final(Error::PreconditionFailed),
        (code @ (408 | 500..=599), _) => passing(Transient::ServerError(code), Outcome::Unknown),
        _ => refused(),
    }
}

/// A pause of years would be somebody's mistake; asking once an hour is no burden.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// The pause that Google asks for: seconds or an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some(
        (at.to_utc() - now)
            .to_std()
            .unwrap_or_default()
            .min(LONGEST_PAUSE),
    )
}

/// The part of Google's error envelope that we look at.
#[derive(Deserialize)]
struct Envelope {
    error: EnvelopeError,
}

#[derive(Deserialize)]
struct EnvelopeError {
    #[serde(default)]
    errors: Vec<EnvelopeItem>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct EnvelopeItem {
    reason: Option<String>,
}

impl Envelope {
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The first error's reason, else the canonical status that newer front ends give alone.
    fn reason(&self) -> Option<&str> {
        let first = self.error.errors.first().and_then(|item| item.reason.as_deref());
        first.or(self.error.status.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(status: u16, reason: &str, subject: Subject) -> Verdict {
        let body = json!({"error": {
            "code": status, "message": "Words that may quote an event.",
            "errors": [{"domain": "global", "reason": reason, "message": "Words."}],
        }});
        let status = StatusCode::from_u16(status).unwrap();
        judge(status, &HeaderMap::new(), body.to_string().as_bytes(), subject)
    }

    fn passing(cause: Transient, outcome: Outcome) -> Verdict {
        Verdict::Passing {
            cause,
            pause: None,
            outcome,
        }
    }

    #[test]
    fn each_answer_of_google_has_its_meaning() {
        use Subject::{Calendar, Channel, Event, Increment};
        let refused = |status, reason| {
            let reason = Reason::parse(Some(reason));
            Verdict::Final(Error::Refused(Refusal { status, reason }))
        };
        let rate_limited = passing(Transient::RateLimited, Outcome::NotApplied);
        let not_accepted = |reason| {
            let fault = CredentialFault::NotAccepted(Reason::parse(Some(reason)));
            Verdict::Final(Error::CredentialsInvalid(fault))
        };
        let quota = Verdict::Final(Error::QuotaExceeded {
            outcome: Outcome::NotApplied,
        });
        let token = Verdict::TokenRefused(Reason::parse(Some("authError")));
        let server = |status| passing(Transient::ServerError(status), Outcome::Unknown);

        let table = [
            (400, "timeRangeEmpty", Event, refused(400, "timeRangeEmpty")),
            (400, "invalid", Calendar, refused(400, "invalid")),
            (401, "authError", Event, token),
            (403, "rateLimitExceeded", Event, rate_limited.clone()),
            (403, "userRateLimitExceeded", Calendar, rate_limited.clone()),
            (403, "quotaExceeded", Event, quota.clone()),
            (403, "dailyLimitExceeded", Event, quota),
            (403, "requiredAccessLevel", Event, Verdict::Final(Error::Unshared)),
            (403, "forbidden", Calendar, Verdict::Final(Error::Unshared)),
            (
                403,
                "accessNotConfigured",
                Event,
                not_accepted("accessNotConfigured"),
            ),
            (
                403,
                "forbiddenForServiceAccounts",
                Event,
                refused(403, "forbiddenForServiceAccounts"),
            ),
            (
                403,
                "forbidden",
                Event,
                Verdict::EventOrCalendar(Doubt::Forbidden),
            ),
            (404, "notFound", Event, Verdict::EventOrCalendar(Doubt::Missing)),
            (404, "notFound", Calendar, Verdict::Final(Error::Unshared)),
            (404, "notFound", Increment, Verdict::Final(Error::Unshared)),
            (
                404,
                "notFound",
                Channel,
                Verdict::Final(Error::Gone(Gone::NotFound)),
            ),
            (408, "requestTimeout", Event, server(408)),
            (409, "duplicate", Calendar, Verdict::Final(Error::AlreadyExists)),
            (
                409,
                "conflict",
                Event,
                passing(Transient::Conflict, Outcome::NotApplied),
            ),
            (410, "deleted", Event, Verdict::Final(Error::Gone(Gone::Deleted))),
            (
                410,
                "fullSyncRequired",
                Increment,
                Verdict::Final(Error::TokenDead),
            ),
            (
                410,
                "updatedMinTooLongAgo",
                Calendar,
                refused(410, "updatedMinTooLongAgo"),
            ),
            (
                412,
                "conditionNotMet",
                Event,
                Verdict::Final(Error::PreconditionFailed),
            ),
            (429, "rateLimitExceeded", Event, rate_limited),
            (500, "backendError", Event, server(500)),
            (503, "backendError", Calendar, server(503)),
        ];
        for (status, reason, subject, expected) in table {
            assert_eq!(
                verdict(status, reason, subject),
                expected,
                "{status} {reason} {subject:?}"
            );
        }
    }

    #[test]
    fn an_answer_that_is_not_googles_parks_nothing() {
        let page = b"<html>Forbidden</html>";
        let verdict = judge(StatusCode::FORBIDDEN, &HeaderMap::new(), page, Subject::Event);
        assert_eq!(verdict, passing(Transient::ServerError(403), Outcome::NotApplied));
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-12-01T09:00:00Z")
            .unwrap()
            .to_utc();
        let pause = |value: &'static str| {
            let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, value.parse().unwrap())]);
            retry_after(&headers, now)
        };
        assert_eq!(pause("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            pause("Tue, 01 Dec 2026 09:01:00 GMT"),
            Some(Duration::from_mins(1))
        );
        assert_eq!(pause("Tue, 01 Dec 2026 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(pause("999999999999"), Some(LONGEST_PAUSE));
        assert_eq!(pause("Tue, 01 Dec 2099 08:00:00 GMT"), Some(LONGEST_PAUSE));
        assert_eq!(pause("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
