//! Every statement of the functions, sent by the functions: each step is there for statements that no other one sends.

use chrono::{TimeDelta, Utc};
use local::google::{Access, Fault};
use local::postgres::{Wire, WireFault};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::Failure;
use crate::instance::Instance;
use crate::request::Request;
use crate::rows::succeed;
use crate::rows::{scheduled, webhook};
use crate::world::{CALENDAR, World};

use super::caller::{Api, Booked, at, booking, shown};
use super::million::{calendars, doctor};
use super::pull::changed;

/// Has the functions send all that they ever send, to the world of [`super::million`] after its first pulls.
pub(super) async fn everything(world: &World, admin: &Client) -> Result<(), Failure> {
    // Not shared, or a listing would cancel a hundred thousand appointments.
    world.google.share(CALENDAR, Access::None);
    let wire = Wire::before(&world.url()).await;
    let mut settings = world.settings(wire.url())?;
    settings.insert(
        "GOOGLE_CALENDAR_ID".to_owned(),
        [vec![shown()], calendars()].concat().join(","),
    );
    let start = async |function: &'static str| world.start_with(function, &settings).await;
    let api = Api {
        instance: start("appointments-api").await?,
    };
    let booked = callers(&api, &wire).await?;
    reads(&api, &booked).await?;
    let sync = start("scheduled-sync").await?;
    pushes(world, &api, &sync, &booked, admin).await?;
    pulls(world, &api, &sync, admin).await?;
    watching(world, &api, &start("calendar-webhook").await?, admin).await?;
    by_the_clock(world, &sync, &start("watch-renewer").await?, admin).await
}

/// What callers write, also under keys and when answers are lost.
async fn callers(api: &Api, wire: &Wire) -> Result<Vec<Booked>, Failure> {
    let mut booked = Vec::new();
    for hour in 0..10 {
        booked.push(api.book(hour).await?);
    }
    let keyed =
        |body: &Value| Request::post("/appointments", body).with("idempotency-key", "key-of-a-booking");
    api.ask(keyed(&booking(20)), 201).await?;
    api.ask(keyed(&booking(20)), 201).await?;
    // What cannot be read may have been good when it was first sent.
    api.ask(keyed(&json!({"patient_name": ""})), 422).await?;
    api.ask(Request::post("/appointments", &booking(20)), 409).await?;
    wire.fail(WireFault::on("insert into appointments").after());
    api.book(21).await?;
    let [first, second, third, ..] = booked.as_slice() else {
        return Err("nothing was booked".into());
    };
    wire.fail(WireFault::on("update appointments").after());
    api.patch(first, json!({"notes": "brings the x-ray"})).await?;
    let moved = json!({"starts_at": at(30)});
    api.ask(
        Request::post(&format!("{}/reschedule", second.path()), &moved),
        200,
    )
    .await?;
    api.ask(
        Request::post(&format!("{}/cancel", third.path()), &json!({})),
        200,
    )
    .await?;
    Ok(booked)
}

/// What callers read, with each kind of filter.
async fn reads(api: &Api, booked: &[Booked]) -> Result<(), Failure> {
    let of = booked.first().ok_or("nothing was booked")?;
    let day = |offset: i64| {
        (Utc::now() + TimeDelta::days(offset))
            .format("%Y-%m-%dT00:00:00Z")
            .to_string()
    };
    let (today, tomorrow, past) = (day(0), day(1), day(-40));
    let mut targets = vec![
        of.path(),
        format!("{}/history", of.path()),
        format!("{}/history?before=2", of.path()),
    ];
    for filter in [
        format!("from={today}&to={tomorrow}"),
        format!("from={past}"),
        format!("to={past}"),
        String::new(),
        "status=no_show".to_owned(),
        "status=cancelled".to_owned(),
        format!("status=completed&from={past}"),
        format!("status=scheduled&from={today}&limit=200"),
        "patient_phone=%2B923001000007".to_owned(),
        format!("patient_phone=%2B923001000007&from={past}"),
    ] {
        targets.push(format!("/appointments?{filter}"));
    }
    let calendars = [CALENDAR.to_owned(), doctor(7), shown()];
    for calendar in &calendars {
        targets.push(format!(
            "/availability?calendar_id={calendar}&from={today}&to={tomorrow}"
        ));
        targets.push(format!("/calendar/status?calendar_id={calendar}"));
    }
    for target in &targets {
        let answer = api.ask(Request::get(target), 200).await?;
        if let Some(cursor) = answer.content()["next_cursor"].as_str() {
            let and = if target.ends_with('?') { "" } else { "&" };
            api.ask(Request::get(&format!("{target}{and}cursor={cursor}")), 200)
                .await?;
        }
    }
    let from = at(0).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let to = at(48).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    api.ask(
        Request::get(&format!(
            "/calendar/events?calendar_id={}&from={from}&to={to}",
            shown()
        )),
        200,
    )
    .await?;
    Ok(())
}

