//! What must hold of the router's state between any two steps, for the fuzz body.

use super::Router;
use super::conn::Conn;
use super::queue::{AckMode, Consumer, Queue, QueueId};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Router {
    /// Panics where a limit is passed, two tables disagree, or a message waits that somebody would
    /// take.
    pub(crate) fn audit(&self) {
        assert!(self.queues.len() <= self.limits.max_queues, "queues");
        assert!(self.dead.is_empty(), "the dead are buried at once");
        for (name, id) in &self.names {
            let named = self.queues[id].named.as_ref().expect("it has a name");
            assert_eq!(named.name, *name);
        }
        for (at, id) in &self.expiring {
            let named = self.queues[id].named.as_ref().expect("it has a name");
            assert_eq!(named.expires_at, Some(*at));
        }
        for (id, queue) in &self.queues {
            self.audit_queue(*id, queue);
        }
        for (id, conn) in &self.conns {
            assert!(conn.outgoing() <= self.limits.max_outgoing, "outgoing");
            assert!(conn.unacked.len() <= self.limits.max_unacked, "unacked");
            assert!(conn.consumers.len() <= self.limits.max_subscriptions);
            for (name, queue) in &conn.consumers {
                let Some(queue) = self.queues.get(queue) else {
                    panic!("a subscription to a queue that is gone")
                };
                let same = |c: &&Consumer| c.conn == *id && c.name == *name;
                assert_eq!(queue.consumers.iter().filter(same).count(), 1, "{name}");
            }
        }
    }

    /// Panics where more is held than may be, or less than is there.
    pub(crate) fn audit_held(&self) {
        let (held, found) = (self.held.bytes(), self.bytes_found());
        assert!(held <= self.limits.max_total_bytes, "{held} bytes in all");
        assert!(found <= held, "{found} of {held} bytes");
    }

    /// Bytes of the messages that are in the router, each once.
    pub(crate) fn bytes_found(&self) -> usize {
        let in_queues = self.queues.values().flat_map(|q| &q.messages);
        let unacked = self.conns.values().flat_map(|c| c.unacked.values());
        let both = in_queues.chain(unacked.map(|out| &out.queued));
        let waiting = self.conns.values().flat_map(Conn::waiting);
        let messages = both.map(|q| &q.message).chain(waiting.map(|d| &d.message));
        let each: BTreeMap<_, _> = messages.map(|m| (Arc::as_ptr(m), m.size())).collect();
        each.values().sum()
    }

    fn audit_queue(&self, id: QueueId, queue: &Queue) {
        let limits = &self.limits;
        assert!(queue.messages.len() <= limits.max_queue_messages);
        assert!(queue.bytes <= limits.max_queue_bytes, "bytes of a queue");
        let messages = || queue.messages.iter().map(|queued| &queued.message);
        assert_eq!(queue.bytes, messages().map(|m| m.size()).sum::<usize>());
        let bodies: usize = messages().map(|m| m.body().len()).sum();
        assert_eq!(queue.body_bytes, bodies);
        match &queue.named {
            None => assert_eq!(queue.consumers.len(), 1, "a subscription's own"),
            Some(named) => {
                assert_eq!(self.names.get(&named.name), Some(&id));
                let is_owned = named
                    .owner
                    .is_none_or(|owner| self.conns.contains_key(&owner));
                assert!(is_owned, "its owner is gone");
                let most = named.bounds.max_length.unwrap_or(usize::MAX);
                assert!(queue.messages.len() <= most, "max-length");
                let most = named.bounds.max_length_bytes.unwrap_or(usize::MAX);
                assert!(queue.body_bytes <= most, "max-length-bytes");
            }
        }
        for consumer in &queue.consumers {
            let conn = &self.conns[&consumer.conn];
            assert_eq!(conn.consumers.get(&consumer.name), Some(&id));
            let most = consumer.prefetch.unwrap_or(usize::MAX);
            assert!(consumer.unacked <= most, "prefetch");
            assert_eq!(consumer.unacked, self.unacked(consumer, id));
            let has_room = conn.outgoing() < limits.max_outgoing / 2
                && (consumer.mode == AckMode::Auto || conn.unacked.len() < limits.max_unacked);
            let idle = has_room && consumer.may_take_one();
            assert!(
                !idle || queue.is_empty(),
                "{} waits for nothing",
                consumer.name
            );
        }
    }

    fn unacked(&self, consumer: &Consumer, queue: QueueId) -> usize {
        let unacked = &self.conns[&consumer.conn].unacked;
        let own = unacked.range(consumer.after_tag + 1..);
        own.filter(|(_, out)| out.consumer == consumer.name && out.queue == queue)
            .count()
    }
}
