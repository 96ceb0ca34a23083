//! Where one instance of a function lives: what Lambda does around the process that cargo-lambda's server does not.
//!
//! `cargo lambda watch` starts this in the place of the function: see `stack::cargo`. When the process of a function
//! dies, cargo-lambda neither tells the caller nor starts it again, and the deadline that it hands out is in
//! 1970. The sandbox takes invocations from cargo-lambda and passes them on to the function, as Lambda would:
//!
//! - the deadline is the function's time-out from now, and a function that exceeds it is killed;
//! - the caller of a function that died or was killed has its error at once;
//! - a function that died is started again for the next invocation.

mod relay;
mod upstream;

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use relay::Relay;
use upstream::{Invocation, Upstream};

/// How long a function may take from its start to its first request for work, as on Lambda.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Why a sandbox ended.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// cargo-lambda did not start us.
    #[error("{0} is not set: `cargo lambda watch` starts functions")]
    NoControlPlane(&'static str),
    /// cargo-lambda is gone, and we with it.
    #[error("the Lambda server is gone: {0}")]
    ControlPlane(#[from] reqwest::Error),
    /// A process or a port could not be had.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// The `Timeout` of each function in `template.yaml`.
fn time_out(function: &str) -> Duration {
    match function {
        "calendar-webhook" => Duration::from_secs(10),
        "scheduled-sync" => Duration::from_mins(2),
        "watch-renewer" => Duration::from_mins(1),
        _ => Duration::from_secs(30),
    }
}

/// How long whoever invokes a function waits for an answer: for a cold start, for as long as it may run, and a little longer
/// than that. One that is not answered by then will not be: under load, a request was seen that no answer ever came to, and
/// that no function had logged. Where it was lost is not known.
pub(crate) fn longest(function: &str) -> Duration {
    INIT_LIMIT + time_out(function) + Duration::from_secs(5)
}

/// Runs the function at `binary` until the control plane or a signal ends it.
pub async fn run(binary: &str) -> Result<(), SandboxError> {
    let upstream = Upstream::from_environment()?;
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME")
        .map_err(|_| SandboxError::NoControlPlane("AWS_LAMBDA_FUNCTION_NAME"))?;
    let relay = Relay::start(upstream.clone()).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut instance = Instance {
        binary: binary.to_owned(),
        time_out: time_out(&name),
        relay,
        process: None,
    };
    tokio::select! {
        ended = instance.serve(&upstream) => ended,
        // The process dies with the instance.
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

struct Instance {
    binary: String,
    time_out: Duration,
    relay: Relay,
    process: Option<Child>,
}

/// How an invocation ended.
enum Ended {
    Answered,
    Exited(ExitStatus),
    TimedOut,
}

impl Instance {
    async fn serve(&mut self, upstream: &Upstream) -> Result<(), SandboxError> {
        // A cold start begins before the first event is there.
        self.process = Some(self.spawn()?);
        loop {
            let invocation = upstream.next().await?;
            match self.invoke(&invocation).await? {
                Ended::Answered => {}
                Ended::Exited(status) => {
                    self.process = None;
                    let message = format!("RequestId: {} Error: Runtime exited: {status}", invocation.id);
                    upstream
                        .fail(&invocation.id, "Runtime.ExitError", &message)
                        .await?;
                }
                Ended::TimedOut => {
                    if let Some(mut process) = self.process.take() {
                        process.kill().await?;
                    }
                    let seconds = self.time_out.as_secs_f32();
                    let message = format!("{} Task timed out after {seconds:.2} seconds", invocation.id);
                    upstream
                        .fail(&invocation.id, "Sandbox.Timedout", &message)
                        .await?;
                }
            }
        }
    }

    /// Passes one event to the function, started again where it has died meanwhile.
    async fn invoke(&mut self, invocation: &Invocation) -> Result<Ended, SandboxError> {
        let died = match &mut self.process {
            Some(process) => process.try_wait()?.is_some(),
            None => true,
        };
        if died {
            self.process = Some(self.spawn()?);
        }
        let Some(process) = &mut self.process else {
            return Ok(Ended::TimedOut);
        };
        let mut deadline = Instant::now() + INIT_LIMIT;
        let mut handed = false;
        loop {
            tokio::select! {
                status = process.wait() => return Ok(Ended::Exited(status?)),
                () = tokio::time::sleep_until(deadline) => return Ok(Ended::TimedOut),
                Some(asker) = self.relay.askers.recv(), if !handed => {
                    // The asker may be gone: it died while it waited for work.
                    handed = asker.send(invocation.due_in(self.time_out)).is_ok();
                    if handed {
                        deadline = Instant::now() + self.time_out;
                    }
                }
                Some(id) = self.relay.answered.recv() => if id? == invocation.id {
                    return Ok(Ended::Answered);
                },
            }
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.binary)
            .env("AWS_LAMBDA_RUNTIME_API", self.relay.address())
            // Set to 1 by cargo-lambda, which the runtime remarks upon at every start.
            .env_remove("AWS_LAMBDA_MAX_CONCURRENCY")
            .kill_on_drop(true)
            .spawn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    #[test]
    fn time_outs_are_those_of_the_template() {
        let template = Template::transformed().unwrap();
        for (id, name) in [
            ("AppointmentsApi", "appointments-api"),
            ("CalendarWebhook", "calendar-webhook"),
            ("ScheduledSync", "scheduled-sync"),
            ("WatchRenewer", "watch-renewer"),
        ] {
            let seconds = template.properties(id)["Timeout"].as_u64().unwrap();
            assert_eq!(time_out(name), Duration::from_secs(seconds), "{name}");
        }
    }
}
