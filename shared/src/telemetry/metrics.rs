//! What is measured: CloudWatch metrics, written to standard output in its embedded metric format.
//!
//! A measurement is noted where it is made and written by [`flush`], at the end of an invocation; CloudWatch reads it from the
//! log, so nobody is called and nobody waits. Each metric bears the name of its function; some bear one more dimension. None
//! names a calendar: each would be a metric of its own, to be paid for. Log lines name them.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use metrics::Unit;
use metrics_cloudwatch_embedded::{Builder, Collector};

/// CloudWatch's name for all of ours together.
pub const NAMESPACE: &str = "AppointmentSync";

/// The dimension that each metric has.
pub const FUNCTION: &str = "function";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Something that is counted: the number since the last [`flush`].
#[derive(Debug, Clone, Copy)]
pub struct Count {
    name: &'static str,
    /// What else tells one count from another.
    dimension: Option<&'static str>,
}

/// Something that has a size.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    name: &'static str,
    unit: Unit,
}

/// Processes that started.
pub const COLD_STARTS: Count = Count::of("ColdStarts");
/// Tries of calls to Google, by what came of them: `success`, or the class of the error.
pub const GOOGLE_CALLS: Count = Count::by("GoogleCalls", "outcome");
/// Notifications with a good token.
pub const NOTIFICATIONS_VERIFIED: Count = Count::of("NotificationsVerified");
/// Requests to the webhook that were refused: `malformed`, `forged`.
pub const NOTIFICATIONS_REFUSED: Count = Count::by("NotificationsRefused", "reason");
/// How long pulls took that ended well, with all the waiting in them.
pub const PULL_DURATION: Size = Size::of("PullDuration", Unit::Milliseconds);
/// Pulls that failed; those that Google asked to wait are none.
pub const PULLS_FAILED: Count = Count::of("PullsFailed");
/// Appointments that pulls changed: `updated`, `cancelled`, `restored`.
pub const PULLED: Count = Count::by("Pulled", "change");
/// How long pushes took that had something to write.
pub const PUSH_DURATION: Size = Size::of("PushDuration", Unit::Milliseconds);
/// Pushes that failed.
pub const PUSHES_FAILED: Count = Count::of("PushesFailed");
/// Events that pushes wrote: `created`, `updated`, `deleted`, and `failed` where Google refused.
pub const PUSHED: Count = Count::by("Pushed", "change");
/// How long ago the calendar was pulled whose last pull is the oldest; measured by each 5-minute run.
pub const SYNC_AGE: Size = Size::of("SyncAge", Unit::Seconds);
/// Events of all calendars that wait to be written.
pub const EVENTS_PENDING: Size = Size::of("EventsPending", Unit::Count);
/// Events of all calendars that Google refused for good.
pub const EVENTS_PARKED: Size = Size::of("EventsParked", Unit::Count);
/// The life left in the watch channel that ends first; 0 when a calendar that should have one has none.
pub const CHANNEL_LIFE_LEFT: Size = Size::of("ChannelLifeLeft", Unit::Seconds);

/// All that is counted.
pub const COUNTS: [Count; 8] = [
    COLD_STARTS,
    GOOGLE_CALLS,
    NOTIFICATIONS_VERIFIED,
    NOTIFICATIONS_REFUSED,
    PULLS_FAILED,
    PULLED,
    PUSHES_FAILED,
    PUSHED,
];

/// All that has a size.
pub const SIZES: [Size; 6] = [
    PULL_DURATION,
    PUSH_DURATION,
    SYNC_AGE,
    EVENTS_PENDING,
    EVENTS_PARKED,
    CHANNEL_LIFE_LEFT,
];

impl Count {
    const fn of(name: &'static str) -> Self {
        Self {
            name,
            dimension: None,
        }
    }

    const fn by(name: &'static str, dimension: &'static str) -> Self {
        Self {
            name,
            dimension: Some(dimension),
        }
    }

    /// The metric's name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The dimension that it has beside [`FUNCTION`].
    pub fn dimension(self) -> Option<&'static str> {
        self.dimension
    }

    /// Counts one.
    pub fn one(self) {
        metrics::counter!(self.name).increment(1);
    }

    /// Counts `number` of one kind.
    pub fn add(self, kind: &'static str, number: u64) {
        match self.dimension {
            Some(dimension) => metrics::counter!(self.name, dimension => kind).increment(number),
            None => metrics::counter!(self.name).increment(number),
        }
    }
}

impl Size {
    const fn of(name: &'static str, unit: Unit) -> Self {
        Self { name, unit }
    }

    /// The metric's name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Notes a number of things, up to four billion of them.
    pub fn note(self, number: i64) {
        let number = number.clamp(0, u32::MAX.into());
        self.record(u32::try_from(number).unwrap_or_default().into());
    }

    /// Notes a time, in the metric's unit.
    pub fn took(self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.record(if self.unit == Unit::Milliseconds {
            seconds * 1000.0
        } else {
            seconds
        });
    }

    fn record(self, value: f64) {
        // A histogram, not a gauge: a gauge would be written again with each flush, long after it was measured.
        metrics::histogram!(self.name).record(value);
    }
}

/// Starts measuring for `function`. Until then, whatever is noted is dropped.
pub(super) fn start(function: &str) {
    let collector = Builder::new()
        .cloudwatch_namespace(NAMESPACE)
        .with_dimension(FUNCTION, function.to_owned())
        .init();
    // A second start in one process (a test) keeps the first one.
    let Ok(collector) = collector else { return };
    if COLLECTOR.set(collector).is_ok() {
        for size in SIZES {
            metrics::describe_histogram!(size.name, size.unit, "");
        }
        for count in COUNTS {
            metrics::describe_counter!(count.name, Unit::Count, "");
        }
        COLD_STARTS.one();
    }
}

/// Writes what was noted since the last time. To be called at the end of each invocation, and between parts of one that note
/// a size more than a hundred times: the format holds no more.
pub fn flush() {
    if let Some(collector) = COLLECTOR.get() {
        // Nobody could be told that standard output is gone.
        let _ = collector.flush(io::stdout().lock());
    }
}
