//! The limits of `ClientCodec` that the guard contains: each beside what `ClientCodec` does alone.

use super::*;
use crate::frame::FrameError;

#[path = "codec_tests/receipts.rs"]
mod receipts;

const LIMITS: Limits = Limits {
    max_frame_bytes: 1024,
    max_headers: 8,
    max_header_bytes: 64,
};

/// A codec past CONNECTED.
fn speaking(version: Version, limits: Limits) -> GuardedCodec {
    let mut codec = GuardedCodec::new(limits);
    codec.version = Some(version);
    codec
}

fn codec() -> GuardedCodec {
    speaking(Version::V1_2, LIMITS)
}

fn all(codec: &mut GuardedCodec, src: &mut BytesMut) -> Vec<Incoming> {
    std::iter::from_fn(|| codec.decode(src).unwrap()).collect()
}

fn read(codec: &mut GuardedCodec, wire: &[u8]) -> Result<FromServer, CodecError> {
    match codec.decode(&mut BytesMut::from(wire))? {
        Some(Incoming::Frame(message)) => Ok(message.content),
        Some(Incoming::Receipt(id)) => {
            let receipt_id = id.to_string();
            Ok(FromServer::Receipt { receipt_id })
        }
        other => panic!("{other:?}"),
    }
}

/// What `ClientCodec` makes of it without a guard.
fn bare(wire: &[u8]) -> Result<Option<FromServer>, String> {
    let mut codec = ClientCodec::with_max_frame_size(10);
    match codec.decode(&mut BytesMut::from(wire)) {
        Ok(message) => Ok(message.map(|m| m.content)),
        Err(e) => Err(e.to_string()),
    }
}

fn headers_of(message: FromServer) -> Vec<(String, String)> {
    match message {
        FromServer::Message { headers, .. } => headers,
        other => panic!("{other:?}"),
    }
}

fn written(codec: &mut GuardedCodec, content: ToServer) -> Result<String, CodecError> {
    let mut wire = BytesMut::new();
    codec.encode(Outgoing::Frame(content.into()), &mut wire)?;
    Ok(String::from_utf8(wire.to_vec()).unwrap())
}

fn written_bare(content: ToServer) -> String {
    let mut wire = BytesMut::new();
    let message = Message::from(content);
    ClientCodec::new().encode(message, &mut wire).unwrap();
    String::from_utf8(wire.to_vec()).unwrap()
}

fn connect(host: &str, login: &str, passcode: &str) -> ToServer {
    ToServer::Connect {
        accept_version: "1.0,1.1,1.2".into(),
        host: host.into(),
        login: Some(login.into()),
        passcode: Some(passcode.into()),
        heartbeat: None,
    }
}

fn send(headers: &[(&str, &str)], body: &str) -> ToServer {
    let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
    ToServer::Send {
        destination: "/queue/q".into(),
        transaction: None,
        headers: Some(headers.iter().map(own).collect()),
        body: Some(body.into()),
    }
}

