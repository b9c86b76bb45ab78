//! `paydesk rabbitmq-definitions`: what RabbitMQ must know before the service can use it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    broker::{FANOUT, ORDER_PAY, PAGES},
    config::BrowserFanout,
};

/// Queues on the virtual host, one for each page that is open among them.
const QUEUES_MAX: u32 = 20_000;

/// Who publishes, and with what passcode; `webguest` is the browsers' public account.
pub(crate) struct Publisher<'a> {
    pub(crate) login: &'a str,
    pub(crate) passcode: &'a str,
}

/// The definitions file: exchanges, binding, queue, and the least rights that publisher and pages need.
///
/// The fanout is there for whoever relies on it; pages read the direct exchange behind it, by a key that only they know.
/// `salt` makes the passcodes' hashes, so the file holds no passcode.
pub(crate) fn definitions(
    publisher: &Publisher<'_>,
    fanout: BrowserFanout,
    salt: [u8; 4],
) -> Value {
    let readable = match fanout {
        BrowserFanout::On => format!("^({FANOUT}$|{FANOUT}\\.page$|stomp-subscription-)"),
        BrowserFanout::Off => format!("^({FANOUT}\\.page$|stomp-subscription-)"),
    };
    json!({
        "vhosts": [{"name": "/"}],
        "users": [
            user(publisher.login, publisher.passcode, salt),
            user("webguest", "webguest", salt),
        ],
        "permissions": [
            {
                "user": publisher.login, "vhost": "/",
                // SEND to /queue/NAME declares the queue, and publishes through the default exchange.
                "configure": format!("^{ORDER_PAY}$"),
                "write": format!("^({FANOUT}|amq\\.default)$"),
                "read": "^$",
            },
            {
                "user": "webguest", "vhost": "/",
                // SUBSCRIBE to an exchange declares a queue of its own, binds it and reads it.
                "configure": "^stomp-subscription-",
                "write": "^stomp-subscription-",
                "read": readable,
            },
        ],
        "exchanges": [exchange(FANOUT, "fanout"), exchange(PAGES, "direct")],
        "queues": [
            {"name": ORDER_PAY, "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
        ],
        "bindings": [
            {
                "source": FANOUT, "vhost": "/", "destination": PAGES,
                "destination_type": "exchange", "routing_key": "", "arguments": {},
            },
        ],
        // A page may name and keep such a queue: it goes after a minute unused, and never grows. A policy counts only
        // for queues that know all that is in it. A stream does not expire, so it has one of its own, and there is
        // a bound on how many queues of any kind there are.
        "policies": [
            policy("pages", 0, &json!({"expires": 60_000, "max-length": 10})),
            policy("page-streams", 1, &json!({
                "max-age": "1m", "max-length-bytes": 1_000_000, "stream-max-segment-size-bytes": 500_000,
            })),
        ],
        "parameters": [
            {"component": "vhost-limits", "vhost": "/", "name": "limits", "value": {"max-queues": QUEUES_MAX}},
        ],
    })
}

fn policy(name: &str, priority: u8, definition: &Value) -> Value {
    json!({
        "vhost": "/", "name": name, "pattern": "^stomp-subscription-", "apply-to": "queues",
        "priority": priority, "definition": definition,
    })
}

fn exchange(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "vhost": "/", "type": kind, "durable": true,
        "auto_delete": false, "internal": false, "arguments": {},
    })
}

/// RabbitMQ's own form of a stored passcode: base64 of the salt and of SHA-256 over salt and passcode.
fn user(name: &str, passcode: &str, salt: [u8; 4]) -> Value {
    let digest = Sha256::new()
        .chain_update(salt)
        .chain_update(passcode)
        .finalize();
    let hash = STANDARD.encode([&salt[..], &digest[..]].concat());
    json!({
        "name": name, "password_hash": hash,
        "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fanout_is_closed_to_pages_where_it_is_off() {
        let publisher = Publisher {
            login: "payer",
            passcode: "a passcode",
        };
        let text = |fanout| definitions(&publisher, fanout, *b"salt").to_string();
        assert!(
            text(BrowserFanout::On)
                .contains(r"^(paynotify$|paynotify\\.page$|stomp-subscription-)")
        );
        assert!(text(BrowserFanout::Off).contains(r"^(paynotify\\.page$|stomp-subscription-)"));
        assert!(!text(BrowserFanout::On).contains("a passcode"));
    }

    /// Whoever follows stomp-bridge's page by hand has the same, and no hole that this file closes.
    #[test]
    fn the_bridges_file_has_all_that_is_not_an_account() {
        let bridges = include_str!("../../../../stomp-bridge/docs/definitions.json");
        let bridges: Value = serde_json::from_str(bridges).unwrap();
        let publisher = Publisher {
            login: "payer",
            passcode: "a passcode",
        };
        let ours = definitions(&publisher, BrowserFanout::Off, *b"salt");
        for part in ["exchanges", "queues", "bindings", "policies", "parameters"] {
            let theirs = bridges[part].as_array().unwrap();
            for one in ours[part].as_array().unwrap() {
                assert!(
                    theirs.contains(one),
                    "{part} of the bridge's file lack {one}"
                );
            }
        }
    }
}
