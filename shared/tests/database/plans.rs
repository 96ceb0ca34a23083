//! Which index PostgreSQL answers by, where a wrong guess would read a whole table.

use local::postgres::TestDatabase;
use shared::appointment::{queries, request};
use shared::database::Database;

use super::{ample, database, execute, read_number};

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
