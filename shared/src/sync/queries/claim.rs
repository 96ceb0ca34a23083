//! Claims: one push of an event at a time, whose outcome counts only while its claim holds.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Error, GenericClient};
use uuid::Uuid;

use super::quota::{Judge, read_grant};
use super::state::{read_state, state};
use crate::sync::content::Content;
use crate::sync::reconcile::{AppointmentState, EventState};
use crate::sync::turns::Grant;

/// An event that this process alone may push for a while.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    /// The event.
    pub event: EventState,
    /// Its appointment as read with the claim: its version is what a push of it confirms.
    pub appointment: AppointmentState,
    /// When they were read, by the database's clock.
    pub read_at: DateTime<Utc>,
    /// Failed tries so far.
    pub attempts: i32,
}

/// What came of asking for events to push.
#[derive(Debug)]
pub(crate) struct Due {
    /// These are ours for now.
    pub claimed: Vec<Claimed>,
    /// A call for each. Some may be missing here because there are no more calls for now.
    pub grant: Grant,
    /// What waits, where nothing was claimed.
    pub waiting: Waiting,
}

/// Claims events of a calendar that are due, oldest first: as many as may be written now.
pub(crate) async fn claim_due(
    client: &impl GenericClient,
    calendar_id: &str,
    claim: Uuid,
    length: Duration,
    most: u32,
    judge: &Judge<'_>,
) -> Result<Due, Error> {
    const CLAIM: &str = concat!(
        "with ready as (
            select event_id from calendar_events
            where calendar_id = $1 and pushed_version is distinct from wanted_version and not parked
              and next_attempt_at <= now() and (claimed_until is null or claimed_until < now() or claim = $2)
              and not exists (select from calendars where id = $1 and cooldown_until > now())
            order by next_attempt_at limit $4
            for update skip locked
         ), allowed as (
            select * from reserve_google_calls((select count(*) from ready)::int, $5, $6, $7, $8)
         ), due as (
            select event_id from ready limit (select granted from allowed)
         ), claimed as (
            update calendar_events e set claim = $2, claimed_until = now() + $3 * interval '1 second'
            from due, appointments a
            where e.calendar_id = $1 and e.event_id = due.event_id and a.id = e.appointment_id
            returning now() as read_at, ",
        state!(),
        "), waiting as (
            -- Counted only where there is nothing to claim.
            select count(*) as pending, count(*) filter (where claimed_until > now()) as claimed_by_others
            from calendar_events
            where calendar_id = $1 and pushed_version is distinct from wanted_version and not parked
              and not exists (select from due)
         )
         select allowed.*, waiting.*, claimed.* from allowed cross join waiting left join claimed on true"
    );
    let (length, most) = (length.as_secs_f64(), i64::from(most));
    let wanted: [(&(dyn ToSql + Sync), Type); 4] = [
        (&calendar_id, Type::TEXT),
        (&claim, Type::UUID),
        (&length, Type::FLOAT8),
        (&most, Type::INT8),
    ];
    let parameters: Vec<_> = wanted.into_iter().chain(judge.parameters()).collect();
    let rows = client.query_typed(CLAIM, &parameters).await?;
    let mut due = Due {
        claimed: Vec::with_capacity(rows.len()),
        grant: judge.nothing(),
        waiting: Waiting::default(),
    };
    for row in &rows {
        due.grant = read_grant(row, judge)?;
        due.waiting = Waiting {
            pending: row.try_get("pending")?,
            claimed: row.try_get("claimed_by_others")?,
        };
        // The one row of a claim that found nothing bears no event.
        let Some(read_at) = row.try_get("read_at")? else {
            break;
        };
        let (event, appointment) = read_state(row)?;
        due.claimed.push(Claimed {
            event,
            appointment,
            read_at,
            attempts: row.try_get("attempts")?,
        });
    }
    Ok(due)
}

