//! The program: what it prints, and how it ends.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn sim() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wxpay-sim"));
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

/// What a start that fails says: one line on stderr, exit 1.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn prints_where_it_listens_and_stops_at_an_interrupt() {
    let mut child = sim().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let gateway = lines.next().unwrap().unwrap();
    let url = gateway.strip_prefix("gateway  http://").unwrap().to_owned();
    let phone = lines.next().unwrap().unwrap();
    assert_eq!(phone, format!("phone    http://{url}/"));

    let second = Command::new(env!("CARGO_BIN_EXE_wxpay-sim"))
        .args(["--listen", &url])
        .output();
    let text = refused(&second.unwrap());
    assert!(
        text.starts_with("wxpay-sim: --listen: cannot listen on 127.0.0.1:"),
        "{text}"
    );
    assert!(text.contains("the port is in use"), "{text}");

    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_bad_merchant_is_named_and_its_key_is_not() {
    let secret = "wx0000000000000001:1900000001:a-secret-that-is-too-short";
    let text = refused(&sim().args(["--merchant", secret]).output().unwrap());
    assert_eq!(
        text,
        "wxpay-sim: --merchant: the API key is 26 bytes long, not 32\n"
    );
    let text = refused(&sim().args(["--allow-notify", "a b"]).output().unwrap());
    assert!(
        text.starts_with("wxpay-sim: --allow-notify: \"a b\""),
        "{text}"
    );
}
