//! One history: steps in which callers, people and runs act at once, then peace, then the reckoning.

use chrono::TimeDelta;
use tokio::sync::watch;

use crate::checks;
use crate::ledger::Ledger;
use crate::plan::{Deed, Plan, Step};
use crate::runs::{self, Ran};
use crate::world::World;
use crate::{callers, people};

/// Plays a history in a calendar of this name. Answers, if it ended badly, why, and the story.
pub(crate) async fn play(world: &mut World, calendar: &str, plan: &Plan) -> Result<(), String> {
    let google_ahead = TimeDelta::seconds(plan.google_ahead);
    let mut ledger = Ledger::new(google_ahead);
    world.begin(calendar, google_ahead);
    let mut number = 0;
    for one in &plan.steps {
        Box::pin(step(world, &mut ledger, one, &mut number)).await;
    }
    if let Err(fault) = checks::come_to_rest(world, &ledger).await {
        ledger.faults.push(fault);
    }
    if ledger.faults.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n{}",
        ledger.faults.join("\n"),
        ledger.story.join("\n")
    ))
}

async fn step(world: &mut World, ledger: &mut Ledger, step: &Step, number: &mut u32) {
    if let Some(trouble) = &step.trouble {
        runs::trouble(world, ledger, trouble);
    }
    if step.leases_lapse {
        world.let_claims_and_leases_lapse().await;
    }
    ledger.tell(format!("runs: {:?}", step.runs));
    let here = &*world;
    let (thaw, frozen) = watch::channel(false);
    let run = async |process: usize| match step.runs[process] {
        Some(run) => runs::play(run, here, process, frozen.clone()).await,
        None => Ran::Well,
    };
    let deeds = async {
        for (wait, deed) in &step.deeds {
            *number += 1;
            pause(here, *wait).await;
            do_it(here, ledger, deed, *number).await;
        }
        // Whatever hangs goes on; an outage that goes on would only make everyone wait.
        here.google.heal();
        ledger.tell("healed");
        thaw.send_replace(true);
    };
    let (first, second, ()) = tokio::join!(run(0), run(1), deeds);
    let cut = step
        .deeds
        .iter()
        .any(|(_, deed)| matches!(deed, Deed::ConnectionsCut));
    for (process, ran) in [first, second].into_iter().enumerate() {
        match ran {
            Ran::Well => {}
            Ran::Failed(_) if cut => {}
            Ran::Failed(fault) => ledger.faults.push(fault),
            Ran::Killed => {
                ledger.tell(format!("process {process} was killed"));
                world.replace_process(process);
            }
        }
    }
}

async fn do_it(world: &World, ledger: &mut Ledger, deed: &Deed, number: u32) {
    match deed {
        Deed::Call(which, call) => callers::call(world, ledger, *which, call, number).await,
        Deed::Act(which, act) => people::act(world, ledger, *which, act, number).await,
        Deed::Notifications(count) => {
            ledger.tell(format!("{count} notifications"));
            for _ in 0..*count {
                world
                    .query("update calendars set change_seq = change_seq + 1 where id = $1")
                    .await;
            }
        }
        Deed::LeasesLapse => {
            ledger.tell("claims and leases lapse");
            world.let_claims_and_leases_lapse().await;
        }
        Deed::ConnectionsCut => {
            ledger.tell("connections are cut");
            world.cut_connections().await;
        }
    }
}

/// Lets the others get on with it: for no time, or for some round trips.
async fn pause(world: &World, round_trips: u8) {
    for _ in 0..round_trips {
        world.query("select 1 where $1 = ''").await;
    }
}
