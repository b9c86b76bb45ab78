//! Queues that others can name: declared, bound by policy, and gone when they were not used.

use super::declaration::{Arguments, Declaration};
use super::queue::{Named, Queue, QueueId};
use super::sink::Sink;
use super::{ConnId, RouteError, Router};
use std::sync::Arc;

/// After so many declarations a connection forgets the queues that are gone.
const FORGET_EVERY: usize = 64;

/// What a declaration says of a queue, and what is true of it, in RabbitMQ's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) argument: &'static str,
    pub(crate) received: String,
    pub(crate) current: String,
}

/// The arguments as RabbitMQ shows them, in its order.
fn shown(arguments: &Arguments) -> [(&'static str, Option<String>); 5] {
    let long = |n: u128| format!("the value '{n}' of type 'long'");
    let text = |text: &String| format!("the value '{text}' of type 'longstr'");
    let count = |n: Option<usize>| n.map(|n| long(n as u128));
    let dead = arguments.dead_letter.as_ref();
    [
        (
            "x-expires",
            arguments.expires.map(|every| long(every.as_millis())),
        ),
        ("x-max-length", count(arguments.max_length)),
        ("x-max-length-bytes", count(arguments.max_length_bytes)),
        ("x-dead-letter-exchange", dead.map(|d| text(&d.exchange))),
        (
            "x-dead-letter-routing-key",
            dead.and_then(|d| d.key.as_ref()).map(text),
        ),
    ]
}

fn mismatch(received: &Declaration, current: &Declaration) -> Option<Mismatch> {
    if received.auto_delete != current.auto_delete {
        return Some(Mismatch {
            argument: "auto_delete",
            received: format!("'{}'", received.auto_delete),
            current: format!("'{}'", current.auto_delete),
        });
    }
    let none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let pairs = shown(&received.arguments)
        .into_iter()
        .zip(shown(&current.arguments));
    let mut different = pairs.filter(|((_, a), (_, b))| a != b);
    different
        .next()
        .map(|((argument, received), (_, current))| Mismatch {
            argument,
            received: none(received),
            current: none(current),
        })
}

impl Router {
    /// Declares a queue. The same again is fine, and is not even looked at for a connection that
    /// declared it before.
    pub(crate) fn declare(
        &mut self,
        conn: ConnId,
        declaration: &Declaration,
    ) -> Result<(), RouteError> {
        let id = match self.queue_id(&declaration.name) {
            Some(id) => {
                self.redeclare(conn, id, declaration)?;
                id
            }
            None if declaration.name.starts_with("amq.") => return Err(RouteError::Reserved),
            None if self.queues.len() >= self.limits.max_queues => {
                return Err(RouteError::TooManyQueues);
            }
            None => self.insert_named(Some(conn), declaration),
        };
        if let Some(conn) = self.conns.get_mut(&conn)
            && conn.declared.insert(id)
            && conn.declared.len() % FORGET_EVERY == 0
        {
            conn.declared.retain(|id| self.queues.contains_key(id));
        }
        Ok(())
    }

    fn redeclare(
        &mut self,
        conn: ConnId,
        id: QueueId,
        declaration: &Declaration,
    ) -> Result<(), RouteError> {
        let knows = |c: &super::Conn| c.declared.contains(&id);
        let Some(queue) = self.queues.get(&id) else {
            return Ok(());
        };
        if queue.is_locked_for(conn) {
            return Err(RouteError::Locked);
        }
        if let Some(named) = queue.named.as_deref()
            && !self.conns.get(&conn).is_some_and(knows)
        {
            if declaration.exclusive != named.owner.is_some() {
                return Err(RouteError::Locked);
            }
            if let Some(mismatch) = mismatch(declaration, &named.declaration) {
                return Err(RouteError::Inequivalent(mismatch));
            }
        }
        if queue.consumers.is_empty() {
            self.set_expiry(id);
        }
        Ok(())
    }

    pub(super) fn insert_named(
        &mut self,
        conn: Option<ConnId>,
        declaration: &Declaration,
    ) -> QueueId {
        let name: Arc<str> = declaration.name.as_str().into();
        let mut bounds = declaration.arguments.clone();
        if let Some(policy) = self.policies.iter().find(|p| p.names.is_in(&name)) {
            let (expires, max_length) = (policy.expires, policy.max_length);
            bounds.expires = [bounds.expires, expires].into_iter().flatten().min();
            bounds.max_length = [bounds.max_length, max_length].into_iter().flatten().min();
        }
        let id = self.insert(Queue::named(Named {
            name: Arc::clone(&name),
            declaration: declaration.clone(),
            bounds,
            owner: conn.filter(|_| declaration.exclusive),
            expires_at: None,
        }));
        self.names.insert(name, id);
        self.set_expiry(id);
        id
    }

    pub(super) fn insert(&mut self, queue: Queue) -> QueueId {
        self.last_queue += 1;
        self.queues.insert(self.last_queue, queue);
        self.last_queue
    }

    /// Binds a queue, once for each exchange and key.
    pub(super) fn bind(&mut self, id: QueueId, exchange: &str, key: &str) {
        let Some((name, _)) = self.exchanges.get_key_value(exchange) else {
            return;
        };
        let (Some(queue), name) = (self.queues.get_mut(&id), Arc::clone(name)) else {
            return;
        };
        if queue
            .bindings
            .iter()
            .any(|(e, k)| **e == *exchange && k == key)
        {
            return;
        }
        queue.bindings.reserve_exact(1);
        queue.bindings.push((name, key.to_owned()));
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.bind(key, Sink::Queue(id));
        }
    }

    pub(super) fn remove_queue(&mut self, id: QueueId) {
        self.clear_expiry(id);
        let Some(queue) = self.queues.remove(&id) else {
            return;
        };
        for (exchange, key) in &queue.bindings {
            if let Some(exchange) = self.exchanges.get_mut(exchange) {
                exchange.unbind(key, &Sink::Queue(id));
            }
        }
        if let Some(named) = queue.named {
            self.names.remove(&named.name);
        }
    }

    /// From now on it goes if nobody reads it.
    pub(super) fn set_expiry(&mut self, id: QueueId) {
        self.clear_expiry(id);
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        if let (Some(unused), Some(named)) = (queue.expires(), queue.named.as_mut()) {
            let at = self.now + unused;
            named.expires_at = Some(at);
            self.expiring.insert((at, id));
        }
    }

    pub(super) fn clear_expiry(&mut self, id: QueueId) {
        let named = self.queues.get_mut(&id).and_then(|q| q.named.as_mut());
        if let Some(at) = named.and_then(|n| n.expires_at.take()) {
            self.expiring.remove(&(at, id));
        }
    }
}