/// What is written to Google: well, lost, refused, overtaken.
async fn pushes(
    world: &World,
    api: &Api,
    sync: &Instance,
    booked: &[Booked],
    admin: &Client,
) -> Result<(), Failure> {
    let google = &world.google;
    let push = Request::post(
        &format!("/calendar/sync-to-calendar?calendar_id={}", shown()),
        &json!({}),
    );
    api.ask(push.clone(), 200).await?;
    let [one, _, _, parked, lost, overtaken, gone, over, ..] = booked else {
        return Err("too little was booked".into());
    };
    let on = |call: &str, booked: &Booked| Fault {
        path: Some(booked.event_id.clone()),
        ..Fault::on(call)
    };
    // Refused for good.
    google.fail(on("events.patch", parked).refuse(400, "invalid"));
    api.patch(parked, json!({"title": "Refused"})).await?;
    // Deleted.
    api.ask(Request::post(&format!("{}/cancel", gone.path()), &json!({})), 200)
        .await?;
    // Its event shows nothing of it.
    api.patch(over, json!({"status": "completed"})).await?;
    // Changed by a person meanwhile.
    let edit = json!({"location": "Room 2"});
    let refused = |refusal| format!("the stand-in refuses an edit: {refusal:?}");
    google
        .person()
        .edit(&shown(), &overtaken.event_id, &edit)
        .map_err(refused)?;
    api.patch(overtaken, json!({"notes": "overtaken"})).await?;
    // Sent and never heard of again, by a connection that broke each time.
    google.fail(on("events.patch", lost).disconnect());
    api.patch(lost, json!({"title": "Lost"})).await?;
    let changed = json!({"source": "appointment-sync", "detail": {"appointment_id": one.id, "calendar_id": shown(),
        "version": 1, "change": "created", "origin": "api"}});
    // It fails: with that connection nothing else goes well, either.
    sync.invoke(&changed.to_string().into()).await?;
    google.heal();
    // Asks first what became of the lost one.
    api.ask(push.clone(), 200).await?;
    // Counts what was repeated above.
    sync.invoke(&changed.to_string().into()).await?;
    // Overtaken again, when no more calls may be made than the one that finds it out.
    google
        .person()
        .edit(&shown(), &overtaken.event_id, &json!({"location": "Room 4"}))
        .map_err(refused)?;
    api.patch(overtaken, json!({"notes": "overtaken again"})).await?;
    admin
        .batch_execute(
            "update google_calls set newest = floor(extract(epoch from clock_timestamp())), calls = '{539}'",
        )
        .await?;
    sync.invoke(&changed.to_string().into()).await?;
    admin.batch_execute("delete from google_calls").await?;
    // Google asks for a pause, which the record then ends.
    google.fail(on("events.patch", one).refuse(403, "quotaExceeded").times(1));
    api.patch(one, json!({"title": "Paused"})).await?;
    sync.invoke(&changed.to_string().into()).await?;
    google.heal();
    admin
        .batch_execute("update calendars set cooldown_until = null where cooldown_until is not null")
        .await?;
    api.ask(push, 200).await?;
    Ok(())
}

