//! Beyond the table: each kind of fault in every form that it takes.

use wxpay_core::{NotifyError, Params, UnverifiedNotify, VerifyError, XmlError, sign, xml};

use super::{
    HMAC, MD5, receive, refused_sign, refused_xml, resigned, resigned_raw, seed_fields, tampered,
};
use crate::common::{self, account_with, params, seed_key, seed_notify};

// What a genuine notify may look like.

#[test]
fn unknown_signed_field() {
    let notify = receive(resigned(&[("rate_of_2031", "7")], MD5), MD5).unwrap();
    assert_eq!(notify.params().get("rate_of_2031"), Some("7"));
}

#[test]
fn entities_outside_cdata() {
    let body = resigned_raw("attach", "a&b<c>\"'", "a&amp;b&lt;c&gt;&quot;&apos;");
    let notify = receive(body, MD5).unwrap();
    assert_eq!(
        notify.payment().attach.as_ref().unwrap().as_str(),
        "a&b<c>\"'"
    );
}

#[test]
fn character_references() {
    let body = resigned_raw("attach", "茶A😀", "&#33590;&#x41;&#x1F600;");
    let notify = receive(body, MD5).unwrap();
    assert_eq!(notify.params().get("attach"), Some("茶A😀"));
}

#[test]
fn outer_blanks_are_signed_raw() {
    for raw in [" tea ", "<![CDATA[ tea ]]>", " <![CDATA[tea]]> "] {
        let notify = receive(resigned_raw("attach", " tea ", raw), MD5).unwrap();
        assert_eq!(notify.params().get("attach"), Some(" tea "), "{raw}");
    }
}

#[test]
fn cdata_in_several_sections() {
    for raw in [
        "<![CDATA[a]]]]><![CDATA[>b]]>",
        "<![CDATA[a]]>]]&gt;<![CDATA[b]]>",
        "a<![CDATA[]]]]>&#62;b",
    ] {
        let notify = receive(resigned_raw("attach", "a]]>b", raw), MD5).unwrap();
        assert_eq!(notify.params().get("attach"), Some("a]]>b"), "{raw}");
    }
}

#[test]
fn comment_between_fields_only() {
    receive(tampered("<bank_type>", "<!-- bank --><bank_type>"), MD5).unwrap();
    for (from, to) in [
        ("[CFT]]>", "[CFT]]><!-- inside -->"),
        ("<total_fee>1", "<total_fee><!---->1"),
        ("<xml>", "<!-- before --><xml>"),
        ("<bank_type>", "<!-- two -- dashes --><bank_type>"),
    ] {
        assert!(
            matches!(refused_xml(tampered(from, to)), XmlError::Comment { .. }),
            "{to}"
        );
    }
}

// What a forger would try.

#[test]
fn without_a_sign() {
    for to in ["", "<sign></sign>", "<sign/>", "<sign><![CDATA[]]></sign>"] {
        let body = tampered(
            "<sign><![CDATA[DD4E5DF5AF8D8D8061B0B8BF210127DE]]></sign>",
            to,
        );
        assert_eq!(refused_sign(body, MD5), VerifyError::Missing, "{to}");
    }
}

#[test]
fn md5_sign_for_an_hmac_order() {
    assert!(matches!(
        refused_sign(seed_notify(), HMAC),
        VerifyError::WrongLength { .. }
    ));
    assert!(matches!(
        refused_sign(resigned(&[("sign_type", "MD5")], MD5), HMAC),
        VerifyError::WrongLength { .. }
    ));
}

#[test]
fn hmac_sign_for_an_md5_order() {
    assert!(matches!(
        refused_sign(resigned(&[], HMAC), MD5),
        VerifyError::WrongLength { .. }
    ));
    assert!(matches!(
        refused_sign(resigned(&[("sign_type", "HMAC-SHA256")], HMAC), MD5),
        VerifyError::WrongLength { .. }
    ));
}

#[test]
fn sign_type_that_disagrees() {
    assert_eq!(
        refused_sign(resigned(&[("sign_type", "HMAC-SHA256")], MD5), MD5),
        VerifyError::SignTypeDisagrees
    );
}

#[test]
fn total_fee_twice() {
    for (from, to, again) in [
        (
            "<total_fee>1<",
            "<total_fee>100</total_fee><total_fee>1<",
            "last one signed",
        ),
        (
            "<total_fee>1<",
            "<total_fee>1</total_fee><total_fee>100<",
            "first one signed",
        ),
    ] {
        let body = tampered(from, to);
        let second = body.rfind("<total_fee>").unwrap() + 1;
        assert_eq!(
            refused_xml(body),
            XmlError::Duplicate {
                name: "total_fee".into(),
                at: second
            },
            "{again}"
        );
    }
}

#[test]
fn sign_twice() {
    let body = tampered("<sign>", "<sign>0</sign><sign>");
    assert!(matches!(refused_xml(body), XmlError::Duplicate { name, .. } if name == "sign"));
}

