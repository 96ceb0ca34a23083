//! The appointments and calendar-control HTTP API.

mod access;
mod app;
mod appointments;
mod availability;
mod calendar;
mod headers;
mod idempotency;
mod openapi;
mod request;
mod response;
mod routes;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, lambda_http::Error> {
    shared::telemetry::start();
    let app = match Environment::of_process()
        .await
        .and_then(|settings| app::App::from(&settings))
    {
        Ok(app) => Arc::new(app),
        Err(fault) => {
            tracing::error!(setting.name = fault.name, "{fault}");
            // An error returned from here would be a second line.
            return Ok(ExitCode::FAILURE);
        }
    };
    // The first request finds the connection open, or waits for this same attempt.
    let connecting = Arc::clone(&app);
    tokio::spawn(async move { connecting.connect().await });
    lambda_http::run(routes::router(app)).await?;
    Ok(ExitCode::SUCCESS)
}
