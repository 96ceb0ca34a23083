//! Whole invocations, against a real PostgreSQL and the Google stand-in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Context, LambdaEvent};
use local::google::{Fault, StandIn};
use local::postgres::{TestDatabase, Wire};
use local::template::{Template, settings_read};
use serde_json::{Value, json};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::settings::Environment;

use crate::run::Worker;

const LIVE: &str = "1 hour";
const PAST: &str = "-1 second";

struct Clinic {
    worker: Worker,
    tables: Database,
    google: StandIn,
    /// Between the worker and its database.
    wire: Wire,
    _database: TestDatabase,
}

impl Clinic {
    async fn open() -> Self {
        let (database, google) = (TestDatabase::create().await, StandIn::start().await.unwrap());
        let (url, api, account) = (database.url(), google.base_url(), google.service_account_json());
        google.add_calendar("dr.ali@example.com", chrono_tz::Asia::Karachi);
        let wire = Wire::before(&url).await;
        let worker = Worker::from(&Environment::of(&[
            ("DATABASE_URL", wire.url()),
            ("GOOGLE_CALENDAR_ID", "clinic@example.com,dr.ali@example.com"),
            ("GOOGLE_CALENDAR_API_URL", &api),
            ("GOOGLE_SERVICE_ACCOUNT_JSON", &account),
        ]));
        Self {
            worker: worker.unwrap(),
            tables: Database::new(DatabaseUrl::parse(&url).unwrap()),
            google,
            wire,
            _database: database,
        }
    }

    /// Lets so many keys expire in that time.
    async fn remember(&self, keys: u32, expire_in: &str) {
        let insert = format!(
            "insert into idempotency_keys (caller, key, request, write_id, appointment, event, expires_at)
             select 'frontend', '{expire_in} ' || n, '', gen_random_uuid(), '{{}}', '{{}}', now() + interval '{expire_in}'
             from generate_series(1, {keys}) n"
        );
        let insert = self
            .tables
            .read(soon(), async |client| client.batch_execute(&insert).await);
        insert.await.unwrap();
    }

