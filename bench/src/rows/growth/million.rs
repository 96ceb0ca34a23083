//! A million appointments, in less than a minute: what they need besides, and the indexes after them.

use tokio_postgres::{Client, NoTls};

use crate::Failure;
use crate::world::{CALENDAR, World};

/// In all calendars.
pub(super) const APPOINTMENTS: u64 = 1_000_000;
/// In the clinic's own calendar, which is [`CALENDAR`]: some from 2031 on, where no other calendar has any, and the rest before.
pub(super) const OF_THE_CLINIC: u64 = 100_000;
/// Calendars of which Google will show as many events as they have appointments; none has been listed yet.
pub(super) const TO_BE_PULLED: [u64; 4] = [100, 1_000, 10_000, 30_000];
/// All others share what is left, up to twenty days from now and back: most is over and done.
const DOCTORS: u64 = 95;

/// A calendar of [`TO_BE_PULLED`].
pub(super) fn to_be_pulled(appointments: u64) -> String {
    format!("pull-{appointments}@example.com")
}

/// One of all the others.
pub(super) fn doctor(number: u64) -> String {
    format!("doctor-{number}@example.com")
}

/// Every calendar in there.
pub(super) fn calendars() -> Vec<String> {
    let pulled = TO_BE_PULLED.into_iter().map(to_be_pulled);
    std::iter::once(CALENDAR.to_owned())
        .chain(pulled)
        .chain((1..=DOCTORS).map(doctor))
        .collect()
}

/// The rows to come, by which two sessions fill the tables side by side. Ids of the clinic's are as `seed::id` has them;
/// the others ascend, as those of bookings do.
const ROWS: &str = "create unlogged table seeds as
    select calendar, n, kind,
        case kind when 'clinic' then encode(substr(sha256(convert_to(calendar || ' ' || n, 'UTF8')), 1, 16), 'hex')
            else lpad(to_hex(place), 8, '0') || lpad(to_hex(n), 24, '0') end as id,
        -- Every fiftieth of a doctor's was put on top of the one before it, by a person in Google.
        kind = 'doctor' and n % 50 = 0 as placed,
        case when kind = 'doctor' then
                date_trunc('hour', now()) + interval '20 days' - n * interval '1 hour'
                    - case when n % 50 = 0 then interval '45 minutes' else interval '0' end
            when kind = 'clinic' and n < 3000 then timestamptz '2031-01-01 00:00Z' + n * interval '1 hour'
            else timestamptz '2031-01-01 00:00Z' - (n + 1) * interval '1 hour' end as start,
        case when kind <> 'doctor' or n <= 20 * 24 or n % 10 = 0 then 'scheduled'
            when n % 20 = 1 then 'no_show' when n % 10 = 3 then 'cancelled' else 'completed' end as status
    from unnest($1::text[], $2::text[], $3::int8[]) with ordinality as c (calendar, kind, count, place),
        generate_series(0, c.count - 1) n";

const CALENDARS: &str = "insert into calendars (id, change_seq, last_sync_at, leased_at)
    select distinct calendar, 1, now(), now() from seeds";

const OF_APPOINTMENTS: &str = "
    insert into appointments (id, calendar_id, patient_name, patient_phone, reason, starts_at, ends_at, time_zone, status,
        cancelled_at, placed_by_person, source, google_calendar_event_id)
    select id::uuid, calendar, 'A. Khan', case when kind <> 'pull' then '+92300' || 1000000 + n % 300000 end,
        case when kind <> 'pull' then 'Check-up' end, start,
        start + case when placed and n % 500 = 0 then interval '3 days' else interval '30 minutes' end, 'Asia/Karachi',
        status, case when status = 'cancelled' then now() end, placed, 'bench', id
    from seeds;
    insert into busy_events (calendar_id, event_id, times, busy)
    select calendar, 'busy' || n, '{}', tstzmultirange(tstzrange(start + interval '40 minutes', start + interval '50 minutes'))
    from seeds where kind <> 'pull' and n % 20 = 0;
    insert into idempotency_keys (caller, key, request, write_id, appointment, event)
    select 'bench', id, '', id::uuid, '{}', '{}' from seeds where kind = 'doctor' and n < 500;
    -- Replaced once a week and kept for a month: six of each calendar, and its live one.
    insert into watch_channels (id, calendar_id, address, resource_id, expires_at, state)
    select id, calendar, 'https://hook.example.com/calendar/webhook', 'exampleResourceId',
        now() + interval '6 days' - n * interval '7 days', case n when 0 then 'live' else 'stopped' end
    from seeds where n < 7";

