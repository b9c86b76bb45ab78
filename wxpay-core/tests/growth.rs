//! Bodies far past any message: refused for their cause, in little memory, and in time that grows as their length does.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wxpay_core::{
    Params, SignType, VerifyError, XmlError,
    in_place::{Field, InPlaceError, Message},
    sign,
    xml::{self, Limits},
};

const MIB: usize = 1024 * 1024;
const WIDE: Limits = Limits {
    max_bytes: usize::MAX,
    max_fields: usize::MAX,
    max_value_bytes: usize::MAX,
    ..Limits::DEFAULT
};

/// `head`, then `piece` as often as makes `bytes`, then `tail`.
fn body(head: &str, piece: &str, tail: &str, bytes: usize) -> String {
    [head, &piece.repeat(bytes / piece.len()), tail].concat()
}

#[test]
fn three_mebibytes_are_refused_before_they_are_looked_at() {
    for body in [
        body("<xml><a>", "x", "</a></xml>", 3 * MIB),
        body("<!DOCTYPE xml [", "<!ENTITY a \"&b;&b;\">", "]>", 3 * MIB),
        body("", "\0", "", 3 * MIB),
    ] {
        let mut got = None;
        let counted = allocation_counter::measure(|| got = Some(xml::read(body.as_bytes())));
        assert_eq!(
            got,
            Some(Err(XmlError::TooLarge {
                max_bytes: 65_536,
                got: body.len()
            }))
        );
        assert_eq!(counted.count_total, 0);
        assert_eq!(in_place(&body, &Limits::DEFAULT), got.unwrap());
    }
}

/// Reads in place, without an allocation: what is wrong, if anything is.
fn in_place(body: &str, limits: &Limits) -> Result<Params<'static>, XmlError> {
    let mut text = vec![0; body.len()];
    let mut fields = [Field::EMPTY; 129];
    let mut refused = None;
    let counted = allocation_counter::measure(|| {
        let read = Message::read_with(body.as_bytes(), &mut fields, &mut text, limits);
        refused = read.err();
    });
    assert_eq!(counted.count_total, 0);
    match refused {
        None => Ok(Params::new()),
        Some(InPlaceError::Xml(error)) => Err(error.into_owned()),
        Some(error) => panic!("there is room for everything, but {error}"),
    }
}

/// Messages of some `bytes` with something wrong, and how the refusal begins. `at_the_end` is that of the one whose fault comes
/// last.
fn faults(bytes: usize, at_the_end: &str) -> impl Iterator<Item = (&'static str, String, &str)> {
    [
        (
            "a bomb of entities",
            body(
                "<!DOCTYPE xml [",
                "<!ENTITY a \"&b;&b;\">",
                "]><xml>&a;</xml>",
                bytes,
            ),
            "a document type or entity declaration at byte 0",
        ),
        (
            "an external entity",
            body(
                "<?xml version=\"1.0\"?><!DOCTYPE xml SYSTEM \"",
                "file:///",
                "\">",
                bytes,
            ),
            "a document type or entity declaration at byte 21",
        ),
        (
            "nesting",
            body("<xml>", "<a>", "", bytes),
            "an element inside the field a at byte 8",
        ),
        (
            "a value",
            body("<xml><a>", "x", "</a></xml>", bytes),
            "the value of a is longer",
        ),
        (
            "split CDATA",
            body("<xml><a>", "<![CDATA[x]]>", "</a></xml>", bytes),
            "the value of a is longer",
        ),
        (
            "references",
            body("<xml><a>", "&#65;", "</a></xml>", bytes),
            "the value of a is longer",
        ),
        (
            "a name",
            body("<xml><", "a", "/></xml>", bytes),
            "a name longer than 64 bytes at byte 6",
        ),
        (
            "fields",
            body("<xml>", "<a/>", "</xml>", bytes),
            "more than 128 fields at byte 517",
        ),
        (
            "surrogates",
            body("<xml><a>", "&#xD800;", "</a></xml>", bytes),
            "a character that XML cannot carry at byte 8",
        ),
        (
            "bare ampersands",
            body("<xml><a>", "&", "</a></xml>", bytes),
            "an unknown entity or a bare & at byte 8",
        ),
        (
            "a comment",
            body("<xml><!--", "x", "", bytes),
            "the message is cut off",
        ),
        (
            "instructions",
            body("<xml>", "<?x y?>", "</xml>", bytes),
            "a processing instruction at byte 5",
        ),
        (
            "an attribute",
            body("<xml><a ", "b='c' ", "/></xml>", bytes),
            "an attribute at byte 8",
        ),
        (
            "a document after it",
            body("<xml/>", "<xml/>", "", bytes),
            "more after the root element at byte 6",
        ),
        (
            "NUL at the end",
            body("<xml><a>", "x", "\0", bytes),
            at_the_end,
        ),
    ]
    .into_iter()
}

