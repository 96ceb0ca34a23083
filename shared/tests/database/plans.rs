//! Which index PostgreSQL answers by, where a wrong guess would read a whole table.

use local::postgres::TestDatabase;
use shared::appointment::{Appointment, queries, request};
use shared::database::Database;
use shared::sync::status;

use super::{ample, database, execute, read_number};

/// Twenty thousand appointments, one an hour up to now; those of people are longer than a day.
const MANY: &str = "insert into calendars (id) values ('clinic@example.com');
    with numbers as (select n, gen_random_uuid() as id from generate_series(1, 20000) n),
    events as (
        insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select 'clinic@example.com', n, id, 'present', 1 from numbers
    )
    insert into appointments (id, calendar_id, patient_name, starts_at, ends_at, time_zone, status, placed_by_person,
                              source, google_calendar_event_id)
    select id, 'clinic@example.com', 'A. Khan', now() - n * interval '1 hour',
           now() - n * interval '1 hour' + case when n % 1000 = 30 then interval '3 days' else interval '30 min' end,
           'Asia/Karachi', case when n % 5000 = 7 then 'no_show' else 'scheduled' end, n % 100 = 30, 'frontend', n
    from numbers;
    analyze";

#[tokio::test]
async fn appointments_of_one_phone_number_are_found_by_its_index() {
    let test = TestDatabase::create().await;
    let database = database(&test.url());
    execute(
        &database,
        "insert into calendars (id) values ('clinic@example.com');
         with numbers as (select n, gen_random_uuid() as id from generate_series(1, 20000) n),
         events as (
             insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
             select 'clinic@example.com', n, id, 'absent', 1 from numbers
         )
         insert into appointments (id, calendar_id, patient_name, patient_phone, starts_at, ends_at, time_zone,
                                   status, cancelled_at, source, google_calendar_event_id)
         select id, 'clinic@example.com', 'A. Khan', '0300 ' || 1000000 + n % 5000, now() + n * interval '1 hour',
                now() + n * interval '1 hour' + interval '30 min', 'Asia/Karachi', 'cancelled', now(), 'frontend', n
         from numbers;
         analyze appointments",
    )
    .await;
    let before = used(&database).await;

    let query = [("patient_phone".to_owned(), "+92 300 1000007".to_owned())];
    let filter = request::filter(query, chrono_tz::Tz::Asia__Karachi).unwrap();
    let (found, _) = queries::list(&database, ample(), &filter).await.unwrap();
    assert_eq!(found.len(), 4);

    // A connection tells what it counted when it ends.
    drop(database);
    let database = super::database(&test.url());
    let patience = ample();
    while used(&database).await == before {
        assert!(!patience.remaining().is_zero(), "the index was not used");
    }
}

/// How often the index was used.
async fn used(database: &Database) -> i64 {
    let sql = "select idx_scan from pg_stat_user_indexes where indexrelname = 'appointments_by_phone'";
    read_number(database, sql).await.unwrap()
}

#[tokio::test]
async fn a_day_is_listed_without_what_came_before_it() {
    let test = TestDatabase::create().await;
    let before = fill(&test).await;
    let database = database(&test.url());
    // From noon of yesterday to midnight, and what began before that and lasts.
    let time = |hours| (chrono::Utc::now() - chrono::TimeDelta::hours(hours)).to_rfc3339();
    let query = [("from".to_owned(), time(24)), ("to".to_owned(), time(12))];
    let filter = request::filter(query, chrono_tz::Tz::Asia__Karachi).unwrap();
    let (found, _) = queries::list(&database, ample(), &filter).await.unwrap();
    assert!(found.is_sorted_by_key(|found| found.starts_at));
    let is_long = |found: &&Appointment| found.ends_at - found.starts_at > request::LONGEST;
    assert_eq!((found.len(), found.iter().filter(is_long).count()), (14, 1));

    let no_show = [("status".to_owned(), "no_show".to_owned())];
    let filter = request::filter(no_show, chrono_tz::Tz::Asia__Karachi).unwrap();
    let (found, _) = queries::list(&database, ample(), &filter).await.unwrap();
    assert_eq!(found.len(), 4);
    drop(database);
    check_rows_read(&test, before, 500).await;
}

#[tokio::test]
async fn conflicts_are_counted_by_the_indexes_of_slots() {
    let test = TestDatabase::create().await;
    let before = fill(&test).await;
    let database = database(&test.url());
    let record = database.read(ample(), async |client| {
        status::read(client, "clinic@example.com").await
    });
    assert_eq!(
        record.await.unwrap().conflicts,
        20,
        "those of three days are on top of others"
    );
    drop(database);
    check_rows_read(&test, before, 5_000).await;
}

/// Makes [`MANY`]; answers what that read.
async fn fill(test: &TestDatabase) -> Read {
    let database = database(&test.url());
    execute(&database, MANY).await;
    drop(database);
    read_so_far(test).await
}

/// Rows of appointments that were read.
#[derive(Debug)]
struct Read {
    in_full: i64,
    by_index: i64,
}

/// What all connections read so far; each tells when it ends.
async fn read_so_far(test: &TestDatabase) -> Read {
    let database = database(&test.url());
    let told = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    let patience = ample();
    while read_number(&database, told).await.unwrap() != 0 {
        assert!(!patience.remaining().is_zero(), "a connection does not end");
    }
    let in_full = "select seq_tup_read from pg_stat_user_tables where relname = 'appointments'";
    let by_index =
        "select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'appointments'";
    Read {
        in_full: read_number(&database, in_full).await.unwrap(),
        by_index: read_number(&database, by_index).await.unwrap(),
    }
}

/// Checks that since then the appointments were not read in full, nor many of them by an index.
async fn check_rows_read(test: &TestDatabase, before: Read, most: i64) {
    let after = read_so_far(test).await;
    assert_eq!(after.in_full, before.in_full, "the table was read in full");
    assert!(after.by_index - before.by_index <= most, "{before:?} {after:?}");
}
