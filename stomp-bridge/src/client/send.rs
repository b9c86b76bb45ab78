//! SEND on the wire. `ClientCodec` would do it with a dozen allocations a message; this does it with
//! none, and a test holds it to what `ClientCodec` writes.

use super::publication::Publication;
use crate::frame::{Part, Version, escape};

/// More than the names of all headers, the two numbers and the line ends take.
const FIXED_BYTES: usize = 192;

/// Appends the frame. Header values that the version cannot carry were refused before.
pub(crate) fn encode_send(
    publication: &Publication,
    receipt: u64,
    version: Version,
    out: &mut Vec<u8>,
) {
    let Publication {
        destination,
        body,
        content_type,
        message_id,
        key: _,
        headers,
        persistent,
    } = publication;
    let own: usize = headers.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
    let texts = [content_type, message_id, message_id].map(|t| t.as_ref().map_or(0, String::len));
    let sum: usize = texts.into_iter().sum();
    out.reserve(body.len() + destination.as_str().len() + own + sum + FIXED_BYTES);
    out.extend_from_slice(b"SEND\ndestination:");
    value(destination.as_str(), version, out);
    out.extend_from_slice(b"\nreceipt:");
    number(receipt, out);
    out.extend_from_slice(b"\ncontent-length:");
    number(body.len() as u64, out);
    if *persistent {
        out.extend_from_slice(b"\npersistent:true");
    }
    if let Some(content_type) = content_type {
        out.extend_from_slice(b"\ncontent-type:");
        value(content_type, version, out);
    }
    if let Some(id) = message_id {
        out.extend_from_slice(b"\nx-outbox-id:");
        value(id, version, out);
        out.extend_from_slice(b"\namqp-message-id:");
        value(id, version, out);
    }
    for (name, text) in headers {
        out.push(b'\n');
        text_of(name, Part::Name, version, out);
        out.push(b':');
        value(text, version, out);
    }
    out.extend_from_slice(b"\n\n");
    out.extend_from_slice(body);
    out.push(0);
}

/// In decimal. The way of `write!` is ten times as long.
fn number(number: u64, out: &mut Vec<u8>) {
    let (mut digits, mut at, mut rest) = ([0; 20], 20, number);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn value(text: &str, version: Version, out: &mut Vec<u8>) {
    text_of(text, Part::Value, version, out);
}

fn text_of(text: &str, part: Part, version: Version, out: &mut Vec<u8>) {
    let special = |b: u8| b < b' ' || b == b':' || b == b'\\';
    // To the end, whatever it finds: many bytes at once.
    if text.bytes().fold(false, |any, b| any | special(b)) {
        // What a version cannot say was refused before: control characters, and a colon in a name.
        let said = escape(text, Some(version), part, out);
        debug_assert!(said, "{part:?} {text:?} in {version}");
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Destination;
    use async_stomp::client::ClientCodec;
    use async_stomp::{Message, ToServer};
    use bytes::BytesMut;
    use proptest::prelude::*;
    use tokio_util::codec::Encoder;

    fn by_client_codec(publication: &Publication, receipt: u64) -> BytesMut {
        let Publication {
            destination,
            body,
            content_type,
            message_id,
            headers: extra,
            persistent,
            ..
        } = publication.clone();
        let mut headers = vec![
            ("receipt".to_owned(), receipt.to_string()),
            ("content-length".to_owned(), body.len().to_string()),
        ];
        headers.extend(persistent.then(|| ("persistent".to_owned(), "true".to_owned())));
        headers.extend(content_type.map(|v| ("content-type".to_owned(), v)));
        for name in ["x-outbox-id", "amqp-message-id"] {
            headers.extend(message_id.clone().map(|v| (name.to_owned(), v)));
        }
        headers.extend(extra);
        let send: Message<ToServer> = ToServer::Send {
            destination: destination.as_str().to_owned(),
            transaction: None,
            headers: Some(headers),
            body: Some(body.to_vec()),
        }
        .into();
        let mut wire = BytesMut::new();
        ClientCodec::new().encode(send, &mut wire).unwrap();
        wire
    }

    proptest! {
        #[test]
        fn it_writes_what_client_codec_writes(
            queue in "[^\\p{Cc}]{1,20}",
            body in prop::collection::vec(any::<u8>(), 0..200),
            content_type in prop::option::of("[^\\p{Cc}]{0,20}"),
            id in prop::option::of("[^\\p{Cc}]{0,20}"),
            extra in prop::collection::vec(("x-[^\\p{Cc}:]{0,10}", "[^\\p{Cc}]{0,10}"), 0..3),
            transient in any::<bool>(),
            receipt in any::<u64>(),
        ) {
            let mut publication = Publication::new(Destination::queue(&queue).unwrap(), body);
            publication.content_type = content_type;
            publication.message_id = id;
            publication.headers = extra;
            publication.persistent = !transient;
            let mut ours = Vec::new();
            encode_send(&publication, receipt, Version::V1_2, &mut ours);
            let theirs = by_client_codec(&publication, receipt);
            prop_assert_eq!(&ours[..], &theirs[..]);
        }
    }
}
