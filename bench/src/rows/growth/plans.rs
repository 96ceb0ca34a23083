//! The plan of each statement of the functions, at a million appointments, as `auto_explain` writes them down.
//!
//! The functions themselves send the statements: see [`super::exercise`]. Which there are is read from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Client;

use crate::Failure;
use crate::table::Row;
use crate::world::World;

use super::exercise;
use super::log::{Log, Plan, by_statement};
use super::million::{APPOINTMENTS, superuser};

/// Rows from which on a table is large: reading all of it is no plan.
const LARGE: i64 = 10_000;

/// The beginnings of what is not played: what a push counts when its time is over.
const NOT_PLAYED: [&str; 1] =
    ["select count(*) as pending, count(*) filter (where claimed_until > now()) as claimed"];

/// Each session to come tells its plans, also of what triggers and functions do.
const EXPLAIN: [&str; 7] = [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_timing = off",
    "auto_explain.log_nested_statements = on",
    "auto_explain.log_format = json",
    "auto_explain.log_level = log",
];

/// `large` is what [`super::million`] makes; its calendars were pulled.
pub(super) async fn measure(large: &World) -> Result<Vec<Row>, Failure> {
    let admin = superuser(large).await?;
    let explains = admin.batch_execute("load 'auto_explain'").await.is_ok();
    if explains {
        let name: String = admin
            .query_one("select current_database()::text", &[])
            .await?
            .get(0);
        for setting in EXPLAIN {
            admin
                .batch_execute(&format!("alter database {name} set {setting}"))
                .await?;
        }
    }
    // A session begun before these settings.
    let tables = large_tables(&admin).await?;
    let mut log = Log::from_here()?;
    let before = read_in_full(&admin).await?;
    exercise::everything(large, &admin).await?;
    // Sessions tell what they counted when they end, or a second after their last statement.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let after = read_in_full(&admin).await?;
    let grown = |table: &&String| after.get(*table) > before.get(*table);
    let scanned: Vec<&str> = tables.iter().filter(grown).map(String::as_str).collect();
    let what = format!(
        "growth: statements of the functions that scan a table of over {LARGE} rows, at {APPOINTMENTS} appointments"
    );
    if !explains {
        let ours = format!(
            "auto_explain is not installed; by the server's counters: {}",
            listed(&scanned)
        );
        return Ok(vec![Row::fact(what, "none", ours, "none", scanned.is_empty())]);
    }
    let is_known = |piece: &String| NOT_PLAYED.iter().any(|known| *piece == beginning(known));
    let plans = log.plans()?;
    let scanning = scanning(&plans, &tables);
    let statements = by_statement(&plans);
    let (sources, unseen) = unseen(&statements)?;
    let (most, rows) = statements
        .iter()
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .ok_or("no plan was told")?;
    let ours = format!(
        "{} of {} statements (and by the server's counters: {}), the most rows looked at are {rows}, by {}; {} of {sources} \
         pieces of SQL in the sources were seen in them{}",
        if scanning.is_empty() {
            "none".to_owned()
        } else {
            scanning.join("; ")
        },
        statements.len(),
        listed(&scanned),
        beginning(most),
        sources - unseen.len(),
        if unseen.is_empty() {
            String::new()
        } else {
            format!(", not: {}", unseen.join("; "))
        }
    );
    Ok(vec![Row::fact(
        what,
        "none",
        ours,
        "none",
        scanning.is_empty() && scanned.is_empty() && unseen.iter().all(is_known),
    )])
}

fn listed(tables: &[&str]) -> String {
    if tables.is_empty() {
        "none".to_owned()
    } else {
        tables.join(", ")
    }
}

/// The tables that have many rows.
async fn large_tables(db: &Client) -> Result<BTreeSet<String>, Failure> {
    let query =
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
        and reltuples > $1::int8";
    let rows = db.query(query, &[&LARGE]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// How often each table was read from its beginning to its end.
async fn read_in_full(db: &Client) -> Result<BTreeMap<String, i64>, Failure> {
    let rows = db
        .query("select relname::text, seq_scan from pg_stat_user_tables", &[])
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The statements that read a large table in full, by their beginnings.
fn scanning(plans: &[Plan], tables: &BTreeSet<String>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for plan in plans {
        for scan in &plan.scans {
            if scan.kind.ends_with("Seq Scan") && tables.contains(&scan.table) {
                found.insert(format!(
                    "{} ({} rows of {})",
                    beginning(&plan.text),
                    scan.rows,
                    scan.table
                ));
            }
        }
    }
    found.into_iter().collect()
}

/// How many pieces of SQL there are in the sources of the functions, and the beginnings of those that no statement had in it.
fn unseen(statements: &BTreeMap<&str, f64>) -> Result<(usize, Vec<String>), Failure> {
    let mut pieces = BTreeSet::new();
    let shared = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("shared")
        .join("src");
    for file in sources(&shared)? {
        pieces.extend(
            literals(&fs::read_to_string(file)?)
                .into_iter()
                .filter(|text| is_sql(text)),
        );
    }
    if pieces.is_empty() {
        return Err("there is no SQL in the sources".into());
    }
    if let Some(code) = pieces.iter().find(|piece| piece.contains("fn ")) {
        return Err(format!("{} is no SQL", beginning(code)).into());
    }
    let unseen = pieces
        .iter()
        .filter(|piece| !statements.keys().any(|text| text.contains(piece.as_str())));
    Ok((pieces.len(), unseen.map(|piece| beginning(piece)).collect()))
}

/// The files of queries; those of an import are no function's.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.to_string_lossy().contains("/queries") && !path.to_string_lossy().contains("/import/")
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// What stands between quotation marks, outside of comments. The files of queries have no others.
fn literals(source: &str) -> Vec<String> {
    let code: Vec<_> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let odd = code.split('"').skip(1).step_by(2);
    odd.map(str::to_owned).collect()
}

fn is_sql(text: &str) -> bool {
    ["select ", "insert into ", "update ", "delete from "]
        .iter()
        .any(|verb| text.contains(verb))
}

/// Enough of a statement to find it by.
fn beginning(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().take(9).collect();
    format!("`{}`", words.join(" ").replace('|', "\\|"))
}
