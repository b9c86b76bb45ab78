//! What a process that died had said was done, held to what its ledger has.

use std::collections::{HashMap, HashSet};

use order_store::{
    NotifyId, OrderQuery, OrderState, OrderStore, OutboxId, PAGE_MAX, RelayId, SledStore,
};

use super::secs;

/// Of the 10 000 accepted notifies that are kept, those that no one can have overwritten who had no answer yet.
const NOTIFIES_KEPT: u64 = 9_900;

fn number(id: &NotifyId) -> u64 {
    match id {
        NotifyId::Accepted(n) | NotifyId::Refused(n) => *n,
    }
}

/// What was acknowledged.
#[derive(Clone, Default)]
pub(crate) struct Said {
    pub(crate) created: HashSet<String>,
    pub(crate) paid: HashSet<String>,
    pub(crate) acked: HashSet<OutboxId>,
    /// Attempts of an order, and the one that was answered last.
    pub(crate) attempts: HashMap<String, usize>,
    pub(crate) notifies: HashSet<NotifyId>,
}

impl Said {
    /// A line that is cut short was not acknowledged whole: it has no end, or is not known.
    pub(crate) fn take(&mut self, line: &str) {
        let Some((what, which)) = line.split_once(' ') else {
            return;
        };
        match what {
            "created" => drop(self.created.insert(which.to_owned())),
            "paid" => drop(self.paid.insert(which.to_owned())),
            "acked" => drop(self.acked.insert(OutboxId::from_text(which))),
            "notify" => drop(self.notifies.insert(which.parse().unwrap())),
            "attempt" => {
                let (number, n) = which.split_once(' ').unwrap();
                self.attempts.insert(number.to_owned(), n.parse().unwrap());
            }
            _ => {}
        }
    }

    /// Panics unless all of it is there and nothing is half done. Logs are read of orders whose numbers begin so.
    pub(crate) async fn verify(&self, store: &SledStore, logs_of: &str) {
        let mut rows: HashMap<String, usize> = HashMap::new();
        loop {
            let claims = store
                .claim(RelayId::new("verify"), secs(600), PAGE_MAX)
                .await
                .unwrap();
            if claims.is_empty() {
                break;
            }
            for claim in claims {
                let id = &claim.row.id;
                assert!(!self.acked.contains(id), "{id} came back");
                let number = claim.row.key.out_trade_no.as_str().to_owned();
                *rows.entry(number).or_default() += 1;
            }
        }
        let mut found = HashMap::new();
        let mut query = OrderQuery {
            limit: PAGE_MAX,
            ..OrderQuery::default()
        };
        loop {
            let page = store.list(query.clone()).await.unwrap();
            for order in page.orders {
                found.insert(order.key.out_trade_no.as_str().to_owned(), order);
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        for number in &self.created {
            assert!(found.contains_key(number), "{number} is lost");
        }
        for number in &self.paid {
            assert_eq!(found[number].state(), OrderState::Paid, "{number}");
        }
        for (number, n) in &self.attempts {
            assert!(
                found[number].attempts.len() >= *n,
                "{number} lost an attempt"
            );
        }
        let newest = self.notifies.iter().map(number).max().unwrap_or(0);
        for id in &self.notifies {
            if number(id) + NOTIFIES_KEPT <= newest {
                continue;
            }
            assert!(store.notify(*id).await.unwrap().is_some(), "{id} is lost");
        }
        for (number, order) in &found {
            let rows = rows.get(number).copied().unwrap_or(0);
            let paid = order.state() == OrderState::Paid;
            // A row may be out, said or not.
            assert!(rows <= if paid { 2 } else { 0 }, "{number} has {rows} rows");
            if !number.starts_with(logs_of) {
                continue;
            }
            let log = store.log(&order.key).await.unwrap();
            let came_to_paid = log
                .iter()
                .filter(|entry| entry.to == OrderState::Paid && entry.from != Some(entry.to));
            assert_eq!(came_to_paid.count(), usize::from(paid), "{number}");
            let by_number = store
                .find_attempt(&order.key.mch_id, &order.key.out_trade_no)
                .await
                .unwrap();
            assert_eq!(by_number.as_ref(), Some(order));
        }
    }
}
