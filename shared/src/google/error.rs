//! What can come of a call instead of an answer, sorted by what the caller has to do about it.

use std::fmt;
use std::time::Duration;

/// Why a call has no answer. Each variant calls for a reaction of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Google had a passing problem and went on having it for as many tries as the deadline allowed. Try again in the
    /// next run.
    #[error("Google Calendar had a passing problem: {cause}")]
    Retry {
        /// The problem of the last try.
        cause: Transient,
        /// Whether the call may have taken effect all the same.
        outcome: Outcome,
    },
    /// Google named a pause that does not fit the deadline. Try again when it is over.
    #[error("Google Calendar asks for a pause of {} s", after.as_secs())]
    RetryAfter {
        /// What it was named for; `None` if that is not known.
        cause: Option<Transient>,
        /// The pause, from now.
        after: Duration,
        /// Whether the call may have taken effect all the same.
        outcome: Outcome,
    },
    /// A daily or monthly quota is used up. Leave the calendar alone for long.
    #[error("the quota of Google Calendar is used up")]
    QuotaExceeded {
        /// Whether an earlier try of the call may have taken effect.
        outcome: Outcome,
    },
    /// Google, or the endpoint that gives out tokens, did not answer at all. Try again in the next run.
    #[error("Google cannot be reached")]
    Unreachable {
        /// Whether the call may have taken effect all the same.
        outcome: Outcome,
    },
    /// The sync token is no longer good. List in full.
    #[error("the sync token is no longer valid")]
    TokenDead,
    /// The event is no longer the version that `If-Match` named. Fetch it, merge, write again.
    #[error("the event has changed in the meantime")]
    PreconditionFailed,
    /// The calendar is there, the event is not.
    #[error("the event {0}")]
    Gone(Gone),
    /// An event of this id exists or did. Fetch it, and adopt it if it is ours.
    #[error("an event of this id exists already")]
    AlreadyExists,
    /// Refused for good: the same call will never succeed. Park the one event, go on with the others.
    #[error("{0}")]
    Refused(Refusal),
    /// The calendar does not exist or is not shared with the service account as a writer. Nothing of it can be synced
    /// until a person has changed that.
    #[error("the calendar is not shared with the service account, or does not exist")]
    Unshared,
    /// No service account is configured.
    #[error("no service account is configured for Google Calendar")]
    CredentialsMissing,
    /// The service account is no good. Nothing can be synced until a person has changed that.
    #[error("the service account was not accepted: {0}")]
    CredentialsInvalid(CredentialFault),
}

impl Error {
    /// Whether the call may have taken effect although it failed: its answer was lost, or the answer of an earlier try.
    /// The next try must then be one that is safe to repeat (`If-Match`, or the same chosen id).
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.outcome() == Some(Outcome::Unknown)
    }

    /// Whether the fault lies with the calendar or the account as a whole: the next event would meet it too, so the run
    /// over this calendar is better ended.
    #[must_use]
    pub fn concerns_whole_calendar(&self) -> bool {
        match self {
            Self::QuotaExceeded { .. }
            | Self::Unreachable { .. }
            | Self::TokenDead
            | Self::Unshared
            | Self::CredentialsMissing
            | Self::CredentialsInvalid(_) => true,
            // A server that fails may do so for this one event.
            Self::RetryAfter { cause, .. } => matches!(cause, None | Some(Transient::RateLimited)),
            Self::Retry { cause, .. } => *cause == Transient::RateLimited,
            Self::PreconditionFailed | Self::Gone(_) | Self::AlreadyExists | Self::Refused(_) => false,
        }
    }

    /// Whether Google has no notifications for the calendar, as for one of holidays.
    #[must_use]
    pub fn refuses_push(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.reason.as_str() == PUSH_NOT_SUPPORTED)
    }

    /// What metrics call it.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Retry { cause, .. } => cause.class(),
            Self::RetryAfter { cause, .. } => cause.map_or("no_answer", Transient::class),
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::Unreachable { .. } => "no_answer",
            Self::TokenDead => "sync_token_dead",
            Self::PreconditionFailed => "changed_meanwhile",
            Self::Gone(_) => "gone",
            Self::AlreadyExists => "exists_already",
            Self::Refused(_) => "refused",
            Self::Unshared => "not_shared",
            Self::CredentialsMissing | Self::CredentialsInvalid(_) => "credentials",
        }
    }

    /// The error of a call of which an earlier try had this outcome. If that is unknown, only an answer that shows what
    /// became of the write counts; any other is about the last try, and the whole stays unknown.
    pub(super) fn after(self, earlier: Outcome) -> Self {
        let outcome = Outcome::Unknown;
        match self {
            error if earlier == Outcome::NotApplied => error,
            error @ (Self::PreconditionFailed | Self::Gone(_) | Self::AlreadyExists) => error,
            Self::Retry { cause, .. } => Self::Retry { cause, outcome },
            Self::RetryAfter { cause, after, .. } => Self::RetryAfter {
                cause,
                after,
                outcome,
            },
            Self::QuotaExceeded { .. } => Self::QuotaExceeded { outcome },
            _ => Self::Unreachable { outcome },
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Retry { outcome, .. }
            | Self::RetryAfter { outcome, .. }
            | Self::QuotaExceeded { outcome }
            | Self::Unreachable { outcome } => Some(*outcome),
            _ => None,
        }
    }
}