#[test]
fn doctype_in_every_form() {
    let entity = tampered("<total_fee>1<", "<total_fee>&one;<");
    for (head, body) in [
        ("<!DOCTYPE xml>", seed_notify()),
        ("<!DOCTYPE xml [<!ENTITY one \"1\">]>", entity.clone()),
        (
            "<!DOCTYPE xml [<!ENTITY one SYSTEM \"file:///etc/passwd\">]>",
            entity.clone(),
        ),
        ("<?xml version=\"1.0\"?>\n<!DOCTYPE xml>", seed_notify()),
        ("<!doctype xml>", seed_notify()),
        ("<!ENTITY one \"1\">", entity.clone()),
    ] {
        let error = refused_xml(head.to_owned() + &body);
        assert!(matches!(error, XmlError::Doctype { .. }), "{head}: {error}");
    }
    for (from, to) in [
        ("<bank_type>", "<!DOCTYPE xml><bank_type>"),
        ("<total_fee>1", "<total_fee><!ENTITY one \"1\">1"),
    ] {
        assert!(matches!(
            refused_xml(tampered(from, to)),
            XmlError::Doctype { .. }
        ));
    }
    let at = entity.find('&').unwrap();
    assert_eq!(refused_xml(entity), XmlError::Entity { at });
}

#[test]
fn nested_element() {
    let body = tampered("<total_fee>1<", "<total_fee><a>1</a><");
    let at = body.find("<a>").unwrap();
    let field = "total_fee".into();
    assert_eq!(refused_xml(body), XmlError::Nested { field, at });
}

#[test]
fn another_root() {
    for root in ["root", "XML", "xmlx", "xm"] {
        let body = seed_notify()
            .replace("<xml>", &format!("<{root}>"))
            .replace("</xml>", &format!("</{root}>"));
        assert_eq!(refused_xml(body), XmlError::NotXmlRoot { at: 0 }, "{root}");
    }
}

#[test]
fn something_after_the_root() {
    let seed = seed_notify();
    receive(format!("{seed}\r\n\t "), MD5).unwrap();
    for more in [seed.as_str(), "x", "<!-- c -->", "\0"] {
        let error = refused_xml(format!("{seed}{more}"));
        let at = seed.len();
        assert!(
            error == XmlError::Trailing { at } || error == XmlError::Character { at },
            "{error}"
        );
    }
}

#[test]
fn html_and_other_texts() {
    for page in [
        "<html><body>404</body></html>",
        "<!DOCTYPE html><html></html>",
        "\r\n<!doctype HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">",
    ] {
        assert_eq!(refused_xml(page), XmlError::Html, "{page}");
    }
    for text in ["{\"a\":1}", "success", "<", "<x", "&", "a=1&b=2"] {
        assert!(
            matches!(refused_xml(text), XmlError::NotXmlRoot { .. }),
            "{text}"
        );
    }
    for nothing in ["", " \r\n"] {
        assert_eq!(refused_xml(nothing), XmlError::Empty);
    }
}

// Bytes that are no text, and text that is too much.

#[test]
fn declaration_at_the_very_start_only() {
    let seed = seed_notify();
    for head in [
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='UTF-8'?>\n",
    ] {
        receive(format!("{head}{seed}"), MD5).unwrap();
    }
    for body in [
        format!(" <?xml version=\"1.0\"?>{seed}"),
        format!("<?php echo 1 ?>{seed}"),
        format!("<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{seed}"),
        format!("<?xml-stylesheet href=\"a\"?>{seed}"),
        tampered("<bank_type>", "<?pi?><bank_type>"),
        tampered("<total_fee>1", "<total_fee><?pi?>1"),
    ] {
        let error = refused_xml(&body);
        assert!(
            matches!(error, XmlError::ProcessingInstruction { .. }),
            "{error}: {body}"
        );
    }
}

#[test]
fn byte_order_mark() {
    assert_eq!(
        refused_xml(format!("\u{FEFF}{}", seed_notify())),
        XmlError::ByteOrderMark
    );
}

#[test]
fn characters_that_xml_cannot_carry() {
    for bad in ["\0", "\u{1}", "\u{1b}", "\u{FFFE}", "\u{FFFF}"] {
        let body = tampered("[CFT]", &format!("[CFT{bad}]"));
        let at = body.find(bad).unwrap();
        assert_eq!(refused_xml(body), XmlError::Character { at });
    }
    for reference in [
        "&#0;",
        "&#x0;",
        "&#1;",
        "&#xD800;",
        "&#xDFFF;",
        "&#xFFFE;",
        "&#x110000;",
        "&#4294967361;",
    ] {
        let body = tampered("<total_fee>1<", &format!("<total_fee>1{reference}<"));
        let at = body.find('&').unwrap();
        assert_eq!(refused_xml(body), XmlError::Character { at }, "{reference}");
    }
    for reference in [
        "&",
        "&;",
        "&#;",
        "&#x;",
        "&#+65;",
        "&#x-1;",
        "&#X41;",
        "&nbsp;",
        "&amp",
        "&AMP;",
        "&#00000000000065;",
    ] {
        let body = tampered("<total_fee>1<", &format!("<total_fee>1{reference}<"));
        let at = body.find('&').unwrap();
        assert_eq!(refused_xml(body), XmlError::Entity { at }, "{reference}");
    }
}