/// What people do, by increments and by a full listing in parts.
async fn pulls(world: &World, api: &Api, sync: &Instance, admin: &Client) -> Result<(), Failure> {
    let person = world.google.person();
    let refused = |refusal| format!("the stand-in refuses a person: {refusal:?}");
    // By the index of slots: the server counts what reads a table in full.
    let ids =
        "select google_calendar_event_id from appointments where calendar_id = $1 and status = 'scheduled'
        and not placed_by_person and tstzrange(starts_at, ends_at) && tstzrange('2030-06-03', '2030-06-05')";
    let rows = admin.query(ids, &[&shown()]).await?;
    let ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let (edited, missing) = ids
        .split_at_checked(20)
        .ok_or("there are too few appointments to come")?;
    for (n, id) in edited.iter().enumerate() {
        match n % 4 {
            0 => person.retitle(&shown(), id, "A. Khan, first visit").map(drop),
            1 => person
                .move_to(&shown(), id, at(100 + i64::try_from(n)?).fixed_offset())
                .map(drop),
            2 => person.delete(&shown(), id),
            _ => person
                .edit(&shown(), id, &json!({"location": "Room 3"}))
                .map(drop),
        }
        .map_err(refused)?;
    }
    for (n, rule) in [(0, None), (1, Some("RRULE:FREQ=DAILY;COUNT=10"))] {
        let time = |hour| json!({"dateTime": at(hour), "timeZone": "Asia/Karachi"});
        let mut event = json!({"start": time(200 + n), "end": time(201 + n)});
        event["recurrence"] = rule.map(|rule| vec![rule]).into();
        if event["recurrence"].is_null() {
            event.as_object_mut().map(|event| event.remove("recurrence"));
        }
        person.add(&shown(), &event).map_err(refused)?;
    }
    let pull = Request::post(&format!("/calendar/sync?calendar_id={}", shown()), &json!({}));
    api.ask(pull.clone(), 200).await?;
    for id in missing {
        person.delete(&shown(), id).map_err(refused)?;
    }
    world.google.expire_sync_tokens();
    let notified = "update calendars set change_seq = change_seq + 1 where id = $1";
    admin.execute(notified, &[&shown()]).await?;
    succeed(sync, &changed(&shown())).await?;
    api.ask(pull, 200).await?;
    Ok(())
}

/// The channel that notifications are of.
const OPEN: &str = "insert into watch_channels (id, calendar_id, address, resource_id, expires_at, state)
    values ('0190f0c2-0000-7000-8000-000000000001', 'clinic@example.com', 'https://hook.example.com/calendar/webhook',
        'exampleResourceId', now() + interval '7 days', 'live')";

/// Notifications, and channels that are opened, refused and stopped.
async fn watching(world: &World, api: &Api, webhook: &Instance, admin: &Client) -> Result<(), Failure> {
    admin.batch_execute(OPEN).await?;
    let answer = webhook.invoke(&webhook::notification(1).event()).await?;
    if answer.status() != 200 {
        return Err(format!("a notification was answered with {}", answer.status()).into());
    }
    let address = json!({"webhook_url": "https://hook.example.com/calendar/webhook"});
    let path = |verb: &str| format!("/calendar/{verb}?calendar_id={}", shown());
    api.ask(Request::post(&path("setup-watch"), &address), 201)
        .await?;
    world.google.refuse_push(&shown(), true);
    api.instance
        .invoke(&Request::post(&path("setup-watch"), &address).event())
        .await?;
    world.google.refuse_push(&shown(), false);
    api.ask(Request::post(&path("stop-watch"), &json!({})), 200)
        .await?;
    Ok(())
}

/// The 5-minute run and the renewer, over calendars of which Google knows a few: what they ask of the database is the same.
async fn by_the_clock(
    world: &World,
    sync: &Instance,
    renewer: &Instance,
    admin: &Client,
) -> Result<(), Failure> {
    let over = "update idempotency_keys set expires_at = now() where caller = 'bench' and key < '00000002'";
    admin.batch_execute(over).await?;
    let before = world.google.count("events.list");
    succeed(sync, &scheduled()).await?;
    if world.google.count("events.list") - before < calendars().len() {
        return Err("the 5-minute run left calendars out".into());
    }
    // It fails, since most calendars cannot be watched.
    renewer.invoke(&scheduled().to_string().into()).await?;
    Ok(())
}
