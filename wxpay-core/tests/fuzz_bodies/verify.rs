//! The verify path: nothing is taken as genuine but what was signed.

use std::sync::OnceLock;

use wxpay_core::{
    Account, ApiKey, SignType, UnverifiedNotify,
    in_place::{Field, Message},
    sign, xml,
};

/// Messages that one of the keys has signed: two recorded with the first, and an answer of each kind with the second.
/// What the second has signed besides stands in the list of vectors.
pub const SIGNED: [&str; 14] = [
    include_str!("../corpora/xml/recorded_notify.xml"),
    include_str!("../corpora/xml/recorded_answer.xml"),
    include_str!("../corpora/xml/notify_provider.xml"),
    include_str!("../corpora/xml/answer_unifiedorder.xml"),
    include_str!("../corpora/xml/answer_micropay.xml"),
    include_str!("../corpora/xml/answer_orderquery.xml"),
    include_str!("../corpora/xml/answer_closeorder.xml"),
    include_str!("../corpora/xml/answer_reverse.xml"),
    include_str!("../corpora/xml/answer_refund.xml"),
    include_str!("../corpora/xml/answer_refundquery.xml"),
    include_str!("../corpora/xml/answer_shorturl.xml"),
    include_str!("../corpora/xml/answer_authcodetoopenid.xml"),
    include_str!("../corpora/xml/answer_not_paid.xml"),
    include_str!("../corpora/xml/answer_no_such_order.xml"),
];
const VECTORS: &str = include_str!("../vectors/signs.json");

/// A message that verifies has the text of a genuine one, whatever was done to its bytes; with and without a heap alike.
pub fn verify(bytes: &[u8]) {
    let keys = keys();
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let Ok(params) = xml::read(bytes) else {
            continue;
        };
        let verdict = sign::verify(&params, keys, sign_type);
        if verdict.is_ok() {
            let text = sign::string_to_sign(&params);
            assert!(genuine().contains(&text), "forged: {text}");
        }
        let mut text = vec![0; bytes.len()];
        let mut fields = [Field::EMPTY; 128];
        let message = Message::read(bytes, &mut fields, &mut text).unwrap();
        match message.verify(keys, sign_type) {
            Ok(verified) => {
                assert_eq!(verdict, Ok(()));
                for (name, value) in params.iter() {
                    assert_eq!(verified.get(name), Some(value));
                }
            }
            Err(error) => assert_eq!(verdict, Err(error)),
        }
        if let Ok(notify) = UnverifiedNotify::parse(bytes)
            && let Ok(notify) = notify.verify(account(), sign_type)
        {
            assert_eq!(notify.payment().total_fee.get(), 1);
            assert_eq!(notify.payment().out_trade_no.as_str(), "1553063775279");
        }
    }
}

/// The two keys.
pub fn keys() -> &'static [ApiKey; 2] {
    static KEYS: OnceLock<[ApiKey; 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [
            "T6m9iK73b0kn9g5v426MKfHQH7X8rKwb",
            "192006250b4c09247ec02edce69f6a2d",
        ]
        .map(|key| key.parse().unwrap())
    })
}

fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        Account::new(
            "wx8397f8696b538317".parse().unwrap(),
            "1473426802".parse().unwrap(),
            keys()[0].clone(),
        )
    })
}

/// Every text that one of the keys has signed.
fn genuine() -> &'static Vec<String> {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap().iter();
        let texts = vectors.map(|vector| vector["string_to_sign"].as_str().unwrap().to_owned());
        let messages = SIGNED
            .iter()
            .map(|message| sign::string_to_sign(&xml::read(message.as_bytes()).unwrap()));
        texts.chain(messages).collect()
    })
}
