//! Out of one store and into another, and the check of what is there.

use std::sync::Arc;

use wxpay_core::Fen;

use super::{
    Backend, assert_distinct, fresh,
    notifies::{accepted, record},
    outbox::claim,
    reads::fill,
    samples::{T0, create, secs},
};
use crate::{
    Dump, DumpError, DumpSummary, ExecuteError, InboxRecord, NotifyId, OrderRecord,
    OrderStoreExt as _, OutboxHold, OutboxRecord, Record, Refusal, StoreError, check, export,
    import, verify,
};

/// Enough for three backends in turn to give and take, each from and to another.
const HOPS: u32 = 3;

pub(super) async fn text_of(store: &dyn Dump) -> (Vec<u8>, DumpSummary) {
    let mut text = Vec::new();
    let summary = export(store, &mut text, &mut |_| ()).await.unwrap();
    (text, summary)
}

async fn load(store: &dyn Dump, text: &[u8]) -> Result<DumpSummary, DumpError> {
    import(store, &mut &text[..], &mut |_| ()).await
}

/// Orders, refunds, rows that wait, rows set aside, notifies in text and in bytes.
pub(crate) async fn full(backend: &dyn Backend) -> Arc<dyn Dump> {
    let (store, _) = fresh(backend).await;
    fill(&store).await;
    let claims = claim(&*store).await;
    let mut tokens = claims.into_iter().map(|claim| claim.token);
    let reason = "no".to_owned();
    let off = tokens.next().unwrap();
    store
        .retry_later(off, secs(60), reason.clone())
        .await
        .unwrap();
    store.park(tokens.next().unwrap(), reason).await.unwrap();
    store.ack(tokens.next().unwrap()).await.unwrap();
    for body in [b"<xml/>".to_vec(), vec![0xff, 0, 0x80]] {
        let record = record(1, accepted(), body);
        store.record_notify(record).await.unwrap();
    }
    store
}

/// Byte for byte, and the store goes on from there.
pub async fn an_export_comes_back_the_same(backend: &dyn Backend) {
    let store = full(backend).await;
    let (text, summary) = text_of(&*store).await;
    assert_eq!(verify(&mut &text[..], &mut |_| ()).await.unwrap(), summary);
    assert_eq!(
        (
            summary.records.orders,
            summary.records.outbox,
            summary.records.inbox
        ),
        (8, 11, 2)
    );
    // From store to store and on to a fourth: where backends take turns, there and back again.
    let (mut copy, mut clock) = fresh(backend).await;
    for hop in 1.. {
        assert_eq!(load(&*copy, &text).await.unwrap(), summary);
        let (again, _) = text_of(&*copy).await;
        assert_eq!(
            String::from_utf8(again).unwrap(),
            str::from_utf8(&text).unwrap(),
            "hop {hop}"
        );
        if hop == HOPS {
            break;
        }
        (copy, clock) = fresh(backend).await;
    }
    assert_eq!(check(&*copy, &mut |_| ()).await.unwrap().findings, []);

    let status = copy.outbox_status().await.unwrap();
    assert_eq!((status.parked, status.put_off), (1, 1));
    assert_eq!(copy.parked(9).await.unwrap().len(), 1);
    clock.advance(secs(61));
    assert_eq!(claim(&*copy).await.len(), 10);
    let next = copy.record_notify(record(2, accepted(), vec![1])).await;
    assert_eq!(next.unwrap(), NotifyId::Accepted(3));
    assert!(matches!(
        copy.create(create("order-0-2")).await,
        Err(ExecuteError::Refused(Refusal::NumberTaken { .. }))
    ));
}

/// What is there already is left alone.
pub async fn an_import_can_be_run_again(backend: &dyn Backend) {
    let store = full(backend).await;
    let (text, summary) = text_of(&*store).await;
    for _ in 0..2 {
        assert_eq!(load(&*store, &text).await.unwrap(), summary);
    }
    assert_eq!(text_of(&*store).await.1, summary);
    let (copy, _) = fresh(backend).await;
    let half: Vec<u8> = text
        .split_inclusive(|byte| *byte == b'\n')
        .take(5)
        .flatten()
        .copied()
        .collect();
    let cut = load(&*copy, &half).await;
    assert!(
        matches!(cut, Err(DumpError::CutOff { lines: 5 })),
        "{cut:?}"
    );
    assert_eq!(load(&*copy, &text).await.unwrap(), summary);
    assert_eq!(text_of(&*copy).await.0, text);
}

