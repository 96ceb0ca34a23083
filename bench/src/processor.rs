//! How much of the processor's time a process took.

use std::time::Duration;

use crate::Failure;

/// What Linux counts such times in, on every machine.
const TICKS_A_SECOND: u64 = 100;

/// Of one process.
pub(crate) struct Taken {
    /// By itself.
    pub(crate) own: Duration,
    /// By those of its children that have ended.
    pub(crate) by_children: Duration,
    /// The process that started it.
    pub(crate) parent: u32,
}

/// What the system tells of a process.
pub(crate) fn of(id: u32) -> Result<Taken, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // A name may have anything in it, and stands in brackets.
    let (_, stat) = stat
        .rsplit_once(')')
        .ok_or("the system tells nothing of a process")?;
    let fields: Vec<&str> = stat.split_whitespace().collect();
    let number = |place: usize| -> Result<u64, Failure> {
        Ok(fields
            .get(place)
            .ok_or("the system tells too little of a process")?
            .parse()?)
    };
    let time = |ticks: u64| Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND);
    Ok(Taken {
        parent: u32::try_from(number(1)?)?,
        own: time(number(11)? + number(12)?),
        by_children: time(number(13)? + number(14)?),
    })
}
