use wxpay_core::{
    SignType, VerifyError, XmlError,
    api::{
        AnswerError, BankTransferQuery, BankTransferStatus, DownloadBill, ErrorCode, FieldError,
        GetSignKey, OnlyMd5, RedPackQuery, RedPackStatus, Report, Transfer, parse_text,
        parse_unsigned,
    },
    xml,
};

use super::{answer, params, seed_account, with};

const SENT: [(&str, &str); 7] = [
    ("return_code", "SUCCESS"),
    ("result_code", "SUCCESS"),
    ("mch_appid", "wx8397f8696b538317"),
    ("mchid", "1473426802"),
    ("partner_trade_no", "P1"),
    ("payment_no", "1007"),
    ("payment_time", "2015-05-19 15:26:59"),
];

#[test]
fn what_has_no_sign_stays_unproven() {
    let xml = xml::write(&params(&SENT));
    let sent = parse_unsigned::<Transfer>(xml.as_bytes(), &seed_account(), OnlyMd5).unwrap();
    assert_eq!(sent.unproven().payment_no, "1007");
    assert_eq!(sent.params().get("mchid"), Some("1473426802"));

    let mut foreign = SENT;
    foreign[3].1 = "1900000109";
    let xml = xml::write(&params(&foreign));
    assert_eq!(
        parse_unsigned::<Transfer>(xml.as_bytes(), &seed_account(), OnlyMd5),
        Err(AnswerError::Foreign { field: "mchid" })
    );

    // One that brings a sign must bring one that holds.
    let signed = answer(&SENT, SignType::Md5);
    assert!(parse_unsigned::<Transfer>(signed.as_bytes(), &seed_account(), OnlyMd5).is_ok());
    let forged = signed.replace("1007", "1008");
    assert_eq!(
        parse_unsigned::<Transfer>(forged.as_bytes(), &seed_account(), OnlyMd5),
        Err(AnswerError::Verify(VerifyError::Mismatch))
    );
}

#[test]
fn a_refusal_without_a_sign_is_unproven() {
    let refused = |fields: &[(&str, &str)]| {
        let xml = xml::write(&params(fields));
        parse_unsigned::<Transfer>(xml.as_bytes(), &seed_account(), OnlyMd5).unwrap_err()
    };
    for return_code in ["SUCCESS", "FAIL"] {
        assert_eq!(
            refused(&[
                ("return_code", return_code),
                ("result_code", "FAIL"),
                ("err_code", "SEND_FAILED"),
                ("err_code_des", "no"),
            ]),
            AnswerError::Unproven {
                code: ErrorCode::SendFailed,
                description: "no".into()
            }
        );
    }
    assert_eq!(
        refused(&[("return_code", "FAIL"), ("return_msg", "签名错误")]),
        AnswerError::Refused {
            return_msg: "签名错误".into()
        }
    );
    assert_eq!(
        refused(&[("result_code", "FAIL")]),
        AnswerError::NoReturnCode
    );
}

#[test]
fn the_one_nested_sentis_read() {
    let read = |list: &str| {
        let xml = format!(
            "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>\
             <wishing><![CDATA[<hblist>]]></wishing>\
             <mch_billno>B1</mch_billno><status>RECEIVED</status><total_num>2</total_num>{list}</xml>"
        );
        parse_unsigned::<RedPackQuery>(xml.as_bytes(), &seed_account(), OnlyMd5)
            .map(wxpay_core::api::Unsigned::into_unproven)
    };
    let pack = read(
        "<hblist>\n<hbinfo><openid><![CDATA[ohO4Gt7wVPxIT1A9GjFaMYMiZY1s]]></openid><amount>100</amount>\
         <rcv_time><![CDATA[2015-04-21 </hbinfo>]]></rcv_time></hbinfo>\
         <hbinfo><openid>o2</openid><amount>1</amount></hbinfo></hblist>",
    )
    .unwrap();
    assert_eq!(pack.status, RedPackStatus::Received);
    assert_eq!(pack.wishing.unwrap().as_str(), "<hblist>");
    assert_eq!(pack.hblist.len(), 2);
    assert_eq!(pack.hblist[0].amount.get(), 100);
    assert_eq!(
        pack.hblist[0].rcv_time.as_deref(),
        Some("2015-04-21 </hbinfo>")
    );
    assert!(read("").unwrap().hblist.is_empty());
    for list in [
        "<hblist><hbinfo></hblist>",
        "<hblist>stray</hblist>",
        "<hblist><other></other></hblist>",
        "<hblist><hbinfo><openid>o</openid></hbinfo></hblist>",
    ] {
        assert!(matches!(read(list), Err(AnswerError::Field(_))), "{list}");
    }
    for list in ["<hblist><hbinfo>", "<hblist><![CDATA["] {
        assert!(matches!(read(list), Err(AnswerError::Xml(_))), "{list}");
    }
}

