//! `events.list`: full and incremental, in pages.
//!
//! Tokens hold all that a listing needs to go on, so they outlive a restart. A page goes on after the last event that
//! the one before showed, in the order of change; whatever changes meanwhile moves to the end of that order and is seen
//! once more, in this listing or in the next increment.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use openssl::sha::sha256;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::discovery::Call;
use super::event::{Actor, Event};
use super::filter::Filter;
use super::refusal::Refusal;
use super::times::{parse_zone, stamp};
use super::world::{Access, Calendar, World};

const DEFAULT_PAGE: usize = 250;
const LONGEST_PAGE: usize = 2500;
/// How far ahead a listing of single occurrences looks without a `timeMax`, in days.
const HORIZON_DAYS: i64 = 730;

/// What a sync token refuses beside it, as it would hide changes.
const REFUSED_WITH_SYNC_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMax",
    "timeMin",
    "updatedMin",
];
/// Of these, the ones that may narrow a first listing that ends in a sync token.
const ALLOWED_AT_FIRST: [&str; 2] = ["timeMax", "timeMin"];
/// Parameters of any call, which say how to answer and not what.
const STANDARD: [&str; 7] = [
    "alt",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "userIp",
];

/// What a `syncToken` says.
#[derive(Serialize, Deserialize)]
struct SyncToken {
    calendar: String,
    generation: u32,
    /// The number of the latest change that the holder has seen.
    seen: u64,
    /// The query that the token continues.
    query: String,
}

/// What a `pageToken` says.
#[derive(Serialize, Deserialize)]
struct PageToken {
    generation: u32,
    query: String,
    /// The number of the latest change when the first page was made: the sync token at the end starts there, so that
    /// what is deleted between two pages is not missed.
    started: u64,
    /// The last event shown; none before the first page.
    after: Option<SortKey>,
    /// The page before this one was an empty one on purpose.
    paused: bool,
}

/// The place of an event in a listing.
type SortKey = (i64, String);

impl World {
    pub(super) fn list(&self, call: &Call) -> Result<Value, Refusal> {
        let calendar = self.readable(call.calendar_id(), Actor::Api)?;
        let seen = call
            .parameter("syncToken")
            .map(|token| check_sync_token(call, calendar, token))
            .transpose()?;
        let page = call
            .parameter("pageToken")
            .map(|token| check_page_token(call, calendar, token))
            .transpose()?;
        let zone = call
            .parameter("timeZone")
            .map_or(Ok(calendar.zone), |name| parse_zone(name, "answer"))?;
        let events = self.matching(call, calendar, seen)?;

        let asked = call
            .parameter("maxResults")
            .and_then(|size| size.parse().ok())
            .unwrap_or(DEFAULT_PAGE);
        let size = asked
            .min(LONGEST_PAGE)
            .min(self.manners.page_limit.unwrap_or(LONGEST_PAGE))
            .max(1);
        let started = page.as_ref().map_or(self.changes, |page| page.started);
        let (after, paused) = page.map_or((None, false), |page| (page.after, page.paused));
        let mut start = events.partition_point(|(key, _)| after.as_ref().is_some_and(|after| key <= after));
        let pause = self.manners.empty_pages && !paused;
        let end = if pause {
            start
        } else {
            (start + size).min(events.len())
        };
        let last_key = if end > start {
            Some(events[end - 1].0.clone())
        } else {
            after
        };
        if self.manners.repeat_ids && end > start {
            start = start.saturating_sub(1);
        }
        let items = events[start..end]
            .iter()
            .map(|(_, event)| event.render(zone, self.manners.tombstones));
        let mut answer = self.envelope(calendar, items.collect());
        if pause || end < events.len() {
            let generation = calendar.token_generation;
            let token = PageToken {
                generation,
                query: page_query(call),
                started,
                after: last_key,
                paused: pause,
            };
            answer["nextPageToken"] = json!(encode(&token));
        } else if ends_in_sync_token(call) {
            let (generation, query) = (calendar.token_generation, sync_query(call));
            let token = SyncToken {
                calendar: calendar.id.clone(),
                generation,
                seen: started,
                query,
            };
            answer["nextSyncToken"] = json!(encode(&token));
        }
        Ok(answer)
    }

    /// `events.instances`: the occurrences of one recurring event.
    pub(super) fn instances(&self, call: &Call) -> Result<Value, Refusal> {
        let calendar = self.readable(call.calendar_id(), Actor::Api)?;
        let master = calendar.find(call.event_id())?;
        let zone = call
            .parameter("timeZone")
            .map_or(Ok(calendar.zone), |name| parse_zone(name, "answer"))?;
        let filter = Filter::of(call)?;
        let horizon = filter
            .until
            .unwrap_or_else(|| self.now() + TimeDelta::days(HORIZON_DAYS));
        let shown = |event: &Event| call.flag("showDeleted") || !event.is_cancelled();
        let found = calendar.occurrences(&master, horizon).into_iter().filter(shown);
        let items = found.filter(|event| filter.accepts(calendar, event));
        Ok(self.envelope(
            calendar,
            items
                .map(|event| event.render(zone, self.manners.tombstones))
                .collect(),
        ))
    }

