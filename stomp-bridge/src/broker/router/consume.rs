//! Subscriptions.

use super::queue::{AckMode, Consumer, Queue, QueueId};
use super::{ConnId, Declaration, RouteError, Router};
use std::sync::Arc;

/// A subscription as a client asks for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consume<'a> {
    pub(crate) conn: ConnId,
    /// Its name on this connection.
    pub(crate) name: &'a str,
    pub(crate) mode: AckMode,
    /// Unacknowledged messages at once; `None` is no bound.
    pub(crate) prefetch: Option<usize>,
}

/// The queue that a subscription to an exchange reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Own<'a> {
    /// Nobody else can name it; it goes with the subscription.
    Unnamed,
    /// `x-queue-name`.
    Named(&'a Declaration),
}

impl Router {
    /// Subscribes to a queue that exists.
    pub(crate) fn consume(&mut self, consume: Consume<'_>, queue: &str) -> Result<(), RouteError> {
        let id = self.queue_id(queue).ok_or(RouteError::NoQueue)?;
        self.check_consume(consume)?;
        let locked = |q: &Queue| q.is_locked_for(consume.conn);
        if self.queues.get(&id).is_some_and(locked) {
            return Err(RouteError::Locked);
        }
        self.attach(consume, id);
        Ok(())
    }

    /// Subscribes to an exchange through a queue that is bound to it.
    pub(crate) fn consume_exchange(
        &mut self,
        consume: Consume<'_>,
        (exchange, key): (&str, &str),
        own: Own<'_>,
    ) -> Result<(), RouteError> {
        if !self.has_exchange(exchange) {
            return Err(RouteError::NoExchange);
        }
        self.check_consume(consume)?;
        if let Own::Named(declaration) = own {
            self.declare(consume.conn, declaration)?;
            if let Some(id) = self.queue_id(&declaration.name) {
                self.bind(id, exchange, key);
            }
            return self.consume(consume, &declaration.name);
        }
        if self.queues.len() >= self.limits.max_queues {
            return Err(RouteError::TooManyQueues);
        }
        let id = self.insert(Queue::default());
        self.bind(id, exchange, key);
        self.attach(consume, id);
        Ok(())
    }

    fn check_consume(&self, consume: Consume<'_>) -> Result<(), RouteError> {
        let Some(conn) = self.conns.get(&consume.conn) else {
            return Ok(());
        };
        if conn.consumers.contains_key(consume.name) {
            return Err(RouteError::DuplicateSubscription);
        }
        if conn.consumers.len() >= self.limits.max_subscriptions {
            return Err(RouteError::TooManySubscriptions);
        }
        Ok(())
    }

    fn attach(&mut self, consume: Consume<'_>, id: QueueId) {
        let name = Arc::<str>::from(consume.name);
        let mut after_tag = 0;
        if let Some(conn) = self.conns.get_mut(&consume.conn) {
            conn.consumers.insert(Arc::clone(&name), id);
            after_tag = conn.last_tag();
        }
        self.clear_expiry(id);
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.consumers.reserve_exact(1);
            queue.consumers.push(Consumer {
                conn: consume.conn,
                name,
                mode: consume.mode,
                prefetch: consume.prefetch,
                unacked: 0,
                after_tag,
            });
        }
        self.pump(id);
    }

    pub(crate) fn unsubscribe(&mut self, conn: ConnId, name: &str) -> Result<(), RouteError> {
        let removed = self
            .conns
            .get_mut(&conn)
            .and_then(|c| c.consumers.remove_entry(name));
        let (name, queue) = removed.ok_or(RouteError::NoSubscription)?;
        self.detach(conn, &name, queue);
        Ok(())
    }

    pub(super) fn detach(&mut self, conn: ConnId, name: &str, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        queue
            .consumers
            .retain(|c| c.conn != conn || &*c.name != name);
        if !queue.consumers.is_empty() {
            return;
        }
        if queue.goes_with_its_last_consumer() {
            self.remove_queue(id);
        } else {
            self.set_expiry(id);
        }
    }
}
