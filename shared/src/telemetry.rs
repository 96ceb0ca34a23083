//! Log lines: JSON with an RFC 3339 time, one subscriber for all functions.
//!
//! Never logged: what an appointment or event says (names, phone numbers, addresses, titles, notes), keys, tokens and
//! passwords, bodies of requests and answers, and header values that a stranger chose. Ids are logged: an appointment's,
//! an event's, a calendar's, a watch channel's; and the address that a failed login came from.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard output. `RUST_LOG` chooses what; `info` of our own code and warnings of the rest by
/// default.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,aws_config=warn,aws_runtime=warn,hyper=warn,reqwest=warn"));
    // A second start in one process (a test) keeps the first one.
    let _ = lines(filter, std::io::stdout).try_init();
}

/// What passes `filter`, line by line.
pub fn lines<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_timer(ChronoUtc::rfc_3339())
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}
