//! From publishers to queues.

use super::exchange::route;
use super::queue::{QueueId, Queued};
use super::{RouteError, Router, Stored};
use std::sync::Arc;

impl Router {
    pub(crate) fn has_exchange(&self, name: &str) -> bool {
        self.exchanges.contains_key(name)
    }

    /// Routes by an exchange. No binding that fits: the message is gone, as in RabbitMQ.
    pub(crate) fn publish(
        &mut self,
        exchange: &str,
        message: impl Into<Arc<Stored>>,
    ) -> Result<(), RouteError> {
        if !self.has_exchange(exchange) {
            return Err(RouteError::NoExchange);
        }
        self.counters.published += 1;
        self.route(exchange, &message.into());
        self.bury();
        Ok(())
    }

    /// Straight to a queue. A missing one: the message is gone, as in RabbitMQ.
    pub(crate) fn publish_to_queue(&mut self, queue: &str, message: impl Into<Arc<Stored>>) {
        self.counters.published += 1;
        if let Some(queue) = self.queue_id(queue) {
            self.enqueue(queue, &message.into());
        }
        self.bury();
    }

    /// Gives the number of queues that it came to.
    fn route(&mut self, exchange: &str, message: &Arc<Stored>) -> usize {
        let queues = route(&self.exchanges, exchange, &message.key);
        for queue in &queues {
            self.enqueue(*queue, message);
        }
        queues.len()
    }

    fn enqueue(&mut self, id: QueueId, message: &Arc<Stored>) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        if queue
            .named
            .as_ref()
            .is_some_and(|n| message.circled(&n.name))
        {
            return;
        }
        queue.push(Queued {
            message: Arc::clone(message),
            redelivered: false,
        });
        self.pump(id);
        self.trim(id);
    }

    /// Sends the dead where their queues said. Full queues that push each other over could make one
    /// step long without end: it ends after twice as many as a connection can reject at once.
    pub(super) fn bury(&mut self) {
        let mut places = self.limits.max_unacked.saturating_mul(2).max(1);
        while let Some((queue, to, why, message)) = self.dead.pop_front() {
            let key = to.key.as_deref().unwrap_or(&message.key);
            let Some(dead) = message.dead(&queue, why, &to.exchange, key) else {
                continue;
            };
            let dead = Arc::new(dead);
            let mut taken = 1;
            if !to.exchange.is_empty() {
                taken = self.route(&to.exchange, &dead).max(1);
            } else if let Some(queue) = self.queue_id(&dead.key) {
                self.enqueue(queue, &dead);
            }
            places = places.saturating_sub(taken);
            if places == 0 {
                if !self.dead.is_empty() {
                    tracing::warn!(messages = self.dead.len(), "too many dead at once; lost");
                }
                self.dead.clear();
            }
        }
    }
}
