//! How large the zips are that are deployed. Making them takes longer than all the measuring, so `make sizes` does it, and
//! what it wrote is read here.

use std::path::Path;

use crate::Failure;
use crate::table::Row;

/// Bytes.
const MOST: u64 = 6_000_000;

#[expect(clippy::unused_async, reason = "a row is measured by a future")]
pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("SIZES.md");
    let text = std::fs::read_to_string(path)?;
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, function, arm64, x86_64, _] = cells.as_slice() else {
            return Err(format!("bench/SIZES.md: {line}").into());
        };
        let (arm64, x86_64): (u64, u64) = (arm64.parse()?, x86_64.parse()?);
        rows.push(Row::fact(
            format!(
                "zip, arm64 and x86_64: {} (`make sizes`)",
                function.trim_matches('`')
            ),
            "-",
            format!("{}, {}", megabytes(arm64), megabytes(x86_64)),
            format!("each under {}", megabytes(MOST)),
            arm64.max(x86_64) < MOST,
        ));
    }
    Ok(rows)
}

fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "no zip is so large")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.2} MB")
}