/// Whether a failed call changed anything at Google.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It certainly did not.
    NotApplied,
    /// It may have: an answer was lost.
    Unknown,
}

/// A passing problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Transient {
    /// 429, or 403 with a reason that means the same: too many calls in a short time.
    #[error("too many calls")]
    RateLimited,
    /// 5xx, or an answer that means as much.
    #[error("status {0}")]
    ServerError(u16),
    /// A 409 other than "duplicate": two writes met.
    #[error("two writes met")]
    Conflict,
    /// The call succeeded but what it answered cannot be read.
    #[error("an answer that is not understood")]
    UnreadableAnswer,
}

impl Transient {
    /// What metrics call it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::ServerError(_) => "server_error",
            Self::Conflict => "conflict",
            Self::UnreadableAnswer => "unreadable",
        }
    }
}

/// How an event came not to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    /// It was deleted (410).
    #[error("was deleted")]
    Deleted,
    /// The calendar holds no such event (404), and perhaps never did.
    #[error("is not in the calendar")]
    NotFound,
}

/// What is wrong with the service account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// The private key cannot be used for signing.
    #[error("its private key is not an RSA key in PKCS#8 form")]
    Key,
    /// The token endpoint refused it, with this OAuth error.
    #[error("no access token was given ({0})")]
    Refused(Reason),
    /// The Calendar API refused two fresh tokens in a row, or the project may not use the API, for this reason.
    #[error("the Calendar API does not accept its tokens ({0})")]
    NotAccepted(Reason),
}

/// Google's reason for refusing a watch channel as such.
const PUSH_NOT_SUPPORTED: &str = "pushNotSupportedForRequestedResource";

/// A refusal for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Google's reason.
    pub reason: Reason,
}

impl fmt::Display for Refusal {
    /// Our own words where we know the reason: Google's message may quote the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.reason.as_str() {
            "timeRangeEmpty" => "the event would end before or when it starts",
            "forbiddenForServiceAccounts" => "a service account may not add guests",
            "forbiddenForNonOrganizer" => "only the event's organizer may change this",
            "eventTypeRestriction" => "events of this type may not be changed so",
            PUSH_NOT_SUPPORTED => "this calendar cannot be watched",
            "channelIdNotUnique" => "a channel of this id exists already",
            "cannotChangeOrganizer" => "the event's organizer may not be changed",
            _ => "the request was refused",
        };
        write!(f, "Google Calendar: {meaning} ({} {})", self.status, self.reason)
    }
}

/// A reason as Google names it: an identifier such as `rateLimitExceeded`, safe to log and to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Longer than any reason that Google documents.
    const LONGEST: usize = 64;

    /// Takes what looks like an identifier; anything else becomes `unknown`.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        let is_identifier = |text: &&str| {
            (1..=Self::LONGEST).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        Self(text.filter(is_identifier).unwrap_or("unknown").to_owned())
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identifiers_are_reasons() {
        assert_eq!(Reason::parse(Some("timeRangeEmpty")).as_str(), "timeRangeEmpty");
        let long = "x".repeat(65);
        for text in [
            None,
            Some(""),
            Some("A. Khan at 9"),
            Some("<b>"),
            Some(long.as_str()),
        ] {
            assert_eq!(Reason::parse(text).as_str(), "unknown");
        }
    }

    #[test]
    fn after_a_lost_answer_only_a_telling_one_counts() {
        for telling in [
            Error::AlreadyExists,
            Error::PreconditionFailed,
            Error::Gone(Gone::Deleted),
        ] {
            assert_eq!(telling.clone().after(Outcome::Unknown), telling);
        }
        let quota = Error::QuotaExceeded {
            outcome: Outcome::NotApplied,
        };
        for other in [Error::Unshared, Error::CredentialsMissing, quota] {
            assert_eq!(other.clone().after(Outcome::NotApplied), other);
            assert!(!other.outcome_unknown());
            assert!(other.after(Outcome::Unknown).outcome_unknown());
        }
    }

    #[test]
    fn a_refusal_is_told_in_our_words() {
        let refusal = Refusal {
            status: 400,
            reason: Reason::parse(Some("timeRangeEmpty")),
        };
        assert_eq!(
            Error::Refused(refusal).to_string(),
            "Google Calendar: the event would end before or when it starts (400 timeRangeEmpty)"
        );
    }
}
