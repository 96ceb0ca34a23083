//! The calls that we make, one method for each.

use bytes::Bytes;
use reqwest::{Method, Url};
use serde::{Serialize, de::DeserializeOwned};

use super::address::ApiUrl;
use super::error::{Error, Gone, Outcome, Reason, Refusal, Transient};
use super::quota::Quota;
use super::service_account::ServiceAccount;
use super::transport::{Call, Effect, Failed, Transport};
use super::verdict::{Doubt, Subject};
use super::wire::{
    Access, Calendar, Channel, Event, EventPatch, EventsPage, EventsQuery, ListedEvent, NewChannel, NewEvent,
};
use crate::deadline::Deadline;
use crate::settings::Rotating;

/// The Calendar API as one service account sees it. Cheap to make: nothing is loaded or opened before the first call.
#[derive(Debug)]
pub struct Client {
    api: ApiUrl,
    transport: Transport,
    quota: Quota,
}

impl Client {
    /// A client of the API at `api`. Without an account every call is answered with [`Error::CredentialsMissing`].
    #[must_use]
    pub fn new(api: ApiUrl, account: impl Into<Rotating<Option<ServiceAccount>>>) -> Self {
        Self {
            api,
            transport: Transport::new(account.into()),
            quota: Quota::OF_AN_ACCOUNT,
        }
    }

    /// The same with another quota, so that a test need not wait for a minute.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }

    /// How many calls may be made.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// Calls since this was last asked, beyond one for each call of a method: repetitions, and questions of our own.
    pub(crate) fn take_uncounted(&self) -> u32 {
        self.transport.take_uncounted()
    }

    /// Gives back what was taken and could not be counted.
    pub(crate) fn add_uncounted(&self, calls: u32) {
        self.transport.add_uncounted(calls);
    }

    /// The calendar itself: the cheapest way to learn whether it is shared with us.
    pub async fn get_calendar(&self, calendar_id: &str, deadline: Deadline) -> Result<Calendar, Error> {
        let call = read("calendars.get", self.api.calendar(calendar_id), Subject::Calendar);
        let body = self.send(&call, calendar_id, deadline).await?;
        parse(&body, call.effect)
    }

    /// One page of a listing; `page_token` is that of the page before.
    pub async fn list_events(
        &self,
        calendar_id: &str,
        query: EventsQuery<'_>,
        page_token: Option<&str>,
        deadline: Deadline,
    ) -> Result<EventsPage, Error> {
        let mut url = self.api.events(calendar_id);
        url.query_pairs_mut()
            .extend_pairs(query.parameters())
            .extend_pairs(page_token.map(|token| ("pageToken", token)));
        let subject = match query {
            EventsQuery::ChangesSince { .. } => Subject::Increment,
            EventsQuery::Everything | EventsQuery::Window { .. } => Subject::Calendar,
        };
        let call = read("events.list", url, subject);
        let body = self.send(&call, calendar_id, deadline).await?;
        EventsPage::from_json(&body)
    }

    /// One event. A deleted one that Google still knows is a tombstone; one that it does not know is [`Error::Gone`].
    pub async fn get_event(
        &self,
        calendar_id: &str,
        event_id: &str,
        deadline: Deadline,
    ) -> Result<ListedEvent, Error> {
        let call = read(
            "events.get",
            self.api.event(calendar_id, event_id),
            Subject::Event,
        );
        let body = self.send(&call, calendar_id, deadline).await?;
        ListedEvent::from_json(&body).ok_or_else(|| unreadable(call.effect))
    }

    /// Creates an event under its chosen id. [`Error::AlreadyExists`] may mean that an earlier try did it.
    pub async fn insert_event(
        &self,
        calendar_id: &str,
        event: &NewEvent,
        deadline: Deadline,
    ) -> Result<Event, Error> {
        let url = quietly(self.api.events(calendar_id));
        let call = Call {
            body: Some(json(event)?),
            ..write("events.insert", Method::POST, url, Subject::Calendar)
        };
        let body = self.send(&call, calendar_id, deadline).await?;
        live(&body)
    }

    /// Changes the version `etag` of an event; any other version is left alone ([`Error::PreconditionFailed`], which may
    /// also mean that an earlier try did it).
    pub async fn patch_event(
        &self,
        calendar_id: &str,
        event_id: &str,
        patch: &EventPatch,
        etag: &str,
        deadline: Deadline,
    ) -> Result<Event, Error> {
        let url = quietly(self.api.event(calendar_id, event_id));
        let call = Call {
            body: Some(json(patch)?),
            if_match: Some(etag),
            ..write("events.patch", Method::PATCH, url, Subject::Event)
        };
        let body = self.send(&call, calendar_id, deadline).await?;
        live(&body)
    }

    /// Deletes the version `etag` of an event. [`Error::Gone`] is what the caller wanted.
    pub async fn delete_event(
        &self,
        calendar_id: &str,
        event_id: &str,
        etag: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let url = quietly(self.api.event(calendar_id, event_id));
        let call = Call {
            if_match: Some(etag),
            ..write("events.delete", Method::DELETE, url, Subject::Event)
        };
        self.send(&call, calendar_id, deadline).await?;
        Ok(())
    }