/// Stores what is about to be sent, so that a lost answer can be told from a person's edit. Answers the events
/// whose claim still holds.
pub(crate) async fn record_sent(
    client: &impl GenericClient,
    calendar_id: &str,
    claim: Uuid,
    sent: &[(&str, &Content)],
) -> Result<Vec<String>, Error> {
    const SENT: &str = "update calendar_events e set sent = n.sent
        from jsonb_to_recordset($3) as n(event_id text, sent jsonb)
        where e.calendar_id = $1 and e.claim = $2 and e.event_id = n.event_id
        returning e.event_id";
    #[derive(Debug, Serialize)]
    struct Sent<'a> {
        event_id: &'a str,
        sent: &'a Content,
    }
    let sent: Vec<_> = sent
        .iter()
        .map(|(event_id, sent)| Sent { event_id, sent })
        .collect();
    let rows = client
        .query_typed(
            SENT,
            &[
                (&calendar_id, Type::TEXT),
                (&claim, Type::UUID),
                (&Json(sent), Type::JSONB),
            ],
        )
        .await?;
    rows.iter().map(|row| row.try_get("event_id")).collect()
}

/// What became of a claimed event.
#[derive(Debug)]
pub(crate) enum Pushed<'a> {
    /// Google shows it as of this version of the appointment.
    Shown {
        /// The version.
        version: i64,
        /// Its new etag.
        etag: &'a str,
        /// What Google shows.
        agreed: &'a Content,
    },
    /// It shows this version already; nothing was sent.
    ShownAlready {
        /// The version.
        version: i64,
    },
    /// It is deleted, or never came to be.
    Gone,
    /// A write whose answer was lost has had no effect so far: it is to be written anew. It may still arrive.
    NotWritten,
    /// Not sent, for lack of calls.
    Postponed {
        /// For how long, from now.
        retry_in: Duration,
        /// Whether an earlier write's answer is unknown.
        in_doubt: bool,
    },
    /// To be tried again.
    Failed {
        /// When, from now.
        retry_in: Duration,
        /// In words for a receptionist.
        reason: &'a str,
        /// Whether what was sent may have taken effect all the same.
        in_doubt: bool,
    },
    /// Refused for good.
    Parked {
        /// In words for a receptionist.
        reason: &'a str,
        /// Whether what was sent may have taken effect all the same.
        in_doubt: bool,
    },
}

/// Stores the outcome of a push and gives the claim back. A claim that was lost or taken away stores nothing: what
/// is stored then is younger than this outcome.
pub(crate) async fn store_pushed(
    client: &impl GenericClient,
    calendar_id: &str,
    event_id: &str,
    claim: Uuid,
    outcome: &Pushed<'_>,
) -> Result<(), Error> {
    const SHOWN: &str = "update calendar_events set seen = 'live', etag = $4, seen_at = now(), agreed = $5,
            agreed_version = $6, sent = null, strays = '[]', pushed_version = $6, synced_at = now(),
            attempts = 0, last_error = null, claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3";
    const SHOWN_ALREADY: &str =
        "update calendar_events set pushed_version = $4, attempts = 0, last_error = null,
            claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3";
    const GONE: &str = "update calendar_events set
            seen = case when seen = 'never' then 'never' else 'gone' end,
            seen_at = case when seen <> 'never' then now() end, etag = null, sent = null,
            pushed_version = wanted_version, agreed_version = wanted_version, synced_at = now(), attempts = 0,
            last_error = null, claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3 and wanted = 'absent'";
    const NOT_WRITTEN: &str = "update calendar_events set sent = null, next_attempt_at = now(),
            strays = strays || case when sent is null or strays @> jsonb_build_array(sent) then '[]'
                                    else jsonb_build_array(sent) end,
            claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3";
    const POSTPONED: &str = "update calendar_events set next_attempt_at = now() + $4 * interval '1 second',
            sent = case when $5 then sent end, claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3";
    const FAILED: &str = "update calendar_events set attempts = attempts + 1,
            next_attempt_at = now() + $4 * interval '1 second', last_error = $5,
            sent = case when $6 then sent end, claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3";
    const PARKED: &str = "update calendar_events set attempts = attempts + 1, parked = true, last_error = $4,
            strays = strays || case when not $5 or sent is null or strays @> jsonb_build_array(sent) then '[]'
                                    else jsonb_build_array(sent) end,
            sent = null,
            claim = null, claimed_until = null
        where calendar_id = $1 and event_id = $2 and claim = $3";
    let (shown, seconds);
    let (statement, values) = match outcome {
        Pushed::Shown {
            version,
            etag,
            agreed,
        } => {
            shown = Json(agreed);
            let values = vec![
                typed(etag, Type::TEXT),
                typed(&shown, Type::JSONB),
                typed(version, Type::INT8),
            ];
            (SHOWN, values)
        }
        Pushed::ShownAlready { version } => (SHOWN_ALREADY, vec![typed(version, Type::INT8)]),
        Pushed::Gone => (GONE, Vec::new()),
        Pushed::NotWritten => (NOT_WRITTEN, Vec::new()),
        Pushed::Postponed { retry_in, in_doubt } => {
            seconds = retry_in.as_secs_f64();
            let values = vec![typed(&seconds, Type::FLOAT8), typed(in_doubt, Type::BOOL)];
            (POSTPONED, values)
        }
        Pushed::Failed {
            retry_in,
            reason,
            in_doubt,
        } => {
            seconds = retry_in.as_secs_f64();
            let values = vec![
                typed(&seconds, Type::FLOAT8),
                typed(reason, Type::TEXT),
                typed(in_doubt, Type::BOOL),
            ];
            (FAILED, values)
        }
        Pushed::Parked { reason, in_doubt } => {
            let values = vec![typed(reason, Type::TEXT), typed(in_doubt, Type::BOOL)];
            (PARKED, values)
        }
    };
    let row = [
        typed(&calendar_id, Type::TEXT),
        typed(&event_id, Type::TEXT),
        typed(&claim, Type::UUID),
    ];
    let parameters: Vec<_> = row.into_iter().chain(values).collect();
    client.execute_typed(statement, &parameters).await?;
    Ok(())
}

