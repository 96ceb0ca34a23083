//! The runs of the processes that sync, and how they fare.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use local::google::{Fault, ListingManners, Outage};
use shared::deadline::Deadline;
use shared::sync::{Occasion, Patience, Sync, SyncError};
use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::plan::{End, Failing, PlannedRun, Run, Trouble};
use crate::world::World;

/// A frozen run may hold locks that everyone waits for; then it goes on after this.
const FROZEN_AT_MOST: Duration = Duration::from_millis(200);

/// Little more than what a run keeps back of its time to store what it has.
const HASTY: Duration = Duration::from_millis(6_010);

/// What came of a run.
pub(crate) enum Ran {
    Well,
    Killed,
    /// The database failed it.
    Failed(String),
}

/// Plays a run; one that is to be frozen stays so until `thaw` says true.
pub(crate) async fn play(
    planned: PlannedRun,
    world: &World,
    process: usize,
    thaw: watch::Receiver<bool>,
) -> Ran {
    let sync = world.processes[process].sync();
    let run = go(planned.run, &sync, &world.calendar);
    let outcome = match planned.end {
        End::Natural => Some(run.await),
        End::Killed { after } => killed_after(after, run).await,
        End::Frozen { after } => Some(frozen_after(after, thaw, run).await),
    };
    match outcome {
        None => Ran::Killed,
        Some(Err(SyncError::Database(error))) => Ran::Failed(format!("{planned:?} failed: {error:?}")),
        Some(_) => Ran::Well,
    }
}

pub(crate) async fn go(run: Run, sync: &Sync<'_>, calendar: &str) -> Result<(), SyncError> {
    let deadline = Deadline::after(Duration::from_secs(12));
    let pull = async |occasion, deadline| {
        let pulled = sync.pull(calendar, occasion, Patience::Leave, false, deadline);
        pulled.await.map(drop)
    };
    let push = async || {
        sync.push(calendar, deadline.remaining(), deadline)
            .await
            .map(drop)
    };
    match run {
        Run::Push => push().await,
        Run::PushAll => sync.push_all(calendar, Duration::ZERO, deadline).await.map(drop),
        Run::Pull => pull(Occasion::Always, deadline).await,
        Run::Notified => pull(Occasion::Notified, deadline).await,
        Run::Hasty => pull(Occasion::Always, Deadline::after(HASTY)).await,
        // As `scheduled-sync` does it: a pull that ended well tells whether something is to be written.
        Run::Tick => {
            let pulled = sync
                .pull(calendar, Occasion::Always, Patience::Leave, false, deadline)
                .await;
            let due = !matches!(&pulled, Ok(Some(pulled)) if !pulled.leaves_due);
            let pushed = if due { push().await } else { Ok(()) };
            pulled.map(drop).and(pushed)
        }
    }
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

/// Leaves a future alone for a while after so many polls: its process is frozen where it stands, and goes on later.
async fn frozen_after<F: Future>(polls: u32, mut thaw: watch::Receiver<bool>, run: F) -> F::Output {
    let mut run = pin!(run);
    let mut thawed = pin!(tokio::time::timeout(
        FROZEN_AT_MOST,
        thaw.wait_for(|thawed| *thawed)
    ));
    let (mut left, mut frozen) = (polls, true);
    poll_fn(move |context| {
        if left > 0 {
            left -= 1;
        } else if frozen {
            drop(ready!(thawed.as_mut().poll(context)));
            frozen = false;
        }
        run.as_mut().poll(context)
    })
    .await
}

/// Trouble with Google. What hangs is released at the end of the step.
pub(crate) fn trouble(world: &World, ledger: &mut Ledger, trouble: &Trouble) {
    let google = &world.google;
    match trouble {
        Trouble::Call(call, failing) => {
            let fault = Fault::on(call);
            google.fail(match failing {
                Failing::AnswerLost => fault.after().disconnect().times(1),
                Failing::Disconnected => fault.disconnect().times(1),
                Failing::Unavailable => fault.times(2),
                Failing::UnavailableAfter => fault.after().times(1),
                Failing::HangsAfter => fault.after().hang().times(1),
                Failing::HangsBefore => fault.hang().times(1),
                Failing::Refused => fault.refuse(400, "invalid").times(1),
                Failing::Forbidden => fault.refuse(403, "forbidden").times(1),
                Failing::QuotaExceeded => fault.refuse(403, "quotaExceeded").times(1),
            });
        }
        Trouble::Closed => google.set_outage(Outage::Closed),
        Trouble::TokensExpire => google.expire_sync_tokens(),
        Trouble::Pages {
            short,
            empty,
            repeated,
        } => google.set_listing_manners(ListingManners {
            page_limit: short.then_some(2),
            empty_pages: *empty,
            repeat_ids: *repeated,
            ..ListingManners::default()
        }),
    }
    ledger.tell(format!("trouble: {trouble:?}"));
}