fn refuses_name(result: Result<String, CodecError>, expected: &str) {
    match result {
        Err(CodecError::Frame(FrameError::Unencodable { name })) => assert_eq!(name, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_piece_of_a_frame_shows_life_once() {
    let mut codec = codec();
    let mut src = BytesMut::from(&b"\n"[..]);
    assert!(matches!(all(&mut codec, &mut src)[..], [Incoming::Bytes]));
    src.extend_from_slice(b"RECEIPT\nrec");
    assert!(matches!(all(&mut codec, &mut src)[..], [Incoming::Bytes]));
    assert!(all(&mut codec, &mut src).is_empty());
    src.extend_from_slice(b"eipt-id:1\n\n\0\n");
    let got = all(&mut codec, &mut src);
    // The line end behind it tells nothing that it does not.
    assert!(matches!(&got[..], [Incoming::Receipt(1)]), "{got:?}");
}

#[test]
fn limit_01_a_clients_command_is_no_answer_and_the_brokers_codec_reads_it() {
    let wire = b"SEND\ndestination:/queue/q\n\nabc\0";
    assert!(bare(wire).unwrap_err().contains("not recognized"));
    assert!(read(&mut codec(), wire).is_err());
    let odd = b"SEND\ndestination:/queue/q\nx:\\n\n\nabc\0";
    let error = read(&mut codec(), odd).unwrap_err();
    assert!(
        matches!(error, CodecError::NotFromServer("SEND")),
        "{error}"
    );
    let mut broker = crate::frame::Parser::new(LIMITS);
    broker.push(wire);
    let frame = broker.next_frame().unwrap().unwrap();
    assert_eq!(&frame.body[..], b"abc");
}

#[test]
fn limit_03_a_line_feed_in_connect_forges_no_header() {
    let forged = written_bare(connect("/", "u\nevil:1", "p"));
    assert!(forged.contains("\nevil:1\n"));
    for (content, name) in [
        (connect("/", "u\nevil:1", "p"), "login"),
        (connect("/", "u", "p\r"), "passcode"),
        (connect("/\0", "u", "p"), "host"),
    ] {
        refuses_name(written(&mut GuardedCodec::new(LIMITS), content), name);
    }
}

#[test]
fn limit_04_escapes_are_undone_in_names_too() {
    let wire = b"MESSAGE\ndestination:/d\nmessage-id:1\nsubscription:0\na\\cb:c\\nd\n\n\0";
    let alone = headers_of(bare(wire).unwrap().unwrap());
    assert!(alone.contains(&("a\\cb".into(), "c\nd".into())));
    let guarded = headers_of(read(&mut codec(), wire).unwrap());
    assert!(guarded.contains(&("a:b".into(), "c\nd".into())));
    // `extra_headers`, which `ClientCodec` leaves raw.
    let error = b"ERROR\nmessage:m\nreceipt-id:a\\cb\n\n\0";
    let Some(Incoming::Frame(message)) = codec().decode(&mut error[..].into()).unwrap() else {
        panic!("no frame")
    };
    let named = (b"receipt-id".to_vec(), b"a:b".to_vec());
    assert!(message.extra_headers.contains(&named));
}

#[test]
fn limit_05_an_undefined_escape_is_an_error() {
    for escape in ["\\t", "\\"] {
        let wire =
            format!("MESSAGE\ndestination:/d\nmessage-id:1\nsubscription:0\na:b{escape}\n\n\0");
        assert!(bare(wire.as_bytes()).unwrap().is_some());
        let error = read(&mut codec(), wire.as_bytes()).unwrap_err();
        let undefined = FrameError::UndefinedEscape { number: 4 };
        assert!(matches!(error, CodecError::Frame(e) if e == undefined));
    }
}

#[test]
fn limit_06_a_content_length_that_is_no_number_is_an_error() {
    for length in ["many", "-1", "4294967299", "99999999999999999999999"] {
        let wire = format!("ERROR\nmessage:x\ncontent-length:{length}\n\nabc\0");
        assert!(bare(wire.as_bytes()).unwrap().is_some(), "ignored alone");
        let error = read(&mut codec(), wire.as_bytes()).unwrap_err();
        let named = matches!(
            error,
            CodecError::Frame(FrameError::ContentLength | FrameError::FrameTooLarge { .. })
        );
        assert!(named, "{error}");
    }
}

#[test]
fn limit_07_every_send_tells_the_true_length_of_its_body() {
    let untrue = send(&[("content-length", "1")], "abc");
    assert!(written_bare(untrue.clone()).contains("content-length:1\n"));
    let absent = send(&[], "abc");
    assert!(!written_bare(absent.clone()).contains("content-length"));
    for content in [untrue, absent] {
        let error = written(&mut codec(), content).unwrap_err();
        assert!(matches!(error, CodecError::UntrueLength), "{error}");
    }
    // In each version, NUL and all.
    for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
        let content = send(&[("content-length", "3")], "a\0b");
        let wire = written(&mut speaking(version, LIMITS), content).unwrap();
        assert_eq!(wire.matches("content-length:3\n").count(), 1, "{wire:?}");
        assert!(wire.ends_with("\n\na\0b\0"));
    }
}

#[test]
fn limit_08_no_header_is_written_twice() {
    let twice = send(&[("content-length", "0"), ("a", "1"), ("a", "2")], "");
    assert!(written_bare(twice.clone()).contains("a:1\na:2\n"));
    refuses_name(written(&mut codec(), twice), "a");
    let reserved = send(&[("content-length", "0"), ("destination", "/x")], "");
    refuses_name(written(&mut codec(), reserved), "destination");
}

#[test]
fn limit_09_no_header_without_a_name_and_none_with_nul_is_written() {
    let nameless = send(&[("content-length", "0"), ("", "v")], "");
    assert!(written_bare(nameless.clone()).contains("\n:v\n"));
    refuses_name(written(&mut codec(), nameless), "");
    let nul = send(&[("content-length", "0"), ("a", "\0")], "");
    assert!(written_bare(nul.clone()).contains("a:\0\n"));
    refuses_name(written(&mut codec(), nul), "a");
}

#[test]
fn limit_10_a_whole_frame_above_the_limits_is_refused() {
    let body = "x".repeat(1024);
    let large = format!("ERROR\nmessage:x\n\n{body}\0");
    assert!(bare(large.as_bytes()).unwrap().is_some(), "its limit is 10");
    let long = format!("RECEIPT\nreceipt-id:{}\n\n\0", "x".repeat(64));
    let many = format!("RECEIPT\nreceipt-id:1\n{}\n\0", "a:b\n".repeat(8));
    for (wire, expected) in [
        (
            large,
            FrameError::FrameTooLarge {
                max_frame_bytes: 1024,
            },
        ),
        (
            long,
            FrameError::HeaderTooLong {
                max_header_bytes: 64,
            },
        ),
        (many, FrameError::TooManyHeaders { max_headers: 8 }),
    ] {
        let error = read(&mut codec(), wire.as_bytes()).unwrap_err();
        assert!(
            matches!(&error, CodecError::Frame(e) if *e == expected),
            "{error}"
        );
    }
}

#[test]
fn limit_11_client_codec_is_asked_once_for_each_frame_however_small_the_pieces() {
    let limits = Limits {
        max_frame_bytes: 1 << 20,
        ..LIMITS
    };
    let mut codec = speaking(Version::V1_2, limits);
    let body = "x".repeat(200_000);
    let wire = format!("ERROR\nmessage:x\n\n{body}\0RECEIPT\nreceipt-id:r1\n\n\0");
    let mut src = BytesMut::new();
    let mut frames = 0;
    for piece in wire.as_bytes().chunks(7) {
        src.extend_from_slice(piece);
        let got = all(&mut codec, &mut src);
        frames += got
            .iter()
            .filter(|i| matches!(i, Incoming::Frame(_)))
            .count();
    }
    assert_eq!((frames, codec.asked), (2, 2));
}

#[test]
fn limit_12_a_header_that_is_not_utf8_is_called_so() {
    let wire = b"RECEIPT\nreceipt-id:\xff\n\n\0";
    assert!(bare(wire).unwrap_err().contains("missing"));
    let error = read(&mut codec(), wire).unwrap_err();
    let named = FrameError::NotUtf8 { number: 1 };
    assert!(matches!(error, CodecError::Frame(e) if e == named));
}

#[test]
fn limit_17_what_an_error_says_holds_no_passcode() {
    let shown = format!("{:?}", connect("/", "u", "s3cret"));
    assert!(shown.contains("s3cret"), "alone it is printed");
    let error = written(&mut codec(), connect("/", "u", "s3cret\n")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[test]
fn each_version_is_written_with_its_own_escapes() {
    let content = |value| send(&[("content-length", "0"), ("a", value)], "");
    for (version, value, expected) in [
        (Version::V1_2, "x:\\\n\r", Some("a:x\\c\\\\\\n\\r\n")),
        (Version::V1_1, "x:\\\n", Some("a:x\\c\\\\\\n\n")),
        (Version::V1_1, "\r", None),
        (Version::V1_0, "x:\\n", Some("a:x:\\n\n")),
        (Version::V1_0, "\n", None),
    ] {
        let wire = written(&mut speaking(version, LIMITS), content(value));
        match expected {
            Some(line) => assert!(wire.unwrap().contains(line), "{version} {value:?}"),
            None => refuses_name(wire, "a"),
        }
    }
}

#[test]
fn each_version_is_read_with_its_own_escapes() {
    let wire = b"MESSAGE\ndestination:/d\nmessage-id:1\nsubscription:0\na:\\c\\n\n\n\0";
    for (version, value) in [
        (Version::V1_2, ":\n"),
        (Version::V1_1, ":\n"),
        (Version::V1_0, "\\c\\n"),
    ] {
        let headers = headers_of(read(&mut speaking(version, LIMITS), wire).unwrap());
        assert!(headers.contains(&("a".into(), value.into())), "{version}");
    }
    let cr = b"RECEIPT\nreceipt-id:\\r\n\n\0";
    assert!(read(&mut speaking(Version::V1_2, LIMITS), cr).is_ok());
    assert!(read(&mut speaking(Version::V1_1, LIMITS), cr).is_err());
}

#[test]
fn connected_chooses_the_version_and_has_no_escapes() {
    for (wire, version) in [
        (&b"CONNECTED\nsession:1\n\n\0"[..], Version::V1_0),
        (
            b"CONNECTED\nversion:1.1\nserver:a\\nb:c\n\n\0",
            Version::V1_1,
        ),
        (b"CONNECTED\r\nversion:1.2\r\n\r\n\0", Version::V1_2),
    ] {
        let mut codec = GuardedCodec::new(LIMITS);
        let connected = read(&mut codec, wire).unwrap();
        let FromServer::Connected {
            version: told,
            server,
            ..
        } = connected
        else {
            panic!("{connected:?}")
        };
        assert_eq!(
            (told.as_str(), codec.version),
            (version.as_str(), Some(version))
        );
        assert!(server.is_none_or(|server| server == "a\\nb:c"));
    }
    let mut unknown = GuardedCodec::new(LIMITS);
    read(&mut unknown, b"CONNECTED\nversion:2.0\n\n\0").unwrap();
    assert_eq!(unknown.version, None, "the session refuses it");
}

#[test]
fn an_error_before_connected_is_read_whatever_it_holds() {
    let wire = "ERROR\nmessage:Bad \\q 付\n\nno\0";
    let refused = read(&mut GuardedCodec::new(LIMITS), wire.as_bytes()).unwrap();
    let FromServer::Error { message, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(message.as_deref(), Some("Bad \\q 付"));
}

#[test]
fn a_message_of_1_0_needs_no_subscription() {
    let wire = b"MESSAGE\ndestination:/d\nmessage-id:1\n\nabc\0";
    assert!(read(&mut speaking(Version::V1_0, LIMITS), wire).is_ok());
    let error = read(&mut speaking(Version::V1_1, LIMITS), wire).unwrap_err();
    let missing = matches!(
        error,
        CodecError::Missing {
            command: "MESSAGE",
            header: "subscription"
        }
    );
    assert!(missing, "{error}");
}

#[test]
fn what_client_codec_reads_the_other_reader_reads_alike() {
    for wire in [
        &b"MESSAGE\ndestination:/d\nmessage-id:1\nsubscription:0\nack:a\nx:y\ncontent-length:3\n\na\0b\0"[..],
        b"MESSAGE\ndestination:/d\nmessage-id:1\nsubscription:0\n\nabc\0",
        b"RECEIPT\nreceipt-id:r7\n\n\0",
        b"ERROR\nmessage:m\n\ntext\0",
    ] {
        let by_client_codec = read(&mut codec(), wire).unwrap();
        // One letter beyond ASCII, in a header that neither looks at.
        let at = wire.windows(2).position(|w| w == b"\n\n").unwrap();
        let odd = [&wire[..at], "\nz:付".as_bytes(), &wire[at..]].concat();
        let mut by_frame = read(&mut codec(), &odd).unwrap();
        if let FromServer::Message { headers, .. } = &mut by_frame {
            headers.retain(|(name, _)| name != "z");
        }
        assert_eq!(format!("{by_client_codec:?}"), format!("{by_frame:?}"));
    }
}