fn typed(value: &(dyn ToSql + Sync), kind: Type) -> (&(dyn ToSql + Sync), Type) {
    (value, kind)
}

/// Gives back the claims that were not used; only what is unwritten bears any. `unsent`: events of which nothing was sent
/// of what was stored for it, so that nobody need look what became of it.
pub(crate) async fn release_claims(
    client: &impl GenericClient,
    calendar_id: &str,
    claims: &[Uuid],
    unsent: &[&str],
) -> Result<(), Error> {
    const RELEASE: &str = "update calendar_events set claim = null, claimed_until = null,
            sent = case when event_id = any($3) then null else sent end
        where calendar_id = $1 and claim = any($2)
          and pushed_version is distinct from wanted_version and not parked";
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&calendar_id, Type::TEXT),
        (&claims, Type::UUID_ARRAY),
        (&unsent, Type::TEXT_ARRAY),
    ];
    client.execute_typed(RELEASE, parameters).await?;
    Ok(())
}

/// Whether a claim still holds; asked in the transaction that relies on it, which keeps the row until it ends.
pub(crate) async fn lock_claim(
    client: &impl GenericClient,
    calendar_id: &str,
    event_id: &str,
    claim: Uuid,
) -> Result<bool, Error> {
    const LOCK: &str = "select from calendar_events
        where calendar_id = $1 and event_id = $2 and claim = $3 and claimed_until > clock_timestamp() for update";
    let rows = client
        .query_typed(
            LOCK,
            &[
                (&calendar_id, Type::TEXT),
                (&event_id, Type::TEXT),
                (&claim, Type::UUID),
            ],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Makes everything unwritten due at once, what is parked included.
pub(crate) async fn make_all_due(client: &impl GenericClient, calendar_id: &str) -> Result<(), Error> {
    const ALL_DUE: &str = "update calendar_events set parked = false, attempts = 0, next_attempt_at = now()
        where calendar_id = $1 and pushed_version is distinct from wanted_version
          and (parked or next_attempt_at > now())";
    client
        .execute_typed(ALL_DUE, &[(&calendar_id, Type::TEXT)])
        .await?;
    Ok(())
}

/// What a calendar's events still wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Events that wait to be written.
    pub(crate) pending: i64,
    /// Of these, those that another run is writing.
    pub(crate) claimed: i64,
}

/// Counts what waits to be written.
pub(crate) async fn count_waiting(client: &impl GenericClient, calendar_id: &str) -> Result<Waiting, Error> {
    const COUNT: &str = "select count(*) as pending, count(*) filter (where claimed_until > now()) as claimed
        from calendar_events
        where calendar_id = $1 and pushed_version is distinct from wanted_version and not parked";
    let row = client
        .query_typed_one(COUNT, &[(&calendar_id, Type::TEXT)])
        .await?;
    Ok(Waiting {
        pending: row.try_get("pending")?,
        claimed: row.try_get("claimed")?,
    })
}
