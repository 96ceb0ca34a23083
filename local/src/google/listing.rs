//! `events.list`: full and incremental, in pages.
//!
//! Tokens hold all that a listing needs to go on, so they outlive a restart. A page goes on after the last event that
//! the one before showed, in the order of change; whatever changes meanwhile moves to the end of that order and is seen
//! once more, in this listing or in the next increment.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::discovery::Call;
use super::event::{Actor, Event};
use super::filter::Filter;
use super::refusal::Refusal;
use super::times::{parse_zone, stamp};
use super::tokens::{PageToken, SortKey, SyncToken};
use super::world::{Access, Calendar, World};

const DEFAULT_PAGE: usize = 250;
const LONGEST_PAGE: usize = 2500;
/// How far ahead a listing of single occurrences looks without a `timeMax`, in days.
const HORIZON_DAYS: i64 = 730;

impl World {
    pub(super) fn list(&self, call: &Call) -> Result<Value, Refusal> {
        let calendar = self.readable(call.calendar_id(), Actor::Api)?;
        let seen = SyncToken::seen(call, calendar)?;
        let page = PageToken::of(call, calendar)?;
        let mut page = page.unwrap_or_else(|| PageToken::first(call, calendar, self.changes));
        let zone = answer_zone(call, calendar)?;
        let events = self.matching(call, calendar, seen)?;

        let is_shown = |key: &SortKey| page.after.as_ref().is_some_and(|after| key <= after);
        let start = events.partition_point(|(key, _)| is_shown(key));
        let pause = self.manners.empty_pages && !page.paused;
        let end = if pause {
            start
        } else {
            events.len().min(start + self.page_size(call))
        };
        let repeated = usize::from(self.manners.repeat_ids && start > 0 && end > start);
        let items = events[start - repeated..end].iter();
        let items: Vec<Value> = items
            .map(|(_, event)| event.render(zone, self.manners.tombstones))
            .map(|event| with_few_guests(call, event))
            .collect();

        let mut answer = self.envelope(calendar, &items);
        if pause || end < events.len() {
            page.paused = pause;
            if end > start {
                page.after = Some(events[end - 1].0.clone());
            }
            answer["nextPageToken"] = json!(page.encode());
        } else if let Some(token) = SyncToken::ending(call, calendar, page.started) {
            answer["nextSyncToken"] = json!(token);
        }
        Ok(answer)
    }

    /// `events.instances`: the occurrences of one recurring event, all on one page.
    pub(super) fn instances(&self, call: &Call) -> Result<Value, Refusal> {
        let calendar = self.readable(call.calendar_id(), Actor::Api)?;
        let master = calendar.find(call.event_id())?;
        let zone = answer_zone(call, calendar)?;
        let filter = Filter::of(call)?;
        let shown = |event: &Event| call.flag("showDeleted") || !event.is_cancelled();
        let found = calendar.occurrences(&master, self.horizon(&filter)).into_iter();
        let found = found.filter(|event| shown(event) && filter.accepts(calendar, event));
        let items: Vec<Value> = found
            .map(|event| event.render(zone, self.manners.tombstones))
            .map(|event| with_few_guests(call, event))
            .collect();
        Ok(self.envelope(calendar, &items))
    }

    fn page_size(&self, call: &Call) -> usize {
        let asked = call
            .parameter("maxResults")
            .and_then(|size| size.parse().ok())
            .unwrap_or(DEFAULT_PAGE);
        asked
            .min(LONGEST_PAGE)
            .min(self.manners.page_limit.unwrap_or(LONGEST_PAGE))
            .max(1)
    }

    fn horizon(&self, filter: &Filter) -> DateTime<Utc> {
        filter
            .until
            .unwrap_or_else(|| self.now() + TimeDelta::days(HORIZON_DAYS))
    }

