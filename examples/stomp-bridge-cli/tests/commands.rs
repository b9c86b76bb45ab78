//! `pub`, `sub`, `bench` against the embedded broker; exit codes and what is printed.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::Write;

use serde_json::{Value, json};
use support::{PASSCODE, binary, blocking, embedded::Embedded, peer, run, run_with};

#[tokio::test(flavor = "multi_thread")]
async fn what_pub_sends_sub_prints() {
    let server = Embedded::start().await;
    let (payer, listener) = (server.url("payer"), server.url("listener"));
    blocking(move || {
        let sent = run(&[
            "pub",
            "--url",
            &payer,
            "/queue/order_pay",
            "hello",
            "--id",
            "m",
            "--count",
            "3",
            "--content-type",
            "text/plain",
            "--header",
            "x-kind: greeting",
            "--json",
        ]);
        assert_eq!(sent.code, Some(0), "{sent:?}");
        let lines = sent.json();
        assert_eq!(lines.len(), 3);
        assert!(
            lines.iter().all(|l| l["outcome"] == "confirmed"),
            "{lines:?}"
        );
        assert!(
            sent.err
                .starts_with("3 confirmed, 0 refused, 0 unknown, 0 not sent, of 3"),
            "{sent:?}"
        );

        let read = run(&[
            "sub",
            "--url",
            &listener,
            "/queue/order_pay",
            "--count",
            "3",
            "--json",
        ]);
        assert_eq!(read.code, Some(0), "{read:?}");
        let lines = read.json();
        let ids: Vec<_> = lines.iter().map(|l| &l["headers"]["x-outbox-id"]).collect();
        assert_eq!(ids, ["m-1", "m-2", "m-3"]);
        assert_eq!(lines[0]["body"], "hello");
        assert_eq!(lines[0]["headers"]["x-kind"], "greeting");
        assert_eq!(lines[0]["headers"]["content-type"], "text/plain");
        assert_eq!(lines[0]["destination"], "/queue/order_pay");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_comes_from_an_argument_a_file_or_standard_input() {
    let server = Embedded::start().await;
    let (payer, listener) = (server.url("payer"), server.url("listener"));
    blocking(move || {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"\xff\x00").unwrap();
        let at = ["pub", "--url", &payer, "/queue/order_pay"];
        for (more, stdin) in [
            (vec!["from the argument"], &b""[..]),
            (
                vec!["--file", file.path().to_str().unwrap(), "--quiet"],
                b"",
            ),
            (vec![], b"from standard input"),
        ] {
            let ended = run_with(binary().args(at).args(&more), stdin);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert_eq!(
                ended.out.lines().count(),
                usize::from(!more.contains(&"--quiet"))
            );
        }
        let read = run(&[
            "sub",
            "--url",
            &listener,
            "/queue/order_pay",
            "--count",
            "3",
            "--json",
        ]);
        let bodies: Vec<Value> = read
            .json()
            .into_iter()
            .map(|l| json!([l["body"], l["body_base64"]]))
            .collect();
        assert_eq!(
            bodies,
            [
                json!(["from the argument", null]),
                json!([null, "/wA="]),
                json!(["from standard input", null])
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_exit_one_and_what_cannot_be_tried_is_exit_two() {
    let server = Embedded::start().await;
    let (payer, listener) = (server.url("payer"), server.url("listener"));
    blocking(move || {
        let refused = run(&[
            "pub",
            "--url",
            &listener,
            "/exchange/paynotify",
            "x",
            "--count",
            "5",
            "--window",
            "1",
        ]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let tally = "0 confirmed, 1 refused, 0 unknown, 0 not sent, of 5";
        assert!(refused.err.starts_with(tally), "{refused:?}");
        assert!(
            refused.out.contains("refused 1") && refused.out.contains("ACCESS_REFUSED"),
            "{refused:?}"
        );

        let closed = format!("ws://u:{PASSCODE}@{}/ws", peer::closed_port());
        for (arguments, reason) in [
            (
                vec!["pub", "--url", &closed, "/queue/a", "x"],
                "connection refused",
            ),
            (
                vec!["sub", "--url", &closed, "/queue/a"],
                "connection refused",
            ),
            (
                vec!["bench", "--url", &closed, "/queue/a"],
                "connection refused",
            ),
            (
                vec!["pub", "--url", &payer, "order_pay", "x"],
                "DESTINATION",
            ),
            (vec!["pub", "/queue/a", "x"], "--url"),
            (
                vec![
                    "pub", "--url", &payer, "/queue/a", "x", "--header", "no-colon",
                ],
                "--header",
            ),
            (
                vec!["pub", "--url", "http://h", "/queue/a", "x"],
                "--url: scheme",
            ),
            (
                vec![
                    "pub",
                    "--url",
                    &payer,
                    "--passcode-file",
                    "/nonexistent",
                    "/queue/a",
                    "x",
                ],
                "--passcode-file",
            ),
        ] {
            let ended = run(&arguments);
            assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
            assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
            assert!(ended.err.contains(reason), "{arguments:?}: {ended:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passcode_comes_from_the_url_the_environment_or_a_file_and_only_once() {
    let server = Embedded::start().await;
    let with = server.url("payer");
    let without = with.replace(&format!(":{PASSCODE}"), "");
    blocking(move || {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{PASSCODE}").unwrap();
        let file = file.path().to_str().unwrap();
        let publish = |variables: &[(&str, &str)]| {
            let mut command = binary();
            command
                .args(["pub", "/queue/order_pay", "x"])
                .envs(variables.iter().copied());
            run_with(&mut command, b"").code
        };
        assert_eq!(publish(&[("STOMP_URL", &with)]), Some(0));
        assert_eq!(publish(&[("STOMP_URL", &without)]), Some(2));
        assert_eq!(
            publish(&[("STOMP_URL", &without), ("STOMP_PASSCODE", PASSCODE)]),
            Some(0)
        );
        assert_eq!(
            publish(&[("STOMP_URL", &without), ("STOMP_PASSCODE_FILE", file)]),
            Some(0)
        );
        assert_eq!(
            publish(&[("STOMP_URL", &with), ("STOMP_PASSCODE_FILE", file)]),
            Some(2)
        );
        let twice = [
            ("STOMP_URL", without.as_str()),
            ("STOMP_PASSCODE", PASSCODE),
            ("STOMP_PASSCODE_FILE", file),
        ];
        assert_eq!(publish(&twice), Some(2));
        // The help shows no value of the environment.
        let help = run_with(
            binary().args(["pub", "--help"]).env("STOMP_URL", &with),
            b"",
        );
        assert_eq!(help.code, Some(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sub_did_not_print_stays_with_the_broker() {
    let server = Embedded::start().await;
    let (payer, listener) = (server.url("payer"), server.url("listener"));
    blocking(move || {
        let sent = run(&[
            "pub",
            "--url",
            &payer,
            "/queue/order_pay",
            "x",
            "--id",
            "m",
            "--count",
            "6",
        ]);
        assert_eq!(sent.code, Some(0), "{sent:?}");
        for (ack, ids) in [
            ("client-individual", ["m-1", "m-2"]),
            ("client", ["m-3", "m-4"]),
            ("auto", ["m-5", "m-6"]),
        ] {
            let read = run(&[
                "sub",
                "--url",
                &listener,
                "/queue/order_pay",
                "--count",
                "2",
                "--ack",
                ack,
                "--prefetch",
                "1",
                "--json",
            ]);
            assert_eq!(read.code, Some(0), "{ack}: {read:?}");
            let lines = read.json();
            let seen: Vec<_> = lines.iter().map(|l| &l["headers"]["x-outbox-id"]).collect();
            assert_eq!(seen, ids, "{ack}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept() {
    let server = Embedded::start().await;
    let payer = server.url("payer");
    blocking(move || {
        let started = std::time::Instant::now();
        let sent = run(&[
            "pub",
            "--url",
            &payer,
            "/queue/order_pay",
            "x",
            "--count",
            "11",
            "--rate",
            "20",
            "--quiet",
        ]);
        assert_eq!((sent.code, sent.out.as_str()), (Some(0), ""));
        // Ten pauses of 50 ms: less would be faster than asked for.
        assert!(started.elapsed() >= std::time::Duration::from_millis(500));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bench_gives_a_line_for_each_window() {
    let server = Embedded::start().await;
    let payer = server.url("payer");
    blocking(move || {
        let at = [
            "bench",
            "--url",
            &payer,
            "/exchange/paynotify",
            "--count",
            "200",
            "--window",
            "1,50",
        ];
        let people = run(&at);
        assert_eq!(people.code, Some(0), "{people:?}");
        assert_eq!(people.out.lines().count(), 4, "{people:?}");
        let programs = run_with(binary().args(at).arg("--json"), b"").json();
        let windows: Vec<_> = programs
            .iter()
            .map(|l| l["window"].as_u64().unwrap())
            .collect();
        assert_eq!(windows, [1, 50]);
        for line in programs {
            assert!(
                line["messages_per_second"].as_f64().unwrap() > 0.0,
                "{line}"
            );
            assert!(line["p50_ms"].as_f64() <= line["max_ms"].as_f64(), "{line}");
        }
    })
    .await;
}

#[test]
fn completions_and_the_manual_know_the_commands() {
    let page = run(&["man", "doctor"]);
    assert!(
        page.code == Some(0) && page.out.contains("subscribe"),
        "{page:?}"
    );
    assert_eq!(run(&["man", "nothing"]).code, Some(2));
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "fish"],
        &["man"],
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}");
        for name in ["pub", "sub", "bench", "doctor"] {
            assert!(ended.out.contains(name), "{arguments:?}: {name}");
        }
    }
}
