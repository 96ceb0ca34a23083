//! Why Google does not show an appointment, in words for a receptionist; pure. What Google called it goes to the log.

use crate::google::Error;

/// The event changed faster than we could write.
pub(super) const KEEPS_CHANGING: &str =
    "The event keeps changing in Google Calendar. It is tried again by itself.";
/// Google's answer could not be read.
pub(super) const NOT_UNDERSTOOD: &str = "Google Calendar shows this event in a way that cannot be read here. Change the \
     appointment to try again, or tell whoever looks after the calendar sync.";

/// What to tell of a write that failed: what is the matter, and what can be done.
pub(super) fn for_people(error: &Error) -> &'static str {
    match error {
        Error::Refused(refusal) => refused(refusal.reason.as_str()),
        Error::Retry { .. } | Error::TokenDead => {
            "Google Calendar has a passing problem. It is tried again by itself."
        }
        Error::RetryAfter { .. } | Error::QuotaExceeded { .. } => {
            "Google Calendar takes no more changes for now. It is tried again by itself."
        }
        Error::Unreachable { .. } => "Google Calendar cannot be reached. It is tried again by itself.",
        Error::PreconditionFailed | Error::AlreadyExists | Error::Gone(_) => KEEPS_CHANGING,
        Error::Unshared => {
            "The calendar is not shared with the calendar sync, or no longer exists. Share it again, with the right to \
             make changes."
        }
        Error::CredentialsMissing | Error::CredentialsInvalid(_) => {
            "The calendar sync has no access to Google Calendar. Tell whoever looks after it."
        }
    }
}

fn refused(reason: &str) -> &'static str {
    match reason {
        "timeRangeEmpty" => {
            "Google Calendar takes no appointment that ends before or when it starts. Correct its times."
        }
        "forbidden" | "forbiddenForNonOrganizer" | "cannotChangeOrganizer" => {
            "Google Calendar does not let the calendar sync change this event: it belongs to somebody else. Ask its \
             organizer, or reschedule the appointment to give it a new event."
        }
        "forbiddenForServiceAccounts" => {
            "Google Calendar does not let the calendar sync change an event with these guests. Remove the guests, then \
             change the appointment to try again."
        }
        "eventTypeRestriction" => {
            "Google Calendar does not let an event of this kind be changed so. Reschedule the appointment to give it a \
             new event."
        }
        _ => {
            "Google Calendar does not accept this appointment as it is. Change it to try again, or tell whoever looks \
             after the calendar sync."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::{CredentialFault, Gone, Outcome, Reason, Refusal, Transient};

    #[test]
    fn no_code_word_reaches_a_receptionist() {
        let outcome = Outcome::Unknown;
        let reason = |text| Reason::parse(Some(text));
        let refused = |text| {
            Error::Refused(Refusal {
                status: 403,
                reason: reason(text),
            })
        };
        for error in [
            refused("timeRangeEmpty"),
            refused("forbidden"),
            refused("forbiddenForNonOrganizer"),
            refused("forbiddenForServiceAccounts"),
            refused("eventTypeRestriction"),
            refused("someNewReason"),
            Error::Retry {
                cause: Transient::ServerError(503),
                outcome,
            },
            Error::RetryAfter {
                cause: None,
                after: std::time::Duration::from_secs(7),
                outcome,
            },
            Error::QuotaExceeded { outcome },
            Error::Unreachable { outcome },
            Error::TokenDead,
            Error::PreconditionFailed,
            Error::Gone(Gone::Deleted),
            Error::AlreadyExists,
            Error::Unshared,
            Error::CredentialsMissing,
            Error::CredentialsInvalid(CredentialFault::Refused(reason("invalid_grant"))),
        ] {
            let words = for_people(&error);
            assert!(
                words.ends_with('.') && words.starts_with(char::is_uppercase),
                "{words}"
            );
            let is_code = |word: &str| {
                let inner = word.trim_matches(|c: char| c.is_ascii_punctuation());
                inner.contains(|c: char| c.is_ascii_digit() || c == '_')
                    || inner.chars().skip(1).any(char::is_uppercase)
            };
            assert!(!words.split_whitespace().any(is_code), "{words}");
        }
    }
}
