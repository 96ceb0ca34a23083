//! Pushes pending changes to Google and pulls Google's changes into the database.

mod run;
#[cfg(test)]
mod tests;
mod trigger;

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, lambda_runtime::Error> {
    shared::telemetry::start();
    let worker = match Environment::of_process()
        .await
        .and_then(|settings| run::Worker::from(&settings))
    {
        Ok(worker) => worker,
        Err(fault) => {
            tracing::error!(setting.name = fault.name, "{fault}");
            // An error returned from here would be a second line.
            return Ok(ExitCode::FAILURE);
        }
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        worker.handle(event).await
    }))
    .await?;
    Ok(ExitCode::SUCCESS)
}
