//! The clinic in which histories play: a database, a Google, and two processes that sync.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::TimeDelta;
use local::google::{ListingManners, StandIn};
use local::postgres::TestDatabase;
use serde_json::Value;
use shared::bus::{Announce, Message};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::google::{ApiUrl, Client, Quota, ServiceAccount};
use shared::sync::Sync;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql, Type};

/// The zone of the clinic and of its calendars.
pub(crate) const ZONE: chrono_tz::Tz = chrono_tz::Asia::Karachi;

/// Where people move events to that they no longer want here.
pub(crate) const ELSEWHERE: &str = "elsewhere@example.com";

/// Nobody listens.
struct Deaf;

impl Announce for Deaf {
    fn announce<'a>(&'a self, _: &'a [Message]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }
}

pub(crate) struct World {
    pub(crate) google: StandIn,
    /// The calendar of the history that plays.
    pub(crate) calendar: String,
    /// The callers' connection.
    pub(crate) db: Database,
    /// Two processes that sync.
    pub(crate) processes: [Process; 2],
    database: TestDatabase,
}

/// A process that syncs. It may be killed, and another one takes its place.
pub(crate) struct Process {
    db: Database,
    client: Client,
}

impl Process {
    pub(crate) fn sync(&self) -> Sync<'_> {
        Sync {
            db: &self.db,
            google: &self.client,
            bus: &Deaf,
            clinic_zone: ZONE,
        }
    }
}

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

impl World {
    pub(crate) async fn open() -> Self {
        let (database, google) = (TestDatabase::create().await, StandIn::start().await.unwrap());
        google.add_calendar(ELSEWHERE, ZONE);
        Self {
            calendar: String::new(),
            db: connection(&database),
            processes: [0, 1].map(|_| process(&database, &google)),
            google,
            database,
        }
    }

    /// Clears the stage for another history.
    pub(crate) fn begin(&mut self, calendar: &str, google_ahead: TimeDelta) {
        calendar.clone_into(&mut self.calendar);
        self.google.heal();
        self.google.set_clock_ahead(google_ahead);
        self.google.set_listing_manners(ListingManners::default());
        self.google.add_calendar(&self.calendar, ZONE);
        self.google.clear_requests();
    }

    pub(crate) fn replace_process(&mut self, number: usize) {
        self.processes[number] = process(&self.database, &self.google);
    }

    /// Runs a query about the history's calendar, which is its `$1`.
    pub(crate) async fn query(&self, query: &str) -> Vec<Row> {
        let parameters: [(&(dyn ToSql + std::marker::Sync), Type); 1] = [(&self.calendar, Type::TEXT)];
        self.db
            .read(soon(), async |client| {
                client.query_typed(query, &parameters).await
            })
            .await
            .unwrap()
    }

    /// What time would do to the claims and leases of dead runs; what still runs finds itself frozen for too long.
    pub(crate) async fn let_claims_and_leases_lapse(&self) {
        self.query(
            "update calendar_events set claimed_until = now() - interval '1 second'
             where calendar_id = $1 and claim is not null",
        )
        .await;
        self.query(
            "update calendars set lease_until = now() - interval '1 second'
             where id = $1 and lease_owner is not null",
        )
        .await;
        self.query("update calendars set cooldown_until = null where id = $1")
            .await;
    }

    /// The database ends the sessions of the processes that sync, whatever they are doing.
    pub(crate) async fn cut_connections(&self) {
        self.query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
               and $1::text is not null",
        )
        .await;
    }

    /// Waits until the server has ended the sessions of killed processes: a statement that one of them had sent could still
    /// claim something after all claims have lapsed, even if the server has not begun with it yet.
    pub(crate) async fn let_dead_sessions_end(&self) {
        let mut living = Vec::new();
        for db in [&self.db, &self.processes[0].db, &self.processes[1].db] {
            living.push(session(db).await);
        }
        let others = "select from pg_stat_activity
            where datname = current_database() and backend_type = 'client backend' and pid <> all($1)";
        let parameters: [(&(dyn ToSql + std::marker::Sync), Type); 1] = [(&living, Type::INT4_ARRAY)];
        let dead = async |client: &tokio_postgres::Client| client.query_typed(others, &parameters).await;
        while !self.db.read(soon(), dead).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// What Google has of the calendar, its bin included.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.google.events(&self.calendar).unwrap()
    }

    /// Our events, each with its appointment, its status, and whether that has the event as its current one and
    /// knows it as deleted.
    pub(crate) async fn ours(&self) -> Vec<Ours> {
        let read =
            "select e.event_id, a.id::text, a.status, a.google_calendar_event_id = e.event_id as current,
                e.seen = 'gone' as gone, coalesce(e.agreed, e.sent, '{}') as agreed,
                e.pushed_version is not distinct from e.wanted_version as settled
            from calendar_events e join appointments a on a.id = e.appointment_id
            where e.calendar_id = $1 order by a.created_at, e.wanted_version, e.event_id";
        let row = |row: &Row| Ours {
            event_id: row.get(0),
            appointment: row.get(1),
            status: row.get(2),
            current: row.get(3),
            known_gone: row.get(4),
            agreed: row.get::<_, Json<Value>>(5).0,
            settled: row.get(6),
        };
        self.query(read).await.iter().map(row).collect()
    }
}

/// One of our events, as the database has it.
pub(crate) struct Ours {
    pub(crate) event_id: String,
    pub(crate) appointment: String,
    pub(crate) status: String,
    pub(crate) current: bool,
    pub(crate) known_gone: bool,
    /// What both sides last had, as stored.
    pub(crate) agreed: Value,
    /// Whether Google is known to show what is wanted.
    pub(crate) settled: bool,
}

fn connection(database: &TestDatabase) -> Database {
    Database::new(DatabaseUrl::parse(&database.url()).unwrap())
}

/// The server's number of the session that a process has, or has had to open anew.
async fn session(db: &Database) -> i32 {
    let read = db.read(soon(), async |client| {
        client.query_typed_one("select pg_backend_pid()", &[]).await
    });
    read.await.unwrap().get(0)
}

fn process(database: &TestDatabase, google: &StandIn) -> Process {
    // Histories are played faster than Google would take it.
    const AMPLE: u32 = 1_000_000;
    let quota = Quota {
        writes: AMPLE,
        all: AMPLE,
        ..Quota::OF_AN_ACCOUNT
    };
    let account = ServiceAccount::parse(&google.service_account_json()).unwrap();
    Process {
        db: connection(database),
        client: Client::new(ApiUrl::parse(&google.base_url()).unwrap(), Some(account)).with_quota(quota),
    }
}
