//! Exchanges and their bindings.

use super::queue::Queue;
use crate::broker::config::{Binding, BrokerConfig, ConfigError, ExchangeKind};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What a binding leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sink {
    Queue(Arc<str>),
    Exchange(Arc<str>),
}

#[derive(Debug)]
pub(super) struct Exchange {
    kind: ExchangeKind,
    bindings: HashMap<String, BTreeSet<Sink>>,
}

impl Exchange {
    fn new(kind: ExchangeKind) -> Self {
        Self {
            kind,
            bindings: HashMap::new(),
        }
    }

    pub(super) fn bind(&mut self, key: &str, sink: Sink) {
        self.bindings
            .entry(key.to_owned())
            .or_default()
            .insert(sink);
    }

    pub(super) fn unbind(&mut self, key: &str, sink: &Sink) {
        if let Some(sinks) = self.bindings.get_mut(key) {
            sinks.remove(sink);
            if sinks.is_empty() {
                self.bindings.remove(key);
            }
        }
    }

    fn matching(&self, key: &str) -> impl Iterator<Item = &Sink> {
        let (all, one) = match self.kind {
            ExchangeKind::Fanout => (Some(self.bindings.values().flatten()), None),
            ExchangeKind::Direct => (None, self.bindings.get(key)),
        };
        all.into_iter().flatten().chain(one.into_iter().flatten())
    }
}

/// The queues that a message reaches, each once, whatever the ways that lead to it.
pub(super) fn route(
    exchanges: &HashMap<Arc<str>, Exchange>,
    first: &str,
    key: &str,
) -> BTreeSet<Arc<str>> {
    let mut queues = BTreeSet::new();
    let mut seen = BTreeSet::from([first]);
    let mut to_visit = vec![first];
    while let Some(exchange) = to_visit.pop().and_then(|name| exchanges.get(name)) {
        for sink in exchange.matching(key) {
            match sink {
                Sink::Queue(name) => {
                    queues.insert(Arc::clone(name));
                }
                Sink::Exchange(name) if seen.insert(name) => to_visit.push(name),
                Sink::Exchange(_) => {}
            }
        }
    }
    queues
}

type Parts = (HashMap<Arc<str>, Exchange>, HashMap<Arc<str>, Queue>);

pub(super) fn build(config: &BrokerConfig) -> Result<Parts, ConfigError> {
    let (mut exchanges, mut queues) = Parts::default();
    for (name, kind) in &config.exchanges {
        check(name)?;
        if exchanges
            .insert(name.as_str().into(), Exchange::new(*kind))
            .is_some()
        {
            return Err(ConfigError::Duplicate {
                kind: "exchange",
                name: name.clone(),
            });
        }
    }
    for name in &config.queues {
        check(name)?;
        if queues
            .insert(name.as_str().into(), Queue::named())
            .is_some()
        {
            return Err(ConfigError::Duplicate {
                kind: "queue",
                name: name.clone(),
            });
        }
    }
    for Binding { from, to, key } in &config.bindings {
        let sink = if exchanges.contains_key(to.as_str()) {
            Sink::Exchange(to.as_str().into())
        } else if queues.contains_key(to.as_str()) {
            Sink::Queue(to.as_str().into())
        } else {
            return Err(ConfigError::UnknownName { name: to.clone() });
        };
        exchanges
            .get_mut(from.as_str())
            .ok_or_else(|| ConfigError::UnknownName { name: from.clone() })?
            .bind(key, sink);
    }
    Ok((exchanges, queues))
}

fn check(name: &str) -> Result<(), ConfigError> {
    if name.is_empty() || name.starts_with("amq.") || name.contains(char::is_control) {
        return Err(ConfigError::Name {
            name: name.to_owned(),
        });
    }
    Ok(())
}
