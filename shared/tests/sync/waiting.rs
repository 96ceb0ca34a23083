//! Waiting for what is to come, and what happens in the meantime.

use std::future::Future;
use std::time::Duration;

use local::google::{Fault, ListingManners};
use shared::deadline::Deadline;
use shared::sync::Pulled;

use crate::clinic::Clinic;

/// What is to come has come by then.
const PATIENCE: Duration = Duration::from_secs(30);

impl Clinic {
    /// Until Google has had this many calls of a kind, such as `events.list`, since its log was last emptied.
    pub(crate) async fn until_called(&self, operation: &str, times: usize) {
        let called = async {
            while self.google.count(operation) < times {
                tokio::task::yield_now().await;
            }
        };
        in_time(&format!("{times} calls of {operation}"), called).await;
    }

    /// Until this many sessions of the clinic's database wait for a lock.
    pub(crate) async fn until_locked_out(&self, sessions: i64) {
        const WAITING: &str = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let locked_out = async { while self.rows(WAITING).await[0].get::<_, i64>(0) < sessions {} };
        in_time(&format!("{sessions} sessions that wait for a lock"), locked_out).await;
    }

    /// What time does to the claims and leases of runs that died or are frozen.
    pub(crate) async fn let_claims_and_leases_lapse(&self) {
        self.sql(
            "update calendar_events set claimed_until = now() - interval '1 second' where claim is not null;
             update calendars set lease_until = now() - interval '1 second' where lease_owner is not null",
        )
        .await;
    }

    /// Lets `run` come to the call that `fault` names, which hangs there until `meanwhile` is done.
    pub(crate) async fn during<T>(
        &self,
        fault: Fault,
        run: impl Future<Output = T>,
        meanwhile: impl Future<Output = ()>,
    ) -> T {
        let operation = fault.operation.clone().unwrap();
        let called = self.google.count(&operation);
        self.google.fail(fault.hang().times(1));
        let meanwhile = async {
            self.until_called(&operation, called + 1).await;
            meanwhile.await;
            self.google.release();
        };
        tokio::join!(run, meanwhile).0
    }

    /// A pull whose listing shows what was before `meanwhile`, and which has it afterwards.
    pub(crate) async fn pull_during(&self, meanwhile: impl Future<Output = ()>) -> Pulled {
        let listing = Fault::on("events.list").after();
        self.during(listing, self.pull(), meanwhile).await.unwrap()
    }

    /// Google lists one event to a page from now on.
    pub(crate) fn list_one_by_one(&self) {
        self.google.set_listing_manners(ListingManners {
            page_limit: Some(1),
            ..ListingManners::default()
        });
    }

    /// Google answers the first page of the next listing, and leaves the second one hanging.
    pub(crate) async fn answer_one_page(&self) {
        let called = self.google.count("events.list");
        self.google.fail(Fault::on("events.list").after().hang().times(1));
        self.until_called("events.list", called + 1).await;
        self.google.fail(Fault::on("events.list").hang().times(1));
        self.google.release();
    }
}

/// For a pull of which Google answers [one page](Clinic::answer_one_page): it keeps six seconds back to store what it has.
pub(crate) fn time_for_one_page() -> Deadline {
    Deadline::after(Duration::from_secs(6 + 2))
}

/// Waits for this, which a test that goes wrong could wait for without end.
async fn in_time(what: &str, awaited: impl Future<Output = ()>) {
    let outcome = tokio::time::timeout(PATIENCE, awaited).await;
    assert!(outcome.is_ok(), "not within {PATIENCE:?}: {what}");
}
