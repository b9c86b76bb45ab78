//! Each endpoint's page, which its documentation shows, says what its code does.

use std::{collections::BTreeSet, fs};

use wxpay_core::{
    AppId, Attach, Body, CodeUrl, FeeType, MchId, NotifyUrl, OpenId, OutRefundNo, OutTradeNo,
    Params, PrepayId, ProductId, SignType, SpbillCreateIp, TransactionId,
    api::{
        ActName, Advice, AnswerError, AnswerKind, AuthCode, BankCode, Class, CombineOutTradeNo,
        Detail, DeviceInfo, EncryptedText, Endpoint, ErrorCode, GoodsTag, InterfaceUrl, LimitPay,
        LongUrl, MchBillno, OutOrderNo, OutReturnNo, PartnerTradeNo, ReUserName, ReceiverText,
        Receivers, RefundDesc, RefundId, Remark, Repeat, ReturnAccount, RiskInfo, SceneId,
        SceneInfo, SendName, SharingDescription, SharingOrderId, SignChoice, SubMerchantFields,
        SubOrderList, Trades, TransferDesc, UserCreid, UserTruename, UserType, Wishing,
    },
};

const CHAPTERS: [&str; 5] = [
    "# Fields",
    "# Answer",
    "# Rules",
    "# Error codes",
    "# Source",
];

fn page<E: Endpoint>() -> String {
    let old = if E::PATH.starts_with("/sandboxnew") {
        "_old"
    } else {
        ""
    };
    let name = E::NAME;
    let folder = env!("CARGO_MANIFEST_DIR");
    fs::read_to_string(format!("{folder}/src/api/pages/{name}{old}.md")).expect(name)
}

/// The cells of the table rows in a part of a page, without its head and without code marks.
fn rows(part: &str) -> Vec<Vec<&str>> {
    part.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| |"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

fn chapter<'p>(page: &'p str, title: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("\n{title}\n")).expect(title);
    rest.split("\n# ").next().unwrap_or_default()
}

const fn class_name(class: Class) -> &'static str {
    match class {
        Class::RetrySame => "RetrySame",
        Class::QueryFirst => "QueryFirst",
        Class::Final => "Final",
        Class::Caller => "Caller",
        Class::Done => "Done",
    }
}

/// The fields of a request that are its own, not the account's.
fn own_fields<'f, E: Endpoint>(fields: &'f Params<'_>) -> BTreeSet<&'f str> {
    let account = [
        E::NAMING.appid.unwrap_or("appid"),
        E::NAMING.mch_id,
        "nonce_str",
        "sign",
    ];
    let sent = fields.iter().map(|(name, _)| name);
    sent.filter(|name| !account.contains(name))
        .filter(|name| *name != "sign_type" || !E::Sign::IS_SENT)
        .collect()
}

/// Every field that was sent has its row; and what must be there is in every request.
pub(crate) fn names_the_fields_of<E: Endpoint>(fields: &Params<'_>) {
    let page = page::<E>();
    let rows = rows(chapter(&page, "# Fields"));
    let sent = own_fields::<E>(fields);
    let name = |row: &[&str]| row[0].trim_matches('`').to_owned();
    let listed: BTreeSet<_> = rows.iter().map(|row| name(row)).collect();
    for field in &sent {
        assert!(listed.contains(*field), "{}: {field}", E::NAME);
    }
    for row in rows.iter().filter(|row| row[2] == "yes") {
        assert!(sent.contains(&*name(row)), "{}: {row:?}", E::NAME);
    }
}

fn check<E: Endpoint>() {
    let page = page::<E>();
    let name = E::NAME;
    let at = CHAPTERS.map(|title| page.find(&format!("\n{title}\n")).expect(title));
    assert!(at.is_sorted(), "{name}");
    assert!(chapter(&page, "# Rules").contains("\n- "), "{name}");
    let source = chapter(&page, "# Source");
    assert!(source.contains("<https://pay.weixin.qq.com/"), "{name}");

    let sign = match E::Sign::PERMITTED {
        [SignType::Md5] => "MD5",
        [SignType::HmacSha256] => "HMAC-SHA256",
        _ => "MD5 or HMAC-SHA256",
    };
    let answer = match E::ANSWER {
        AnswerKind::Signed => "signed",
        AnswerKind::Unsigned => "unsigned",
        _ => "text",
    };
    let repeat = match E::REPEAT {
        Repeat::Safe => "changes nothing",
        Repeat::SameNumber => "the same number keeps the effect one",
        Repeat::QueryFirst => "query first",
    };
    let provider = match E::SUB_MERCHANT {
        SubMerchantFields::Both => "`sub_mch_id`, `sub_appid`",
        SubMerchantFields::MchIdOnly => "`sub_mch_id`",
        SubMerchantFields::Absent => "no",
    };
    let mut facts = vec![vec!["path".to_owned(), format!("`{}`", E::PATH)]];
    facts.extend(E::HOST.map(|host| vec!["host".to_owned(), format!("`{host}`")]));
    let cert = if E::NEEDS_CERT { "yes" } else { "no" };
    for (what, is) in [
        ("client certificate", cert),
        ("sign type", sign),
        ("answer", answer),
        ("sent again", repeat),
        ("service provider", provider),
    ] {
        facts.push(vec![what.to_owned(), is.to_owned()]);
    }
    assert_eq!(rows(&page[..at[0]]), facts, "{name}");

    let codes = rows(chapter(&page, "# Error codes"));
    let mut seen = BTreeSet::new();
    for row in codes.iter().skip(1) {
        let [code, class, advice] = row[..] else {
            panic!("{name}: {row:?}")
        };
        let code = code.trim_matches('`');
        let named = ErrorCode::from(coded(code));
        let is = class_name(E::class(&named));
        assert_eq!(
            class,
            format!("[`{is}`](crate::api::Class::{is})"),
            "{name}: {code}"
        );
        assert!(seen.insert(code) && !advice.is_empty(), "{name}: {code}");
        let business = AnswerError::Business {
            code: named,
            description: String::new(),
        };
        says(advice, business.advice::<E>(), &format!("{name}: {code}"));
    }
    for row in rows(chapter(&page, "# Fields")).iter().skip(1) {
        limit_is_the_types(name, row);
    }
}

