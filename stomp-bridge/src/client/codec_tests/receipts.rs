//! A RECEIPT of ours, which is read before anything is scanned.

use super::*;

/// A receipt of ours is read without `ClientCodec`: what it reads there is the same, and what it does
/// not take for one goes the common way.
#[test]
fn a_receipt_of_ours_is_what_client_codec_reads() {
    let most = "9".repeat(19);
    for id in ["0", "1", "07", "4711", &most] {
        let wire = format!("RECEIPT\nreceipt-id:{id}\n\n\0");
        let (ours, len) = receipt(wire.as_bytes()).unwrap();
        assert_eq!(len, wire.len());
        // What comes behind it changes nothing, and without its end it is none.
        let more = [&wire, "\nRECEIPT"].concat();
        assert_eq!(receipt(more.as_bytes()), Some((ours, len)));
        assert_eq!(receipt(&wire.as_bytes()[..len - 1]), None);
        let Ok(Some(FromServer::Receipt { receipt_id })) = bare(wire.as_bytes()) else {
            panic!("{wire:?}");
        };
        assert_eq!(receipt_id.parse(), Ok(ours));
    }
    let too_long = format!("RECEIPT\nreceipt-id:{most}0\n\n\0");
    for wire in [
        too_long.as_str(),
        "RECEIPT\nreceipt-id:\n\n\0",
        "RECEIPT\nreceipt-id:+1\n\n\0",
        "RECEIPT\nreceipt-id:1a\n\n\0",
        "RECEIPT\nreceipt-id:1\nx:y\n\n\0",
        "RECEIPT\nx:y\nreceipt-id:1\n\n\0",
        "RECEIPT\nreceipt-id:1\n\nbody\0",
        "MESSAGE\nreceipt-id:1\n\n\0",
    ] {
        assert_eq!(receipt(wire.as_bytes()), None, "{wire:?}");
    }
    // Before CONNECTED it is no receipt of ours, whatever it says.
    let mut codec = GuardedCodec::new(LIMITS);
    let item = codec.decode(&mut BytesMut::from(&b"RECEIPT\nreceipt-id:1\n\n\0"[..]));
    assert!(matches!(item, Ok(Some(Incoming::Frame(_)))));
}

/// Read without the scanner, receipts are within its limits, and it begins anew behind them.
#[test]
fn receipts_keep_the_limits_and_the_scanners_place() {
    let wire = format!("RECEIPT\nreceipt-id:{}\n\n\0", "9".repeat(19));
    for limits in [
        Limits {
            max_frame_bytes: wire.len() - 1,
            ..LIMITS
        },
        Limits {
            max_header_bytes: 29,
            ..LIMITS
        },
        Limits {
            max_headers: 0,
            ..LIMITS
        },
    ] {
        let mut codec = speaking(Version::V1_2, limits);
        let error = codec.decode(&mut BytesMut::from(wire.as_bytes()));
        assert!(matches!(error, Err(CodecError::Frame(_))), "{error:?}");
    }
    let stream = [&wire, "\n\r\n", &wire, "ERROR\nmessage:x\n\n\0"].concat();
    for cut in 0..=stream.len() {
        let (mut codec, mut src) = (codec(), BytesMut::new());
        let mut got = Vec::new();
        for piece in [&stream[..cut], &stream[cut..]] {
            src.extend_from_slice(piece.as_bytes());
            got.extend(all(&mut codec, &mut src));
        }
        got.retain(|incoming| !matches!(incoming, Incoming::Bytes));
        let [
            Incoming::Receipt(_),
            Incoming::Receipt(_),
            Incoming::Frame(_),
        ] = &got[..]
        else {
            panic!("cut at {cut}: {got:?}");
        };
    }
}