    /// Every event that the listing is about, in its order.
    fn matching<'a>(
        &self,
        call: &Call,
        calendar: &'a Calendar,
        seen: Option<u64>,
    ) -> Result<Vec<(SortKey, Cow<'a, Event>)>, Refusal> {
        let filter = Filter::of(call)?;
        let single = call.flag("singleEvents");
        if call.parameter("orderBy") == Some("startTime") && !single {
            let message = "The requested ordering is not available for the particular query.";
            return Err(Refusal::new(400, "global", "badRequest", message));
        }
        let mut found: Vec<Cow<Event>> = Vec::new();
        for event in calendar
            .events
            .values()
            .filter(|event| is_listed(call, calendar, &filter, seen, event))
        {
            if single && event.is_recurring() && !event.is_cancelled() {
                // Exceptions that are kept come by themselves.
                let fresh = calendar.occurrences(event, self.horizon(&filter)).into_iter();
                let fresh = fresh.filter(|occurrence| !calendar.events.contains_key(occurrence.id()));
                found.extend(fresh.map(Cow::Owned));
            } else {
                found.push(Cow::Borrowed(event));
            }
        }
        found.retain(|event| filter.accepts(calendar, event));
        let mut placed: Vec<_> = found
            .into_iter()
            .map(|event| (sort_key(call, calendar, &event), event))
            .collect();
        placed.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(placed)
    }

    fn envelope(&self, calendar: &Calendar, items: &[Value]) -> Value {
        let latest = calendar.events.values().max_by_key(|event| event.changed);
        let role = if calendar.access == Access::Writer {
            "writer"
        } else {
            "reader"
        };
        json!({
            "kind": "calendar#events",
            "etag": format!("\"p{}\"", latest.map_or(0, |event| event.changed)),
            "summary": calendar.id,
            "updated": latest.map_or_else(|| stamp(self.now()), |event| event.text("updated").to_owned()),
            "timeZone": calendar.zone.name(),
            "accessRole": role,
            "defaultReminders": [],
            "items": items,
        })
    }
}

/// The event as `maxAttendees` asks for it: of more guests than that, only the calendar's own are told.
fn with_few_guests(call: &Call, mut event: Value) -> Value {
    let most = call.parameter("maxAttendees").and_then(|most| most.parse().ok());
    let guests = event.get_mut("attendees").and_then(Value::as_array_mut);
    if let (Some(most), Some(guests)) = (most, guests)
        && guests.len() > most
    {
        guests.retain(|guest| guest["self"] == true);
        event["attendeesOmitted"] = json!(true);
    }
    event
}

/// The zone in which times are answered: the one asked for, or the calendar's.
pub(super) fn answer_zone(call: &Call, calendar: &Calendar) -> Result<Tz, Refusal> {
    call.parameter("timeZone")
        .map_or(Ok(calendar.zone), |name| parse_zone(name, "answer"))
}

/// Whether a listing looks at the event at all: what changed, and which deleted ones.
fn is_listed(call: &Call, calendar: &Calendar, filter: &Filter, seen: Option<u64>, event: &Event) -> bool {
    if let Some(seen) = seen {
        return event.changed > seen;
    }
    // A cancelled occurrence says something about its series for as long as that lives.
    let series = event.master().and_then(|master| calendar.events.get(master));
    let cancelled_occurrence =
        series.is_some_and(|series| !series.is_cancelled()) && !call.flag("singleEvents");
    !event.is_cancelled()
        || call.flag("showDeleted")
        || filter.updated_since.is_some()
        || cancelled_occurrence
}

fn sort_key(call: &Call, calendar: &Calendar, event: &Event) -> SortKey {
    let place = match call.parameter("orderBy") {
        Some("startTime") => event
            .time("start")
            .map_or(0, |time| time.instant(calendar.zone).timestamp()),
        Some("updated") => event
            .text("updated")
            .parse::<DateTime<Utc>>()
            .map_or(0, |at| at.timestamp_millis()),
        _ => i64::try_from(event.changed).unwrap_or(i64::MAX),
    };
    (place, event.id().to_owned())
}
