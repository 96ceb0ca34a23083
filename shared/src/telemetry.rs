//! Log lines: JSON with an RFC 3339 time, one subscriber for all functions. docs/privacy.md says what is never logged.

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates whose lines are ours.
const OURS: [&str; 5] = [
    "shared",
    "appointments_api",
    "calendar_webhook",
    "scheduled_sync",
    "watch_renewer",
];

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
        .with(filter_fn(is_discreet))
}

/// Whether a line may be logged whatever `RUST_LOG` says. Finer than `info`, other people's crates write down what they
/// carry: `lambda_runtime` whole events, the AWS SDK whole requests.
fn is_discreet(line: &Metadata<'_>) -> bool {
    let name = line.target().split("::").next().unwrap_or_default();
    *line.level() <= Level::INFO || OURS.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_others_say_below_info_is_not_logged_whatever_is_asked_for() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = lines(EnvFilter::new("trace,lambda_runtime=trace"), move || {
            writer.clone()
        });
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!("ours, fine");
            tracing::debug!(target: "scheduled_sync::run", "ours, of a function");
            tracing::info!(target: "lambda_runtime", "theirs, coarse");
            tracing::debug!(target: "lambda_runtime", "theirs, fine");
            tracing::trace!(target: "aws_smithy_runtime::client", "theirs, finer");
            tracing::debug!(target: "shared_memory", "of another name");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].clone())
            .collect();
        assert_eq!(lines, ["ours, fine", "ours, of a function", "theirs, coarse"]);
    }
}
