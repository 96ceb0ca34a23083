//! `bench/RESULTS.md`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Failure;

/// What stands below the table: why the rows that are not reached are not, and what the figures mean.
const NOTES: &str = include_str!("../NOTES.md");

/// Writes the table beside the machine and the commit that its figures are of, and how long measuring took.
pub(crate) fn write(table: &str, took: Duration) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = |program: &str, arguments: &[&str]| -> Result<String, Failure> {
        let output = Command::new(program).args(arguments).current_dir(root).output()?;
        if !output.status.success() {
            return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let commit = said("git", &["describe", "--always", "--dirty", "--exclude=*"])?;
    let system = said("uname", &["-sm"])?;
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor of unknown kind", |(_, name)| name);
    let cores = std::thread::available_parallelism()?;
    let text = format!(
        "# What `make bench` measured\n\nAt commit {commit}, on {system}, {cores} cores of {processor}, in {:.0} s without building.\n\n\
         {table}\n{NOTES}",
        took.as_secs_f64()
    );
    std::fs::write(root.join("RESULTS.md"), text)?;
    Ok(())
}
