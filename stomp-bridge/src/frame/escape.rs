//! Header escapes. 1.0 has none; 1.1 has `\n`, `\c`, `\\`; 1.2 adds `\r`.

use super::Version;

/// Undoes the escapes; `None` at one that the version does not define.
pub(crate) fn unescape(text: &str, version: Version) -> Option<String> {
    if version == Version::V1_0 || !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match chars.next()? {
            'n' => '\n',
            'c' => ':',
            '\\' => '\\',
            'r' if version == Version::V1_2 => '\r',
            _ => return None,
        });
    }
    Some(plain)
}

/// Whether `text` may be written with the escapes of `version`.
fn fits(text: &str, version: Option<Version>, is_name: bool) -> bool {
    let escapes = version.filter(|v| *v != Version::V1_0);
    text.bytes().all(|b| match b {
        0 => false,
        b'\r' => escapes == Some(Version::V1_2),
        b'\n' => escapes.is_some(),
        b':' => escapes.is_some() || !is_name,
        _ => true,
    })
}

/// Appends `text` with the escapes of `version` (`None`: a frame that has none). False when it
/// cannot be said; then nothing was appended.
pub(crate) fn escape(text: &str, version: Option<Version>, part: Part, out: &mut Vec<u8>) -> bool {
    if !fits(text, version, part == Part::Name) {
        return false;
    }
    if version.is_none_or(|v| v == Version::V1_0) {
        out.extend_from_slice(text.as_bytes());
        return true;
    }
    for b in text.bytes() {
        match b {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b':' => out.extend_from_slice(b"\\c"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b => out.push(b),
        }
    }
    true
}

/// Which half of a header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Name,
    Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str, version: Version) -> Option<String> {
        let mut out = Vec::new();
        escape(text, Some(version), Part::Value, &mut out)
            .then(|| unescape(std::str::from_utf8(&out).unwrap(), version).unwrap())
    }

    #[test]
    fn each_version_knows_its_own_escapes() {
        assert_eq!(
            round("a:b\\c\nd\r", Version::V1_2).as_deref(),
            Some("a:b\\c\nd\r")
        );
        assert_eq!(
            round("a:b\\c\nd", Version::V1_1).as_deref(),
            Some("a:b\\c\nd")
        );
        assert_eq!(round("a\rb", Version::V1_1), None);
        assert_eq!(round("a\nb", Version::V1_0), None);
        assert_eq!(round("a:b\\n", Version::V1_0).as_deref(), Some("a:b\\n"));
        assert_eq!(unescape("a\\rb", Version::V1_1), None);
        assert_eq!(unescape("a\\tb", Version::V1_2), None);
        assert_eq!(unescape("a\\", Version::V1_2), None);
    }
}