    fn envelope(&self, calendar: &Calendar, items: Vec<Value>) -> Value {
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

    /// Every event that the listing is about, in its order.
    fn matching(
        &self,
        call: &Call,
        calendar: &Calendar,
        seen: Option<u64>,
    ) -> Result<Vec<(SortKey, Event)>, Refusal> {
        let filter = Filter::of(call)?;
        let single = call.flag("singleEvents");
        if call.parameter("orderBy") == Some("startTime") && !single {
            let message = "The requested ordering is not available for the particular query.";
            return Err(Refusal::new(400, "global", "badRequest", message));
        }
        let horizon = filter
            .until
            .unwrap_or_else(|| self.now() + TimeDelta::days(HORIZON_DAYS));
        let mut found: Vec<(SortKey, Event)> = Vec::new();
        for event in calendar
            .events
            .values()
            .filter(|event| shows(call, &filter, seen, event))
        {
            if single && event.is_recurring() && !event.is_cancelled() {
                // Exceptions that are kept come by themselves.
                let fresh = calendar.occurrences(event, horizon).into_iter();
                let fresh = fresh.filter(|occurrence| !calendar.events.contains_key(occurrence.id()));
                found.extend(fresh.map(|occurrence| (sort_key(call, calendar, &occurrence), occurrence)));
            } else {
                found.push((sort_key(call, calendar, event), event.clone()));
            }
        }
        found.retain(|(_, event)| filter.accepts(calendar, event));
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(found)
    }
}

/// Whether a listing looks at the event at all: what changed, and which deleted ones.
fn shows(call: &Call, filter: &Filter, seen: Option<u64>, event: &Event) -> bool {
    if let Some(seen) = seen {
        return event.changed > seen;
    }
    let cancelled_occurrence = event.master().is_some() && !call.flag("singleEvents");
    !event.is_cancelled()
        || call.flag("showDeleted")
        || filter.updated_since.is_some()
        || (cancelled_occurrence && !event.moved_away)
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

fn check_sync_token(call: &Call, calendar: &Calendar, token: &str) -> Result<u64, Refusal> {
    let refused = REFUSED_WITH_SYNC_TOKEN
        .into_iter()
        .find(|name| call.parameter(name).is_some());
    if let Some(name) = refused {
        let message = format!("Sync token cannot be used with the parameter {name}.");
        return Err(Refusal::invalid_parameter(name, message));
    }
    if call.parameter("showDeleted") == Some("false") {
        let message = "Sync token cannot be used with showDeleted=false.";
        return Err(Refusal::invalid_parameter("showDeleted", message));
    }
    let invalid = |message: &str| Refusal::invalid(message).at("parameter", "syncToken");
    let token: SyncToken = decode(token).ok_or_else(|| invalid("Invalid sync token value."))?;
    if token.calendar != calendar.id {
        return Err(invalid("Invalid sync token value."));
    }
    if token.generation != calendar.token_generation {
        return Err(Refusal::full_sync_required());
    }
    if token.query != sync_query(call) {
        return Err(invalid(
            "The sync token belongs to a listing with other parameters.",
        ));
    }
    Ok(token.seen)
}

fn check_page_token(call: &Call, calendar: &Calendar, token: &str) -> Result<PageToken, Refusal> {
    let invalid = || Refusal::invalid("Invalid page token value.").at("parameter", "pageToken");
    let token: PageToken = decode(token).ok_or_else(invalid)?;
    if token.generation != calendar.token_generation && call.parameter("syncToken").is_some() {
        return Err(Refusal::full_sync_required());
    }
    if token.query != page_query(call) {
        Err(invalid())
    } else {
        Ok(token)
    }
}

/// A listing that was narrowed cannot be continued, nor (in the stand-in) one of single occurrences.
fn ends_in_sync_token(call: &Call) -> bool {
    let narrowing = |name: &&str| !ALLOWED_AT_FIRST.contains(name) && call.parameter(name).is_some();
    !call.flag("singleEvents") && !REFUSED_WITH_SYNC_TOKEN.iter().any(narrowing)
}

fn page_query(call: &Call) -> String {
    fingerprint(call, |name| name != "pageToken")
}

fn sync_query(call: &Call) -> String {
    let own = ["pageToken", "syncToken"];
    fingerprint(call, |name| {
        !own.contains(&name) && !REFUSED_WITH_SYNC_TOKEN.contains(&name)
    })
}

fn fingerprint(call: &Call, counts: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for (name, values) in call.all_parameters() {
        if counts(name) && !STANDARD.contains(&name.as_str()) {
            text.push_str(&format!("{name}={values:?};"));
        }
    }
    sha256(text.as_bytes())
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn encode(token: &impl Serialize) -> String {
    // Plain structs of numbers and text always become JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(token).unwrap_or_default())
}

fn decode<T: for<'de> Deserialize<'de>>(token: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}