    /// Opens a channel for changes of a calendar's events. If the answer is lost the channel may be open
    /// ([`Error::outcome_unknown`]): its id is spent, the next try takes another.
    pub async fn watch_events(
        &self,
        calendar_id: &str,
        channel: &NewChannel<'_>,
        deadline: Deadline,
    ) -> Result<Channel, Error> {
        let url = self.api.events_watch(calendar_id);
        let call = Call {
            body: Some(json(channel)?),
            effect: Effect::WriteOnce,
            ..write("events.watch", Method::POST, url, Subject::Calendar)
        };
        let body = self.send(&call, calendar_id, deadline).await?;
        parse(&body, call.effect)
    }

    /// Closes a channel; one that Google does not know (any more) is closed.
    pub async fn stop_channel(
        &self,
        channel_id: &str,
        resource_id: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Stop<'a> {
            id: &'a str,
            resource_id: &'a str,
        }
        let stop = Stop {
            id: channel_id,
            resource_id,
        };
        let url = self.api.channels_stop();
        let call = Call {
            body: Some(json(&stop)?),
            ..write("channels.stop", Method::POST, url, Subject::Channel)
        };
        match self.transport.send(&call, deadline).await {
            Ok(_) | Err(Failed::With(Error::Gone(_)) | Failed::EventOrCalendar(..)) => Ok(()),
            Err(Failed::With(error)) => Err(error),
        }
    }

    async fn send(&self, call: &Call<'_>, calendar_id: &str, deadline: Deadline) -> Result<Bytes, Error> {
        match self.transport.send(call, deadline).await {
            Ok(body) => Ok(body),
            Err(Failed::With(error)) => Err(error),
            Err(Failed::EventOrCalendar(doubt, outcome)) => {
                let meant = match doubt {
                    Doubt::Missing => self.what_is_missing(calendar_id, deadline).await,
                    Doubt::Forbidden => self.what_is_forbidden(calendar_id, deadline).await,
                };
                Err(meant.after(outcome))
            }
        }
    }

    /// The calendar is there, so the event is not, or the calendar is not there for us.
    async fn what_is_missing(&self, calendar_id: &str, deadline: Deadline) -> Error {
        let call = read("calendars.get", self.api.calendar(calendar_id), Subject::Calendar);
        self.transport.count();
        match self.transport.send(&call, deadline).await {
            Ok(_) => Error::Gone(Gone::NotFound),
            Err(Failed::With(error)) => error,
            Err(Failed::EventOrCalendar(..)) => Error::Unshared,
        }
    }

    /// Whoever may write in the calendar may not do this to the event; anyone else may do nothing. Every listing names
    /// our role; no other answer does.
    async fn what_is_forbidden(&self, calendar_id: &str, deadline: Deadline) -> Error {
        let mut url = self.api.events(calendar_id);
        url.query_pairs_mut()
            .append_pair("maxResults", "1")
            .append_pair("fields", "accessRole");
        let call = read("events.list", url, Subject::Calendar);
        self.transport.count();
        match self.transport.send(&call, deadline).await {
            Ok(body) => match parse::<Access>(&body, call.effect) {
                Ok(access) if access.may_write() => Error::Refused(Refusal {
                    status: 403,
                    reason: Reason::parse(Some("forbidden")),
                }),
                Ok(_) => Error::Unshared,
                Err(error) => error,
            },
            Err(Failed::With(error)) => error,
            Err(Failed::EventOrCalendar(..)) => Error::Unshared,
        }
    }
}

fn read(operation: &'static str, url: Url, subject: Subject) -> Call<'static> {
    Call {
        operation,
        method: Method::GET,
        url,
        if_match: None,
        body: None,
        subject,
        effect: Effect::Read,
    }
}

fn write(operation: &'static str, method: Method, url: Url, subject: Subject) -> Call<'static> {
    Call {
        method,
        effect: Effect::Write,
        ..read(operation, url, subject)
    }
}

/// Nobody is to get mail from Google about an appointment.
fn quietly(mut url: Url) -> Url {
    url.query_pairs_mut().append_pair("sendUpdates", "none");
    url
}

fn json(value: &impl Serialize) -> Result<Bytes, Error> {
    // None of our types can fail here; if one ever does, no try will help.
    serde_json::to_vec(value).map(Bytes::from).map_err(|_| {
        Error::Refused(Refusal {
            status: 400,
            reason: Reason::parse(Some("malformedRequest")),
        })
    })
}

fn parse<T: DeserializeOwned>(body: &[u8], effect: Effect) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|_| unreadable(effect))
}

/// The answer to a write that leaves a live event behind.
fn live(body: &[u8]) -> Result<Event, Error> {
    match ListedEvent::from_json(body) {
        Some(ListedEvent::Live(event)) => Ok(*event),
        Some(ListedEvent::Cancelled(_)) => Err(Error::Gone(Gone::Deleted)),
        Some(ListedEvent::Unreadable { .. }) | None => Err(unreadable(Effect::Write)),
    }
}

fn unreadable(effect: Effect) -> Error {
    let outcome = match effect {
        Effect::Read => Outcome::NotApplied,
        Effect::Write | Effect::WriteOnce => Outcome::Unknown,
    };
    Error::Retry {
        cause: Transient::UnreadableAnswer,
        outcome,
    }
}
