//! The command line of the local stack: see [`local::commands`].

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    local::commands::run(std::env::args().skip(1).collect()).await
}
