//! Calls to Google that hang, and what happens in the meantime.

use std::time::Duration;

use local::google::Fault;

use crate::clinic::Clinic;

/// By then a call that is to come has come.
const PATIENCE: Duration = Duration::from_secs(30);

impl Clinic {
    /// Waits until Google has had this many calls of a kind, such as `events.list`, since its log was last emptied.
    pub(crate) async fn until_called(&self, operation: &str, times: usize) {
        let count = || self.google.count(operation);
        let called = async {
            while count() < times {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, called).await.is_err() {
            panic!("{operation} was called {} times, not {times}", count());
        }
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
