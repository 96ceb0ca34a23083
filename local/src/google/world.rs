//! Everything that the stand-in holds: the account, calendars with their events, channels and tokens.
//!
//! Plain data behind one lock. Each change raises one number over all calendars; etags, sync tokens and page tokens
//! are made of it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::account::{AccessToken, Account};
use super::channels::{Channel, LONGEST_LIFE, Notice};
use super::event::{Actor, Event, Tombstones, Writing};
use super::refusal::Refusal;

/// Who a person's events are created by.
pub(super) const PERSON: &str = "reception@example.com";

/// What the service account may do with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Not shared: the calendar looks as if it did not exist.
    None,
    /// Shared to be read.
    Reader,
    /// Shared to make changes to events.
    #[default]
    Writer,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Calendar {
    pub(super) id: String,
    #[serde(with = "zone_name")]
    pub(super) zone: Tz,
    #[serde(default)]
    pub(super) access: Access,
    #[serde(default)]
    pub(super) refuses_push: bool,
    /// Raised to make every sync token of the calendar worthless.
    #[serde(default)]
    pub(super) token_generation: u32,
    /// Saved one by one, and not with the calendar.
    #[serde(skip)]
    pub(super) events: BTreeMap<String, Event>,
}

/// How listings misbehave within what Google allows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListingManners {
    /// What is shown of deleted events.
    pub tombstones: Tombstones,
    /// No page holds more events than this, whatever `maxResults` says.
    pub page_limit: Option<usize>,
    /// An empty page with a `nextPageToken` precedes each page.
    pub empty_pages: bool,
    /// Each page begins with the last event of the one before.
    pub repeat_ids: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct World {
    pub(super) account: Account,
    #[serde(default)]
    pub(super) tokens: BTreeMap<String, AccessToken>,
    #[serde(default)]
    pub(super) calendars: BTreeMap<String, Calendar>,
    #[serde(default)]
    pub(super) channels: BTreeMap<String, Channel>,
    /// The number of the latest change.
    #[serde(default)]
    pub(super) changes: u64,
    /// How far the stand-in's clock is ahead of the machine's, in milliseconds.
    #[serde(default)]
    pub(super) clock_ahead_ms: i64,
    /// The longest life that a channel is given, in seconds.
    #[serde(skip, default = "longest_channel_life")]
    pub(super) longest_channel_life: i64,
    #[serde(skip)]
    pub(super) manners: ListingManners,
    /// Notifications that the latest changes call for; sent once the lock is free.
    #[serde(skip)]
    pub(super) notices: Vec<Notice>,
    /// The events changed since the last save, as calendar and id.
    #[serde(skip)]
    pub(super) unsaved: Vec<(String, String)>,
    /// The base URL of the Calendar API, known once the port is.
    #[serde(skip)]
    pub(super) base_url: String,
}

impl World {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            tokens: BTreeMap::new(),
            calendars: BTreeMap::new(),
            channels: BTreeMap::new(),
            changes: 0,
            clock_ahead_ms: 0,
            longest_channel_life: LONGEST_LIFE,
            manners: ListingManners::default(),
            notices: Vec::new(),
            unsaved: Vec::new(),
            base_url: String::new(),
        }
    }

    /// The time by the stand-in's clock.
    pub(super) fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.clock_ahead_ms)
    }

    pub(super) fn add_calendar(&mut self, id: &str, zone: Tz) {
        let calendar = Calendar {
            id: id.to_owned(),
            zone,
            access: Access::Writer,
            refuses_push: false,
            token_generation: 0,
            events: BTreeMap::new(),
        };
        self.calendars.entry(id.to_owned()).or_insert(calendar);
    }

    /// The calendar as `by` may read it.
    pub(super) fn readable(&self, id: &str, by: Actor) -> Result<&Calendar, Refusal> {
        let calendar = self.calendars.get(id).ok_or_else(Refusal::not_found)?;
        if by == Actor::Api && calendar.access == Access::None {
            return Err(Refusal::not_found());
        }
        Ok(calendar)
    }

    /// The calendar as `by` may write to it.
    pub(super) fn writable(&self, id: &str, by: Actor) -> Result<&Calendar, Refusal> {
        let calendar = self.readable(id, by)?;
        if by == Actor::Api && calendar.access != Access::Writer {
            return Err(Refusal::needs_writer());
        }
        Ok(calendar)
    }

    /// The circumstances of a change made now.
    pub(super) fn writing<'a>(&'a self, calendar: &'a Calendar, by: Actor) -> Writing<'a> {
        let email = match by {
            Actor::Api => &self.account.client_email,
            Actor::Person => PERSON,
        };
        Writing {
            by,
            email,
            calendar_id: &calendar.id,
            zone: calendar.zone,
            now: self.now(),
        }
    }

    /// Puts an event in its calendar as the latest change, and calls for notifications.
    pub(super) fn commit(&mut self, calendar_id: &str, mut event: Event) -> Result<Event, Refusal> {
        self.changes += 1;
        event.changed = self.changes;
        let calendar = self
            .calendars
            .get_mut(calendar_id)
            .ok_or_else(Refusal::not_found)?;
        calendar.events.insert(event.id().to_owned(), event.clone());
        self.unsaved.push((calendar_id.to_owned(), event.id().to_owned()));
        self.announce_change(calendar_id);
        Ok(event)
    }

    /// Takes over the events of an earlier state of the same world.
    pub(super) fn take_events(&mut self, earlier: &mut Self) {
        for calendar in self.calendars.values_mut() {
            if let Some(known) = earlier.calendars.get_mut(&calendar.id) {
                calendar.events = std::mem::take(&mut known.events);
            }
        }
    }

    /// Puts a saved event where it was.
    pub(super) fn put_back(&mut self, calendar_id: &str, event: Event) {
        if let Some(calendar) = self.calendars.get_mut(calendar_id) {
            calendar.events.insert(event.id().to_owned(), event);
        }
    }
}

/// A zone is written by its IANA name.
mod zone_name {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

fn longest_channel_life() -> i64 {
    LONGEST_LIFE
}