#[test]
fn a_key_of_the_sandbox_is_a_key() {
    let read = |key: &str| {
        let xml = xml::write(&params(&[
            ("return_code", "SUCCESS"),
            ("mch_id", "1473426802"),
            ("sandbox_signkey", key),
        ]));
        parse_unsigned::<GetSignKey>(xml.as_bytes(), &seed_account(), OnlyMd5)
    };
    let answer = read("192006250b4c09247ec02edce69f6a2d").unwrap();
    assert!(!format!("{answer:?}").contains("192006"));
    assert_eq!(
        read("short").unwrap_err(),
        AnswerError::Field(FieldError::Unexpected {
            field: "sandbox_signkey"
        })
    );
    let xml = xml::write(&params(&[("return_code", "SUCCESS")]));
    assert!(parse_unsigned::<Report>(xml.as_bytes(), &seed_account(), OnlyMd5).is_ok());
    let xml = xml::write(&params(&with(&[
        ("partner_trade_no", "12345678"),
        ("status", "BANK_FAIL"),
    ])));
    let query =
        parse_unsigned::<BankTransferQuery>(xml.as_bytes(), &seed_account(), OnlyMd5).unwrap();
    assert_eq!(query.unproven().status, BankTransferStatus::BankFail);
}

#[test]
fn a_text_or_the_refusal_in_its_place() {
    for text in [
        &b"\xEF\xBB\xBF`2014-06-03"[..],
        b"\x1f\x8b\x08\x00rest",
        b"trade time,...\r\n",
    ] {
        assert_eq!(parse_text::<DownloadBill>(text), Ok(text));
    }
    assert_eq!(
        parse_text::<DownloadBill>(b""),
        Err(AnswerError::Xml(XmlError::Empty))
    );
    assert_eq!(
        parse_text::<DownloadBill>(b"<html>"),
        Err(AnswerError::Xml(XmlError::Html))
    );
    for (xml, code) in [
        (
            "<xml><return_code>FAIL</return_code><return_msg>NO Bill Exist</return_msg><error_code>20002</error_code></xml>",
            ErrorCode::NoBillExist,
        ),
        (
            "<xml><return_code>FAIL</return_code><return_msg>Bill Creating</return_msg></xml>",
            ErrorCode::BillCreating,
        ),
        (
            "<xml><return_code>FAIL</return_code><return_msg>x</return_msg><error_code>20100</error_code></xml>",
            ErrorCode::Other("20100".into()),
        ),
        (
            "\n<xml><return_code>SUCCESS</return_code><result_code>FAIL</result_code><err_code>NO_BILL_EXIST</err_code></xml>",
            ErrorCode::NoBillExist,
        ),
    ] {
        let Err(AnswerError::Unproven { code: found, .. }) =
            parse_text::<DownloadBill>(xml.as_bytes())
        else {
            panic!("{xml}");
        };
        assert_eq!(found, code);
    }
    assert!(matches!(
        parse_text::<DownloadBill>(b"<xml><return_code>SUCCESS</return_code></xml>"),
        Err(AnswerError::Field(_))
    ));
}