/// Without the limit on the whole, each is refused for what is wrong with it, and memory does not grow with it.
#[test]
fn three_mebibytes_with_a_fault_are_refused_for_it() {
    const BYTES: usize = 3 * MIB;
    let narrow = Limits {
        max_bytes: usize::MAX,
        ..Limits::DEFAULT
    };
    let at_the_end = "a character that XML cannot carry at byte 3145736";
    for (what, body, wanted) in faults(BYTES, at_the_end) {
        let mut got = None;
        let counted = allocation_counter::measure(|| {
            got = Some(xml::read_with(body.as_bytes(), "xml", &narrow));
        });
        let error = got.unwrap().unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{what}: {error}");
        assert!(
            counted.bytes_max < 64 * 1024,
            "{what}: {} bytes",
            counted.bytes_max
        );
        let error = in_place(&body, &narrow).unwrap_err();
        assert!(
            matches!(error, XmlError::TooLarge { .. }),
            "{what}: {error}"
        );
    }
    let mut gbk = body("<xml><a>", "x", "", BYTES).into_bytes();
    gbk.extend([0xB2, 0xE8]);
    assert_eq!(
        xml::read_with(&gbk, "xml", &narrow),
        Err(XmlError::NotUtf8 { at: gbk.len() - 2 })
    );
}

/// As long as may be in place, both ways have one verdict.
#[test]
fn in_place_the_same_faults_are_refused_alike() {
    let at_the_end = "a character that XML cannot carry at byte 61448";
    // Narrow enough for the longest value of each.
    let narrow = Limits {
        max_value_bytes: 4 * 1024,
        ..Limits::DEFAULT
    };
    for (what, body, wanted) in faults(60 * 1024, at_the_end) {
        let error = xml::read_with(body.as_bytes(), "xml", &narrow).unwrap_err();
        assert_eq!(
            in_place(&body, &narrow).unwrap_err(),
            error,
            "{what}, in place"
        );
        let error = error.to_string();
        assert!(error.starts_with(wanted), "{what}: {error}");
    }
}

/// The time of this thread's own: what else the machine does does not count. The best of several runs.
fn best(mut work: impl FnMut()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let once = |()| {
        let begin = now();
        work();
        now().saturating_sub(begin)
    };
    [(); 5].map(once).into_iter().min().unwrap()
}

/// Four times the length takes four times as long. A quadratic step would take 16 times as long; half of that is the bar.
#[test]
fn time_grows_as_the_length_does() {
    const SHORT: usize = MIB / 16;
    for (what, head, piece, tail) in [
        ("a value", "<xml><a>", "x", "</a></xml>"),
        ("CDATA", "<xml><a><![CDATA[", "x", "]]></a></xml>"),
        (
            "brackets in CDATA",
            "<xml><a><![CDATA[",
            "]",
            "]]></a></xml>",
        ),
        ("brackets in text", "<xml><a>", "]", "</a></xml>"),
        ("split CDATA", "<xml><a>", "<![CDATA[x]]>", "</a></xml>"),
        (
            "references between CDATA",
            "<xml><a><![CDATA[",
            "]]>&#13;<![CDATA[",
            "]]></a></xml>",
        ),
        ("references", "<xml><a>", "&#65;", "</a></xml>"),
        ("the same field", "<xml>", "<a/>", "</xml>"),
        ("comments", "<xml>", "<!---->", "</xml>"),
        ("usual fields", "<xml>", "<a><![CDATA[1]]></a>", "</xml>"),
        (
            "usual fields between others",
            "<xml>",
            "<a>1</a><!--]--><b >1</b>",
            "</xml>",
        ),
        ("digits", "<xml><a>", "1", "</a></xml>"),
        ("a name", "<xml><", "x", ">1</x></xml>"),
        ("an open name", "<xml><", "x", ""),
        ("dashes in a comment", "<xml><!--", "- ", "--></xml>"),
        (
            "the end of CDATA in a comment",
            "<xml><!--",
            "]]>",
            "--></xml>",
        ),
        ("blanks", "<xml>", "\n", "</xml>"),
        ("an open comment", "<xml><!--", "x", ""),
        ("open CDATA", "<xml><a><![CDATA[", "]]", ""),
    ] {
        let time = |bytes: usize| {
            let body = body(head, piece, tail, bytes);
            best(|| {
                let _ = black_box(xml::read_with(black_box(body.as_bytes()), "xml", &WIDE));
            })
        };
        let (short, long) = (time(SHORT), time(4 * SHORT));
        assert!(long < short * 8, "{what}: {short:?}, then {long:?}");
        let time = |bytes: usize| {
            let body = body(head, piece, tail, bytes);
            let mut text = vec![0; body.len()];
            best(|| {
                let mut fields = [Field::EMPTY; 2];
                let _ = black_box(Message::read_with(
                    black_box(body.as_bytes()),
                    &mut fields,
                    &mut text,
                    &WIDE,
                ));
            })
        };
        let (short, long) = (time(SHORT), time(4 * SHORT));
        assert!(
            long < short * 8,
            "{what}, in place: {short:?}, then {long:?}"
        );
    }
}

