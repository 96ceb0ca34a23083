//! Writes that a caller may send again under a key: done once, and answered alike each time.
//!
//! What was answered is recorded by the very statement that wrote, so both are committed or neither is. Such a statement is
//! [`once`] around the writing itself. An advisory lock, tried and never waited for, has one run at a time under a key;
//! whoever finds it taken comes back a little later, and mostly finds the answer.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::appointment::Appointment;
use crate::appointment::idempotency::{By, Keyed};
use crate::backoff::Backoff;
use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;

/// Between two looks at a key whose first request is still running.
const PAUSE: Backoff = Backoff {
    first: Duration::from_millis(25),
    most: Duration::from_millis(250),
};
/// So many looks take about a second. A first request that takes longer than that waits for a lock, or for much more.
const LOOKS: u32 = 10;
/// Rows that one sweep deletes at most: far more than a clinic's callers leave in five minutes.
const SWEPT: i64 = 5_000;

/// What is known of a request by its key, which is why it was not carried out.
#[derive(Debug)]
pub enum Known {
    /// The same request was carried out earlier.
    Answered {
        /// As it was then.
        appointment: Box<Appointment>,
        /// The history's word for what was changed; `None` when nothing had to be.
        change: Option<String>,
    },
    /// The caller used the key for another request.
    KeyReused,
    /// The same request is being carried out.
    InProgress,
}

impl Known {
    /// `None` when the request was judged by itself.
    pub(super) fn from_row(row: &Row) -> Result<Option<Self>, tokio_postgres::Error> {
        let outcome: String = row.try_get("outcome")?;
        Ok(Some(match outcome.as_str() {
            "answered" => Self::Answered {
                appointment: Box::new(Appointment::from_row(row)?),
                change: row.try_get("change")?,
            },
            "key_reused" => Self::KeyReused,
            "in_progress" => Self::InProgress,
            _ => return Ok(None),
        }))
    }
}

/// A statement that writes, once for each key.
///
/// The writing (`$writing`, common table expressions) starts from `first`, which has a row if it is to be done, and ends in
/// `answer (outcome, change, a, e)`, with the rows of the appointment and its event; the outcome `done` is recorded, any
/// other is a refusal. A statement that gives no row at all refused, too.
///
/// `$1` is the caller, `$2` the key or null, `$3` the request's fingerprint, `$4` the id of this write.
macro_rules! once {
    ($writing:expr) => {
        concat!(
            "with claim as materialized (
                select $2::text as key, pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 1)) as ours
                where $2 is not null
             ), known as materialized (
                -- Looks after the lock was tried: what is not there now is written by nobody else.
                select k.* from claim cross join lateral idempotency_record($1, claim.key) k
             ), first as materialized (
                select 1 where $2 is null or (select ours from claim) and not exists (select from known)
             ), ",
            $writing,
            ", recorded as (
                insert into idempotency_keys (caller, key, request, write_id, appointment, event)
                select $1, $2, $3, $4, to_jsonb(a), jsonb_build_object(
                    'parked', (e).parked, 'wanted_version', (e).wanted_version, 'pushed_version', (e).pushed_version,
                    'synced_at', (e).synced_at, 'last_error', (e).last_error)
                from answer where $2 is not null and outcome = 'done'
                -- Only a record past its time can be in the way.
                on conflict (caller, key) do update set
                    request = excluded.request, write_id = excluded.write_id, appointment = excluded.appointment,
                    event = excluded.event, expires_at = excluded.expires_at
             ), told as materialized (
                select outcome, change, a, e from answer
                union all
                select 'in_progress', null, null, null from claim where not ours and not exists (select from known)
                union all ",
            $crate::appointment::queries::idempotency::as_recorded!(),
            "
             )",
            $crate::appointment::queries::idempotency::as_told!()
        )
    };
}
pub(super) use once;

/// The answer that `known` holds; that of this very write, when its first run was lost on the way back, is no repetition.
macro_rules! as_recorded {
    () => {
        "select
            case when request <> $3 then 'key_reused' when write_id = $4 then 'done' else 'answered' end as outcome,
            (select h.change from appointment_history h where h.id = write_id) as change,
            jsonb_populate_record(null::appointments, appointment) as a,
            jsonb_populate_record(null::calendar_events, event) as e
         from known"
    };
}
pub(super) use as_recorded;

macro_rules! as_told {
    () => {
        concat!(
            " select outcome, change, ",
            $crate::appointment::queries::columns!(),
            " from told cross join lateral (select (told.a).*) a cross join lateral (select (told.e).*) e"
        )
    };
}
pub(super) use as_told;

const LOOK: &str = concat!(
    "with known as (select * from idempotency_record($1, $2)), told as materialized (",
    as_recorded!(),
    ")",
    as_told!()
);

/// What is known of a request that cannot be carried out as it stands; it may have been good when it was first sent.
pub async fn look_up(db: &Database, deadline: Deadline, by: By<'_>) -> Result<Option<Known>, DatabaseError> {
    if by.keyed.is_none() {
        return Ok(None);
    }
    let write = Write::new(by);
    db.read(deadline, async |client: &Client| {
        let rows = client.query_typed(LOOK, &write.parameters()).await?;
        let known = rows.first().map(Known::from_row).transpose()?;
        Ok(known.flatten())
    })
    .await
}

/// One write, however many runs it takes.
pub(super) struct Write<'a> {
    pub(super) id: Uuid,
    caller: &'a str,
    key: Option<&'a str>,
    fingerprint: Option<&'a [u8]>,
}

impl<'a> Write<'a> {
    pub(super) fn new(by: By<'a>) -> Self {
        Self {
            id: Uuid::now_v7(),
            caller: by.caller,
            key: by.keyed.map(Keyed::key),
            fingerprint: by.keyed.map(Keyed::fingerprint),
        }
    }

    /// Whether its record tells what came of a run whose answer was lost.
    pub(super) fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// The first parameters of a statement that is [`once`].
    pub(super) fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 4] {
        [
            (&self.caller, Type::TEXT),
            (&self.key, Type::TEXT),
            (&self.fingerprint, Type::BYTEA),
            (&self.id, Type::UUID),
        ]
    }
}

/// How long a request waits for the first one under its key.
pub(super) struct Patience {
    deadline: Deadline,
    looks: u32,
}

impl Patience {
    pub(super) fn until(deadline: Deadline) -> Self {
        Self { deadline, looks: 1 }
    }

    /// Waits for the next look; false when it is time to give up.
    pub(super) async fn lasts(&mut self) -> bool {
        let pause = PAUSE.pause(self.looks);
        if self.looks == LOOKS || !self.deadline.allows(pause) {
            return false;
        }
        self.looks += 1;
        tokio::time::sleep(pause).await;
        true
    }
}

/// By place: a join with the keys would read the whole table when many are due.
const SWEEP: &str = "delete from idempotency_keys where ctid = any (array(
    select ctid from idempotency_keys where expires_at <= now()
    order by expires_at limit $1 for update skip locked))";

/// Deletes records past their time, oldest first, and counts them.
pub async fn sweep(db: &Database, deadline: Deadline) -> Result<u64, DatabaseError> {
    db.read(deadline, async |client: &Client| {
        client.execute_typed(SWEEP, &[(&SWEPT, Type::INT8)]).await
    })
    .await
}
