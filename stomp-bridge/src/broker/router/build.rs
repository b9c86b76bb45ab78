//! From a configuration to a router.

use super::exchange::Exchange;
use super::flow::Flow;
use super::sink::Sink;
use super::{Counters, Declaration, Router};
use crate::broker::config::{Binding, BrokerConfig, ConfigError, ExchangeKind};
use crate::broker::held::Held;
use crate::broker::target::TOPIC_EXCHANGE;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

/// What RabbitMQ has from the start.
const PREDECLARED: [(&str, ExchangeKind); 3] = [
    ("amq.direct", ExchangeKind::Direct),
    ("amq.fanout", ExchangeKind::Fanout),
    (TOPIC_EXCHANGE, ExchangeKind::Topic),
];

impl Router {
    pub(crate) fn new(config: &BrokerConfig, now: Instant) -> Result<Self, ConfigError> {
        let predeclared = PREDECLARED.map(|(name, kind)| (name.into(), Exchange::new(kind)));
        let mut router = Self {
            limits: config.limits,
            policies: config.policies.clone(),
            now,
            exchanges: HashMap::from(predeclared),
            queues: HashMap::new(),
            names: HashMap::new(),
            conns: HashMap::new(),
            last_queue: 0,
            expiring: BTreeSet::new(),
            dead: VecDeque::new(),
            flow: Flow::default(),
            held: Held::new(config.limits.max_total_bytes),
            counters: Counters::default(),
        };
        for (name, kind) in &config.exchanges {
            check(name)?;
            let twice = router
                .exchanges
                .insert(name.as_str().into(), Exchange::new(*kind));
            if twice.is_some() {
                return Err(duplicate("exchange", name));
            }
        }
        for name in &config.queues {
            check(name)?;
            if router.queue_id(name).is_some() {
                return Err(duplicate("queue", name));
            }
            router.insert_named(None, &Declaration::durable(name));
        }
        for binding in &config.bindings {
            router.bind_configured(binding)?;
        }
        Ok(router)
    }

    fn bind_configured(&mut self, binding: &Binding) -> Result<(), ConfigError> {
        let Binding { from, to, key } = binding;
        let unknown = |name: &String| ConfigError::UnknownName { name: name.clone() };
        if !self.exchanges.contains_key(from.as_str()) {
            return Err(unknown(from));
        }
        if let Some((name, _)) = self.exchanges.get_key_value(to.as_str()) {
            let sink = Sink::Exchange(name.clone());
            if let Some(exchange) = self.exchanges.get_mut(from.as_str()) {
                exchange.bind(key, sink);
            }
            return Ok(());
        }
        let queue = self.queue_id(to).ok_or_else(|| unknown(to))?;
        self.bind(queue, from, key);
        Ok(())
    }
}

fn duplicate(kind: &'static str, name: &str) -> ConfigError {
    ConfigError::Duplicate {
        kind,
        name: name.to_owned(),
    }
}

fn check(name: &str) -> Result<(), ConfigError> {
    if name.is_empty() || name.starts_with("amq.") || name.contains(char::is_control) {
        return Err(ConfigError::Name {
            name: name.to_owned(),
        });
    }
    Ok(())
}
