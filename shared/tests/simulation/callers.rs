//! What callers of the API do.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::sample::Index;
use serde_json::{Value, json};
use shared::appointment::queries::{self, Booked, Changed};
use shared::appointment::{Appointment, Status, request};
use uuid::Uuid;

use crate::ledger::{Fate, Field, Ledger};
use crate::people::PATIENT;
use crate::plan::{Call, Write};
use crate::world::{World, ZONE, soon};

/// A slot that no other number names, half an hour long.
pub(crate) fn slot(number: u32) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = DateTime::parse_from_rfc3339("2027-03-01T09:00:00+05:00")
        .unwrap()
        .to_utc()
        + TimeDelta::hours(number.into());
    (start, start + TimeDelta::minutes(30))
}

/// A time as the ledger has it.
pub(crate) fn shown_time(start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    format!("{} to {}", start.to_rfc3339(), end.to_rfc3339())
}

/// One call about one of the appointments; `number` is new with each, and makes its values new.
pub(crate) async fn call(world: &World, ledger: &mut Ledger, which: Index, call: &Call, number: u32) {
    let known: Vec<Uuid> = ledger.accounts.keys().map(|id| id.parse().unwrap()).collect();
    if known.is_empty() || matches!(call, Call::Book) && known.len() < 6 {
        return book(world, ledger, number).await;
    }
    let id = *which.get(&known);
    let (start, end) = slot(number);
    let body = match call {
        Call::Book | Call::PatchWhatWasRead => {
            return patch_what_was_read(world, ledger, id, number).await;
        }
        Call::Patch {
            title,
            notes,
            location,
            time,
        } => patch((*title, *notes, *location, *time), number),
        Call::Status(status) => json!({"status": status}),
        Call::Reschedule => {
            let asked = request::reschedule(json!({"starts_at": start, "ends_at": end})).unwrap();
            return change(world, ledger, id, "reschedule", asked, None).await;
        }
        Call::Cancel => {
            let cancellation = request::cancel_without_reason();
            return change(world, ledger, id, "cancel", cancellation, None).await;
        }
    };
    let asked = request::patch(body.clone()).unwrap();
    change(world, ledger, id, &body.to_string(), asked, None).await;
}

fn patch(fields: (bool, Option<Write>, Option<Write>, bool), number: u32) -> Value {
    let (title, notes, location, time) = fields;
    let mut body = json!({});
    let texts = [
        ("title", title.then_some(Write::New)),
        ("notes", notes),
        ("location", location),
    ];
    for (field, write) in texts {
        match write {
            Some(Write::New) => body[field] = json!(format!("caller's {field} {number}")),
            Some(Write::Clear) => body[field] = Value::Null,
            None => {}
        }
    }
    if time || body == json!({}) {
        let (start, end) = slot(number);
        body["starts_at"] = json!(start);
        body["ends_at"] = json!(end);
    }
    body
}

async fn book(world: &World, ledger: &mut Ledger, number: u32) {
    let (start, end) = slot(number);
    let body = json!({
        "patient_name": PATIENT, "title": format!("caller's title {number}"), "starts_at": start, "ends_at": end,
    });
    let booking = request::booking(body, Utc::now()).unwrap();
    let booked = queries::book(&world.db, soon(), &booking, &world.calendar, ZONE, "frontend").await;
    match booked {
        Ok(Booked::Booked(appointment)) => {
            ledger.tell(format!("caller books {}", appointment.id));
            let account = ledger.account(&appointment.id.to_string());
            account.fate(Fate::Scheduled);
            for field in [Field::Title, Field::Notes, Field::Location, Field::Time] {
                account.caller_wrote(field, &value(&appointment, field));
            }
        }
        Ok(Booked::SlotTaken | Booked::Busy) => ledger.tell("caller finds the slot taken"),
        Ok(Booked::Known(known)) => ledger
            .faults
            .push(format!("a booking without a key is known: {known:?}")),
        Err(error) => ledger.faults.push(format!("booking failed: {error:?}")),
    }
}

/// Reads an appointment and patches that version: it goes through, or somebody came between.
async fn patch_what_was_read(world: &World, ledger: &mut Ledger, id: Uuid, number: u32) {
    let read = queries::read(&world.db, soon(), id).await.unwrap().unwrap();
    let body = json!({"location": format!("caller's location {number}")});
    let patch = request::patch(body).unwrap();
    change(world, ledger, id, "If-Match", patch, Some(read.version)).await;
}

async fn change(
    world: &World,
    ledger: &mut Ledger,
    id: Uuid,
    what: &str,
    asked: request::Change,
    if_match: Option<i64>,
) {
    let versions = if_match.map(|version| [version]);
    let versions = versions.as_ref().map(<[i64; 1]>::as_slice);
    let outcome = queries::change(&world.db, soon(), id, &asked, versions, "frontend").await;
    let answer = match &outcome {
        Ok(Changed::Changed { change, appointment }) => format!("{change}, version {}", appointment.version),
        Ok(other) => format!("{other:?}").chars().take(20).collect(),
        Err(error) => format!("{error:?}"),
    };
    ledger.tell(format!("caller: {id} {what}: {answer}"));
    match outcome {
        Ok(Changed::Changed {
            change: kind,
            appointment,
        }) => {
            if if_match.is_some_and(|expected| appointment.version != expected + 1) {
                ledger
                    .faults
                    .push(format!("{id}: If-Match let another version pass"));
            }
            let facts = changed_facts(world, &appointment).await;
            record(ledger, &asked, &kind, &appointment, &facts);
        }
        Ok(Changed::NotFound) => ledger.faults.push(format!("{id} was not found")),
        Ok(_) => {}
        Err(error) => ledger.faults.push(format!("a change of {id} failed: {error:?}")),
    }
}

/// What the change that made this version changed: a caller may well have asked for what was there already.
async fn changed_facts(world: &World, appointment: &Appointment) -> Value {
    let read = format!(
        "select h.fields from appointment_history h join appointments a on a.id = h.appointment_id
         where a.calendar_id = $1 and a.id = '{}' and h.version = {}",
        appointment.id, appointment.version
    );
    world.query(&read).await[0].get(0)
}

fn record(
    ledger: &mut Ledger,
    change: &request::Change,
    word: &str,
    appointment: &Appointment,
    changed: &Value,
) {
    let account = ledger.account(&appointment.id.to_string());
    match (word, appointment.status) {
        ("cancelled", _) => account.fate(Fate::Cancelled),
        ("restored" | "rescheduled", _) => account.fate(Fate::Scheduled),
        (_, Status::Completed) if change.values.contains_key("status") => account.fate(Fate::Completed),
        (_, Status::Scheduled) if change.values.contains_key("status") => account.fate(Fate::Reopened),
        _ => account.touched(),
    }
    let fields = [
        ("title", Field::Title),
        ("notes", Field::Notes),
        ("location", Field::Location),
        ("starts_at", Field::Time),
    ];
    for (name, field) in fields {
        if changed.get(name).is_some() || name == "starts_at" && changed.get("ends_at").is_some() {
            account.caller_wrote(field, &value(appointment, field));
        }
    }
}

/// A field of an appointment as the ledger has it.
pub(crate) fn value(appointment: &Appointment, field: Field) -> String {
    match field {
        Field::Title => appointment.title.clone(),
        Field::Notes => appointment.notes.clone().unwrap_or_default(),
        Field::Location => appointment.location.clone().unwrap_or_default(),
        Field::Time => shown_time(appointment.starts_at, appointment.ends_at),
    }
}
