//! What every part of a running stand-in shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::delivery::Courier;
use super::faults::Faults;
use super::records::Records;
use super::store::Store;
use super::world::World;

pub(super) struct Inner {
    kept: Mutex<Kept>,
    records: Mutex<Records>,
    pub(super) faults: Faults,
    pub(super) courier: Courier,
    /// Scheme, host and port.
    pub(super) origin: String,
}

/// The world, and where it is saved.
struct Kept {
    world: World,
    store: Option<Store>,
}

impl Inner {
    pub(super) fn new(world: World, courier: Courier, store: Option<Store>, origin: String) -> Self {
        let base_url = format!("{origin}/calendar/v3");
        let kept = Kept {
            world: World { base_url, ..world },
            store,
        };
        Self {
            kept: Mutex::new(kept),
            records: Mutex::default(),
            faults: Faults::default(),
            courier,
            origin,
        }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock().world)
    }

    /// Changes the world; the new state is saved and its notifications are on their way when this returns.
    pub(super) fn write<T>(self: &Arc<Self>, change: impl FnOnce(&mut World) -> T) -> T {
        let mut kept = self.lock();
        let outcome = change(&mut kept.world);
        kept.save();
        let notices = std::mem::take(&mut kept.world.notices);
        drop(kept);
        self.courier.take(self, notices);
        outcome
    }

    pub(super) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn token_uri(&self) -> String {
        format!("{}/token", self.origin)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A panic in the middle of a change fails the test that caused it; the others may go on.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn save(&mut self) {
        let changed = std::mem::take(&mut self.world.unsaved);
        if let Some(store) = &mut self.store
            && let Err(error) = store.save(&self.world, &changed)
        {
            tracing::error!(%error, "the state of the Google stand-in was not saved");
        }
    }
}
