//! `doctor`: each diagnosis, from a peer that shows its fault.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use support::{
    PASSCODE, blocking,
    embedded::Embedded,
    peer::{self, CONNECTED, Certificate, http, listen, receipt, say, stomp},
    run,
};
use tokio_tungstenite::tungstenite::{
    Message, accept_hdr,
    handshake::server::{Request, Response},
    http::HeaderValue,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

fn url(scheme: &str, addr: SocketAddr) -> String {
    let path = if scheme.starts_with("ws") { "/ws" } else { "" };
    format!("{scheme}://u:{PASSCODE}@127.0.0.1:{}{path}", addr.port())
}

/// Runs the doctor; gives the report after a look at the exit code.
fn doctor(url: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["doctor", url, "--json", "--timeout", "2"];
    if !more.contains(&"--watch") {
        arguments.extend(["--watch", "0"]);
    }
    arguments.extend(more);
    let ended = run(&arguments);
    let report = ended.json().pop().unwrap();
    let is_sick = !report["diagnosis"].is_null();
    assert_eq!(ended.code, Some(i32::from(is_sick)), "{ended:?}");
    report
}

/// The code of the diagnosis, which must have its words and a way to mend it.
fn code(url: &str, more: &[&str]) -> String {
    let report = doctor(url, more);
    let found = &report["diagnosis"];
    for words in ["says", "mend"] {
        assert!(!found[words].as_str().unwrap().is_empty(), "{report}");
    }
    found["code"].as_str().unwrap().to_owned()
}

fn steps(report: &Value) -> Vec<&str> {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().map(|s| s["step"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_broker_is_fine_from_the_name_to_the_heart_beat() {
    let server = Embedded::start().await;
    let (payer, listener) = (server.url("payer"), server.url("listener"));
    blocking(move || {
        let report = doctor(&payer, &["--watch", "1"]);
        assert!(report["diagnosis"].is_null(), "{report}");
        let steps = steps(&report);
        assert_eq!(
            steps[..4],
            ["name", "tcp", "websocket", "stomp"],
            "{report}"
        );
        assert_eq!(steps[steps.len() - 2..], ["receipt", "watch"], "{report}");
        let read = doctor(&listener, &["--subscribe", "/exchange/paynotify"]);
        assert!(read["diagnosis"].is_null(), "{read}");

        let people = run(&["doctor", &payer, "--watch", "0"]);
        assert_eq!(people.code, Some(0));
        assert!(
            people.out.lines().last().unwrap().starts_with("fine"),
            "{people:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_send_leaves_nothing_behind_unless_asked_to() {
    let server = Embedded::start().await;
    let payer = server.url("payer");
    blocking(move || {
        doctor(&payer, &[]);
        let sent = doctor(&payer, &["--send", "/queue/order_pay"]);
        assert!(sent["diagnosis"].is_null(), "{sent}");
    })
    .await;
    let listener = server.url("listener");
    let read = blocking(move || {
        run(&[
            "sub",
            "--url",
            &listener,
            "/queue/order_pay",
            "--count",
            "1",
        ])
    })
    .await;
    assert_eq!(read.out, "stomp-bridge doctor\n");
}

#[test]
fn a_name_that_is_not_there() {
    let url = format!("stomp://u:{PASSCODE}@no-such-host.invalid");
    assert_eq!(code(&url, &[]), "name_unknown");
}

#[test]
fn a_port_that_nobody_listens_at_names_the_plugin() {
    for (scheme, plugin) in [("ws", "rabbitmq_web_stomp"), ("stomp", "rabbitmq_stomp")] {
        let report = doctor(&url(scheme, peer::closed_port()), &[]);
        assert_eq!(report["diagnosis"]["code"], "nothing_listens");
        let mend = report["diagnosis"]["mend"].as_str().unwrap();
        assert!(
            mend.ends_with(&format!("rabbitmq-plugins enable {plugin}")),
            "{mend}"
        );
        assert_eq!(steps(&report), ["name"]);
    }
}

#[test]
fn tls_on_the_port_of_a_plain_url() {
    let addr = Certificate::new(|_| {}).stomps();
    for (scheme, other) in [("stomp", "stomps"), ("ws", "wss")] {
        let report = doctor(&url(scheme, addr), &[]);
        assert_eq!(report["diagnosis"]["code"], "tls_expected", "{report}");
        let mend = report["diagnosis"]["mend"].as_str().unwrap();
        assert!(
            mend.contains(&format!("use {other}://127.0.0.1:{}", addr.port())),
            "{mend}"
        );
    }
}

#[test]
fn a_plain_port_of_a_tls_url() {
    assert_eq!(
        code(&url("stomps", stomp(CONNECTED, receipt)), &[]),
        "stomp_port"
    );
    assert_eq!(code(&url("wss", http("404 Not Found", "")), &[]), "no_tls");
    // It speaks nothing else that is known.
    let deaf = listen(|mut tcp| say(&mut tcp, ""));
    assert_eq!(code(&url("stomps", deaf), &[]), "no_tls");
}

#[test]
fn the_port_of_another_protocol() {
    let stomp_port = stomp(CONNECTED, receipt);
    assert_eq!(code(&url("ws", stomp_port), &[]), "stomp_port");
    assert_eq!(
        code(&url("stomp", http("400 Bad Request", "")), &[]),
        "http_port"
    );
    let amqp = || {
        listen(|mut tcp| {
            // As RabbitMQ answers a header that it does not know.
            peer::read_to(&mut tcp, b"\n");
            say(&mut tcp, "AMQP\0\0\u{9}\u{1}");
        })
    };
    assert_eq!(code(&url("stomp", amqp()), &[]), "amqp_port");
    assert_eq!(code(&url("ws", amqp()), &[]), "amqp_port");
    let ssh = listen(|mut tcp| {
        say(&mut tcp, "SSH-2.0-OpenSSH_9.2\r\n");
        peer::read_to(&mut tcp, b"\0");
    });
    assert_eq!(code(&url("stomp", ssh), &[]), "not_a_broker");
}

#[test]
fn a_certificate_is_unknown_or_for_another_name_or_out_of_date() {
    let sound = Certificate::new(|_| {});
    let written = |certificate: &Certificate| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &certificate.pem).unwrap();
        file
    };
    let at = |name: &str, addr: SocketAddr| format!("stomps://u:{PASSCODE}@{name}:{}", addr.port());
    let addr = sound.stomps();
    assert_eq!(code(&at("localhost", addr), &[]), "certificate_unknown");
    let known = written(&sound);
    let ca = ["--ca", known.path().to_str().unwrap()];
    let fine = doctor(&at("localhost", addr), &ca);
    assert!(fine["diagnosis"].is_null(), "{fine}");
    assert_eq!(code(&at("127.0.0.1", addr), &ca), "certificate_name");

    let old = Certificate::new(|params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let known = written(&old);
    let ca = ["--ca", known.path().to_str().unwrap()];
    assert_eq!(
        code(&at("localhost", old.stomps()), &ca),
        "certificate_expired"
    );
}

#[test]
fn a_client_certificate_is_asked_for() {
    let ours = Certificate::new(|_| {});
    let server = Certificate::demanding(&ours);
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ca = path("ca.pem", &server.pem);
    let (cert, key) = (path("cert.pem", &ours.pem), path("key.pem", &ours.key_pem));
    let url = format!("stomps://u:{PASSCODE}@localhost:{}", server.stomps().port());
    assert_eq!(code(&url, &["--ca", &ca]), "client_certificate");
    let fine = doctor(&url, &["--ca", &ca, "--cert", &cert, "--key", &key]);
    assert!(fine["diagnosis"].is_null(), "{fine}");
    let steps = steps(&fine);
    assert_eq!(steps[..4], ["name", "tcp", "tls", "stomp"], "{fine}");
}

#[test]
fn a_web_server_or_a_proxy_answers_in_place_of_the_broker() {
    for (status, expected) in [
        ("404 Not Found", "no_web_stomp"),
        ("426 Upgrade Required", "upgrade_lost"),
        ("400 Bad Request", "upgrade_lost"),
        ("407 Proxy Authentication Required", "proxy_refuses"),
        ("403 Forbidden", "proxy_refuses"),
        ("301 Moved Permanently", "redirected"),
        ("502 Bad Gateway", "proxy_cannot_reach"),
        ("200 OK", "not_a_broker"),
    ] {
        assert_eq!(
            code(&url("ws", http(status, "")), &[]),
            expected,
            "{status}"
        );
    }
    let named = doctor(
        &url("ws", http("502 Bad Gateway", "Via: 1.1 gate.example\r\n")),
        &[],
    );
    let says = named["diagnosis"]["says"].as_str().unwrap();
    assert!(says.contains("gate.example"), "{says}");
}

#[test]
fn a_proxy_that_was_named_leads_nowhere() {
    let broker = url("ws", stomp(CONNECTED, receipt));
    let closed = format!("http://{}", peer::closed_port());
    assert_eq!(code(&broker, &["--proxy", &closed]), "proxy");
    let refuses = format!("http://{}", http("403 Forbidden", ""));
    let report = doctor(&broker, &["--proxy", &refuses]);
    assert_eq!(report["diagnosis"]["code"], "proxy", "{report}");
    assert!(
        report["diagnosis"]["says"]
            .as_str()
            .unwrap()
            .contains("403"),
        "{report}"
    );
    let wants = format!("http://{}", http("407 Proxy Authentication Required", ""));
    assert_eq!(code(&broker, &["--proxy", &wants]), "proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passcode_and_a_virtual_host_that_is_not_there() {
    let server = Embedded::start().await;
    let wrong = format!("ws://payer:{PASSCODE}x@{}/ws", server.addr);
    let vhost = format!("{}?vhost=nope", server.url("payer"));
    blocking(move || {
        assert_eq!(code(&wrong, &[]), "access_refused");
        assert_eq!(code(&vhost, &[]), "virtual_host");
    })
    .await;
}

#[test]
fn the_broker_refuses_the_session() {
    for (connected, expected) in [
        (
            "ERROR\nmessage:Version mismatch\n\nSupported versions are 1.0\n\0\n",
            "stomp_version",
        ),
        ("ERROR\nmessage:Processing error\n\n\0\n", "session_refused"),
    ] {
        assert_eq!(
            code(&url("stomp", stomp(connected, receipt)), &[]),
            expected
        );
    }
}

#[test]
fn a_port_that_says_nothing() {
    let silent = listen(|mut tcp| {
        peer::read_to(&mut tcp, b"never comes");
    });
    assert_eq!(code(&url("stomp", silent), &[]), "silent");
    let closes = listen(|mut tcp| {
        peer::read_to(&mut tcp, b"\n");
    });
    assert_eq!(code(&url("stomp", closes), &[]), "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_is_missing() {
    let server = Embedded::start().await;
    let (payer, listener) = (server.url("payer"), server.url("listener"));
    blocking(move || {
        assert_eq!(code(&listener, &[]), "no_permission");
        assert_eq!(
            code(&listener, &["--send", "/exchange/paynotify"]),
            "no_permission"
        );
        assert_eq!(
            code(&payer, &["--subscribe", "/exchange/paynotify"]),
            "no_permission"
        );
    })
    .await;
}

#[test]
fn the_broker_refuses_a_send_in_its_own_words() {
    for (message, expected) in [
        ("not_found", "no_such_exchange"),
        ("precondition_failed", "other_arguments"),
        ("anything else", "refused"),
    ] {
        let addr = stomp(CONNECTED, move |frame| {
            let id = peer::header(frame, "receipt").unwrap_or("none");
            Some(format!(
                "ERROR\nmessage:{message}\nreceipt-id:{id}\n\nWORDS\0\n"
            ))
        });
        let report = doctor(&url("stomp", addr), &["--send", "/exchange/x"]);
        assert_eq!(report["diagnosis"]["code"], expected, "{report}");
        assert!(
            report["diagnosis"]["says"]
                .as_str()
                .unwrap()
                .contains("WORDS")
        );
    }
}

/// As RabbitMQ 3.10 refuses over WebSocket: CONNECTED, and close 1000 at the SEND.
fn closes_in_silence(tcp: TcpStream) {
    #[allow(
        clippy::result_large_err,
        clippy::unnecessary_wraps,
        reason = "tungstenite's signature"
    )]
    let subprotocol = |_: &Request, mut answer: Response| {
        let chosen = HeaderValue::from_static("v12.stomp");
        answer
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", chosen);
        Ok(answer)
    };
    let Ok(mut ws) = accept_hdr(tcp, subprotocol) else {
        return;
    };
    while let Ok(message) = ws.read() {
        let text = message.into_data();
        if text.starts_with(b"CONNECT") {
            ws.send(Message::text(CONNECTED)).unwrap();
        } else if text.windows(4).any(|w| w == b"SEND") {
            let reason = CloseFrame {
                code: CloseCode::Normal,
                reason: "STOMP died".into(),
            };
            ws.close(Some(reason)).ok();
        }
    }
}

#[test]
fn over_websocket_a_refusal_may_be_silent() {
    let found = doctor(&url("ws", listen(closes_in_silence)), &[]);
    assert_eq!(found["diagnosis"]["code"], "refused_in_silence", "{found}");
}

#[test]
fn a_broker_under_an_alarm_gives_no_receipt() {
    let addr = stomp(CONNECTED, |_| Some(String::new()));
    assert_eq!(code(&url("stomp", addr), &[]), "no_receipt");
}

#[test]
fn heart_beats_that_do_not_come_through() {
    let promises = "CONNECTED\nversion:1.2\nheart-beat:1000,1000\n\n\0\n";
    let addr = stomp(promises, receipt);
    assert_eq!(
        code(&url("stomp", addr), &["--watch", "20"]),
        "no_heart_beat"
    );
}

#[test]
fn a_connection_that_does_not_last() {
    let lasts = stomp(CONNECTED, receipt);
    let fine = doctor(&url("stomp", lasts), &["--watch", "1"]);
    assert!(fine["diagnosis"].is_null(), "{fine}");
    // As a proxy with a short idle time-out does.
    let addr = listen(|mut tcp| {
        peer::read_frame(&mut tcp);
        say(&mut tcp, CONNECTED);
        let frame = peer::read_frame(&mut tcp);
        say(&mut tcp, &receipt(&frame).unwrap());
    });
    assert_eq!(code(&url("stomp", addr), &["--watch", "20"]), "cut");
}

#[test]
fn what_cannot_be_looked_at_is_exit_two() {
    for arguments in [
        &["doctor"][..],
        &["doctor", "not a url"],
        &["doctor", "stomp://h", "--send", "no-slash"],
        &["doctor", "stomp://h", "--ca", "/nonexistent"],
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    }
}
