//! Exchanges and their bindings.

use super::queue::QueueId;
use super::sink::{Sink, Sinks};
use super::topic::Topics;
use crate::broker::config::ExchangeKind;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Exchange {
    Fanout(Sinks),
    Direct(HashMap<String, Sinks>),
    Topic(Topics),
}

impl Exchange {
    pub(super) fn new(kind: ExchangeKind) -> Self {
        match kind {
            ExchangeKind::Fanout => Self::Fanout(Sinks::default()),
            ExchangeKind::Direct => Self::Direct(HashMap::new()),
            ExchangeKind::Topic => Self::Topic(Topics::default()),
        }
    }

    pub(super) fn bind(&mut self, key: &str, sink: Sink) {
        match self {
            Self::Fanout(sinks) => sinks.add(sink),
            Self::Direct(keys) => keys.entry(key.to_owned()).or_default().add(sink),
            Self::Topic(topics) => topics.add(key, sink),
        }
    }

    pub(super) fn unbind(&mut self, key: &str, sink: &Sink) {
        match self {
            Self::Fanout(sinks) => sinks.remove(sink),
            Self::Direct(keys) => {
                if let Some(sinks) = keys.get_mut(key) {
                    sinks.remove(sink);
                    if sinks.is_empty() {
                        keys.remove(key);
                    }
                }
            }
            Self::Topic(topics) => topics.remove(key, sink),
        }
    }

    fn visit<'a>(&'a self, key: &str, each: &mut impl FnMut(&'a Sink)) {
        match self {
            Self::Fanout(sinks) => sinks.iter().for_each(each),
            Self::Direct(keys) => keys
                .get(key)
                .into_iter()
                .flat_map(Sinks::iter)
                .for_each(each),
            Self::Topic(topics) => topics.visit(key, each),
        }
    }
}

/// The queues that a message reaches, each once, whatever the ways that lead to it.
pub(super) fn route(
    exchanges: &HashMap<Arc<str>, Exchange>,
    first: &str,
    key: &str,
) -> Vec<QueueId> {
    let mut queues = Vec::new();
    let mut seen = vec![first];
    let mut next = 0;
    while let Some(exchange) = seen.get(next).map(|name| exchanges.get(*name)) {
        next += 1;
        let Some(exchange) = exchange else { continue };
        exchange.visit(key, &mut |sink| match sink {
            Sink::Queue(queue) => queues.push(*queue),
            Sink::Exchange(name) if !seen.contains(&&**name) => seen.push(name),
            Sink::Exchange(_) => {}
        });
    }
    if !queues.is_sorted_by(|a, b| a < b) {
        queues.sort_unstable();
        queues.dedup();
    }
    queues
}
