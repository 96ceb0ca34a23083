//! Peace, and what must be true then.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use local::google::ListingManners;
use serde_json::Value;
use shared::appointment::{Appointment, Status, queries};

use crate::callers::{shown_time, value};
use crate::ledger::{Field, Ledger};
use crate::people::PATIENT;
use crate::plan::Run;
use crate::runs;
use crate::world::{World, ZONE, soon};

const FIELDS: [Field; 4] = [Field::Title, Field::Notes, Field::Location, Field::Time];
const FOOTER: &str = "--- Patient";

/// Heals everything, syncs until both sides rest, and says what is wrong, if anything is.
pub(crate) async fn come_to_rest(world: &World, ledger: &Ledger) -> Result<(), String> {
    world.google.heal();
    world.google.set_listing_manners(ListingManners::default());
    world.let_dead_sessions_end().await;
    world.let_claims_and_leases_lapse().await;
    for run in [Run::Notified, Run::PushAll, Run::Tick, Run::Tick] {
        sync(world, run).await?;
    }
    let mut wrong = Vec::new();
    for id in ledger.accounts.keys() {
        let appointment = queries::read(&world.db, soon(), id.parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        wrong.extend(check_account(ledger, &appointment));
        wrong.extend(check_event(world, &appointment).await);
    }
    wrong.extend(check_own_events(world, ledger));
    wrong.extend(check_notifications(world).await);
    wrong.extend(check_histories(world).await);
    wrong.extend(world.google.violations());
    for write in world.google.unconditional_writes() {
        wrong.push(format!("a write without If-Match: {write:?}"));
    }
    wrong.extend(check_rest(world).await?);
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.push(dump(world).await);
    wrong.extend(world.events().iter().map(Value::to_string));
    Err(wrong.join("\n"))
}

async fn sync(world: &World, run: Run) -> Result<(), String> {
    let run = runs::go(run, &world.processes[0].sync(), &world.calendar).await;
    run.map_err(|error| format!("a run in peace failed: {error:?}"))
}

/// Nothing that either side wrote is lost.
fn check_account(ledger: &Ledger, appointment: &Appointment) -> Vec<String> {
    let id = appointment.id.to_string();
    let account = &ledger.accounts[&id];
    let fields = FIELDS
        .iter()
        .filter_map(|field| account.judge(*field, &value(appointment, *field)));
    let status = account.judge_status(appointment.status.as_str());
    fields
        .chain(status)
        .map(|wrong| format!("{id}: {wrong}"))
        .collect()
}

/// An appointment has exactly one event, which says the same; one that is cancelled has none.
async fn check_event(world: &World, appointment: &Appointment) -> Vec<String> {
    let id = appointment.id.to_string();
    let ours = world.ours().await;
    let ours: HashSet<_> = ours
        .iter()
        .filter(|one| one.appointment == id)
        .map(|one| one.event_id.as_str())
        .collect();
    let mut live = world.events();
    live.retain(|event| {
        event["status"] != "cancelled" && event["id"].as_str().is_some_and(|id| ours.contains(id))
    });
    let expected = match appointment.status {
        Status::Scheduled => 1..=1,
        Status::Completed | Status::NoShow => 0..=1,
        Status::Cancelled => 0..=0,
    };
    let mut wrong = Vec::new();
    if !expected.contains(&live.len()) {
        wrong.push(format!(
            "{id}: {} events of a {:?} appointment",
            live.len(),
            appointment.status
        ));
    }
    for event in &live {
        if event["id"] != appointment.google_calendar_event_id {
            wrong.push(format!("{id}: an event that is not its current one is live"));
        }
        for field in FIELDS {
            let (says, shows) = (value(appointment, field), shown(event, field));
            if says != shows {
                wrong.push(format!("{id}: {field:?} is {says:?}, its event shows {shows:?}"));
            }
        }
    }
    wrong
}

/// What an event shows of a field, in the ledger's words.
pub(crate) fn shown(event: &Value, field: Field) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    match field {
        Field::Title => text("summary"),
        Field::Location => text("location"),
        Field::Notes => notes(&text("description")),
        Field::Time => shown_time(instant(&event["start"]), instant(&event["end"])),
    }
}

fn notes(description: &str) -> String {
    match description.rsplit_once(FOOTER) {
        Some((notes, _)) => notes.trim().to_owned(),
        None => "no footer".to_owned(),
    }
}

/// Whether both sides last agreed on this text.
pub(crate) fn agreed_on(agreed: &Value, field: Field, value: &str) -> bool {
    let text = |name: &str| agreed[name].as_str();
    match field {
        // A title that was cleared stands there empty until we fill it.
        Field::Title => {
            text("title").is_some_and(|title| if title.is_empty() { PATIENT } else { title } == value)
        }
        Field::Location => text("location") == Some(value),
        Field::Notes => text("description").is_some_and(|description| notes(description) == value),
        Field::Time => false,
    }
}

fn instant(time: &Value) -> DateTime<Utc> {
    if let Some(date) = time["date"].as_str() {
        let midnight = date.parse::<NaiveDate>().unwrap().and_time(NaiveTime::MIN);
        return midnight.and_local_timezone(ZONE).unwrap().to_utc();
    }
    time["dateTime"].as_str().unwrap().parse().unwrap()
}

/// A person's own events are as the person left them.
fn check_own_events(world: &World, ledger: &Ledger) -> Vec<String> {
    let etags: BTreeMap<_, _> = world
        .events()
        .into_iter()
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event["etag"].clone()))
        .collect();
    let touched = ledger.own.iter().filter(|(id, etag)| etags[*id] != **etag);
    touched
        .map(|(id, _)| format!("the person's own event {id} was touched"))
        .collect()
}

/// No notification waits for a pull.
async fn check_notifications(world: &World) -> Option<String> {
    let waiting = "select change_seq, pulled_seq from calendars where id = $1 and change_seq <> pulled_seq";
    let rows = world.query(waiting).await;
    rows.first().map(|row| format!("a notification waits: {row:?}"))
}

/// Versions are counted through, one row of history for each.
async fn check_histories(world: &World) -> Vec<String> {
    let gaps = "select a.id::text from appointments a where calendar_id = $1 and (
            select coalesce(array_agg(h.version order by h.version), '{}') from appointment_history h
            where h.appointment_id = a.id
        ) <> (select array_agg(n) from generate_series(1, a.version) n)";
    let rows = world.query(gaps).await;
    rows.iter()
        .map(|row| format!("{}: the history has gaps", row.get::<_, String>(0)))
        .collect()
}

/// Another sync makes one call to Google and writes no row but the calendar's own.
async fn check_rest(world: &World) -> Result<Option<String>, String> {
    let before = dump(world).await;
    world.google.clear_requests();
    sync(world, Run::Tick).await?;
    let calls = world.google.counts();
    let restless = dump(world).await != before || calls.values().sum::<usize>() != 1;
    Ok(restless.then(|| format!("not at rest: {calls:?}")))
}

async fn dump(world: &World) -> String {
    let rows = "select coalesce(string_agg(line, E'\n' order by line), '') from (
            select to_jsonb(a)::text as line from appointments a where calendar_id = $1
            union all select to_jsonb(e)::text from calendar_events e where calendar_id = $1
            union all select to_jsonb(h)::text from appointment_history h join appointments a on a.id = h.appointment_id
                where a.calendar_id = $1) as lines";
    world.query(rows).await[0].get(0)
}
