//! Log lines: JSON with an RFC 3339 time, one subscriber for all functions.
//!
//! Never logged: what an appointment or event says (names, phone numbers, addresses, titles, notes), keys, tokens and
//! passwords, bodies of requests and answers, and header values that a stranger chose. Ids are logged: an appointment's,
//! an event's, a calendar's, a watch channel's.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

/// Starts logging to standard output. `RUST_LOG` chooses what; `info` of our own code and warnings of the rest by
/// default.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,aws_config=warn,aws_runtime=warn,hyper=warn,reqwest=warn"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_timer(ChronoUtc::rfc_3339())
        .with_env_filter(filter);
    // A second start in one process (a test) keeps the first one.
    let _ = subscriber.try_init();
}
