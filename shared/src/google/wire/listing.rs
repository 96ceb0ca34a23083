//! Listing events: the question, and one page of the answer.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ListedEvent;
use crate::google::error::{Error, Outcome, Transient};

/// Names the parameters that a full listing and its increments share. A sync token is good only for the query that it
/// came from: keep this beside the token, and list in full when it no longer matches.
///
/// Of guests only the calendar's owner is asked for, whose answer counts.
pub const SYNC_QUERY_FINGERPRINT: &str = "maxAttendees=1&maxResults=2500&singleEvents=false";

/// Which events to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsQuery<'a> {
    /// All that exist, series as master and exceptions. The last page bears a sync token.
    Everything,
    /// All that changed since the listing that gave this token, deletions included. The last page bears the next token.
    ChangesSince {
        /// Opaque; dead tokens are answered with [`Error::TokenDead`](crate::google::Error::TokenDead).
        sync_token: &'a str,
    },
    /// Those that overlap a window, series as occurrences, in order of their start. No token.
    Window {
        /// The window's start.
        from: DateTime<Utc>,
        /// The window's end; open when absent.
        to: Option<DateTime<Utc>>,
        /// At most so many to a page.
        limit: u16,
    },
}

impl EventsQuery<'_> {
    /// The query's parameters; those of all pages of one listing are the same.
    pub(in crate::google) fn parameters(self) -> Vec<(&'static str, String)> {
        fn instant(at: DateTime<Utc>) -> String {
            at.to_rfc3339_opts(SecondsFormat::Secs, true)
        }
        fn sync<'a>() -> impl Iterator<Item = (&'static str, String)> + 'a {
            SYNC_QUERY_FINGERPRINT
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name, value.to_owned()))
        }
        match self {
            Self::Everything => sync().collect(),
            Self::ChangesSince { sync_token } => {
                let token = ("syncToken", sync_token.to_owned());
                sync().chain([token]).collect()
            }
            Self::Window { from, to, limit } => {
                let fixed = [
                    ("singleEvents", "true".to_owned()),
                    ("orderBy", "startTime".to_owned()),
                    ("maxResults", limit.to_string()),
                    ("timeMin", instant(from)),
                ];
                let time_max = to.map(|at| ("timeMax", instant(at)));
                fixed.into_iter().chain(time_max).collect()
            }
        }
    }
}

/// One page of a listing. It may be short or empty although more follow.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsPage {
    /// In no useful order, except for a window; an id may come again on a later page, and then the later one counts.
    pub items: Vec<ListedEvent>,
    /// What follows.
    pub next: Continuation,
    /// The calendar's IANA zone.
    pub time_zone: Option<String>,
}

/// A page whose events are not read yet: what follows it can be asked for meanwhile.
#[derive(Debug)]
pub struct UnreadPage {
    /// Each event's own piece of the answer, so that one which cannot be understood does not fail the others.
    items: Vec<Bytes>,
    /// What follows.
    pub next: Continuation,
    time_zone: Option<String>,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// Another page, to be asked for with this token and the same query.
    Page(String),
    /// Nothing: the listing is complete.
    End {
        /// Where the next increment starts; absent for a window.
        sync_token: Option<String>,
    },
}

impl UnreadPage {
    pub(in crate::google) fn from_json(json: &Bytes) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            #[serde(default, borrow)]
            items: Vec<&'a RawValue>,
            next_page_token: Option<String>,
            next_sync_token: Option<String>,
            time_zone: Option<String>,
        }
        let wire: Wire<'_> = serde_json::from_slice(json).map_err(|_| Error::unusable_page())?;
        let items = wire
            .items
            .iter()
            .map(|item| json.slice_ref(item.get().as_bytes()));
        let sync_token = wire.next_sync_token;
        Ok(Self {
            items: items.collect(),
            next: wire
                .next_page_token
                .map_or(Continuation::End { sync_token }, Continuation::Page),
            time_zone: wire.time_zone,
        })
    }

    /// How many events it holds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.len()
    }

    /// Reads the events, which takes the processor a while. [`Transient::UnreadableAnswer`](crate::google::Transient) if one
    /// has no id.
    pub fn read(self) -> Result<EventsPage, Error> {
        let items = self.items.iter().map(|item| ListedEvent::from_json(item));
        Ok(EventsPage {
            items: items.collect::<Option<_>>().ok_or_else(Error::unusable_page)?,
            next: self.next,
            time_zone: self.time_zone,
        })
    }
}

impl Error {
    /// A page that cannot be read as a whole, or that holds an event without an id: nothing of it can be relied on.
    pub(crate) fn unusable_page() -> Self {
        Self::Retry {
            cause: Transient::UnreadableAnswer,
            outcome: Outcome::NotApplied,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(json: &Value) -> Result<EventsPage, Error> {
        UnreadPage::from_json(&Bytes::from(json.to_string()))?.read()
    }

    #[test]
    fn one_unreadable_event_does_not_fail_its_page() {
        let page = page(&json!({
            "kind": "calendar#events", "timeZone": "Asia/Karachi", "nextSyncToken": "s1",
            "items": [{"id": "broken", "status": "confirmed"}, {"id": "gone1", "status": "cancelled"}],
        }))
        .unwrap();
        let ids: Vec<_> = page.items.iter().map(ListedEvent::id).collect();
        assert_eq!(ids, ["broken", "gone1"]);
        assert!(matches!(page.items[0], ListedEvent::Unreadable { .. }));
        let sync_token = Some("s1".to_owned());
        assert_eq!(page.next, Continuation::End { sync_token });
    }

    #[test]
    fn an_empty_page_may_have_a_successor() {
        let page = page(&json!({"items": [], "nextPageToken": "p2"})).unwrap();
        assert_eq!(page.next, Continuation::Page("p2".to_owned()));
    }

    #[test]
    fn a_page_that_hides_something_is_unusable() {
        assert!(page(&json!({"items": [{"status": "confirmed"}]})).is_err());
        assert!(page(&json!({"items": 5})).is_err());
        assert!(UnreadPage::from_json(&Bytes::from("<html>")).is_err());
    }

    #[test]
    fn increments_share_the_parameters_of_the_full_listing() {
        let shared = [
            ("maxAttendees", "1".to_owned()),
            ("maxResults", "2500".to_owned()),
            ("singleEvents", "false".to_owned()),
        ];
        let increment = EventsQuery::ChangesSince { sync_token: "s1" }.parameters();
        assert_eq!(EventsQuery::Everything.parameters(), shared);
        assert_eq!(increment[..3], shared);
        assert_eq!(increment[3..], [("syncToken", "s1".to_owned())]);
    }
}
