//! `local bus --port PORT --functions-port PORT --state FILE`: the event bus as a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use super::arguments::{port, value};
use crate::bus::{Bus, BusOptions};

/// As on Lambda: longer than the lease of a run that died, which a retry would only find taken.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// Serves until a signal ends it. Its settings are those of the functions.
pub(super) async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let options = BusOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port(arguments, "--port")?)),
        functions: format!("http://127.0.0.1:{}", port(arguments, "--functions-port")?),
        state: value(arguments, "--state").map(Into::into),
        bus_name: setting("EVENT_BUS_NAME", "appointment-sync"),
        auto_sync_rule: setting("AUTO_SYNC_RULE_NAME", "auto-sync"),
        auto_sync_enabled: enabled()?,
        auto_sync_interval: interval()?,
        schedules: true,
        retry_after: RETRY_AFTER,
    };
    super::log_to_stderr();
    Bus::start(options)
        .await
        .map_err(|error| format!("the event bus: {error}"))?
        .run()
        .await;
    Ok(ExitCode::SUCCESS)
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn enabled() -> Result<bool, String> {
    let text = setting("AUTO_SYNC_ENABLED", "true");
    text.parse()
        .map_err(|_| "AUTO_SYNC_ENABLED should be true or false".to_owned())
}

fn interval() -> Result<Duration, String> {
    let seconds: Option<u64> = setting("AUTO_SYNC_INTERVAL", "300").parse().ok();
    let whole_minutes = seconds.filter(|seconds| *seconds > 0 && seconds % 60 == 0);
    whole_minutes
        .map(Duration::from_secs)
        .ok_or("AUTO_SYNC_INTERVAL should be seconds, a multiple of 60".to_owned())
}