/// Empty fields in descending order of their names, each of 10 bytes.
fn descending(count: usize) -> String {
    let fields: Vec<_> = (0..count).rev().map(|n| format!("<f{n:06}/>")).collect();
    fields.concat()
}

#[test]
fn many_fields_in_the_worst_order_take_n_log_n() {
    let time = |count: usize| {
        let fields = descending(count);
        let body = format!("<xml>{fields}</xml>");
        best(|| {
            let read = xml::read_with(black_box(body.as_bytes()), "xml", &WIDE).unwrap();
            assert_eq!(read.len(), count);
        })
    };
    let (short, long) = (time(10_000), time(40_000));
    assert!(long < short * 8, "{short:?}, then {long:?}");
}

#[test]
fn a_hundred_thousand_fields_are_refused_in_little_memory() {
    let limits = Limits {
        max_bytes: usize::MAX,
        ..Limits::DEFAULT
    };
    let body = format!("<xml>{}</xml>", descending(100_000));
    let mut got = None;
    let counted = allocation_counter::measure(|| {
        got = Some(xml::read_with(body.as_bytes(), "xml", &limits).unwrap_err());
    });
    assert_eq!(
        got,
        Some(XmlError::TooManyFields {
            max_fields: 128,
            at: 1285
        })
    );
    assert!(counted.bytes_max < 64 * 1024, "{}", counted.bytes_max);
}

/// With the limits taken away, memory grows as the length does, and a field that is there twice is still found.
#[test]
fn a_hundred_thousand_fields_are_read_where_limits_allow_it() {
    let fields = descending(100_000);
    let twice = format!("<xml>{fields}<f099999/></xml>");
    let mut got = None;
    let counted = allocation_counter::measure(|| {
        got = Some(xml::read_with(twice.as_bytes(), "xml", &WIDE).unwrap_err());
    });
    assert_eq!(
        got,
        Some(XmlError::Duplicate {
            name: "f099999".into(),
            at: twice.len() - "f099999/></xml>".len()
        })
    );
    let most = u64::try_from(twice.len()).unwrap() * 40;
    assert!(counted.bytes_max < most, "{} bytes", counted.bytes_max);
}

/// The sign sorts the fields: in n log n, too.
#[test]
fn verifying_many_fields_takes_n_log_n() {
    let keys = ["192006250b4c09247ec02edce69f6a2d".parse().unwrap()];
    let time = |count: usize| {
        let fields: Vec<_> = (0..count)
            .rev()
            .map(|n| format!("<f{n:06}>1</f{n:06}>"))
            .collect();
        let fields = fields.concat();
        let sign = "0".repeat(32);
        let body = format!("<xml>{fields}<sign>{sign}</sign></xml>");
        let params = xml::read_with(body.as_bytes(), "xml", &WIDE).unwrap();
        assert_eq!(params.len(), count + 1);
        best(|| {
            let verdict = sign::verify(black_box(&params), &keys, SignType::Md5);
            assert_eq!(verdict, Err(VerifyError::Mismatch));
        })
    };
    let (short, long) = (time(10_000), time(40_000));
    assert!(long < short * 8, "{short:?}, then {long:?}");
}

/// Without a heap the number of fields is limited, so that its insertion sort costs a bounded time each.
#[test]
fn in_place_the_worst_order_is_bounded() {
    let fields = descending(6_000);
    let body = format!("<xml>{fields}</xml>");
    let mut room = [Field::EMPTY; 200];
    let error = Message::read(body.as_bytes(), &mut room, &mut []).unwrap_err();
    assert_eq!(error.to_string(), "more than 128 fields at byte 1285");
    // Whatever the caller's limits: what does not fit the places of a field is refused.
    let body = format!("<xml>{}</xml>", descending(100_000));
    let error = Message::read_with(body.as_bytes(), &mut room, &mut [], &WIDE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message has 1000011 bytes, more than 65536"
    );
}
