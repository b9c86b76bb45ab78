//! What every backend must do, as tests for yours.
//!
//! A case is a function over a [`Backend`]: it asks for an empty store, with a clock that stands until the case puts it
//! forward, and panics when the store does something else than it must. [`conformance_tests!`](crate::conformance_tests)
//! makes one `#[test]` of each case; [`conformance_durable_tests!`](crate::conformance_durable_tests) adds those that close a store and open it again.
//!
//! ```
//! use std::sync::Arc;
//!
//! use order_store::{Dump, conformance::{Backend, Setup}};
//! # #[cfg(feature = "memory")]
//! use order_store::{MemoryOptions, MemoryStore};
//!
//! struct Memory;
//!
//! #[async_trait::async_trait]
//! impl Backend for Memory {
//!     async fn fresh(&self, setup: Setup) -> Arc<dyn Dump> {
//!         // Your store here.
//! # #[cfg(feature = "memory")]
//!         let options = MemoryOptions { clock: setup.clock, dead_letter: setup.dead_letter };
//! # #[cfg(feature = "memory")]
//! # return
//!         Arc::new(MemoryStore::new(options))
//! # ;
//! # #[cfg(not(feature = "memory"))]
//! # unimplemented!()
//!     }
//! }
//!
//! // The expression makes a backend for each test anew: a folder, a schema.
//! order_store::conformance_tests!(Memory);
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a case panics when the backend fails it"
)]

pub mod samples;
pub mod turns;

mod bills;
mod commands;
mod durable;
mod moment;
mod notifies;
mod outbox;
mod reads;
mod refunds;
mod transfer;

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;

pub use self::{
    bills::*, commands::*, durable::*, moment::*, notifies::*, outbox::*, reads::*, refunds::*,
    transfer::*,
};
use crate::{
    Clock, DeadLetter, Dump, Executed, OrderStore, OrderStoreExt as _, Outcome,
    conformance::samples::{TestClock, create, mark_paid},
};

/// How a store is to be opened.
#[derive(Clone)]
pub struct Setup {
    /// Its clock, for leases and waits. A backend that takes the time from its database must find a way to follow it.
    pub clock: Arc<dyn Clock>,
    /// After how many tries a row is set aside.
    pub dead_letter: DeadLetter,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("dead_letter", &self.dead_letter)
            .finish_non_exhaustive()
    }
}

/// A backend under test.
#[async_trait]
pub trait Backend: Send + Sync {
    /// An empty store. A case may ask for several, and none may see another.
    async fn fresh(&self, setup: Setup) -> Arc<dyn Dump>;
}

/// A backend that keeps what it acknowledged.
#[async_trait]
pub trait DurableBackend: Backend {
    /// Opens anew what [`Backend::fresh`] gave, which was closed.
    async fn reopen(&self, store: Arc<dyn Dump>, setup: Setup) -> Arc<dyn Dump>;
}

/// Runs a case; for the macros.
///
/// # Panics
/// When the case fails.
#[doc(hidden)]
pub fn block_on(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
        .block_on(case);
}

