//! Fires the scheduled rules.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::rules::Trigger;
use super::{Shared, event};

/// One task for each scheduled rule. Each fires at once, too: what was missed while nothing ran is caught up.
pub(super) fn start(shared: &Arc<Shared>, tasks: &mut JoinSet<()>) {
    for (index, rule) in shared.rules.all().iter().enumerate() {
        if let Trigger::Every(interval) = rule.trigger {
            tasks.spawn(fire_every(shared.clone(), index, interval));
        }
    }
}

async fn fire_every(shared: Arc<Shared>, index: usize, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    // A laptop that slept owes one run, not fifty.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let rule = &shared.rules.all()[index];
        if shared.rules.is_enabled(rule) {
            let event = event::scheduled(&rule.name);
            let target = rule.target;
            let shared = shared.clone();
            tokio::spawn(async move { shared.delivery.deliver(target, &event).await });
        }
    }
}
