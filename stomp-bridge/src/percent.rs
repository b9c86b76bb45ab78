//! Percent escapes, as URLs and RabbitMQ's destinations have them.

/// Undoes them; `None` for a wrong one, or when the bytes are no text.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'%' {
            bytes.push(b);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The name of a queue or exchange, or a routing key, as one part of a destination.
pub(crate) fn encode_part(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back_and_what_is_wrong_does_not() {
        assert_eq!(
            decode(&encode_part("a/b%2Fc d+e")).as_deref(),
            Some("a/b%2Fc d+e")
        );
        assert_eq!(decode("%e4%bB%98").as_deref(), Some("付"));
        for wrong in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(wrong), None);
        }
    }
}
