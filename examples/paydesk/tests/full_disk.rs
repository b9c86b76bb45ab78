//! A disk that is full: what was promised is kept, nothing more is promised, and the process says so and ends.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(target_os = "linux")]

mod support;

use std::process::Command;

use reqwest::StatusCode;
use serde_json::json;
use support::{Paydesk, recorded};

/// In blocks of 512 bytes: the ledger's file may have 1 MiB.
const FILE_BLOCKS: u32 = 2048;
/// More than fit there.
const ORDERS: u32 = 20_000;

/// The desk with a limit on how large a file may get; what is written beyond it fails as on a full disk (`EFBIG`), once the signal that
/// comes with it is ignored.
fn limited(command: &mut Command) {
    recorded::merchant(command);
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let variables: Vec<_> = command
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
        .collect();
    let script = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", script.as_str()])
        .arg(program)
        .args(arguments);
    for (name, value) in variables {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    *command = shell;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_whose_disk_is_full_says_so_and_ends() {
    let mut desk = Paydesk::start_with(limited);
    let mut made = Vec::new();
    for n in 0..ORDERS {
        let number = format!("order-{n}");
        let body = json!({"out_trade_no": number, "total_fee": 1, "body": "x".repeat(100)});
        let sent = support::http()
            .post(format!("{}/api/orders", desk.url))
            .json(&body)
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status() == StatusCode::CREATED => made.push(number),
            // The ledger has failed, or the desk has ended by now.
            _ => break,
        }
    }
    assert!(
        made.len() > 10 && made.len() < ORDERS as usize,
        "{} made",
        made.len()
    );
    desk.wait_for_log("the ledger failed");
    assert_eq!(desk.exit_code(), Some(1));

    // On a larger disk everything that was promised is there.
    let folder = desk.folder.clone();
    let _keep = desk.kill();
    let desk = Paydesk::start_in(&folder, recorded::merchant);
    for number in made {
        assert_ne!(desk.state(&number).await, "", "{number}");
    }
}
