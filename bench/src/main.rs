//! `make bench`: how fast the functions are, as ratios to what is possible on the same machine in the same run.
//!
//! Each row is a module of [`rows`]. The functions are the release binaries, built together with this; Google, EventBridge
//! and Lambda stand in on this machine, PostgreSQL is real (commits do not wait for the disk, so that ratios show what we
//! add and not what the disk takes). Run beside a server by `local with-postgres`.
//!
//! Arguments choose rows by name; without any all are measured and `bench/RESULTS.md` is written.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

mod bare;
mod bus;
mod distance;
mod google;
mod instance;
mod processor;
mod request;
mod results;
mod rows;
mod seed;
mod table;
mod times;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use table::Row;

/// Why something could not be measured. Whoever runs this can only read it.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, stamp, program] = arguments.as_slice()
        && command == rows::cold_start::EXEC
    {
        return rows::cold_start::exec(stamp, program);
    }
    match measure(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&*failure);
            ExitCode::FAILURE
        }
    }
}

async fn measure(chosen: &[String]) -> Result<(), Failure> {
    let all = rows::all();
    let unknown = |choice: &&String| all.iter().all(|(name, _)| name != *choice);
    if let Some(choice) = chosen.iter().find(unknown) {
        let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no row {choice}; there are {}", names.join(", ")).into());
    }
    let (mut table, mut failed) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for (name, measure) in all {
        if chosen.is_empty() || chosen.iter().any(|choice| choice == name) {
            eprintln!("bench: {name}");
            let began = Instant::now();
            match measure.await {
                Ok(rows) => table.extend(rows),
                // The others are worth having all the same.
                Err(failure) => {
                    complain(&*failure);
                    table.push(Row::missing(name));
                    failed.push(name);
                }
            }
            eprintln!("bench: {name} took {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    let text = table::markdown(&table);
    println!("{text}");
    if chosen.is_empty() {
        results::write(&text, began.elapsed())?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("not measured: {}", failed.join(", ")).into())
    }
}

/// What went wrong, and why.
fn complain(failure: &(dyn std::error::Error + 'static)) {
    eprintln!("bench: {failure}");
    let mut cause = failure.source();
    while let Some(deeper) = cause {
        eprintln!("  because: {deeper}");
        cause = deeper.source();
    }
}

/// Where a release binary is: beside this one.
pub(crate) fn binary(name: &str) -> PathBuf {
    let ourselves = std::env::current_exe().unwrap_or_default();
    ourselves.with_file_name(name)
}
