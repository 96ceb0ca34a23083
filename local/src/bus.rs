//! EventBridge on one machine: the calls that the SDK makes, the rules of `template.yaml`, and delivery to functions as
//! Lambda delivers asynchronously. Its admin calls let tests look inside, fire a rule now and make it fail.
//!
//! Not here: rules made at run time, archives, other targets than functions.

mod admin;
mod delivery;
mod event;
mod pattern;
mod rules;
mod schedule;
mod service;

pub use delivery::Outcome;
pub use pattern::Pattern;
pub use rules::Rules;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use admin::Faults;
use delivery::Delivery;

/// How many published entries and delivery outcomes are kept for the admin calls.
const REMEMBERED: usize = 1_000;

/// What a bus needs to know.
#[derive(Debug, Clone)]
pub struct BusOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where functions are invoked: what comes before `/2015-03-31/functions/`.
    pub functions: String,
    /// Where the state of the rules outlives the process; nowhere by default.
    pub state: Option<PathBuf>,
    /// Name of the custom bus (`EVENT_BUS_NAME`).
    pub bus_name: String,
    /// Name of the 5-minute rule (`AUTO_SYNC_RULE_NAME`).
    pub auto_sync_rule: String,
    /// Whether that rule starts enabled (`AUTO_SYNC_ENABLED`).
    pub auto_sync_enabled: bool,
    /// How often it fires (`AUTO_SYNC_INTERVAL`).
    pub auto_sync_interval: Duration,
    /// Whether scheduled rules fire at all, and once at the start; tests fire them by hand.
    pub schedules: bool,
    /// The pause before the first retry of a failed invocation; the second is twice as long. Lambda's is a minute.
    pub retry_after: Duration,
}

impl BusOptions {
    /// A bus for tests on a free port: no schedule runs, retries follow at once.
    #[must_use]
    pub fn for_tests(functions: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            functions: functions.into(),
            state: None,
            bus_name: "appointment-sync".to_owned(),
            auto_sync_rule: "auto-sync".to_owned(),
            auto_sync_enabled: true,
            auto_sync_interval: Duration::from_mins(5),
            schedules: false,
            retry_after: Duration::from_millis(1),
        }
    }
}

/// A running bus; it stops when this is dropped.
#[derive(Debug)]
pub struct Bus {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Bus {
    /// Starts a bus. Fails when its port is taken or its state cannot be read.
    pub async fn start(options: BusOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let rules = Rules::open(&options)?;
        let shared = Arc::new(Shared {
            rules,
            delivery: Delivery::new(options.functions, options.retry_after),
            faults: Mutex::default(),
            entries: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let app = service::routes(shared.clone()).merge(admin::routes(shared.clone()));
        tasks.spawn(async move {
            // `serve` returns only at a shutdown that is never asked for.
            let _ = axum::serve(listener, app).await;
        });
        if options.schedules {
            schedule::start(&shared, &mut tasks);
        }
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    /// Its base URL: the value for `AWS_ENDPOINT_URL_EVENTBRIDGE`, and where `/admin/` is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything published so far, oldest first, each with the rules that it matched.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        lock(&self.shared.entries).iter().cloned().collect()
    }

    /// Runs until its tasks end, which they do not.
    pub async fn run(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// What the calls, the schedule and the deliveries have in common.
#[derive(Debug)]
struct Shared {
    rules: Rules,
    delivery: Delivery,
    faults: Mutex<Faults>,
    entries: Mutex<VecDeque<Value>>,
}

/// A panic elsewhere leaves these values whole: each is replaced or pushed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == REMEMBERED {
        queue.pop_front();
    }
    queue.push_back(item);
}
