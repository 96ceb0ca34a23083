//! `local run`: everything, for `make run`.

use std::process::ExitCode;

use crate::stack;

/// Runs until Ctrl-C.
pub(super) async fn run() -> Result<ExitCode, String> {
    stack::run(super::tell).await.map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}
