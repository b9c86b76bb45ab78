//! What is needed of URLs.

use alloc::string::String;

/// Appends a text as one value of a query string: all but letters, digits and `- . _ ~` is percent-encoded.
pub(super) fn encode(url: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.push(char::from(DIGITS[usize::from(byte >> 4)]));
            url.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Whether a text is `http://` or `https://` with a host, in printable ASCII without blanks. A user name before the host
/// and a backslash, which browsers take for a slash, are refused: they make a foreign host look like one's own.
pub(super) fn is_http(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty()
        && !host.starts_with(':')
        && !host.contains('@')
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_all_but_the_unreserved() {
        let mut url = String::new();
        encode(&mut url, "aZ09-._~ /?&=%+茶");
        assert_eq!(url, "aZ09-._~%20%2F%3F%26%3D%25%2B%E8%8C%B6");
    }

    #[test]
    fn knows_http_urls() {
        for good in [
            "http://a",
            "https://shop.example/done?order=1#top",
            "https://shop.example:8443/",
            "https://shop.example/@me",
        ] {
            assert!(is_http(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "https:///path",
            "https://?x",
            "https://:80/",
            "//shop.example",
            "javascript:alert(1)",
            "HTTPS://shop.example",
            "ftp://shop.example",
            "https://shop.example@evil.example",
            "https://shop.example\\@evil.example",
            "https://shop.example/a b",
            "https://shop.example/茶",
            " https://shop.example",
        ] {
            assert!(!is_http(bad), "{bad}");
        }
    }
}