/// Other content of the same name, and what belongs to another order; of such a batch nothing is written.
pub async fn an_import_never_overwrites(backend: &dyn Backend) {
    let store = full(backend).await;
    let orders = store.dump_orders(None, 256).await.unwrap();
    let of = |number: &str| -> OrderRecord {
        let is = |record: &&OrderRecord| record.order.key.out_trade_no.as_str() == number;
        orders.iter().find(is).unwrap().clone()
    };
    let row = store.dump_outbox(None, 1).await.unwrap().remove(0);
    let before = text_of(&*store).await.1;

    let mut other_content = of("order-1");
    other_content.order.due = Some(T0);
    let mut other_number = of("order-1");
    other_number.order.key.out_trade_no = "order-77".parse().unwrap();
    let mut no_log = of("order-1");
    no_log.log.clear();
    let mut other_hold = row.clone();
    other_hold.hold = OutboxHold::Until(T0 + secs(9_999));
    let mut of_nobody = row;
    of_nobody.row.id = crate::OutboxId::from_text("nobody");
    of_nobody.row.key.out_trade_no = "nobody".parse().unwrap();
    let mut other_notify = store.dump_inbox(0, 1).await.unwrap().remove(0);
    other_notify.notify.millis = 13;

    let fresh_order = || {
        let mut record = of("order-8");
        record.order.key.out_trade_no = "order-99".parse().unwrap();
        Record::Order(Box::new(record))
    };
    let order = |record: OrderRecord| Record::Order(Box::new(record));
    let outbox = |record: OutboxRecord| Record::Outbox(Box::new(record));
    let inbox = |record: InboxRecord| Record::Inbox(Box::new(record));
    for record in [
        order(other_content),
        order(other_number),
        order(no_log),
        outbox(other_hold),
        outbox(of_nobody),
        inbox(other_notify),
        fresh_order(),
    ] {
        let told = format!("{record:?}");
        let loaded = store.load(vec![fresh_order(), record]).await;
        assert!(
            matches!(loaded, Err(StoreError::Conflict { .. })),
            "{told}: {loaded:?}"
        );
    }
    assert_eq!(text_of(&*store).await.1, before);
    store.load(vec![fresh_order()]).await.unwrap();
    assert_eq!(text_of(&*store).await.1.records.orders, 9);
}

/// A changed amount, a line left out, an end that is missing, a line behind the end.
pub async fn a_dump_that_was_changed_is_refused(backend: &dyn Backend) {
    let store = full(backend).await;
    let (text, _) = text_of(&*store).await;
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let without = |n: usize| {
        let mut lines = lines.clone();
        lines.remove(n);
        lines.concat()
    };
    let changed = text.replacen("\"total_fee\":1,", "\"total_fee\":2,", 1);
    assert_ne!(changed, text);
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    let cases = [
        (changed, "Changed"),
        (without(3), "Changed"),
        (without(lines.len() - 1), "CutOff"),
        (text[..text.len() - 1].to_owned(), "CutOff"),
        (text.clone() + "{}\n", "Line"),
        (without(0), "Line"),
        (newer, "NewerFormat"),
        (String::new(), "CutOff"),
    ];
    for (text, expected) in cases {
        let told = verify(&mut text.as_bytes(), &mut |_| ()).await.unwrap_err();
        let told = format!("{told:?}");
        assert!(told.starts_with(expected), "{told} and not {expected}");
    }
    // An import says so too, where what was changed could be true.
    let other_tea = text.replacen("\"body\":\"", "\"body\":\"other ", 1);
    assert_ne!(other_tea, text);
    let (copy, _) = fresh(backend).await;
    let told = load(&*copy, other_tea.as_bytes()).await;
    assert!(matches!(told, Err(DumpError::Changed)), "{told:?}");
}

