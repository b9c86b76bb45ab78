//! From queues to connections.

use super::conn::{Delivery, Unacked};
use super::queue::{AckMode, QueueId};
use super::{Death, Router};
use std::sync::Arc;

impl Router {
    /// Hands out what waits in a queue, in turn, as long as somebody takes it.
    pub(super) fn pump(&mut self, id: QueueId) {
        let Self {
            queues,
            conns,
            limits,
            counters,
            flow,
            ..
        } = self;
        let Some(queue) = queues.get_mut(&id) else {
            return;
        };
        // A subscription's own auto-ack queue holds nothing back: its reader keeps up or is dropped.
        let holds = queue.named.is_some();
        let half = limits.max_outgoing / 2;
        while !queue.is_empty() {
            let next = queue.next_consumer(|consumer| {
                let Some(conn) = conns.get(&consumer.conn) else {
                    return false;
                };
                let is_pushed = !holds && consumer.mode == AckMode::Auto;
                let may_wait =
                    consumer.mode == AckMode::Auto || conn.unacked.len() < limits.max_unacked;
                is_pushed || (conn.outgoing() < half && may_wait)
            });
            let Some((consumer, queued)) = next else {
                return;
            };
            let Some(conn) = conns.get_mut(&consumer.conn) else {
                continue;
            };
            if !conn.is_woken {
                conn.is_woken = true;
                flow.wake(consumer.conn);
            }
            if conn.outgoing() >= limits.max_outgoing {
                conn.is_slow = true;
                flow.wake(consumer.conn);
                counters.dropped += 1;
                continue;
            }
            let tag = conn.next_tag();
            counters.delivered += 1;
            conn.push(Delivery {
                consumer: Arc::clone(&consumer.name),
                tag,
                mode: consumer.mode,
                redelivered: queued.redelivered,
                message: Arc::clone(&queued.message),
            });
            if conn.outgoing() >= half && !conn.is_pressed {
                conn.is_pressed = true;
                flow.press(consumer.conn, self.now + limits.slow_grace);
            }
            if consumer.mode != AckMode::Auto {
                let out = Unacked {
                    queue: id,
                    consumer: Arc::clone(&consumer.name),
                    mode: consumer.mode,
                    queued,
                };
                conn.unacked.insert(tag, out);
            }
        }
    }

    /// Takes what is too much in a queue; it is dead.
    pub(super) fn trim(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        while let Some(oldest) = queue.overflow(&self.limits) {
            self.counters.dropped += 1;
            let Some(named) = &queue.named else { continue };
            if let Some(to) = &named.bounds.dead_letter {
                let dead = (
                    Arc::clone(&named.name),
                    to.clone(),
                    Death::MaxLen,
                    oldest.message,
                );
                self.dead.push_back(dead);
            }
        }
    }
}
