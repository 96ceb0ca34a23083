//! `local function BINARY`: what cargo-lambda starts for a function.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::sandbox;

const BINARY: &str = "LOCAL_FUNCTION_BINARY";

/// Runs the binary in a sandbox until the Lambda server ends.
pub(super) async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if let Some(binary) = arguments.first() {
        // The name moves from the arguments to the environment, so that killing a function by its name leaves the
        // sandbox alive, as on Lambda. `exec` returns only when it failed.
        let ourselves = std::env::current_exe().map_err(|error| error.to_string())?;
        return Err(Command::new(ourselves)
            .arg("function")
            .env(BINARY, binary)
            .exec()
            .to_string());
    }
    let binary = std::env::var(BINARY).map_err(|_| super::USAGE.to_owned())?;
    super::log_to_stderr();
    sandbox::run(&binary).await.map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}