#[test]
fn gbk_bytes() {
    let seed = seed_notify();
    let at = seed.find("CFT").unwrap();
    let mut body = seed.into_bytes();
    // Two characters in GBK.
    body.splice(at..at + 3, [0xB2, 0xE8, 0xD2, 0xB6]);
    assert_eq!(refused_xml(body), XmlError::NotUtf8 { at });
}

#[test]
fn other_malformed_documents() {
    for (from, to, wanted) in [
        ("<bank_type>", "<bank_type a=\"1\">", "an attribute"),
        ("<xml>", "<xml a=\"1\">", "an attribute"),
        ("<bank_type>", "<bank-type>", "no name"),
        ("<bank_type>", "<1bank>", "no name"),
        ("<bank_type>", "<银行>", "no name"),
        ("<bank_type>", "< bank_type>", "no name"),
        ("</bank_type>", "</bank_typo>", "an end tag"),
        ("</bank_type>", "</bank_types>", "an end tag"),
        ("</bank_type>", "</cash_fee>", "an end tag"),
        ("<bank_type>", "</bank_type>", "an end tag"),
        ("<bank_type>", "x<bank_type>", "text between"),
        ("<bank_type>", "<![CDATA[x]]><bank_type>", "text between"),
        ("<bank_type>", "&amp;<bank_type>", "text between"),
        ("<total_fee>1", "<total_fee>]]>", "]]> outside"),
    ] {
        let error = refused_xml(tampered(from, to)).to_string();
        assert!(error.starts_with(wanted), "{to}: {error}");
    }
}

#[test]
fn every_cut_is_refused() {
    let seed = seed_notify();
    for end in 0..seed.len() {
        let error = refused_xml(&seed[..end]);
        assert!(
            matches!(
                error,
                XmlError::Cut { .. } | XmlError::Empty | XmlError::NotXmlRoot { at: 0 }
            ),
            "{end}: {error}"
        );
    }
}

#[test]
fn too_much_of_everything() {
    let filler = "x".repeat(70_000);
    assert_eq!(
        refused_xml(format!("<xml><a>{filler}</a></xml>")),
        XmlError::TooLarge {
            max_bytes: 65_536,
            got: 70_018
        }
    );
    let long = &filler[..8_193];
    for body in [
        format!("<xml><a>{long}</a></xml>"),
        format!("<xml><a><![CDATA[{long}]]></a></xml>"),
        format!("<xml><a>{}</a></xml>", "&amp;".repeat(8_193)),
    ] {
        assert!(matches!(refused_xml(body), XmlError::LongValue { field, .. } if field == "a"));
    }
    let name = &filler[..65];
    assert!(matches!(
        refused_xml(format!("<xml><{name}>1</{name}></xml>")),
        XmlError::LongName { at: 6, .. }
    ));
    let many = (0..129)
        .map(|n| format!("<f{n}/>"))
        .collect::<Vec<_>>()
        .concat();
    assert!(matches!(
        refused_xml(format!("<xml>{many}</xml>")),
        XmlError::TooManyFields {
            max_fields: 128,
            ..
        }
    ));
    let deep = "<a>".repeat(20_000);
    assert!(matches!(
        refused_xml(format!("<xml>{deep}</xml>")),
        XmlError::Nested { .. }
    ));
}

#[test]
fn foreign_and_failed_but_signed() {
    let fields = seed_fields();
    let with = |name: &str, value: &str| {
        let mut changed = Params::new();
        for (field, old) in fields.iter() {
            let new = if field == name { value } else { old };
            changed.insert(field.to_owned(), new.to_owned()).unwrap();
        }
        xml::write(&sign::signed(changed, &seed_key(), MD5))
    };
    for field in ["appid", "mch_id"] {
        assert_eq!(
            receive(with(field, "1900000109"), MD5).err(),
            Some(NotifyError::Foreign { field })
        );
    }
    for field in ["return_code", "result_code"] {
        assert_eq!(
            receive(with(field, "FAIL"), MD5).err(),
            Some(NotifyError::NotSuccess { field })
        );
    }
    for (field, value) in [
        ("total_fee", "1.00"),
        ("total_fee", "-1"),
        ("total_fee", ""),
        ("time_end", "2019-03-20"),
        ("transaction_id", ""),
    ] {
        let error = receive(with(field, value), MD5).unwrap_err();
        assert!(matches!(error, NotifyError::Field(_)), "{error}");
        assert!(error.to_string().contains(field), "{error}");
    }
    // Another merchant's key proves nothing here.
    let other = account_with(common::other_key());
    let seed = seed_notify();
    let result = UnverifiedNotify::parse(seed.as_bytes())
        .unwrap()
        .verify(&other, MD5);
    assert_eq!(
        result.err(),
        Some(NotifyError::Verify(VerifyError::Mismatch))
    );
    // A bare refusal has no sign.
    let fail = xml::write(&params(&[("return_code", "FAIL"), ("return_msg", "no")]));
    assert_eq!(refused_sign(fail, MD5), VerifyError::Missing);
}
