//! A ledger that no command and no import can make, and what a check finds in it.

use std::sync::Arc;

use async_trait::async_trait;
use wxpay_core::Fen;

use super::{MemoryOptions, MemoryStore};
use crate::{
    Dump, Problem, check,
    conformance::{Backend, Setup, full},
    dump::admit::load_order,
};

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

/// An order that its log does not tell of, more back than came in, a row of no payment.
#[tokio::test]
async fn a_check_finds_what_does_not_fit() {
    let store = full(&Memory).await;
    let orders = store.dump_orders(None, 256).await.unwrap();
    let mut row = store.dump_outbox(None, 1).await.unwrap().remove(0);
    row.row.facts.transaction_id = "other".parse().unwrap();
    let wrong = MemoryStore::new(MemoryOptions::default());
    let put = wrong.with::<_, crate::StoreError>(|state| {
        for mut record in orders {
            match record.order.key.out_trade_no.as_str() {
                "order-1" => record.order.refunds[0].refund_fee = Fen::new(5).unwrap(),
                "order-2" => record.order.due = None,
                "order-3" => {
                    record.log.remove(1);
                }
                _ => {}
            }
            load_order(record, state);
        }
        state.send(row);
        Ok(())
    });
    put.unwrap();
    let report = check(&wrong, &mut |_| ()).await.unwrap();
    let has = |number: &str, wanted: fn(&Problem) -> bool| {
        report.findings.iter().any(|finding| {
            let key = finding.key.as_ref();
            key.is_some_and(|key| key.out_trade_no.as_str() == number) && wanted(&finding.problem)
        })
    };
    assert!(has("order-1", |p| matches!(
        p,
        Problem::RefundsExceed { .. }
    )));
    assert!(has("order-1", |p| matches!(
        p,
        Problem::NotWhatTheLogSays { field: "refunds" }
    )));
    assert!(has("order-2", |p| matches!(p, Problem::Due)));
    assert!(has("order-3", |p| matches!(
        p,
        Problem::NotWhatTheLogSays { field: "state" }
    )));
    assert!(has("order-0", |p| matches!(p, Problem::Outbox { .. })));
    assert_eq!(report.found, 5, "{:?}", report.findings);
}
