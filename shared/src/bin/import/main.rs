//! `import FILE [--dry-run]`: takes over the appointments of an older deployment from a CSV file (`make import`).

mod file;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use shared::database::{Database, DatabaseError};
use shared::deadline::Deadline;
use shared::import::{Counts, Mode, import, read};
use shared::settings::{Environment, SettingError};

/// For a database that has to be woken first, and for far more rows than a clinic has.
const LIMIT: Duration = Duration::from_mins(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(lines) => {
            for line in lines {
                // With nobody to tell, the exit code still says it.
                let _ = writeln!(io::stderr(), "import: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Vec<String>> {
    let mut arguments: Vec<_> = env::args().skip(1).collect();
    let dry_run = arguments.iter().position(|argument| argument == "--dry-run");
    let mode = dry_run.map_or(Mode::Write, |at| {
        arguments.remove(at);
        Mode::DryRun
    });
    let [path] = arguments.as_slice() else {
        return Err(vec![
            "should be called with a file: import FILE [--dry-run]".into(),
        ]);
    };

    if path.is_empty() {
        return Err(vec![
            "FILE should be set: make import FILE=appointments.csv".into(),
        ]);
    }
    let environment = Environment::of_process().await.map_err(one)?;
    let database = environment.database().map_err(one)?;
    let clinic = environment.clinic().map_err(one)?;
    if clinic.calendars.is_empty() {
        let fault = "is not set; it should be the calendars, separated by commas; the first is the default";
        return Err(one(SettingError::new("GOOGLE_CALENDAR_ID", fault)));
    }

    let (header, records) = file::open(path).map_err(one)?;
    let now = Utc::now();
    let rows = read(&header, &records, &clinic, now).map_err(|faults| {
        let faults = faults.iter().map(ToString::to_string);
        faults.chain([NOTHING_DONE.to_owned()]).collect::<Vec<_>>()
    })?;
    let counts = import(&Database::new(database), Deadline::after(LIMIT), &rows, now, mode)
        .await
        .map_err(|error| vec![explained(&error), NOTHING_DONE.to_owned()])?;
    tell(mode, &counts, clinic.time_zone.name()).map_err(one)
}

const NOTHING_DONE: &str = "nothing was imported";

fn tell(mode: Mode, counts: &Counts, zone: &str) -> io::Result<()> {
    let mut told = io::stdout();
    if mode == Mode::DryRun {
        writeln!(told, "dry run: nothing is written")?;
    }
    writeln!(told, "times without an offset are read in {zone}")?;
    for (what, count) in [
        ("imported", counts.imported),
        ("  adopted, with the event that they have", counts.adopted),
        ("  with a new event", counts.new_events),
        ("  on top of another appointment (conflicts)", counts.conflicts),
        ("already there, left as they are", counts.already_there),
    ] {
        writeln!(told, "{what}: {count}")?;
    }
    Ok(())
}

fn explained(error: &DatabaseError) -> String {
    /// No such table, no such column.
    const OTHER_TABLES: [&str; 2] = ["42P01", "42703"];
    match error {
        DatabaseError::Statement { code, .. } if OTHER_TABLES.contains(&code.as_str()) => {
            "the database does not have this version's tables; `make migrate` makes them, in a database of their own".into()
        }
        error => error.to_string(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn one(error: impl ToString) -> Vec<String> {
    vec![error.to_string()]
}
