//! `local with-postgres -- PROGRAM`: a server for as long as the program runs.

use std::process::ExitCode;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::postgres::TestServer;

/// Runs the program with the server's addresses in its environment, and ends as it ended.
pub(super) async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let [separator, program, arguments @ ..] = arguments else {
        return Err(super::USAGE.to_owned());
    };
    if separator != "--" {
        return Err(super::USAGE.to_owned());
    }
    // From here on a signal does not end us: we outlive the program, then end the server.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;

    let server = TestServer::start().await.map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(server.environment())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(|error| format!("{program}: {error}"))?,
            // The terminal sends Ctrl-C to the program too; it decides when to end.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => pass_on(&child),
        }
    };
    server.stop().await.map_err(|error| error.to_string())?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Asks the program to end, as we were asked.
fn pass_on(child: &Child) {
    if let Some(pid) = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw)
    {
        // It may have ended meanwhile, which is what was asked.
        let _ = kill_process(pid, Signal::TERM);
    }
}
