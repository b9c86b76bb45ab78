//! A start that cannot succeed ends with exit code 1 and one line that names the option.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use support::{Paydesk, binary};
use tempfile::TempDir;

/// Runs to the end; gives the exit code and what stood on standard error.
fn fails(change: impl FnOnce(&mut Command)) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let mut command = binary();
    command
        .env("RUST_LOG", "off")
        .env("PAYDESK_LISTEN", "127.0.0.1:0")
        .env("PAYDESK_GATEWAY", "sim=127.0.0.1:0")
        .env(
            "PAYDESK_STORE",
            format!("sled:{}", folder.path().join("ledger").display()),
        )
        .stdout(Stdio::null());
    change(&mut command);
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn assert_one_line(what: &str, (code, stderr): (Option<i32>, String), option: &str) {
    assert_eq!(code, Some(1), "{what}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
    assert!(stderr.contains(option), "{what}: {stderr}");
}

#[test]
fn a_port_in_use() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    assert_one_line(
        "our own port",
        fails(|command| {
            command.args(["--listen", &address]);
        }),
        "--listen",
    );
    assert_one_line(
        "the simulator's port",
        fails(|command| {
            command.args(["--gateway", &format!("sim={address}")]);
        }),
        "--gateway",
    );
}

#[test]
fn a_ledger_held_by_another_process() {
    let running = Paydesk::start();
    let failed = fails(|command| {
        command.args(["--store", &format!("sled:{}", running.folder.display())]);
    });
    assert_one_line("held", failed, "--store");
}

#[test]
fn a_ledger_that_cannot_be_made() {
    let failed = fails(|command| {
        command.args(["--store", "sled:/proc/no/ledger"]);
    });
    assert_one_line("unmakeable", failed, "--store");
}

#[test]
fn an_unreadable_key_file() {
    let failed = fails(|command| {
        command
            .env("WXPAY_APPID", "wx8397f8696b538317")
            .env("WXPAY_MCH_ID", "1473426802")
            .env("WXPAY_API_KEY_FILE", "/nonexistent/key");
    });
    assert_one_line("no file", failed, "WXPAY_API_KEY_FILE");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "too short\n").unwrap();
    let (code, stderr) = fails(|command| {
        command
            .env("WXPAY_APPID", "wx8397f8696b538317")
            .env("WXPAY_MCH_ID", "1473426802")
            .env("WXPAY_API_KEY_FILE", &path);
    });
    assert!(!stderr.contains("too short\n"), "the key is printed");
    assert_one_line("a short key", (code, stderr), "WXPAY_API_KEY");
}

#[test]
fn an_unusable_certificate_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cert");
    for text in ["no archive", "-----BEGIN CERTIFICATE-----\nno base64\n"] {
        std::fs::write(&path, text).unwrap();
        let failed = fails(|command| {
            command.env("WXPAY_CERT_FILE", &path);
        });
        assert_one_line(text, failed, "WXPAY_CERT_FILE");
    }
    let failed = fails(|command| {
        command.env("WXPAY_CERT_FILE", "/nonexistent/cert");
    });
    assert_one_line("no file", failed, "WXPAY_CERT_FILE");
}

#[test]
fn a_broker_that_refuses() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    for scheme in ["stomp", "ws"] {
        let (code, stderr) = fails(|command| {
            command.args([
                "--broker",
                &format!("{scheme}://payer:passcode-of-mine@{address}"),
            ]);
        });
        assert!(!stderr.contains("passcode-of-mine"), "{stderr}");
        assert_one_line(scheme, (code, stderr), "--broker");
    }
}

/// A broker that speaks STOMP and does not know the account.
#[test]
fn a_broker_that_does_not_know_us() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut got = Vec::new();
        let mut buffer = [0; 1024];
        while !got.contains(&0) {
            let n = socket.read(&mut buffer).unwrap();
            assert!(n > 0, "the client left");
            got.extend_from_slice(&buffer[..n]);
        }
        socket
            .write_all(b"ERROR\nmessage:Bad CONNECT\ncontent-length:29\n\nAccess refused for user 'me'\n\0\n")
            .unwrap();
        // Held open as RabbitMQ does for a while: the client must close by itself.
        let _ = socket.read(&mut buffer);
    });
    let failed = fails(|command| {
        command.args(["--broker", &format!("stomp://me:wrong@{address}")]);
    });
    assert_one_line("refused", failed, "--broker");
    server.join().unwrap();
}

#[test]
fn settings_that_contradict_each_other() {
    for (option, arguments) in [
        (
            "--clock",
            &["--clock", "sim", "--gateway", "http://127.0.0.1:1/"][..],
        ),
        ("--notify-url", &["--notify-url", "http://a.example/other"]),
        ("--store", &["--store", "nowhere"]),
        ("--gateway", &["--gateway", "nowhere"]),
        ("--broker", &["--broker", "amqp://127.0.0.1"]),
    ] {
        let failed = fails(|command| {
            command
                .env("PAYDESK_API_TOKEN", "0123456789abcdef")
                .env("PAYDESK_ADMIN_TOKEN", "0123456789abcdef")
                .env("WXPAY_APPID", "wx8397f8696b538317")
                .env("WXPAY_MCH_ID", "1473426802")
                .env("WXPAY_API_KEY", "T6m9iK73b0kn9g5v426MKfHQH7X8rKwb")
                .args(arguments);
        });
        assert_one_line(option, failed, option);
    }
}
