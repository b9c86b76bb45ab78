//! The conformance suite over the backends of this crate, and an export from one into the other.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use order_store::{
    Dump, MemoryOptions, MemoryStore, SledOptions, SledStore,
    conformance::{Backend, DurableBackend, Setup},
};
use tempfile::TempDir;

struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn fresh(&self, setup: Setup) -> Arc<dyn Dump> {
        Arc::new(MemoryStore::new(MemoryOptions {
            clock: setup.clock,
            dead_letter: setup.dead_letter,
        }))
    }
}

/// Each store in a folder of its own; the last one is opened again.
#[derive(Default)]
struct Sled {
    folders: Mutex<Vec<TempDir>>,
}

impl Sled {
    fn open(path: PathBuf, setup: Setup) -> Arc<dyn Dump> {
        let options = SledOptions {
            clock: setup.clock,
            dead_letter: setup.dead_letter,
            ..SledOptions::default()
        };
        Arc::new(SledStore::open(path, options).unwrap())
    }
}

#[async_trait]
impl Backend for Sled {
    async fn fresh(&self, setup: Setup) -> Arc<dyn Dump> {
        let folder = tempfile::tempdir().unwrap();
        let store = Self::open(folder.path().to_owned(), setup);
        self.folders.lock().unwrap().push(folder);
        store
    }
}

#[async_trait]
impl DurableBackend for Sled {
    async fn reopen(&self, store: Arc<dyn Dump>, setup: Setup) -> Arc<dyn Dump> {
        drop(store);
        let path = self
            .folders
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .path()
            .to_owned();
        Self::open(path, setup)
    }
}

mod memory {
    order_store::conformance_tests!(super::Memory);
}

mod sled {
    order_store::conformance_tests!(super::Sled::default());
    order_store::conformance_durable_tests!(super::Sled::default());
}

/// Stores in turn from one backend and the other: what goes from store to store crosses over.
#[derive(Default)]
struct Across {
    sled: Sled,
    given: Mutex<u32>,
}

#[async_trait]
impl Backend for Across {
    async fn fresh(&self, setup: Setup) -> Arc<dyn Dump> {
        let n = {
            let mut given = self.given.lock().unwrap();
            *given += 1;
            *given
        };
        if n.is_multiple_of(2) {
            Memory.fresh(setup).await
        } else {
            self.sled.fresh(setup).await
        }
    }
}

mod across {
    order_store::conformance_cases! { super::Across::default();
        an_export_comes_back_the_same
        an_import_can_be_run_again
        an_import_replays_each_log
    }
}
