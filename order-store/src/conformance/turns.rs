//! Who had which row when, for cases in which relays race.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{Claim, OrderKey, OrderStore, OutboxId, OutboxKind, StoreError, Timestamp};

/// All claims of all relays, in the order of one counter.
///
/// A claim is stamped after its answer and a settling before its question, so what is found wrong was wrong: the stamps may be
/// further apart than what they stand for, and never the other way round.
#[derive(Debug, Default)]
pub struct Turns(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    stamp: u64,
    turns: Vec<Turn>,
}

/// One row in one relay's hand.
#[derive(Debug)]
struct Turn {
    key: OrderKey,
    kind: OutboxKind,
    id: OutboxId,
    /// The claim's stamp, which all its rows have.
    claimed: u64,
    /// Where in the claim.
    place: usize,
    until: Timestamp,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// On loan, or its lease was lost.
    None,
    Acked(u64),
    PutOff,
}

/// One claim of a row, to be settled.
#[derive(Debug)]
pub struct Held {
    /// The row and its lease.
    pub claim: Claim,
    at: usize,
}

impl Turns {
    fn told<T>(&self, with: impl FnOnce(&mut Told) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in what one call of `claim` gave.
    pub fn claimed(&self, claims: Vec<Claim>) -> Vec<Held> {
        self.told(|told| {
            told.stamp += 1;
            let mut held = Vec::with_capacity(claims.len());
            for (place, claim) in claims.into_iter().enumerate() {
                let at = told.turns.len();
                told.turns.push(Turn {
                    key: claim.row.key.clone(),
                    kind: claim.row.kind,
                    id: claim.row.id.clone(),
                    claimed: told.stamp,
                    place,
                    until: claim.until,
                    end: End::None,
                });
                held.push(Held { claim, at });
            }
            held
        })
    }

    fn settled(&self, at: usize, result: Result<(), StoreError>, end: End) -> bool {
        match result {
            Ok(()) => {
                self.told(|told| told.turns[at].end = end);
                true
            }
            Err(StoreError::LeaseLost { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Acks the row; says whether it was still this relay's.
    pub async fn ack(&self, store: &dyn OrderStore, held: &Held) -> bool {
        let stamp = self.told(|told| {
            told.stamp += 1;
            told.stamp
        });
        let result = store.ack(held.claim.token.clone()).await;
        self.settled(held.at, result, End::Acked(stamp))
    }

    /// Puts the row off; says whether it was still this relay's.
    pub async fn retry_later(&self, store: &dyn OrderStore, held: &Held, wait: Duration) -> bool {
        let token = held.claim.token.clone();
        let result = store.retry_later(token, wait, "later".to_owned()).await;
        self.settled(held.at, result, End::PutOff)
    }

    /// That nobody had a row while another's lease of it held, that each row was acked once and had by nobody after, and that
    /// no row of an order was had before the one in front of it was acked, but for those of one claim.
    /// Leases are this long, by the clock of the store. Says how many rows there were.
    #[must_use]
    pub fn assert_in_order(&self, lease: Duration) -> usize {
        self.told(|told| {
            let mut rows: HashMap<&OutboxId, Vec<&Turn>> = HashMap::new();
            for turn in &told.turns {
                rows.entry(&turn.id).or_default().push(turn);
            }
            let mut orders: HashMap<&OrderKey, BTreeMap<OutboxKind, &[&Turn]>> = HashMap::new();
            for turns in rows.values_mut() {
                turns.sort_by_key(|turn| (turn.until, turn.claimed));
                assert_one_at_a_time(turns, lease);
                let kinds = orders.entry(&turns[0].key).or_default();
                let other = kinds.insert(turns[0].kind, turns);
                assert!(other.is_none(), "two rows of one kind: {turns:?}");
            }
            for kinds in orders.values() {
                let rows: Vec<_> = kinds.values().collect();
                for pair in rows.windows(2) {
                    assert_behind(pair[0], pair[1]);
                }
            }
            rows.len()
        })
    }
}

fn assert_one_at_a_time(turns: &[&Turn], lease: Duration) {
    for pair in turns.windows(2) {
        let (earlier, later) = (pair[0], pair[1]);
        let was_free = match earlier.end {
            End::None => later.until - lease >= earlier.until,
            End::PutOff => later.claimed > earlier.claimed,
            End::Acked(_) => false,
        };
        assert!(was_free, "a row at two relays: {earlier:?} {later:?}");
    }
    let last = turns.last();
    let is_gone = last.is_some_and(|turn| matches!(turn.end, End::Acked(_)));
    assert!(is_gone, "never acked: {turns:?}");
}

fn assert_behind(first: &[&Turn], second: &[&Turn]) {
    for turn in second {
        let is_behind = first.iter().any(|first| {
            let together = first.claimed == turn.claimed && first.place < turn.place;
            together || matches!(first.end, End::Acked(acked) if acked < turn.claimed)
        });
        assert!(
            is_behind,
            "ahead of its order: {turn:?}, not behind {first:?}"
        );
    }
}
