//! `migrate`: brings the database that `DATABASE_URL` names up to date, and exits 0; run again it changes nothing. Neon's
//! pooler is gone around.

use std::io::{self, Write};
use std::process::ExitCode;

use shared::database::{DatabaseUrl, migrate};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // With nobody to tell, the exit code still says it.
            let _ = writeln!(io::stderr(), "migrate: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let text = std::env::var("DATABASE_URL").map_err(|_| {
        "DATABASE_URL is not set; it looks like postgres://user:password@host/name?sslmode=require".to_owned()
    })?;
    let url = DatabaseUrl::parse_direct(&text).map_err(|error| format!("DATABASE_URL {error}"))?;
    let applied = migrate(&url).await.map_err(|error| error.to_string())?;
    for migration in applied {
        writeln!(io::stdout(), "applied {migration}").map_err(|error| error.to_string())?;
    }
    Ok(())
}
