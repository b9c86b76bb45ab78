//! The bodies over the committed corpora, and over a bounded number of mutations of them: the same
//! ones in every run. `cargo xtask nightly` asks for more.

#[path = "../../../wxpay-core/tests/mutator/mod.rs"]
mod mutator;

use mutator::Mutator;
use std::fs;
use std::path::PathBuf;

/// Mutations of each body in a usual run; `FUZZ_RUNS` asks for more.
const RUNS: u32 = 3_000;

/// Pieces of frames, with the names that the broker's body knows.
const TOKENS: [&str; 48] = [
    "CONNECT\n",
    "SEND\ndestination:/exchange/f/k\n\n",
    "SEND\ndestination:/queue/q\n\n",
    "SEND\n",
    "SUBSCRIBE\nid:1\ndestination:/queue/q\n",
    "SUBSCRIBE\nid:2\ndestination:/exchange/d/k\n",
    "UNSUBSCRIBE\nid:1\n",
    "ACK\nid:T_1@@session-1@@1\n\n\0",
    "NACK\nid:T_1@@session-1@@2\n\n\0",
    "BEGIN\ntransaction:t\n\n\0",
    "COMMIT\ntransaction:t\n\n\0",
    "ABORT\ntransaction:t\n\n\0",
    "DISCONNECT\nreceipt:z\n\n\0",
    "CONNECTED\n",
    "MESSAGE\n",
    "RECEIPT\nreceipt-id:1\n\n\0",
    "ERROR\nmessage:m\n\n\0",
    "version:1.1\n",
    "accept-version:1.0,1.1,1.2\n",
    "heart-beat:1,1\n",
    "receipt:1\n",
    "receipt-id:1\n",
    "transaction:t\n",
    "ack:client\n",
    "ack:client-individual\n",
    "prefetch-count:1\n",
    "requeue:false\n",
    "durable:false\n",
    "exclusive:true\n",
    "auto-delete:true\n",
    "x-queue-name:p\n",
    "x-expires:1000\n",
    "x-max-length:1\n",
    "x-dead-letter-exchange:f\n",
    "message-id:T_1@@session-1@@1\n",
    "subscription:1\n",
    "content-length:3\n",
    "content-length:",
    "\n\n\0",
    "\r\n",
    "\n",
    "\0",
    "\r",
    ":",
    "\\c",
    "\\t",
    "茶",
    "2",
];

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpora")
        .join(name);
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let inputs: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(inputs.len() >= 5, "{name}: the corpus is gone");
    inputs
}

fn replay(name: &str, body: fn(&[u8])) {
    let inputs = corpus(name);
    for input in &inputs {
        body(input);
    }
    let runs = std::env::var("FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let mut mutator = Mutator::new(0x5eed_0002, &TOKENS);
    for run in 0..runs {
        let input = mutator.mutate(&inputs);
        let outcome = std::panic::catch_unwind(|| body(&input));
        assert!(
            outcome.is_ok(),
            "run {run} of {name}: {}",
            input.escape_ascii()
        );
    }
}

#[test]
fn frames() {
    replay("client", super::frames);
    replay("server", super::frames);
}

#[cfg(feature = "client")]
#[test]
fn client_codec() {
    replay("server", super::client_codec);
}

#[cfg(feature = "client")]
#[test]
fn differential() {
    replay("client", super::differential);
    replay("server", super::differential);
}

#[cfg(feature = "broker")]
#[test]
fn broker_session() {
    replay("client", super::broker_session);
}

#[cfg(feature = "client")]
#[test]
fn client_session() {
    replay("server", super::client_session);
}
