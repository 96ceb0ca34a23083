//! What a function says of itself: log lines and [`metrics`].
//!
//! A log line is JSON: RFC 3339 time, level, a message that can be read alone, dotted fields, the request's id, and which
//! function said it, built from which code. docs/privacy.md says what is never logged.

pub mod metrics;

use serde_json::Value;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Which code this is: what `git describe` said when `make` built it for a deployment, else the crate's version.
pub const VERSION: &str = match option_env!("APPOINTMENT_SYNC_VERSION") {
    Some(described) => described,
    None => env!("CARGO_PKG_VERSION"),
};

/// The crates whose lines are ours.
const OURS: [&str; 5] = [
    "shared",
    "appointments_api",
    "calendar_webhook",
    "scheduled_sync",
    "watch_renewer",
];

/// Starts log lines and metrics on standard output. `RUST_LOG` chooses the lines; `info` of our own code and warnings of the
/// rest by default.
pub fn start() {
    let chosen = std::env::var("RUST_LOG").ok();
    // Lambda says it; elsewhere nobody does.
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "none".to_owned());
    metrics::start(&function);
    // A second start in one process (a test) keeps the first one.
    let _ = lines(&function, wanted(chosen.as_deref()), std::io::stdout).try_init();
}

/// The lines that `RUST_LOG` chooses: levels and `target=level`, between commas. What is blank or cannot be read chooses none.
/// Without `EnvFilter`, whose patterns bring a machine for regular expressions into each function.
fn wanted(chosen: Option<&str>) -> Targets {
    let directives = chosen.into_iter().flat_map(|text| text.split(','));
    let directives: Vec<_> = directives
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    let filter = directives.join(",").parse();
    match filter {
        Ok(filter) if !directives.is_empty() => filter,
        _ => Targets::new()
            .with_default(Level::INFO)
            .with_targets(["aws_runtime", "hyper", "reqwest"].map(|target| (target, Level::WARN))),
    }
}

/// What passes `filter`, line by line.
pub fn lines<W>(function: &str, filter: Targets, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let mut json = json_subscriber::layer()
        .flatten_event(true)
        .with_current_span(false)
        .flatten_span_list_on_top_level(true)
        .with_target(false)
        .with_timer(ChronoUtc::rfc_3339())
        .with_writer(writer);
    let fields = json.inner_layer_mut();
    fields.add_static_field("function", Value::from(function));
    fields.add_static_field("version", Value::from(VERSION));
    tracing_subscriber::registry()
        .with(json)
        .with(filter)
        .with(filter_fn(is_discreet))
}

/// Whether something may be logged whatever `RUST_LOG` says. Finer than `info`, other people's crates write down what they
/// carry: `lambda_runtime` whole events, the AWS SDK whole requests. Their spans would give each line the request's id a
/// second time, under another name.
fn is_discreet(what: &Metadata<'_>) -> bool {
    let name = what.target().split("::").next().unwrap_or_default();
    OURS.contains(&name) || (what.is_event() && *what.level() <= Level::INFO)
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

    impl Written {
        fn lines(&self) -> Vec<Value> {
            let bytes = self.0.lock().unwrap().clone();
            let text = String::from_utf8(bytes).unwrap();
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        }
    }

    #[test]
    fn what_others_say_below_info_is_not_logged_whatever_is_asked_for() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = lines(
            "a-function",
            wanted(Some("trace,lambda_runtime=trace")),
            move || writer.clone(),
        );
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!("ours, fine");
            tracing::debug!(target: "scheduled_sync::run", "ours, of a function");
            tracing::info!(target: "lambda_runtime", "theirs, coarse");
            tracing::debug!(target: "lambda_runtime", "theirs, fine");
            tracing::trace!(target: "aws_smithy_runtime::client", "theirs, finer");
            tracing::debug!(target: "shared_memory", "of another name");
        });
        let messages: Vec<_> = written
            .lines()
            .into_iter()
            .map(|line| line["message"].clone())
            .collect();
        assert_eq!(messages, ["ours, fine", "ours, of a function", "theirs, coarse"]);
    }

    #[test]
    fn levels_and_targets_choose_what_is_logged() {
        for (chosen, wants, refuses) in [
            (None, ("shared", Level::INFO), ("hyper", Level::INFO)),
            (Some(" "), ("shared", Level::INFO), ("shared", Level::DEBUG)),
            (
                Some("shared=loud"),
                ("shared", Level::INFO),
                ("shared", Level::DEBUG),
            ),
            (Some("WARN"), ("shared", Level::WARN), ("shared", Level::INFO)),
            (
                Some("warn, shared::sync=debug,"),
                ("shared::sync::push", Level::DEBUG),
                ("shared::watch", Level::INFO),
            ),
            (
                Some("shared=trace"),
                ("shared", Level::TRACE),
                ("hyper", Level::ERROR),
            ),
            (Some("off"), ("", Level::ERROR), ("shared", Level::ERROR)),
        ] {
            let filter = wanted(chosen);
            assert_eq!(
                filter.would_enable(wants.0, &wants.1),
                chosen != Some("off"),
                "{chosen:?}"
            );
            assert!(!filter.would_enable(refuses.0, &refuses.1), "{chosen:?}");
        }
    }

    #[test]
    fn a_line_says_when_how_grave_what_for_which_request_and_by_whom() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = lines("a-function", wanted(None), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let theirs = tracing::info_span!(target: "lambda_runtime", "invoke", requestId = "again");
            let ours = tracing::info_span!("request", request.id = "an-id");
            theirs.in_scope(|| {
                ours.in_scope(|| tracing::info!(calendar.id = "clinic@example.com", count = 2, "pulled"));
            });
        });
        let mut line = written.lines().pop().unwrap();
        let time = line["timestamp"].take();
        assert!(
            chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).is_ok(),
            "{time}"
        );
        let expected = serde_json::json!({
            "timestamp": null, "level": "INFO", "message": "pulled", "calendar.id": "clinic@example.com", "count": 2,
            "name": "request", "request.id": "an-id", "function": "a-function", "version": VERSION
        });
        assert_eq!(line, expected);
    }
}
