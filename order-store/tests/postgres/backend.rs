//! The conformance suite on PostgreSQL, and exports across.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use order_store::{
    Dump, LeaseClock, MemoryOptions, MemoryStore, PostgresOptions, SledOptions, SledStore,
    conformance::{Backend, DurableBackend, Setup},
};
use tempfile::TempDir;

use crate::support::Scratch;

/// Each store in a schema of its own; the last one is opened again.
#[derive(Default)]
struct Postgres {
    schemas: Mutex<Vec<Scratch>>,
}

async fn open(url: &str, options: PostgresOptions, setup: Setup) -> Arc<dyn Dump> {
    let options = PostgresOptions {
        dead_letter: setup.dead_letter,
        clock: LeaseClock::Given(setup.clock),
        ..options
    };
    let url = url.parse().unwrap();
    Arc::new(
        order_store::PostgresStore::open(&url, options)
            .await
            .unwrap(),
    )
}

#[async_trait]
impl Backend for Postgres {
    async fn fresh(&self, setup: Setup) -> Arc<dyn Dump> {
        let scratch = Scratch::new();
        let store = open(&scratch.url, scratch.options(), setup).await;
        self.schemas.lock().unwrap().push(scratch);
        store
    }
}

#[async_trait]
impl DurableBackend for Postgres {
    async fn reopen(&self, store: Arc<dyn Dump>, setup: Setup) -> Arc<dyn Dump> {
        drop(store);
        let (url, options) = {
            let schemas = self.schemas.lock().unwrap();
            let last = schemas.last().unwrap();
            (last.url.clone(), last.options())
        };
        open(&url, options, setup).await
    }
}

mod postgres {
    order_store::conformance_tests!(super::Postgres::default());
    order_store::conformance_durable_tests!(super::Postgres::default());
}

/// Stores in turn from PostgreSQL, sled and memory: what goes from store to store crosses over.
#[derive(Default)]
struct Across {
    postgres: Postgres,
    folders: Mutex<Vec<TempDir>>,
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
        let (clock, dead_letter) = (Arc::clone(&setup.clock), setup.dead_letter);
        match n % 3 {
            1 => self.postgres.fresh(setup).await,
            2 => {
                let folder = tempfile::tempdir().unwrap();
                let options = SledOptions {
                    clock,
                    dead_letter,
                    ..SledOptions::default()
                };
                let store = SledStore::open(folder.path(), options).unwrap();
                self.folders.lock().unwrap().push(folder);
                Arc::new(store)
            }
            _ => Arc::new(MemoryStore::new(MemoryOptions { clock, dead_letter })),
        }
    }
}

mod across {
    order_store::conformance_cases! { super::Across::default();
        an_export_comes_back_the_same
        an_import_can_be_run_again
        an_import_never_overwrites
    }
}
