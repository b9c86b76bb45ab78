//! Durable before acknowledged, seen from outside: between the last write to the ledger's file and the SUCCESS answer
//! there is an fdatasync of that file.
#![allow(clippy::unwrap_used, missing_docs)]
// The fault points are compiled into debug builds only.
#![cfg(debug_assertions)]

mod support;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use rustix::process::Signal;
use support::{
    Paydesk,
    recorded::{self, OUT_TRADE_NO, SUCCESS},
};

/// One traced call that has come back.
#[derive(Debug)]
struct Call {
    name: String,
    text: String,
}

/// Calls in the order in which they ended; strace splits a call that another thread interrupts into two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: Vec<(String, String)> = Vec::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        let done = if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            open.push((thread.to_owned(), begun.to_owned()));
            continue;
        } else if let Some((_, tail)) = rest.split_once(" resumed>") {
            let Some(at) = open.iter().position(|(owner, _)| owner == thread) else {
                continue;
            };
            format!("{}{tail}", open.swap_remove(at).1)
        } else {
            rest.to_owned()
        };
        if let Some((name, _)) = done.split_once('(') {
            calls.push(Call {
                name: name.to_owned(),
                text: done.clone(),
            });
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_synced_between_its_last_write_and_the_answer() {
    // The relay is held before it publishes: its acks are commits of their own, which may lie anywhere around the answer.
    let desk = Paydesk::start_with(|command| {
        recorded::merchant(command);
        command.env("PAYDESK_FAULT_POINT", "before_publish");
    });
    recorded::paid_at_the_gateway(&desk).await;
    let trace = desk.folder.parent().unwrap().join("trace");
    let mut strace = Command::new("strace")
        .args(["-f", "-y", "-s", "2000", "-e"])
        .arg("trace=write,pwrite64,pwritev,writev,sendto,sendmsg,fsync,fdatasync,sync_file_range,openat")
        .arg("-o")
        .arg(&trace)
        .args(["-p", &desk.pid().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace: run `cargo xtask test`, which installs it");
    // strace says on standard error when it has attached.
    let mut attached = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    attached.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "strace cannot attach: {line}");

    assert_eq!(
        desk.notify("/wxpay/notify", &recorded::notify()).await,
        SUCCESS
    );
    assert_eq!(desk.state(OUT_TRADE_NO).await, "paid");
    support::send(&strace, Signal::INT);
    strace.wait().unwrap();

    let calls = calls(&std::fs::read_to_string(&trace).unwrap());
    let file = format!("{}/db>", desk.folder.display());
    // The simulator answers from the same process, but only our reply is just this.
    let answer = calls
        .iter()
        .position(|call| {
            matches!(
                call.name.as_str(),
                "write" | "writev" | "sendto" | "sendmsg"
            ) && call.text.contains(SUCCESS)
        })
        .expect("the answer is in the trace");
    let written = calls[..answer]
        .iter()
        .rposition(|call| call.name.starts_with("pwrite") && call.text.contains(&file))
        .expect("the ledger was written before the answer");
    let synced = calls[written..answer].iter().any(|call| {
        call.name == "fdatasync" && call.text.contains(&file) && call.text.contains("= 0")
    });
    assert!(
        synced,
        "no fdatasync of the ledger between its last write and the answer:\n{:#?}",
        &calls[written..=answer]
    );
}
