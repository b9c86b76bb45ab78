//! The rules of a broker, frame by frame over plain TCP: what must be the same on RabbitMQ and on
//! the embedded broker, in RabbitMQ's words.

mod acks;
mod refusals;
mod routes;
mod sessions;

use super::tcp::Tcp;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A STOMP listener, and an account that may do everything.
pub struct Rules {
    pub addr: SocketAddr,
    pub root: (String, String),
}

pub async fn run(rules: &Rules) {
    refusals::a_wrong_frame_has_rabbitmqs_words(rules).await;
    refusals::guests_are_refused_in_rabbitmqs_words(rules).await;
    sessions::heart_beats_are_agreed_alike(rules).await;
    routes::topics_match_words_and_wildcards(rules).await;
    acks::a_transaction_holds_back_messages_and_receipts(rules).await;
    acks::a_transaction_holds_back_acks(rules).await;
    acks::acks_nacks_and_prefetch(rules).await;
    routes::the_dead_go_to_their_exchange(rules).await;
    refusals::a_queue_is_declared_alike_by_all(rules).await;
    routes::a_named_queue_of_an_exchange(rules).await;
    sessions::each_version_has_its_own_message(rules).await;
    sessions::bodies_with_nul_and_frames_in_pieces(rules).await;
}

impl Rules {
    async fn root(&self) -> Tcp {
        self.root_speaking("1.2").await
    }

    async fn root_speaking(&self, version: &str) -> Tcp {
        let (login, passcode) = &self.root;
        Tcp::log_in(self.addr, login, passcode, version).await
    }
}

/// A name that no other run uses.
fn fresh(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("rules-{what}-{}", now.as_nanos())
}

/// SEND or SUBSCRIBE to a queue that goes when it was not used for a minute.
fn on_queue(command: &str, queue: &str) -> String {
    format!("{command}\nx-expires:60000\ndestination:/queue/{queue}")
}
