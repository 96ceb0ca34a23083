//! The server's log, as far as `auto_explain` writes plans into it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde_json::Value;

use crate::Failure;

/// The log from some point on.
pub(super) struct Log {
    file: File,
}

/// How a statement was carried out once.
pub(super) struct Plan {
    /// The statement.
    pub(super) text: String,
    pub(super) scans: Vec<Scan>,
}

/// Reading a table, or one of its indexes.
pub(super) struct Scan {
    pub(super) table: String,
    /// `Seq Scan`, `Index Scan` and so on.
    pub(super) kind: String,
    /// Rows that were looked at, in all of its repetitions.
    pub(super) rows: f64,
}

impl Log {
    /// From now on.
    pub(super) fn from_here() -> Result<Self, Failure> {
        let mut file = File::open(std::env::var("TEST_DATABASE_LOG")?)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file })
    }

    /// The plans since the last look.
    pub(super) fn plans(&mut self) -> Result<Vec<Plan>, Failure> {
        let mut text = Vec::new();
        self.file.read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let mut plans = Vec::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if !line.contains("LOG:  duration: ") || !line.ends_with("plan:") {
                continue;
            }
            let mut json = String::new();
            // The lines of one message but the first begin with a tab.
            while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
                json.push_str(line);
                json.push('\n');
            }
            let explained: Value = serde_json::from_str(&json)?;
            let mut scans = Vec::new();
            collect(&explained["Plan"], &mut scans);
            let text = explained["Query Text"].as_str().unwrap_or_default().to_owned();
            plans.push(Plan { text, scans });
        }
        Ok(plans)
    }
}

/// The scans of a node and of what is below it.
fn collect(node: &Value, scans: &mut Vec<Scan>) {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    if let (Some(kind), Some(table)) = (node["Node Type"].as_str(), node["Relation Name"].as_str())
        && kind.ends_with("Scan")
    {
        let removed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        scans.push(Scan {
            table: table.to_owned(),
            kind: kind.to_owned(),
            rows: number("Actual Loops") * (number("Actual Rows") + removed),
        });
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        collect(below, scans);
    }
}

/// The plans by statement, each with the most rows that it ever looked at.
pub(super) fn by_statement(plans: &[Plan]) -> BTreeMap<&str, f64> {
    let mut most = BTreeMap::new();
    for plan in plans {
        let rows = plan.scans.iter().map(|scan| scan.rows).fold(0.0, f64::max);
        let known: &mut f64 = most.entry(plan.text.as_str()).or_default();
        *known = known.max(rows);
    }
    most
}
