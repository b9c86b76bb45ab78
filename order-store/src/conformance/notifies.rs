//! The inbox.

use std::{net::Ipv4Addr, sync::Arc};

use tokio::task::JoinSet;

use super::{
    Backend, face, fresh,
    samples::{T0, secs},
};
use crate::{
    ACCEPTED_MAX_BYTES, ACCEPTED_MAX_COUNT, Dump, Kept, NOTE_MAX_BYTES, NotifyId, NotifyQuery,
    NotifyRecord, NotifySummary, Outcome, REFUSED_MAX_BYTES, REFUSED_MAX_COUNT, Verdict,
};

pub(super) fn accepted() -> Verdict {
    Verdict::Accepted {
        outcome: Outcome::Applied,
    }
}

pub(super) fn refused() -> Verdict {
    Verdict::Refused {
        reason: "bad sign".to_owned(),
    }
}

pub(super) fn record(n: u8, verdict: Verdict, body: Vec<u8>) -> NotifyRecord {
    NotifyRecord {
        at: T0 + secs(n.into()),
        peer: Ipv4Addr::new(192, 0, 2, n).into(),
        verdict,
        millis: 12,
        answer: "<xml>".repeat(100),
        body,
    }
}

/// A body as long as is kept.
pub(super) fn long_body() -> Vec<u8> {
    (0..ACCEPTED_MAX_BYTES)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect()
}

/// Accepted ones whole, refused ones short; listed newest first, apart or together.
pub async fn notifies_are_kept_as_they_came(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let long = store
        .record_notify(record(1, accepted(), long_body()))
        .await;
    let forged = store
        .record_notify(record(2, refused(), vec![7; 9000]))
        .await;
    let small = store
        .record_notify(record(3, accepted(), b"<xml/>".to_vec()))
        .await;
    let (long, forged, small) = (long.unwrap(), forged.unwrap(), small.unwrap());
    assert_eq!(
        (long, forged, small),
        (
            NotifyId::Accepted(1),
            NotifyId::Refused(1),
            NotifyId::Accepted(2)
        )
    );
    let kept = store.notify(long).await.unwrap().unwrap();
    assert_eq!(
        (kept.body, kept.at, kept.millis),
        (long_body(), T0 + secs(1), 12)
    );
    assert!(kept.answer.len() <= NOTE_MAX_BYTES);
    let kept = store.notify(forged).await.unwrap().unwrap();
    assert_eq!(
        (kept.body, kept.verdict),
        (vec![7; REFUSED_MAX_BYTES], refused())
    );
    assert_eq!(store.notify(NotifyId::Accepted(3)).await.unwrap(), None);

    let ids = |list: &[NotifySummary]| list.iter().map(|n| n.id).collect::<Vec<_>>();
    let query = |kept, before, limit| NotifyQuery {
        kept,
        before,
        limit,
    };
    let all = store.notifies(query(Kept::All, None, 10)).await.unwrap();
    assert_eq!(ids(&all), [small, forged, long]);
    assert_eq!((all[1].body_bytes, all[2].body_bytes), (9000, 65_536));
    for (asked, ids_expected) in [
        (query(Kept::All, Some(all[1].place()), 10), vec![long]),
        (query(Kept::All, None, 1), vec![small]),
        (query(Kept::Refused, None, 10), vec![forged]),
        (query(Kept::Accepted, None, 10), vec![small, long]),
    ] {
        let list = store.notifies(asked).await.unwrap();
        assert_eq!(ids(&list), ids_expected, "{asked:?}");
    }
}

/// Also where several came in one moment, of both kinds.
pub async fn notifies_are_listed_page_by_page(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    for n in [1, 1, 1, 2, 2, 3] {
        for verdict in [accepted(), refused()] {
            store
                .record_notify(record(n, verdict, vec![1]))
                .await
                .unwrap();
        }
    }
    for kept in [Kept::All, Kept::Accepted, Kept::Refused] {
        let page = |before, limit| {
            store.notifies(NotifyQuery {
                kept,
                before,
                limit,
            })
        };
        let whole: Vec<_> = page(None, 100).await.unwrap();
        assert_eq!(whole.len(), if kept == Kept::All { 12 } else { 6 });
        for limit in 1..5 {
            let (mut pages, mut before) = (Vec::new(), None);
            loop {
                let next = page(before, limit).await.unwrap();
                let Some(last) = next.last() else { break };
                before = Some(last.place());
                pages.extend(next);
            }
            assert_eq!(pages, whole, "{kept:?} by {limit}");
        }
    }
}

/// Whatever a forger puts into a text that a reason or an answer repeats, the notify is kept, and legible.
pub async fn no_text_keeps_a_notify_from_being_kept(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    for text in ["\0\u{1b}[2J\n\u{7f}", "\"", "\\", "签"] {
        let text = text.repeat(NOTE_MAX_BYTES);
        let forged = Verdict::Refused {
            reason: text.clone(),
        };
        for verdict in [forged, accepted()] {
            let record = NotifyRecord {
                answer: text.clone(),
                ..record(1, verdict, vec![0; ACCEPTED_MAX_BYTES])
            };
            let id = store.record_notify(record).await.unwrap();
            let kept = store.notify(id).await.unwrap().unwrap();
            let reason = match kept.verdict {
                Verdict::Refused { reason } => reason,
                Verdict::Accepted { .. } => String::new(),
            };
            for kept in [kept.answer, reason] {
                assert!(!kept.contains(char::is_control), "{kept:?}");
                assert!(kept.len() <= NOTE_MAX_BYTES);
            }
        }
    }
    let all = NotifyQuery {
        kept: Kept::All,
        before: None,
        limit: 10,
    };
    assert_eq!(store.notifies(all).await.unwrap().len(), 8);
}

/// In number, accepted and refused apart: a flood of forged ones drives no real one out.
pub async fn the_inbox_is_bounded(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    for verdict in [accepted(), refused()] {
        let (most, id) = match verdict {
            Verdict::Accepted { .. } => (ACCEPTED_MAX_COUNT, NotifyId::Accepted as fn(u64) -> _),
            Verdict::Refused { .. } => (REFUSED_MAX_COUNT, NotifyId::Refused as fn(u64) -> _),
        };
        let above = 100;
        let store: Arc<dyn Dump> = Arc::clone(&store);
        let mut callers = JoinSet::new();
        for caller in 0..50_u8 {
            let (store, verdict) = (face(&store), verdict.clone());
            let count = (most + above) / 50 + u64::from(u64::from(caller) < (most + above) % 50);
            callers.spawn(async move {
                for _ in 0..count {
                    let record = record(caller, verdict.clone(), vec![1]);
                    store.record_notify(record).await.unwrap();
                }
            });
        }
        callers.join_all().await;
        for (n, is_kept) in [
            (1, false),
            (above, false),
            (above + 1, true),
            (most + above, true),
        ] {
            let kept = store.notify(id(n)).await.unwrap();
            assert_eq!(kept.is_some(), is_kept, "{}", id(n));
        }
    }
    let first = store.notify(NotifyId::Accepted(ACCEPTED_MAX_COUNT)).await;
    assert!(first.unwrap().is_some());
}
