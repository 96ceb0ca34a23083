//! A process of its own, which can be killed or frozen between any two effects of a run.

use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use local::google::Fault;
use local::postgres::{Wire, WireFault};
use shared::bus::{Announce, Message};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::sync::{Occasion, Patience, Pulled, Pushed, Sync, SyncError};
use tokio::sync::Notify;

use crate::clinic::{CALENDAR, Clinic, Heard, LONG, soon};

/// Where a run stands when something happens to its process.
#[derive(Debug, Clone)]
pub(crate) enum Point {
    /// At a round trip to the database.
    Database(WireFault),
    /// At a call to Google.
    Google(Fault),
    /// Before the bus was told.
    Bus,
}

impl Point {
    /// Before the next statement that contains this is executed.
    pub(crate) fn before(statement: &str) -> Self {
        Self::Database(WireFault::on(statement).hang())
    }

    /// When that is done, and its answer not yet here.
    pub(crate) fn after(statement: &str) -> Self {
        Self::Database(WireFault::on(statement).after().hang())
    }

    /// Before Google has the next call of this kind.
    pub(crate) fn before_call(operation: &str) -> Self {
        Self::Google(Fault::on(operation).hang().times(1))
    }

    /// When Google has done what that call asks, and its answer is not yet here.
    pub(crate) fn after_call(operation: &str) -> Self {
        Self::Google(Fault::on(operation).after().hang().times(1))
    }
}

pub(crate) struct Process<'a> {
    clinic: &'a Clinic,
    wire: Wire,
    db: Database,
    bus: Bus<'a>,
}

impl<'a> Process<'a> {
    pub(crate) async fn start(clinic: &'a Clinic) -> Self {
        let wire = Wire::before(&clinic.database_url()).await;
        Self {
            clinic,
            db: Database::new(DatabaseUrl::parse(wire.url()).unwrap()),
            wire,
            bus: Bus {
                heard: &clinic.heard,
                hangs: AtomicBool::new(false),
                approached: Notify::new(),
            },
        }
    }

    pub(crate) fn sync(&self) -> Sync<'_> {
        Sync {
            db: &self.db,
            bus: &self.bus,
            ..self.clinic.sync()
        }
    }

    pub(crate) async fn push(&self) -> Result<Pushed, SyncError> {
        self.sync().push(CALENDAR, LONG, soon()).await
    }

    pub(crate) async fn pull(&self) -> Result<Option<Pulled>, SyncError> {
        self.pull_until(soon()).await
    }

    pub(crate) async fn pull_until(&self, deadline: Deadline) -> Result<Option<Pulled>, SyncError> {
        self.sync()
            .pull(CALENDAR, Occasion::Always, Patience::Leave, false, deadline)
            .await
    }

    /// Lets `run` come to this point, where it stays until [`wake`](Self::wake).
    pub(crate) async fn freeze<T>(&self, point: Point, mut run: Pin<&mut impl Future<Output = T>>) {
        let name = format!("{point:?}");
        let reached = async {
            match point {
                Point::Database(fault) => {
                    self.wire.fail(fault);
                    self.wire.reached().await;
                }
                Point::Google(fault) => {
                    let operation = fault.operation.clone().unwrap();
                    let called = self.clinic.google.count(&operation);
                    self.clinic.google.fail(fault);
                    self.clinic.until_called(&operation, called + 1).await;
                }
                Point::Bus => {
                    self.bus.hangs.store(true, Ordering::Relaxed);
                    self.bus.approached.notified().await;
                }
            }
        };
        tokio::select! {
            biased;
            () = reached => {}
            _ = &mut run => panic!("the run ended without coming to {name}"),
        }
    }

    /// A push that has come to this point, where it stays until [`wake`](Self::wake).
    pub(crate) async fn frozen_push(
        &self,
        point: Point,
    ) -> Pin<Box<impl Future<Output = Result<Pushed, SyncError>>>> {
        let mut push = Box::pin(self.push());
        self.freeze(point, push.as_mut()).await;
        push
    }

    /// A pull that has come to this point, where it stays until [`wake`](Self::wake).
    pub(crate) async fn frozen_pull(
        &self,
        point: Point,
    ) -> Pin<Box<impl Future<Output = Result<Option<Pulled>, SyncError>>>> {
        let mut pull = Box::pin(self.pull());
        self.freeze(point, pull.as_mut()).await;
        pull
    }

    /// Breaks the connection once at this point, from which a new one leads on.
    pub(crate) fn break_at(&self, fault: WireFault) {
        self.wire.fail(fault);
    }

    /// Whether it came to what was ordered with [`break_at`](Self::break_at).
    pub(crate) fn is_broken(&self) -> bool {
        self.wire.reached().now_or_never().is_some()
    }

    /// The statements sent so far, each once.
    pub(crate) fn statements(&self) -> BTreeSet<String> {
        self.wire.statements().into_iter().collect()
    }

    /// The statements sent since it was last asked, one for each round trip.
    pub(crate) fn round_trips(&self) -> Vec<String> {
        let statements = self.wire.statements();
        self.wire.clear_statements();
        statements
    }

    /// Lets what is frozen go on.
    pub(crate) fn wake(&self) {
        self.wire.release();
        self.clinic.google.release();
    }

    /// Lets `run` come to this point, and kills the process there. A call that Google has not taken up is lost with it.
    pub(crate) async fn kill<T>(&self, point: Point, run: impl Future<Output = T>) {
        {
            let mut run = pin!(run);
            self.freeze(point, run.as_mut()).await;
            // Nothing of it is left on the server before its memory goes: a transaction cannot even be rolled back.
            self.wire.cut().await;
        }
    }
}

/// The clinic's bus, as long as the process gets to it.
struct Bus<'a> {
    heard: &'a Heard,
    hangs: AtomicBool,
    approached: Notify,
}

impl Announce for Bus<'_> {
    fn announce<'a>(&'a self, messages: &'a [Message]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        if messages.is_empty() || !self.hangs.load(Ordering::Relaxed) {
            return self.heard.announce(messages);
        }
        self.approached.notify_one();
        Box::pin(pending())
    }
}