/// One `#[test]` for each case. The expression makes a [`Backend`](crate::conformance::Backend), anew for each test.
#[macro_export]
macro_rules! conformance_tests {
    ($backend:expr) => {
        $crate::conformance_cases! { $backend;
            create_again_changes_nothing
            the_whole_path_of_an_order
            other_facts_are_refused_and_logged
            numbers_belong_to_one_order
            one_payment_of_many_callers
            one_owner_of_a_transaction
            many_orders_at_once
            an_order_is_closed
            money_after_the_close_is_kept
            a_deferred_order_is_due_later
            attention_is_cleared
            unknown_orders_are_refused
            a_refund_goes_back
            refunds_keep_the_gateways_rules
            a_refund_number_belongs_to_one_order
            of_refunds_that_race_one_fits
            extra_payments_go_back_by_rule
            refunds_the_gateway_contradicts_are_flagged
            rows_come_in_order_and_go_when_acked
            rows_of_a_merchant_with_slashes_are_settled
            a_lease_keeps_others_away_and_a_late_relay_out
            a_lease_that_ran_out_unclaimed_can_be_acked
            a_row_put_off_holds_its_order_and_no_other
            a_row_is_set_aside_after_the_last_try
            a_parked_row_waits_for_an_operator
            relays_never_have_a_row_at_once
            leases_that_run_out_keep_the_order
            rows_wake_who_waits
            notifies_are_kept_as_they_came
            notifies_are_listed_page_by_page
            no_text_keeps_a_notify_from_being_kept
            the_inbox_is_bounded
            lists_go_page_by_page
            orders_are_found_by_their_numbers
            due_orders_come_longest_overdue_first
            accounts_count_what_is_open
            totals_are_of_the_log
            a_closed_store_says_so
            a_bill_finds_every_difference
            a_bill_is_compared_by_number_too
            a_bill_is_held_against_more_than_a_page
            an_export_comes_back_the_same
            an_import_can_be_run_again
            an_import_never_overwrites
            a_dump_that_was_changed_is_refused
            pages_of_a_dump_miss_nothing
            a_snapshot_stays_as_it_was
            an_export_is_of_one_moment
            an_export_under_load_can_be_imported
            a_check_finds_nothing_in_a_sound_ledger
            an_import_replays_each_log
        }
    };
}

/// One `#[test]` for each case of a store that is closed and opened again. The expression makes a
/// [`DurableBackend`](crate::conformance::DurableBackend), anew for each test.
#[macro_export]
macro_rules! conformance_durable_tests {
    ($backend:expr) => {
        $crate::conformance_cases! { $backend;
            everything_is_there_after_a_reopen
            waits_and_tries_outlive_a_reopen
            the_inbox_outlives_a_reopen
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($backend:expr; $($case:ident)*) => {$(
        #[test]
        fn $case() {
            let backend = $backend;
            $crate::conformance::block_on($crate::conformance::$case(&backend));
        }
    )*};
}

/// An empty store and the clock it goes by.
async fn fresh(backend: &dyn Backend) -> (Arc<dyn Dump>, Arc<TestClock>) {
    let clock = TestClock::new();
    let store = backend.fresh(setup(&clock)).await;
    (store, clock)
}

fn setup(clock: &Arc<TestClock>) -> Setup {
    Setup {
        clock: Arc::<TestClock>::clone(clock),
        dead_letter: DeadLetter::Never,
    }
}

/// Makes an order and pays it with transaction `t-NUMBER`.
async fn pay(store: &dyn Dump, number: &str) -> Executed {
    store.create(create(number)).await.unwrap();
    let paid = mark_paid(number, number, &format!("t-{number}"));
    let executed = store.mark_paid(paid).await.unwrap();
    assert_eq!(executed.outcome, Outcome::Applied);
    executed
}

/// That no two are the same.
fn assert_distinct<T: std::hash::Hash + Eq + std::fmt::Debug>(all: &[T]) {
    assert_eq!(
        all.iter().collect::<HashSet<_>>().len(),
        all.len(),
        "{all:?}"
    );
}

/// The face that most cases need.
fn face(store: &Arc<dyn Dump>) -> Arc<dyn OrderStore> {
    Arc::<dyn Dump>::clone(store)
}

#[cfg(test)]
mod tests {
    /// A case that no list has would never run.
    #[test]
    fn every_case_is_in_a_list() {
        let lists = include_str!("mod.rs");
        let files = [
            include_str!("bills.rs"),
            include_str!("commands.rs"),
            include_str!("durable.rs"),
            include_str!("moment.rs"),
            include_str!("notifies.rs"),
            include_str!("outbox.rs"),
            include_str!("reads.rs"),
            include_str!("refunds.rs"),
            include_str!("transfer.rs"),
        ];
        let cases: Vec<&str> = files
            .iter()
            .flat_map(|file| file.split("pub async fn ").skip(1))
            .filter_map(|rest| rest.split('(').next())
            .collect();
        assert!(cases.len() > 30, "{cases:?}");
        for case in cases {
            let listed = lists.lines().filter(|line| line.trim() == case).count();
            assert_eq!(listed, 1, "{case}");
        }
    }
}
