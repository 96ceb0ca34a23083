//! What every part of a running stand-in shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::delivery::Courier;
use super::faults::Faults;
use super::records::Records;
use super::store::Store;
use super::world::World;

pub(super) struct Inner {
    world: Mutex<World>,
    records: Mutex<Records>,
    pub(super) faults: Faults,
    pub(super) courier: Courier,
    store: Option<Store>,
    /// Scheme, host and port.
    pub(super) origin: String,
}

impl Inner {
    pub(super) fn new(world: World, courier: Courier, store: Option<Store>, origin: String) -> Self {
        let world = World {
            base_url: format!("{origin}/calendar/v3"),
            ..world
        };
        Self {
            world: Mutex::new(world),
            records: Mutex::default(),
            faults: Faults::default(),
            courier,
            store,
            origin,
        }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the world; the new state is saved and its notifications are on their way when this returns.
    pub(super) fn write<T>(self: &Arc<Self>, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.lock();
        let outcome = change(&mut world);
        if let Some(store) = &self.store
            && let Err(error) = store.save(&world)
        {
            tracing::error!(%error, "the state of the Google stand-in was not saved");
        }
        let notices = std::mem::take(&mut world.notices);
        drop(world);
        self.courier.take(self, notices);
        outcome
    }

    pub(super) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn token_uri(&self) -> String {
        format!("{}/token", self.origin)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic in the middle of a change fails the test that caused it; the others may go on.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
