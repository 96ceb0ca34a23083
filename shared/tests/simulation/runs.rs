//! The runs of the processes that sync, and how they fare.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use local::google::{Fault, ListingManners, Outage};
use rand::RngExt;
use rand::rngs::StdRng;
use shared::deadline::Deadline;
use shared::sync::{Occasion, Patience, Sync, SyncError};

use crate::ledger::Ledger;
use crate::world::World;

/// What a run does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    Push,
    PushAll,
    Pull,
    Tick,
}

/// A run, and after how many polls its process dies, if it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned {
    run: Run,
    killed_after: Option<u32>,
}

impl Planned {
    pub(crate) fn draw(random: &mut StdRng) -> Self {
        Self {
            run: match random.random_range(0..10) {
                0 | 1 => Run::Push,
                2 | 3 => Run::PushAll,
                4..=6 => Run::Pull,
                _ => Run::Tick,
            },
            killed_after: random.random_bool(0.25).then(|| random.random_range(1..80)),
        }
    }

    /// Runs; tells what went wrong that may not, and whether the process died.
    pub(crate) async fn play(self, world: &World, process: usize) -> (Result<(), String>, bool) {
        let sync = world.processes[process].sync();
        let run = go(self.run, &sync, &world.calendar);
        let outcome = match self.killed_after {
            None => Some(run.await),
            Some(polls) => killed_after(polls, run).await,
        };
        match outcome {
            None => (Ok(()), true),
            Some(Err(SyncError::Database(error))) => (Err(format!("{self:?} failed: {error:?}")), false),
            Some(_) => (Ok(()), false),
        }
    }
}

pub(crate) async fn go(run: Run, sync: &Sync<'_>, calendar: &str) -> Result<(), SyncError> {
    let deadline = Deadline::after(Duration::from_secs(12));
    if matches!(run, Run::PushAll) {
        sync.push_all(calendar, Duration::ZERO, deadline).await?;
    }
    if matches!(run, Run::Push | Run::Tick) {
        sync.push(calendar, deadline).await?;
    }
    if matches!(run, Run::Pull | Run::Tick) {
        sync.pull(calendar, Occasion::Always, Patience::Leave, false, deadline)
            .await?;
    }
    if matches!(run, Run::Tick) {
        sync.push(calendar, deadline).await?;
    }
    Ok(())
}

/// Drops a future that is not done after so many polls: its process is killed where it stands.
async fn killed_after<F: Future>(polls: u32, run: F) -> Option<F::Output> {
    let mut run = pin!(run);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        run.as_mut().poll(context).map(Some)
    })
    .await
}

/// Trouble with Google, drawn at random. What hangs is released at the end of the step.
pub(crate) fn trouble(world: &World, ledger: &mut Ledger, random: &mut StdRng) {
    let calls = [
        "events.insert",
        "events.patch",
        "events.delete",
        "events.get",
        "events.list",
    ];
    let call = calls[random.random_range(0..calls.len())];
    let google = &world.google;
    match random.random_range(0..16) {
        0..=2 => google.fail(Fault::on(call).after().disconnect().times(1)),
        3 => google.fail(Fault::on(call).disconnect().times(1)),
        4 => google.fail(Fault::on(call).times(2)),
        5 => google.fail(Fault::on(call).after().times(1)),
        6..=8 => google.fail(Fault::on(call).after().hang().times(1)),
        9 | 10 => google.fail(Fault::on(call).hang().times(1)),
        11 => google.set_outage(Outage::Closed),
        12 => google.set_outage(Outage::None),
        13 => google.fail(Fault::on(call).refuse(400, "invalid").times(1)),
        14 => google.expire_sync_tokens(),
        _ => google.set_listing_manners(ListingManners {
            page_limit: random.random_bool(0.7).then_some(2),
            empty_pages: random.random_bool(0.5),
            repeat_ids: random.random_bool(0.5),
            ..ListingManners::default()
        }),
    }
    ledger.tell(format!("trouble with {call}: {:?}", google.faults()));
}
