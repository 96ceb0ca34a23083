//! Listing events: the question, and one page of the answer.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ListedEvent;
use crate::google::error::{Error, Outcome, Transient};
use crate::private::private;

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
#[derive(Debug)]
pub struct EventsPage {
    /// In no useful order, except for a window; an id may come again on a later page, and then the later one counts.
    pub events: UnreadEvents,
    /// What follows; it can be asked for before the events are read.
    pub next: Continuation,
}

/// Events as they came: each has its own piece of the answer, so that one which cannot be understood does not fail the
/// others.
#[cfg_attr(test, derive(Debug))]
pub struct UnreadEvents(Vec<Bytes>);

private!(UnreadEvents);

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

impl EventsPage {
    pub(in crate::google) fn from_json(json: &Bytes) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            #[serde(default, borrow)]
            items: Vec<&'a RawValue>,
            next_page_token: Option<String>,
            next_sync_token: Option<String>,
        }
        let wire: Wire<'_> = serde_json::from_slice(json).map_err(|_| Error::unusable_page())?;
        let items = wire.items.iter();
        let sync_token = wire.next_sync_token;
        Ok(Self {
            events: UnreadEvents(items.map(|item| json.slice_ref(item.get().as_bytes())).collect()),
            next: wire
                .next_page_token
                .map_or(Continuation::End { sync_token }, Continuation::Page),
        })
    }
}

impl UnreadEvents {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Reads them, which takes the processor a while. One without an id is an answer that cannot be read.
    pub fn read(self) -> Result<Vec<ListedEvent>, Error> {
        let events = self.0.iter().map(|event| ListedEvent::from_json(event));
        events.collect::<Option<_>>().ok_or_else(Error::unusable_page)
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

    fn page(json: &Value) -> Result<(Vec<ListedEvent>, Continuation), Error> {
        let page = EventsPage::from_json(&Bytes::from(json.to_string()))?;
        Ok((page.events.read()?, page.next))
    }

    #[test]
    fn one_unreadable_event_does_not_fail_its_page() {
        let (events, next) = page(&json!({
            "kind": "calendar#events", "timeZone": "Asia/Karachi", "nextSyncToken": "s1",
            "items": [{"id": "broken", "status": "confirmed"}, {"id": "gone1", "status": "cancelled"}],
        }))
        .unwrap();
        let ids: Vec<_> = events.iter().map(ListedEvent::id).collect();
        assert_eq!(ids, ["broken", "gone1"]);
        assert!(matches!(events[0], ListedEvent::Unreadable { .. }));
        let sync_token = Some("s1".to_owned());
        assert_eq!(next, Continuation::End { sync_token });
    }

    #[test]
    fn an_empty_page_may_have_a_successor() {
        let (_, next) = page(&json!({"items": [], "nextPageToken": "p2"})).unwrap();
        assert_eq!(next, Continuation::Page("p2".to_owned()));
    }

    #[test]
    fn a_page_that_hides_something_is_unusable() {
        assert!(page(&json!({"items": [{"status": "confirmed"}]})).is_err());
        assert!(page(&json!({"items": 5})).is_err());
        assert!(EventsPage::from_json(&Bytes::from("<html>")).is_err());
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
