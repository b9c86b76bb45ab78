//! One at a time for each order: the gateway is asked once however many ask us.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use order_store::OrderKey;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::timeout,
};

type Seats = Mutex<HashMap<OrderKey, Arc<AsyncMutex<()>>>>;

/// Keyed locks; an entry lives as long as someone holds it or waits for it.
#[derive(Default)]
pub(crate) struct Flights {
    seats: Arc<Seats>,
}

/// The right to act on one order.
pub(crate) struct Flight {
    key: OrderKey,
    seats: Arc<Seats>,
    // Taken out before the map is cleaned, so that the count of holders is true.
    guard: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    /// Waits for the order's turn, at most `patience`; nothing when it did not come.
    pub(crate) async fn enter(&self, key: &OrderKey, patience: Duration) -> Option<Flight> {
        let seat = lock(&self.seats).entry(key.clone()).or_default().clone();
        let guard = timeout(patience, seat.lock_owned()).await.ok();
        let flight = Flight {
            key: key.clone(),
            seats: self.seats.clone(),
            guard,
        };
        flight.guard.is_some().then_some(flight)
    }
}

fn lock(seats: &Seats) -> std::sync::MutexGuard<'_, HashMap<OrderKey, Arc<AsyncMutex<()>>>> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.guard.take();
        let mut seats = lock(&self.seats);
        if seats
            .get(&self.key)
            .is_some_and(|seat| Arc::strong_count(seat) == 1)
        {
            seats.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: &str) -> OrderKey {
        OrderKey {
            mch_id: "10000100".parse().unwrap(),
            out_trade_no: number.parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn one_order_at_a_time_and_nothing_is_kept() {
        let flights = Flights::default();
        let short = Duration::from_millis(10);
        let first = flights.enter(&key("A00001"), short).await;
        assert!(first.is_some());
        assert!(flights.enter(&key("A00001"), short).await.is_none());
        assert!(flights.enter(&key("A00002"), short).await.is_some());
        drop(first);
        assert!(flights.enter(&key("A00001"), short).await.is_some());
        assert!(lock(&flights.seats).is_empty());
    }
}
