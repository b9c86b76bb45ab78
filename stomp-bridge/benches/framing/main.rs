//! What our framing costs for one message: making and encoding its SEND, reading and matching its RECEIPT.
//!
//! `cargo bench -p stomp-bridge --bench framing`. Times are those of the client's own session and codec, without a socket.
//! Both are private, so their sources are taken in here as they stand. Beside them stands all that a publisher's task
//! allocates while it publishes to a server in this process, what its channels and its socket take included.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, unused_imports, unreachable_pub)]
mod client;
mod codec_path;
mod task;

#[path = "../../src/frame/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub, clippy::struct_field_names)]
mod frame;

#[path = "../../src/percent.rs"]
#[allow(dead_code, unused_imports, unreachable_pub)]
mod percent;

/// Goals for one message.
const GOAL_NS: f64 = 1_000.0;
const GOAL_ALLOCATIONS: f64 = 2.0;

fn main() {
    let costs = codec_path::costs();
    let ns = costs.send_ns + costs.receipt_ns;
    let allocations = costs.send_allocations + costs.receipt_allocations;
    println!("| for one message | ns | allocations |\n|---|---|---|");
    println!(
        "| SEND made and encoded | {:.0} | {:.2} |\n| RECEIPT read and matched | {:.0} | {:.2} |",
        costs.send_ns, costs.send_allocations, costs.receipt_ns, costs.receipt_allocations
    );
    println!(
        "| both | {ns:.0}: {} | {allocations:.2}: {} |",
        verdict(ns < GOAL_NS),
        verdict(allocations <= GOAL_ALLOCATIONS)
    );
    println!("| the publisher's task | | {:.2} |", task::allocations());
    println!("\nGoals: under {GOAL_NS} ns and at most {GOAL_ALLOCATIONS} allocations.");
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
