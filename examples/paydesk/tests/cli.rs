//! The sub-commands: exit codes, what they print, and that they work beside a running desk.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use support::{
    Paydesk, binary,
    recorded::{self, OUT_TRADE_NO, SUCCESS},
};

/// The official example of the sign, and its key.
const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
const FIELDS: &str = r#"{"appid":"wxd930ea5d5a258f4f","body":"test","device_info":1000,"mch_id":"10000100","nonce_str":"ibuaiVcKdpRxkhJA","attach":""}"#;
const MD5: &str = "9A0A8659F005D6984697E2CA0A9CF3B7";
const HMAC: &str = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";

fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut child = binary()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let written = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    // A command that refuses its arguments may end before it reads.
    assert!(written.map_or_else(|error| error.kind() == ErrorKind::BrokenPipe, |()| true));
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn sign_and_verify_are_mirror_images() {
    for (sign_type, sign) in [("MD5", MD5), ("HMAC-SHA256", HMAC)] {
        let signed = run(&["sign", "--key", KEY, "--sign-type", sign_type], FIELDS);
        assert_eq!(signed.status.code(), Some(0), "{}", text(&signed.stderr));
        let xml = text(&signed.stdout);
        assert!(xml.contains(sign), "{xml}");
        assert!(!xml.contains("sign_type"), "{xml}");

        let verified = run(&["verify", "--key", KEY], xml);
        assert_eq!(
            verified.status.code(),
            Some(0),
            "{}",
            text(&verified.stderr)
        );
        let fields: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(fields["device_info"], "1000");
        assert_eq!(fields["sign"], sign);

        let changed = run(&["verify", "--key", KEY], &xml.replace("test", "tent"));
        assert_eq!(changed.status.code(), Some(1));
        let reason = text(&changed.stderr);
        assert!(reason.contains("body=tent"), "{reason}");
        assert!(!reason.contains(KEY), "the key is printed: {reason}");
    }
    // The wrong type is named.
    let signed = run(&["sign", "--key", KEY], FIELDS);
    let wrong = run(
        &["verify", "--key", KEY, "--sign-type", "HMAC-SHA256"],
        text(&signed.stdout),
    );
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("it holds as MD5"));
}

#[test]
fn unreadable_input_is_exit_two() {
    for input in [
        "",
        "<html></html>",
        "<xml><a><b>1</b></a></xml>",
        "<!DOCTYPE x><xml></xml>",
    ] {
        assert_eq!(
            run(&["verify", "--key", KEY], input).status.code(),
            Some(2),
            "{input}"
        );
    }
    for input in [
        "",
        "[1]",
        r#"{"a":{"b":1}}"#,
        r#"{"a":1.5}"#,
        r#"{"a b":"1"}"#,
    ] {
        assert_eq!(
            run(&["sign", "--key", KEY], input).status.code(),
            Some(2),
            "{input}"
        );
    }
    assert_eq!(
        run(&["sign", "--key", "short"], FIELDS).status.code(),
        Some(2)
    );
    assert_eq!(run(&["sign"], FIELDS).status.code(), Some(2));
}

#[test]
fn definitions_hold_the_publisher_and_no_passcode() {
    let output = run(
        &[
            "rabbitmq-definitions",
            "--broker",
            "ws://payer:s3cret-passcode@127.0.0.1:15674/ws",
        ],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("s3cret-passcode"));
    let definitions: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(definitions["users"][0]["name"], "payer");
    assert_eq!(run(&["rabbitmq-definitions"], "").status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_work_beside_a_running_desk_and_without_one() {
    let mut desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    let forged = desk.notify("/wxpay/notify", b"<xml><a>1</a></xml>").await;
    assert!(forged.contains("FAIL"));
    assert_eq!(
        desk.notify("/wxpay/notify", &recorded::notify()).await,
        SUCCESS
    );
    let store = format!("sled:{}", desk.folder.display());
    let operate = |arguments: &[&str]| {
        let mut command = binary();
        recorded::merchant(&mut command);
        command.args(arguments).args(["--store", &store]);
        let output = command.output().unwrap();
        (
            output.status.code(),
            text(&output.stdout).to_owned(),
            text(&output.stderr).to_owned(),
        )
    };
    let look = |when: &str| {
        let (code, out, err) = operate(&["orders", "--json"]);
        assert_eq!(code, Some(0), "{when}: {err}");
        let page: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(page["orders"][0]["out_trade_no"], OUT_TRADE_NO, "{when}");
        let (code, out, err) = operate(&["orders"]);
        assert_eq!(code, Some(0), "{when}: {err}");
        assert!(
            out.lines().nth(1).unwrap().contains("paid"),
            "{when}: {out}"
        );

        let (code, out, err) = operate(&["check"]);
        assert_eq!(code, Some(0), "{when}: {out}{err}");
        assert!(out.starts_with("1 orders, "), "{when}: {out}");

        let (code, out, err) = operate(&["notifies", "list", "--json"]);
        assert_eq!(code, Some(0), "{when}: {err}");
        let list: Value = serde_json::from_str(&out).unwrap();
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), 2, "{when}: {list:?}");
        let accepted = list.iter().find(|row| row["accepted"] == true).unwrap();
        assert_eq!(accepted["peer"], "127.0.0.1");
        assert_eq!(accepted["bytes"], recorded::notify().len());

        let id = accepted["id"].as_str().unwrap();
        let (code, out, err) = operate(&["notifies", "show", id]);
        assert_eq!(code, Some(0), "{when}: {err}");
        let shown: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            shown["body"].as_str().unwrap().as_bytes(),
            recorded::notify()
        );
        assert_eq!(shown["answer"], SUCCESS);

        let (code, out, err) = operate(&["notifies", "replay", id]);
        assert_eq!(code, Some(0), "{when}: {err}");
        assert_eq!(
            serde_json::from_str::<Value>(&out).unwrap(),
            json!({"accepted": true, "outcome": "already_applied"})
        );
    };
    look("beside the running desk");
    assert_eq!(desk.interrupt(), Some(0));
    look("without a desk");
    let (code, _, err) = operate(&["notifies", "show", "nonsense"]);
    assert_eq!(code, Some(2), "{err}");
    let output = binary()
        .args(["orders", "--store", "sled:/nonexistent"])
        .output()
        .unwrap();
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("--store"), "{err}");
}

/// A request that does not end keeps the drain waiting; whoever does not want to wait presses again.
#[test]
fn a_second_ctrl_c_ends_at_once() {
    let mut desk = Paydesk::start();
    let mut socket = TcpStream::connect(desk.url.trim_start_matches("http://")).unwrap();
    socket
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let head =
        b"POST /wxpay/notify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n<xml>";
    socket.write_all(head).unwrap();
    desk.press_ctrl_c();
    desk.wait_for_log("a second Ctrl-C ends at once");
    desk.press_ctrl_c();
    assert_eq!(desk.exit_code(), Some(130));
}
