//! ACK and NACK.

use super::conn::Unacked;
use super::queue::AckMode;
use super::{ConnId, Death, RouteError, Router};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What happens to a message that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settle {
    Done,
    Requeue,
    /// Dropped, or sent to the queue's dead-letter exchange.
    Discard,
}

impl Router {
    /// Whether a connection has a subscription of that name.
    pub(crate) fn is_subscribed(&self, conn: ConnId, name: &str) -> bool {
        self.conns
            .get(&conn)
            .is_some_and(|c| c.consumers.contains_key(name))
    }

    /// Whose message a delivery is, while it is out.
    pub(crate) fn consumer_of(&self, conn: ConnId, tag: u64) -> Option<&str> {
        let out = self.conns.get(&conn)?.unacked.get(&tag)?;
        Some(&out.consumer)
    }

    /// ACK or NACK of a delivery. In mode `client` it stands for all before it in its subscription.
    pub(crate) fn settle(&mut self, conn: ConnId, tag: u64, how: Settle) -> Result<(), RouteError> {
        let Some(state) = self.conns.get_mut(&conn) else {
            return Ok(());
        };
        let one = state.unacked.get(&tag).ok_or(RouteError::UnknownTag)?;
        let (queue, consumer) = (one.queue, Arc::clone(&one.consumer));
        let tags: Vec<u64> = if one.mode == AckMode::Client {
            let same = |u: &Unacked| u.consumer == consumer && u.queue == queue;
            let before = state.unacked.range(..=tag).filter(|(_, u)| same(u));
            before.map(|(tag, _)| *tag).collect()
        } else {
            vec![tag]
        };
        let was_full = state.unacked.len() >= self.limits.max_unacked;
        let mut pumped = BTreeSet::from([queue]);
        if was_full {
            pumped.extend(state.consumers.values());
        }
        for tag in tags.into_iter().rev() {
            let Some(Unacked { queued, .. }) = state.unacked.remove(&tag) else {
                continue;
            };
            let Some(queue) = self.queues.get_mut(&queue) else {
                continue;
            };
            queue.release(conn, &consumer, tag);
            match how {
                Settle::Done => {}
                Settle::Requeue => queue.put_back(queued),
                Settle::Discard => {
                    self.counters.dropped += 1;
                    if let Some(named) = &queue.named
                        && let Some(to) = &named.bounds.dead_letter
                    {
                        let name = Arc::clone(&named.name);
                        let dead = (name, to.clone(), Death::Rejected, queued.message);
                        // Taken from the newest on: the oldest is to go first.
                        self.dead.push_front(dead);
                    }
                }
            }
        }
        self.trim(queue);
        for queue in pumped {
            self.pump(queue);
        }
        self.bury();
        Ok(())
    }
}
