//! The names on the broker, and the broker inside this process.

use stomp_bridge::{
    broker::{Broker, BrokerConfig, ConfigError, ExchangeKind, May, User},
    client::Destination,
};

use crate::config::BrowserFanout;

/// The fanout exchange: every payment, to whoever may read it.
pub(crate) const FANOUT: &str = "paynotify";
/// The direct exchange behind it: one payment, to the page that knows its key.
pub(crate) const PAGES: &str = "paynotify.page";
/// The durable queue of other services.
pub(crate) const ORDER_PAY: &str = "order_pay";
/// The browsers' account; its passcode is public.
pub(crate) const GUEST: &str = "webguest";
/// The account of our own publisher on the embedded broker.
pub(crate) const PUBLISHER: &str = "paydesk";

/// Where a page subscribes.
pub(crate) fn page_destination(routing_key: &str) -> String {
    format!("/exchange/{PAGES}/{routing_key}")
}

/// Where a payment is told to pages and fanout readers.
pub(crate) fn notice(routing_key: &str) -> Destination {
    Destination::exchange(FANOUT, routing_key).expect("a hex key makes a destination")
}

/// Where a payment is told to other services.
pub(crate) fn order_pay() -> Destination {
    Destination::queue(ORDER_PAY).expect("a fixed name makes a destination")
}

/// The embedded broker with the same names and rights as `rabbitmq-definitions` gives RabbitMQ, but that its publisher
/// may read as well: other services of this machine use that account.
///
/// # Errors
/// Never with these names, but a broker says so itself.
pub(crate) fn embedded(passcode: &str, fanout: BrowserFanout) -> Result<Broker, ConfigError> {
    let readable: &[&str] = match fanout {
        BrowserFanout::On => &[FANOUT, PAGES],
        BrowserFanout::Off => &[PAGES],
    };
    Broker::new(
        BrokerConfig::new()
            .exchange(FANOUT, ExchangeKind::Fanout)
            .exchange(PAGES, ExchangeKind::Direct)
            .bind(FANOUT, PAGES, "")
            .queue(ORDER_PAY)
            .user(
                User::new(PUBLISHER, passcode)
                    .configure(May::only([ORDER_PAY]))
                    .write(May::only([FANOUT, "amq.default"]))
                    .read(May::only([FANOUT, ORDER_PAY])),
            )
            .user(User::new(GUEST, GUEST).read(May::only(readable.iter().copied()))),
    )
}
