//! What is in the tests' RabbitMQ: users with the least rights, exchanges, the queue.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Random bytes in a passcode.
const PASSCODE_BYTES: usize = size_of::<u128>();

/// The passcodes of the users that have secret ones.
pub(crate) struct Passcodes {
    pub(crate) admin: String,
    pub(crate) payer: String,
    pub(crate) listener: String,
}

impl Passcodes {
    /// Fresh ones from the kernel.
    pub(crate) fn random() -> Result<Self> {
        let mut source = File::open("/dev/urandom").context("/dev/urandom")?;
        let mut passcode = || -> Result<String> {
            let mut bytes = [0; PASSCODE_BYTES];
            source.read_exact(&mut bytes).context("/dev/urandom")?;
            // Hex needs no escape in a URL.
            Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
        };
        Ok(Self {
            admin: passcode()?,
            payer: passcode()?,
            listener: passcode()?,
        })
    }
}

/// The definitions that RabbitMQ loads at its first start.
///
/// A SUBSCRIBE to an exchange declares a queue `stomp-subscription-…` (configure), binds it (write on the queue, read
/// on the exchange) and consumes from it (read); a SEND or SUBSCRIBE to `/queue/…` declares the queue (configure).
pub(crate) fn definitions(passcodes: &Passcodes) -> Value {
    json!({
        "vhosts": [{"name": "/"}],
        "users": [
            user("admin", &passcodes.admin, "administrator"),
            user("payer", &passcodes.payer, ""),
            user("webguest", "webguest", ""),
            user("listener", &passcodes.listener, ""),
        ],
        "permissions": [
            permission("admin", ".*", ".*", ".*"),
            permission("payer", "^order_pay$", r"^(paynotify|amq\.default)$", "^$"),
            permission(
                "webguest",
                "^stomp-subscription-",
                "^stomp-subscription-",
                r"^(paynotify\.page$|stomp-subscription-)",
            ),
            permission(
                "listener",
                "^(order_pay$|stomp-subscription-)",
                "^stomp-subscription-",
                "^((order_pay|paynotify)$|stomp-subscription-)",
            ),
        ],
        "exchanges": [exchange("paynotify", "fanout"), exchange("paynotify.page", "direct")],
        "queues": [{"name": "order_pay", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}}],
        // The routing key survives the hop, so a page gets only what was sent for its ticket.
        "bindings": [{
            "source": "paynotify", "vhost": "/", "destination": "paynotify.page", "destination_type": "exchange",
            "routing_key": "", "arguments": {},
        }],
        // The rights above let a subscriber make a queue that stays, and would collect for ever. A policy counts only
        // for queues that know all that is in it, so a stream, which does not expire, needs one of its own.
        "policies": [
            policy("pages", 0, &json!({"expires": 60_000, "max-length": 10})),
            policy("page-streams", 1, &json!({
                "max-age": "1m", "max-length-bytes": 1_000_000, "stream-max-segment-size-bytes": 500_000,
            })),
        ],
    })
}

fn user(name: &str, password: &str, tags: &str) -> Value {
    json!({"name": name, "password": password, "tags": tags})
}

fn permission(user: &str, configure: &str, write: &str, read: &str) -> Value {
    json!({"user": user, "vhost": "/", "configure": configure, "write": write, "read": read})
}

fn exchange(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "vhost": "/", "type": kind, "durable": true, "auto_delete": false, "internal": false,
        "arguments": {},
    })
}

fn policy(name: &str, priority: u8, definition: &Value) -> Value {
    json!({
        "vhost": "/", "name": name, "pattern": "^stomp-subscription-", "apply-to": "queues", "priority": priority,
        "definition": definition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_has_a_permission_and_no_secret_user_the_same_passcode() {
        let passcodes = Passcodes::random().unwrap();
        let value = definitions(&passcodes);
        let names = |list: &str, key: &str| -> Vec<String> {
            let rows = value[list].as_array().unwrap();
            rows.iter()
                .map(|row| row[key].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            names("users", "name"),
            ["admin", "payer", "webguest", "listener"]
        );
        assert_eq!(names("users", "name"), names("permissions", "user"));
        let mut words = names("users", "password");
        words.sort();
        words.dedup();
        assert_eq!(words.len(), 4);
        assert!(
            passcodes.payer.len() == 2 * PASSCODE_BYTES
                && passcodes.payer.bytes().all(|b| b.is_ascii_hexdigit())
        );
    }

    /// The tests' broker has the holes closed that the published file closes, in the same way.
    #[test]
    fn the_policies_for_pages_are_the_published_ones() {
        let published = include_str!("../../../stomp-bridge/docs/definitions.json");
        let published: Value = serde_json::from_str(published).unwrap();
        let value = definitions(&Passcodes::random().unwrap());
        for part in ["exchanges", "queues", "bindings", "policies"] {
            let theirs = published[part].as_array().unwrap();
            for one in value[part].as_array().unwrap() {
                assert!(theirs.contains(one), "{part} lack {one}");
            }
        }
    }

    #[test]
    fn a_page_may_read_its_route_and_not_the_fanout_or_the_queue() {
        let value = definitions(&Passcodes::random().unwrap());
        let webguest = &value["permissions"][2];
        assert_eq!(webguest["read"], r"^(paynotify\.page$|stomp-subscription-)");
        assert_eq!(webguest["write"], "^stomp-subscription-");
        assert_eq!(value["bindings"][0]["destination_type"], "exchange");
    }
}
