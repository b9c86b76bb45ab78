//! The commands against RabbitMQ, which `cargo xtask test` starts.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{
    Ended, binary,
    rabbitmq::{ctl, variable},
    run_with,
};

fn stomp(arguments: &[&str], url: &str) -> Ended {
    let ended = run_with(binary().args(arguments).env("STOMP_URL", url), b"");
    let passcode = url.split([':', '@']).nth(2).unwrap();
    // That of webguest is its name, and public.
    assert!(passcode == "webguest" || !format!("{ended:?}").contains(passcode));
    ended
}

fn doctor(url: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["doctor", "--json"];
    arguments.extend(more);
    stomp(&arguments, url).json().pop().unwrap()
}

fn code(url: &str, more: &[&str]) -> Value {
    doctor(url, more)["diagnosis"]["code"].clone()
}

/// The same place by another user, with another virtual host, …
fn changed(url: &str, from: &str, to: &str) -> String {
    assert!(url.contains(from), "{from}");
    url.replacen(from, to, 1)
}

#[test]
fn a_sound_rabbitmq_is_fine() {
    for name in ["RABBITMQ_STOMP_URL", "RABBITMQ_WS_URL"] {
        let report = doctor(&variable(name), &["--watch", "2"]);
        assert!(report["diagnosis"].is_null(), "{report}");
        let stomp = report["steps"].to_string();
        assert!(stomp.contains("RabbitMQ/"), "{report}");
    }
    let page = doctor(
        &variable("RABBITMQ_GUEST_WS_URL"),
        &[
            "--watch",
            "0",
            "--subscribe",
            "/exchange/paynotify.page/doctor",
        ],
    );
    assert!(page["diagnosis"].is_null(), "{page}");
}

#[test]
fn rabbitmqs_refusals_have_their_names() {
    let tcp = variable("RABBITMQ_STOMP_URL");
    let ws = variable("RABBITMQ_WS_URL");
    for url in [&tcp, &ws] {
        assert_eq!(
            code(&changed(url, "payer:", "payer:x"), &[]),
            "access_refused"
        );
        assert_eq!(code(&format!("{url}?vhost=nope"), &[]), "virtual_host");
    }
    assert_eq!(
        code(&tcp, &["--send", "/exchange/amq.fanout"]),
        "no_permission"
    );
    assert_eq!(
        code(&tcp, &["--subscribe", "/exchange/paynotify"]),
        "no_permission"
    );
    assert_eq!(
        code(&ws, &["--send", "/exchange/amq.fanout"]),
        "refused_in_silence"
    );
    assert_eq!(
        code(&variable("RABBITMQ_GUEST_WS_URL"), &[]),
        "refused_in_silence"
    );
}

#[test]
fn rabbitmqs_ports_are_told_apart() {
    let tcp = variable("RABBITMQ_STOMP_URL");
    let ws = variable("RABBITMQ_WS_URL");
    assert_eq!(code(&changed(&tcp, "stomp://", "ws://"), &[]), "stomp_port");
    assert_eq!(
        code(&changed(&tcp, "stomp://", "stomps://"), &[]),
        "stomp_port"
    );
    let plain = changed(&changed(&ws, "ws://", "stomp://"), "/ws", "");
    assert_eq!(code(&plain, &[]), "http_port");
    assert_eq!(code(&changed(&ws, "ws://", "wss://"), &[]), "no_tls");
    assert_eq!(code(&format!("{ws}/elsewhere"), &[]), "no_web_stomp");
    // The management's port: HTTP, and no Web STOMP.
    let management = changed(&variable("RABBITMQ_ADMIN_URL"), "http://", "ws://");
    assert_eq!(code(&management, &[]), "no_web_stomp");
}

#[test]
fn bench_measures_with_receipts() {
    for name in ["RABBITMQ_STOMP_URL", "RABBITMQ_WS_URL"] {
        // A queue that is not there: nothing stays behind for the other tests of this server.
        let arguments = [
            "bench",
            "/amq/queue/nowhere",
            "--count",
            "300",
            "--window",
            "1,100",
            "--json",
        ];
        let ended = stomp(&arguments, &variable(name));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.json().len(), 2);
    }
}

#[test]
fn pub_prints_a_line_for_each_receipt() {
    for name in ["RABBITMQ_STOMP_URL", "RABBITMQ_WS_URL"] {
        let arguments = [
            "pub",
            "/exchange/paynotify/cli",
            "hello",
            "--count",
            "5",
            "--json",
        ];
        let ended = stomp(&arguments, &variable(name));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.json().len(), 5);
    }
}

/// A run that is interrupted once it has printed `lines` lines; its last words, and all it printed.
fn interrupted(arguments: &[&str], url: &str, lines: usize) -> (Ended, Vec<String>) {
    let mut command = binary();
    command.args(arguments).env("STOMP_URL", url);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.stdin(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed: Vec<_> = out.by_ref().take(lines).map(Result::unwrap).collect();
    assert_eq!(printed.len(), lines, "{printed:?}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    printed.extend(out.map(Result::unwrap));
    (Ended::new(child.wait_with_output().unwrap()), printed)
}

/// Who may do everything, where the other URL leads.
fn admin(url: &str) -> String {
    let account = |url: &str| {
        let (_, rest) = url.split_once("://").unwrap();
        rest.split_once('@').unwrap().0.to_owned()
    };
    changed(
        url,
        &account(url),
        &account(&variable("RABBITMQ_ADMIN_URL")),
    )
}

#[test]
fn what_was_confirmed_and_printed_before_an_interrupt_counts_and_the_rest_stays() {
    for (name, queue) in [
        ("RABBITMQ_STOMP_URL", "cli-tcp"),
        ("RABBITMQ_WS_URL", "cli-ws"),
    ] {
        let url = admin(&variable(name));
        let at = format!("/queue/{queue}");
        let publish = ["pub", &at, "x", "--id", "m", "--count", "1000000", "--json"];
        let (ended, lines) = interrupted(&publish, &url, 20);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("interrupted; "), "{ended:?}");
        let tally = format!("{} confirmed, 0 refused, 0 unknown", lines.len());
        assert!(ended.err.contains(&tally), "{ended:?}");

        let read = ["sub", &at, "--count", "2", "--json"];
        let seen = stomp(&read, &url);
        assert_eq!(seen.code, Some(0), "{seen:?}");
        let ids = |lines: &[Value]| -> Vec<String> {
            let id = |line: &Value| line["headers"]["x-outbox-id"].as_str().unwrap().to_owned();
            lines.iter().map(id).collect()
        };
        assert_eq!(ids(&seen.json()), ["m-1", "m-2"]);
        let read = ["sub", &at, "--prefetch", "100", "--json"];
        let (ended, lines) = interrupted(&read, &url, 10);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let lines: Vec<Value> = lines
            .iter()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let printed = ids(&lines);
        assert_eq!(printed[0], "m-3");
        // Those that were under way, and not printed, come again, and no other.
        let next = format!("m-{}", printed.len() + 3);
        let after = stomp(&["sub", &at, "--count", "1", "--json"], &url);
        assert_eq!(ids(&after.json()), [next]);
        ctl(&["delete_queue", queue]).unwrap();
    }
}