/// Pages of one are the same as one page.
pub async fn pages_of_a_dump_miss_nothing(backend: &dyn Backend) {
    let store = full(backend).await;
    let orders = store.dump_orders(None, 256).await.unwrap();
    let (mut after, mut singly) = (None, Vec::new());
    while let Some(record) = store.dump_orders(after, 1).await.unwrap().pop() {
        after = Some(record.place());
        singly.push(record);
    }
    assert_eq!(singly, orders);
    let places: Vec<_> = orders.iter().map(|r| r.place().to_string()).collect();
    assert_distinct(&places);
    let rows = store.dump_outbox(None, 256).await.unwrap();
    let (mut after, mut singly) = (None, Vec::new());
    while let Some(record) = store.dump_outbox(after, 1).await.unwrap().pop() {
        after = Some(record.place());
        singly.push(record);
    }
    assert_eq!(singly, rows);
    assert!(rows.is_sorted_by_key(OutboxRecord::place));
    let notifies = store.dump_inbox(0, 256).await.unwrap();
    let next = store.dump_inbox(notifies[0].n, 1).await.unwrap();
    assert_eq!(next, notifies[1..]);
    assert_eq!(store.dump_size().await.unwrap().total(), 8 + 11 + 2);
}

/// And tells how far it is.
pub async fn a_check_finds_nothing_in_a_sound_ledger(backend: &dyn Backend) {
    let store = full(backend).await;
    let mut last = None;
    let report = check(&*store, &mut |progress| last = Some(progress))
        .await
        .unwrap();
    assert_eq!((report.findings, report.found), (Vec::new(), 0));
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (21, Some(21)));
}

/// An order that its log does not tell of, more back than came in, work that nobody looks after, a row of no payment: of such
/// a batch nothing is written.
pub async fn an_import_replays_each_log(backend: &dyn Backend) {
    let store = full(backend).await;
    let orders = store.dump_orders(None, 256).await.unwrap();
    let (copy, _) = fresh(backend).await;
    let refused = |number: &str, what: &str, change: &dyn Fn(&mut OrderRecord)| {
        let is = |record: &&OrderRecord| record.order.key.out_trade_no.as_str() == number;
        let mut record = orders.iter().find(is).unwrap().clone();
        change(&mut record);
        let sound = orders
            .iter()
            .find(|other| other.order.key != record.order.key);
        let batch = [sound.unwrap().clone(), record];
        let batch = batch.map(|record| Record::Order(Box::new(record)));
        let (copy, what) = (Arc::clone(&copy), what.to_owned());
        async move {
            let told = copy.load(batch.into()).await.unwrap_err();
            assert!(matches!(told, StoreError::Unsound { .. }), "{told:?}");
            assert!(told.to_string().ends_with(&what), "{told} and not {what}");
        }
    };
    let not_told = |field: &str| format!("{field} is not what the log says");
    let two = Fen::new(2).unwrap();
    refused("order-1", &not_told("refunds"), &|record| {
        record.order.refunds[0].refund_fee = two;
    })
    .await;
    refused("order-1", &not_told("payments"), &|record| {
        record.order.payments[0].transaction_id = "t-other".parse().unwrap();
    })
    .await;
    refused("order-1", &not_told("payments"), &|record| {
        record.order.payments[0].noted_at = T0 + secs(77);
    })
    .await;
    refused("order-1", &not_told("state"), &|record| {
        record.order.payments.clear();
    })
    .await;
    refused("order-2", "due time do not fit", &|record| {
        record.order.due = None;
    })
    .await;
    refused("order-3", &not_told("created_at"), &|record| {
        record.order.created_at = T0 + secs(77);
    })
    .await;
    refused("order-3", &not_told("state"), &|record| {
        record.log.remove(1);
    })
    .await;
    refused("order-0", "is no payment of this order", &|record| {
        record.order.terms.total_fee = two;
    })
    .await;
    assert_eq!(text_of(&*copy).await.1.records.total(), 0);

    let mut row = store.dump_outbox(None, 1).await.unwrap().remove(0);
    row.row.facts.transaction_id = "other".parse().unwrap();
    let paid = orders.iter().find(|record| record.order.key == row.row.key);
    let batch = vec![
        Record::Order(Box::new(paid.unwrap().clone())),
        Record::Outbox(Box::new(row)),
    ];
    let told = copy.load(batch).await.unwrap_err();
    assert!(
        told.to_string()
            .contains("tells what the ledger does not say"),
        "{told}"
    );
    assert_eq!(text_of(&*copy).await.1.records.total(), 0);
}
