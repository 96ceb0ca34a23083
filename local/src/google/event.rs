//! One event: what Google keeps of what a writer sends, and what it answers.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::content;
use super::refusal::Refusal;
use super::times::{EventTime, stamp};

/// Who makes a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A program, by the Calendar API.
    Api,
    /// Somebody in front of Google Calendar.
    Person,
}

/// The circumstances of a change.
pub(super) struct Writing<'a> {
    pub(super) by: Actor,
    /// Who becomes the creator of a new event.
    pub(super) email: &'a str,
    pub(super) calendar_id: &'a str,
    pub(super) zone: Tz,
    pub(super) now: DateTime<Utc>,
}

/// What a listing shows of a deleted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tombstones {
    /// Only what Google guarantees: the id (of an instance also which one it was).
    #[default]
    Bare,
    /// Everything the event held, as Google often does.
    Full,
}

/// An event as it is kept. A deleted one stays: its id is taken for good, and it can be restored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    /// Google's `Event`, its times as they were written and without `kind` and `etag`.
    pub(super) content: Map<String, Value>,
    /// The number of its last change; numbers rise over all calendars.
    pub(super) changed: u64,
    pub(super) by: Actor,
    /// It lives in another calendar now; here only its tombstone is left.
    #[serde(default)]
    pub(super) moved_away: bool,
}

impl Event {
    /// A new event of this id.
    pub(super) fn create(id: &str, body: &Map<String, Value>, writing: &Writing) -> Result<Self, Refusal> {
        let mut content = content::writable(body);
        if content.get("status").is_some_and(|status| status == "cancelled") {
            return Err(Refusal::invalid("A new event cannot be cancelled."));
        }
        content::check(&mut content, None, writing)?;
        let given = body.get("iCalUID").and_then(Value::as_str);
        let uid = given.map_or_else(|| format!("{id}@google.com"), str::to_owned);
        let sequence = body.get("sequence").and_then(Value::as_i64).unwrap_or(0);
        let now = stamp(writing.now);
        let facts = json!({
            "id": id, "iCalUID": uid, "sequence": sequence, "created": now, "updated": now, "eventType": "default",
            "htmlLink": format!("https://www.google.com/calendar/event?eid={id}"),
            "creator": {"email": writing.email},
            "organizer": {"email": writing.calendar_id, "self": true},
        });
        content.extend(facts.as_object().cloned().unwrap_or_default());
        if writing.by == Actor::Person
            && let Some(kind) = body.get("eventType")
        {
            // Google Calendar's own pages make events of every kind.
            content.insert("eventType".into(), kind.clone());
        }
        Ok(Self {
            content,
            changed: 0,
            by: writing.by,
            moved_away: false,
        })
    }

    /// This event with a merge patch (RFC 7396) applied.
    pub(super) fn patched(&self, patch: &Map<String, Value>, writing: &Writing) -> Result<Self, Refusal> {
        let mut content = content::writable(&self.content);
        content::merge(&mut content, &content::changeable(patch));
        self.rewritten(content, patch, writing)
    }

    /// This event with everything writable replaced: what the body leaves out is reset.
    pub(super) fn replaced(&self, body: &Map<String, Value>, writing: &Writing) -> Result<Self, Refusal> {
        self.rewritten(content::writable(body), body, writing)
    }

    /// This event as deleted, or as confirmed again.
    pub(super) fn with_status(&self, status: &str, writing: &Writing) -> Self {
        let mut next = self.clone();
        next.content.insert("status".into(), json!(status));
        next.content.insert("sequence".into(), json!(self.sequence() + 1));
        next.content.insert("updated".into(), json!(stamp(writing.now)));
        next.by = writing.by;
        next
    }

    fn rewritten(
        &self,
        mut content: Map<String, Value>,
        sent: &Map<String, Value>,
        writing: &Writing,
    ) -> Result<Self, Refusal> {
        content::check(&mut content, Some(&self.content), writing)?;
        let given = sent
            .get("sequence")
            .and_then(Value::as_i64)
            .unwrap_or(self.sequence());
        if given < self.sequence() {
            let message = "Invalid sequence value. The specified sequence number is below the current sequence \
                           number of the resource. Re-fetch the resource and use its sequence number on the \
                           following request.";
            return Err(Refusal::invalid(message));
        }
        let differs = |name: &str| content.get(name) != self.content.get(name);
        let rescheduled = ["start", "end", "recurrence", "status"].into_iter().any(differs);
        // Google leaves `updated` alone when nothing but the reminders changed.
        let (mut before, mut after) = (content::writable(&self.content), content.clone());
        let reminders_differ = before.remove("reminders") != after.remove("reminders");
        let only_reminders = reminders_differ && before == after;
        let mut next = self.clone();
        next.content.retain(|name, _| content::is_read_only(name));
        next.content.extend(content);
        next.content
            .insert("sequence".into(), json!(given + i64::from(rescheduled)));
        if !only_reminders {
            next.content.insert("updated".into(), json!(stamp(writing.now)));
        }
        next.by = writing.by;
        Ok(next)
    }

    pub(super) fn id(&self) -> &str {
        self.text("id")
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.text("status") == "cancelled"
    }

    /// The recurring event that this one is an exception of.
    pub(super) fn master(&self) -> Option<&str> {
        self.content.get("recurringEventId").and_then(Value::as_str)
    }

    pub(super) fn is_recurring(&self) -> bool {
        self.content.contains_key("recurrence")
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.content.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// `start` or `end`; an event without them is never kept.
    pub(super) fn time(&self, name: &str) -> Option<EventTime> {
        EventTime::parse(self.content.get(name), name).ok()
    }

    pub(super) fn etag(&self) -> String {
        format!("\"{}\"", 3_400_000_000_000_000 + self.changed * 2_000)
    }

    /// Whether an `If-Match` header lets a write through.
    pub(super) fn check_if_match(&self, if_match: Option<&str>) -> Result<(), Refusal> {
        let fits = if_match.is_none_or(|wanted| wanted == "*" || wanted == self.etag());
        if fits {
            Ok(())
        } else {
            Err(Refusal::condition_not_met())
        }
    }

    /// The event as Google answers it, its times in the offset of `zone`.
    pub(super) fn render(&self, zone: Tz, tombstones: Tombstones) -> Value {
        let mut answer = json!({"kind": "calendar#event", "etag": self.etag()});
        let bare = self.is_cancelled() && (tombstones == Tombstones::Bare || self.moved_away);
        for (name, value) in &self.content {
            let guaranteed =
                ["id", "status", "recurringEventId", "originalStartTime"].contains(&name.as_str());
            if bare && !guaranteed {
                continue;
            }
            let time = matches!(name.as_str(), "start" | "end" | "originalStartTime");
            let parsed = if time {
                EventTime::parse(Some(value), name).ok()
            } else {
                None
            };
            answer[name] = parsed.map_or_else(|| value.clone(), |parsed| parsed.render(zone));
        }
        answer
    }

    fn sequence(&self) -> i64 {
        self.content.get("sequence").and_then(Value::as_i64).unwrap_or(0)
    }
}