/// What a page tells people to do is what the code advises.
fn says(text: &str, advice: Advice, what: &str) {
    let words: &[&str] = match advice {
        Advice::Done => &["nothing"],
        Advice::QueryFirst => &["query"],
        Advice::SendOriginal => &["original"],
        Advice::TopUp => &["top up"],
        Advice::SendAgain { .. } => &["again", "wait"],
        _ => &[""],
    };
    let is_said = words.iter().any(|word| text.contains(word));
    assert!(is_said, "{what}: {advice:?}, and not {text:?}");
    let is_new = text.contains("new number") || text.contains("new one");
    let may_be_new = matches!(advice, Advice::GiveUp | Advice::FixRequest);
    assert!(
        !is_new || may_be_new,
        "{what}: {advice:?}, and not {text:?}"
    );
}

/// The code of a refusal that comes as words.
fn coded(words: &str) -> &str {
    match words {
        "No Bill Exist" => "NO_BILL_EXIST",
        "Bill Creating" => "BILL_CREATING",
        "SIGN ERROR" => "SIGNERROR",
        code => code,
    }
}

/// A limit in bytes is that of the type beside it.
fn limit_is_the_types(endpoint: &str, row: &[&str]) {
    macro_rules! limits {
        ($($name:ident)*) => { [$((stringify!($name), $name::MAX_BYTES)),*] };
    }
    let limits = limits!(
        AppId Attach Body CodeUrl FeeType MchId NotifyUrl OpenId OutRefundNo OutTradeNo PrepayId ProductId
        SpbillCreateIp TransactionId ActName AuthCode BankCode CombineOutTradeNo Detail DeviceInfo EncryptedText
        GoodsTag InterfaceUrl LimitPay LongUrl MchBillno OutOrderNo OutReturnNo PartnerTradeNo ReUserName ReceiverText
        Receivers RefundDesc RefundId Remark ReturnAccount RiskInfo SceneId SceneInfo SendName SharingDescription
        SharingOrderId SubOrderList Trades TransferDesc UserCreid UserTruename UserType Wishing
    );
    let [_, of, _, limit] = row[..] else {
        panic!("{endpoint}: {row:?}")
    };
    let bytes = limits
        .iter()
        .find(|(name, _)| of.starts_with(&format!("[`{name}`]")));
    match bytes {
        Some((_, bytes)) => assert_eq!(limit, format!("{bytes} bytes"), "{endpoint}: {row:?}"),
        None => assert!(!limit.ends_with("bytes"), "{endpoint}: {row:?}"),
    }
}

macro_rules! pages {
    ($($endpoint:ident)*) => {
        use wxpay_core::api::{$($endpoint),*};

        #[test]
        fn say_what_the_code_does() {
            $(check::<$endpoint>();)*
        }

        /// No page is left over, and no endpoint is without one.
        #[test]
        fn are_one_for_each_endpoint() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/pages");
            let endpoints = [$(stringify!($endpoint)),*];
            assert_eq!(fs::read_dir(folder).unwrap().count(), endpoints.len());
            for endpoint in endpoints {
                // The index in the module's own page.
                let index = include_str!("../../src/api/mod.rs");
                assert!(index.contains(&format!("| [`{endpoint}`] |")), "{endpoint}");
            }
        }
    };
}

pages!(UnifiedOrder MicroPay OrderQuery CloseOrder Reverse Refund RefundV2 RefundQuery RefundQueryV2 DownloadBill
    DownloadFundFlow ShortenUrl AuthCodeToOpenId Report BatchQueryComment GetSignKey GetSignKeyOld CombinedOrder
    QueryCombinedOrder CloseCombinedOrder ProfitSharing MultiProfitSharing ProfitSharingFinish ProfitSharingReturn
    ProfitSharingReturnQuery ProfitSharingQuery ProfitSharingAddReceiver ProfitSharingRemoveReceiver Transfer
    TransferQuery RedPack RedPackQuery BankTransfer BankTransferQuery GetPublicKey);
