//! Reading appointments: one, or a page of them.

use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns;
use crate::appointment::cursor::Cursor;
use crate::appointment::request::Filter;
use crate::appointment::{Appointment, Status};
use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;

const READ: &str = concat!(
    "select ",
    columns!(),
    " from appointments a
     join calendar_events e on (e.calendar_id, e.event_id) = (a.calendar_id, a.google_calendar_event_id)
     where a.id = $1"
);

/// The appointment with this id.
pub async fn read(db: &Database, deadline: Deadline, id: Uuid) -> Result<Option<Appointment>, DatabaseError> {
    db.read(deadline, async |client| read_with(client, id).await)
        .await
}

pub(super) async fn read_with(
    client: &Client,
    id: Uuid,
) -> Result<Option<Appointment>, tokio_postgres::Error> {
    let rows = client.query_typed(READ, &[(&id, Type::UUID)]).await?;
    rows.first().map(Appointment::from_row).transpose()
}

/// The first of the appointments of a page that a further condition leaves, in the order of lists.
macro_rules! first_where {
    ($condition:literal) => {
        concat!(
            "(select * from appointments
              where ",
            $condition,
            " and ($2::timestamptz is null or starts_at < $2)
                and ($3::text is null or status = $3)
                and ($4::text[] is null or regexp_replace(patient_phone, '[^0-9+]', '', 'g') = any($4))
                and ($5::timestamptz is null or (starts_at, id) > ($5, $6::uuid))
              order by starts_at, id limit $7)"
        )
    };
}

/// An index on the start does not know what ends after a time, and would be read from the oldest appointment on. No
/// booking is longer than [`LONGEST`](crate::appointment::request::LONGEST), so it is read from that long before; the
/// few that people made longer are in an index of their own. Each half is cut to the page by itself, or none of them
/// would be read in order.
const LIST: &str = concat!(
    "select ",
    columns!(),
    " from (",
    first_where!("($1::timestamptz is null or starts_at > $1 - interval '24 hours' and ends_at > $1)"),
    " union all ",
    first_where!(
        "ends_at - starts_at > interval '24 hours' and starts_at <= $1 - interval '24 hours' and ends_at > $1"
    ),
    ") a
     join calendar_events e on (e.calendar_id, e.event_id) = (a.calendar_id, a.google_calendar_event_id)
     order by a.starts_at, a.id
     limit $7"
);

/// One page of appointments by `starts_at, id`, and where the next one begins if there is one.
pub async fn list(
    db: &Database,
    deadline: Deadline,
    filter: &Filter,
) -> Result<(Vec<Appointment>, Option<Cursor>), DatabaseError> {
    let status = filter.status.map(Status::as_str);
    let (after_start, after_id) = filter.after.map(|cursor| (cursor.starts_at, cursor.id)).unzip();
    // One more than asked for tells whether there is a next page.
    let limit = filter.limit + 1;
    let mut items = db
        .read(deadline, async |client| {
            let rows = client
                .query_typed(
                    LIST,
                    &[
                        (&filter.from, Type::TIMESTAMPTZ),
                        (&filter.to, Type::TIMESTAMPTZ),
                        (&status, Type::TEXT),
                        (&filter.patient_phone, Type::TEXT_ARRAY),
                        (&after_start, Type::TIMESTAMPTZ),
                        (&after_id, Type::UUID),
                        (&limit, Type::INT8),
                    ],
                )
                .await?;
            rows.iter()
                .map(Appointment::from_row)
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let page = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let more = items.len() > page;
    items.truncate(page);
    let next = items.last().filter(|_| more).map(|last| Cursor {
        starts_at: last.starts_at,
        id: last.id,
    });
    Ok((items, next))
}