const OF_EVENTS: &str = "
    insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version, pushed_version, seen, seen_at,
        etag, agreed_version, synced_at)
    select calendar, id, id::uuid, case status when 'cancelled' then 'absent' else 'present' end, 1,
        case when kind <> 'pull' then 1 end,
        case when kind = 'pull' then 'never' when status = 'cancelled' then 'gone' else 'live' end,
        case when kind <> 'pull' then now() end, case when kind <> 'pull' and status <> 'cancelled' then '\"1\"' end,
        case when kind <> 'pull' then 1 end, case when kind <> 'pull' then now() end
    from seeds;
    insert into appointment_history (id, appointment_id, version, by, change, fields)
    select id::uuid, id::uuid, 1, 'bench', 'created', '{}' from seeds";

/// What is made anew once its table is full, in a fourth of the time. The definitions are the database's own.
const INDEXES: &str = "
    select t.relname::text as of_table,
        case when c.contype is null then format('drop index %I', i.relname)
            else format('alter table %I drop constraint %I', t.relname, c.conname) end as drop,
        case when c.contype is null then pg_get_indexdef(i.oid)
            else format('alter table %I add constraint %I %s', t.relname, c.conname, pg_get_constraintdef(c.oid)) end as make
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
    left join pg_constraint c on c.conindid = i.oid and c.contype in ('p', 'u', 'x')
    where t.relname in ('appointments', 'calendar_events') and (c.contype is null or c.contype = 'x')";

/// A session of the superuser's in the world's database.
pub(super) async fn superuser(world: &World) -> Result<Client, Failure> {
    let (server, database) = (std::env::var("TEST_DATABASE_URL")?, world.url());
    let (server, _) = server
        .rsplit_once('/')
        .ok_or("the server's URL names no database")?;
    let (_, name) = database
        .rsplit_once('/')
        .ok_or("the world's URL names no database")?;
    let (client, connection) = tokio_postgres::connect(&format!("{server}/{name}"), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Fills a world that is empty.
pub(super) async fn fill(world: &World) -> Result<(), Failure> {
    let (one, other) = (superuser(world).await?, superuser(world).await?);
    for session in [&one, &other] {
        // No foreign key is looked up for each row: what goes in is consistent.
        let settings = "set session_replication_role = replica; set maintenance_work_mem = '256MB'";
        session.batch_execute(settings).await?;
    }
    let (mut of_appointments, mut of_events) = (Vec::new(), Vec::new());
    for index in one.query(INDEXES, &[]).await? {
        one.batch_execute(index.get("drop")).await?;
        let make: String = index.get("make");
        let of_table: String = index.get("of_table");
        if of_table == "appointments" {
            of_appointments.push(make);
        } else {
            of_events.push(make);
        }
    }
    let (calendars, kinds, counts) = plan()?;
    one.execute(ROWS, &[&calendars, &kinds, &counts]).await?;
    one.batch_execute(CALENDARS).await?;
    tokio::try_join!(
        put(&one, OF_APPOINTMENTS, &of_appointments),
        put(&other, OF_EVENTS, &of_events)
    )?;
    one.batch_execute("drop table seeds").await?;
    // As autovacuum would have left it: knows its rows, and which pages all can see.
    one.batch_execute("vacuum (analyze)").await?;
    let count: i64 = one
        .query_one("select count(*) from appointments", &[])
        .await?
        .get(0);
    if u64::try_from(count)? != APPOINTMENTS {
        return Err(format!("there are {count} appointments, not {APPOINTMENTS}").into());
    }
    Ok(())
}

async fn put(session: &Client, rows: &str, indexes: &[String]) -> Result<(), Failure> {
    session.batch_execute(rows).await?;
    for index in indexes {
        session.batch_execute(index).await?;
    }
    Ok(())
}

/// The calendars, of which kind each is, and how many appointments it has.
type Plan = (Vec<String>, Vec<&'static str>, Vec<i64>);

fn plan() -> Result<Plan, Failure> {
    let others = APPOINTMENTS - OF_THE_CLINIC - TO_BE_PULLED.iter().sum::<u64>();
    let (each, over) = (others / DOCTORS, others % DOCTORS);
    let pulled = TO_BE_PULLED.map(|count| ("pull", count));
    let doctors = (1..=DOCTORS).map(|number| ("doctor", if number <= over { each + 1 } else { each }));
    let (kinds, counts): (Vec<_>, Vec<_>) = std::iter::once(("clinic", OF_THE_CLINIC))
        .chain(pulled)
        .chain(doctors)
        .unzip();
    let counts = counts.into_iter().map(i64::try_from).collect::<Result<_, _>>()?;
    Ok((calendars(), kinds, counts))
}