    /// An appointment whose event is not written yet, at this hour.
    async fn book(&self, hour: u32) {
        let book = format!(
            "with calendar as (
                insert into calendars (id) values ('clinic@example.com') on conflict do nothing
            ), booked as (
                insert into appointments (id, calendar_id, patient_name, starts_at, ends_at, time_zone, source,
                    google_calendar_event_id)
                values (lpad('{hour}', 32, '0')::uuid, 'clinic@example.com', 'A. Khan', timestamptz '2030-01-01 {hour:02}:00Z',
                    timestamptz '2030-01-01 {hour:02}:30Z', 'Asia/Karachi', 'test', lpad('{hour}', 32, '0'))
            )
            insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
            values ('clinic@example.com', lpad('{hour}', 32, '0'), lpad('{hour}', 32, '0')::uuid, 'present', 1)"
        );
        let booked = self
            .tables
            .read(soon(), async |client| client.batch_execute(&book).await);
        booked.await.unwrap();
    }

    async fn kept(&self) -> i64 {
        let query = "select count(*) from idempotency_keys";
        let rows = self
            .tables
            .read(soon(), async |client| client.query_typed(query, &[]).await);
        rows.await.unwrap()[0].get(0)
    }

    /// The calendars that were pulled.
    async fn pulled(&self) -> Vec<String> {
        let query = "select id from calendars where last_sync_at is not null order by id";
        let rows = self
            .tables
            .read(soon(), async |client| client.query_typed(query, &[]).await);
        rows.await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    async fn check_costs(&self, event: Value, round_trips: usize, calls: usize) {
        self.wire.clear_statements();
        self.google.clear_requests();
        self.run(event).await;
        let statements = self.wire.statements();
        assert_eq!(statements.len(), round_trips, "{statements:#?}");
        assert_eq!(self.google.requests().len(), calls);
    }

    async fn run(&self, event: Value) {
        let mut context = Context::default();
        let end = SystemTime::now() + Duration::from_mins(1);
        context.deadline = u64::try_from(end.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        self.worker
            .handle(LambdaEvent::new(event, context))
            .await
            .unwrap();
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

#[tokio::test]
async fn a_calendar_at_which_google_hangs_holds_up_no_other() {
    let clinic = Clinic::open().await;
    let listing = Fault::on("events.list").of_calendar("clinic@example.com");
    clinic.google.fail(listing.hang().times(1));
    let meanwhile = async {
        let mut pulled = clinic.pulled().await;
        while pulled.is_empty() {
            pulled = clinic.pulled().await;
        }
        assert_eq!(pulled, ["dr.ali@example.com"]);
        clinic.google.release();
    };
    tokio::join!(clinic.run(json!({})), meanwhile);
    assert_eq!(
        clinic.pulled().await,
        ["clinic@example.com", "dr.ali@example.com"]
    );
}

#[tokio::test]
async fn what_is_due_is_written_by_a_booking_and_by_the_5_minute_run_whatever_becomes_of_its_pull() {
    let clinic = Clinic::open().await;
    let booked = json!({
        "source": "appointment-sync", "detail-type": "AppointmentChanged",
        "detail": {"calendar_id": "clinic@example.com"},
    });
    let refuse_listings = || {
        let listing = Fault::on("events.list").of_calendar("clinic@example.com");
        clinic.google.fail(listing.refuse(400, "invalid"));
    };
    for (hour, event, lists) in [(1, booked, true), (2, json!({}), true), (3, json!({}), false)] {
        if !lists {
            refuse_listings();
        }
        clinic.book(hour).await;
        clinic.run(event).await;
        assert_eq!(
            clinic.google.count("events.insert"),
            usize::try_from(hour).unwrap()
        );
    }
}

#[tokio::test]
async fn a_run_that_finds_nothing_to_do_costs_few_round_trips() {
    const TIDYING_UP: usize = 3;
    let clinic = Clinic::open().await;
    let notified = json!({
        "source": "appointment-sync",
        "detail": {"calendar_id": "clinic@example.com", "channel_id": "c", "message_number": 3}
    });
    clinic.run(json!({})).await;
    let as_if_notified =
        "update calendars set change_seq = change_seq + 1, leased_at = leased_at - interval '1 minute'";
    let raised = clinic
        .tables
        .read(soon(), async |client| client.batch_execute(as_if_notified).await);
    raised.await.unwrap();
    // The lease, and the record of the pull.
    clinic.check_costs(notified, 2, 1).await;
    // The order of the calendars; and for each of two, the lease and the record, which tells that nothing is due.
    clinic.check_costs(json!({}), 1 + 2 * 2 + TIDYING_UP, 2).await;
}

#[tokio::test]
async fn a_run_begins_with_the_calendar_that_was_taken_up_longest_ago() {
    let clinic = Clinic::open().await;
    let turn = async || clinic.worker.in_turn(soon()).await.unwrap();
    assert_eq!(
        turn().await,
        ["clinic@example.com", "dr.ali@example.com"],
        "as configured"
    );
    clinic.run(json!({})).await;
    let older =
        "update calendars set leased_at = leased_at - interval '1 hour' where id = 'dr.ali@example.com'";
    let age = clinic
        .tables
        .read(soon(), async |client| client.batch_execute(older).await);
    age.await.unwrap();
    assert_eq!(turn().await, ["dr.ali@example.com", "clinic@example.com"]);
}

#[tokio::test]
async fn the_5_minute_run_forgets_the_keys_that_are_past_their_time() {
    let clinic = Clinic::open().await;
    clinic.remember(7, PAST).await;
    clinic.remember(3, LIVE).await;
    let notified = json!({
        "source": "appointment-sync",
        "detail": {"calendar_id": "clinic@example.com", "channel_id": "c", "message_number": 3}
    });
    clinic.run(notified).await;
    assert_eq!(clinic.kept().await, 10);
    let rule = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    for _ in 0..2 {
        clinic.run(rule.clone()).await;
        assert_eq!(clinic.kept().await, 3);
    }
}

#[tokio::test]
async fn a_run_deletes_only_so_many_keys_and_the_next_one_goes_on() {
    let clinic = Clinic::open().await;
    clinic.remember(6_000, PAST).await;
    for left in [1_000, 0] {
        clinic.run(json!({})).await;
        assert_eq!(clinic.kept().await, left);
    }
}

#[test]
fn the_template_gives_the_settings_that_are_read() {
    let (read, examples) = settings_read("ScheduledSync", |lookup| {
        Worker::from(&Environment::by(lookup)).unwrap();
    })
    .unwrap();
    assert_eq!(read, Template::transformed().unwrap().settings("ScheduledSync"));
    assert_eq!(read, examples, "events/env.example.json");
}
