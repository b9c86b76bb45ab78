//! Whatever fields an answer or a request holds: a value or an error, never a panic.

use proptest::prelude::*;
use wxpay_core::{
    Params, SignType,
    api::{
        AnswerError, AuthCodeToOpenId, BankTransfer, BankTransferQuery, BatchQueryComment,
        CloseCombinedOrder, CloseOrder, CombinedOrder, DownloadBill, DownloadFundFlow,
        GetPublicKey, GetSignKey, MicroPay, MultiProfitSharing, OnlyHmacSha256, OnlyMd5,
        OrderQuery, ProfitSharing, ProfitSharingAddReceiver, ProfitSharingFinish,
        ProfitSharingQuery, ProfitSharingRemoveReceiver, ProfitSharingReturn,
        ProfitSharingReturnQuery, QueryCombinedOrder, RedPack, RedPackQuery, Refund, RefundQuery,
        RefundQueryV2, RefundV2, Report, Reverse, ShortenUrl, Transfer, TransferQuery,
        UnifiedOrder, parse, parse_text, parse_unsigned,
    },
    sign, xml,
};

use super::{ENVELOPE, seed_account, seed_key};

/// Names that some type reads, with indices behind many of them.
const NAMES: [&str; 60] = [
    "total_fee",
    "cash_fee",
    "transaction_id",
    "out_trade_no",
    "time_end",
    "trade_state",
    "trade_type",
    "prepay_id",
    "code_url",
    "refund_count",
    "out_refund_no",
    "refund_id",
    "refund_fee",
    "refund_status",
    "coupon_count",
    "coupon_fee",
    "coupon_id",
    "coupon_type",
    "coupon_refund_count",
    "coupon_refund_fee",
    "coupon_refund_id",
    "total_refund_count",
    "offset",
    "recall",
    "short_url",
    "openid",
    "sub_openid",
    "receivers",
    "receiver",
    "order_id",
    "out_order_no",
    "status",
    "partner_trade_no",
    "payment_no",
    "amount",
    "mch_billno",
    "hblist",
    "total_num",
    "total_amount",
    "sandbox_signkey",
    "combine_out_trade_no",
    "sub_order_list",
    "bill_date",
    "auth_code",
    "body",
    "notify_url",
    "spbill_create_ip",
    "scene_info",
    "check_name",
    "begin_time",
    "end_time",
    "limit",
    "desc",
    "result",
    "out_return_no",
    "return_amount",
    "description",
    "user_type",
    "product_id",
    "receipt",
];

fn name() -> impl Strategy<Value = String> {
    let index = prop_oneof![
        Just(String::new()),
        "_[0-3]",
        "_[0-3]_[0-3]",
        Just("_01".to_owned()),
        Just("_99999999999999999999".to_owned())
    ];
    (prop::sample::select(&NAMES[..]), index).prop_map(|(name, index)| format!("{name}{index}"))
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&["1", "0", "100", "SUCCESS", "NATIVE", "MWEB", "Y", "20190320143646", "20140603", "P1"][..])
            .prop_map(str::to_owned),
        1 => prop::sample::select(&["18446744073709551616", "-1", "", "01", "<hbinfo>", "<hbinfo></hbinfo>", "]]>", "茶"][..])
            .prop_map(str::to_owned),
        1 => "[ -~]{0,40}",
    ]
}

fn message(fields: &[(String, String)]) -> Params<'static> {
    let mut params = Params::new();
    for (name, value) in fields {
        // A name that is there already is left out.
        let _ = params.insert(name.clone(), value.clone());
    }
    params
}

/// The fields as a whole answer's, under every name that an account has.
fn answer(fields: &[(String, String)], sign_type: SignType) -> String {
    let mut params = message(fields);
    for (name, value) in ENVELOPE.into_iter().chain([
        ("combine_appid", "wx8397f8696b538317"),
        ("combine_mch_id", "1473426802"),
    ]) {
        params.insert(name, value).unwrap();
    }
    xml::write(&sign::signed(params, &seed_key(), sign_type))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_answer_is_a_value_or_an_error(fields in prop::collection::vec((name(), value()), 0..80)) {
        let account = seed_account();
        let (md5, hmac) = (answer(&fields, SignType::Md5), answer(&fields, SignType::HmacSha256));
        let (md5, hmac) = (md5.as_bytes(), hmac.as_bytes());
        macro_rules! read {
            ($parse:ident($bytes:ident, $sign:expr): $($endpoint:ident)*) => {$(
                // The signed envelope is whole, so only the endpoint's own fields can be at fault.
                let read = $parse::<$endpoint>($bytes, &account, $sign).map(|_| ());
                prop_assert!(matches!(read, Ok(()) | Err(AnswerError::Field(_))), "{:?}", read);
            )*};
        }
        read!(parse(md5, SignType::Md5): UnifiedOrder MicroPay OrderQuery CloseOrder Reverse Refund RefundV2 RefundQuery
            RefundQueryV2 ShortenUrl);
        read!(parse(md5, OnlyMd5): AuthCodeToOpenId);
        read!(parse(hmac, OnlyHmacSha256): CombinedOrder QueryCombinedOrder CloseCombinedOrder ProfitSharing
            MultiProfitSharing ProfitSharingFinish ProfitSharingReturn ProfitSharingReturnQuery ProfitSharingQuery ProfitSharingAddReceiver
            ProfitSharingRemoveReceiver);
        read!(parse_unsigned(md5, OnlyMd5): Report GetSignKey Transfer TransferQuery RedPack RedPackQuery BankTransfer
            BankTransferQuery GetPublicKey);
    }

    #[test]
    fn any_request_is_a_value_or_an_error(fields in prop::collection::vec((name(), value()), 0..80)) {
        let params = message(&fields);
        macro_rules! read {
            ($($endpoint:ident)*) => {$(
                // What can be read can be looked at, and reading it again gives the same.
                if let Ok(request) = $endpoint::from_params(&params) {
                    prop_assert_eq!($endpoint::from_params(&params), Ok(request));
                }
            )*};
        }
        read!(UnifiedOrder MicroPay OrderQuery CloseOrder Reverse Refund RefundV2 RefundQuery RefundQueryV2 DownloadBill
            DownloadFundFlow ShortenUrl AuthCodeToOpenId Report BatchQueryComment CombinedOrder QueryCombinedOrder
            CloseCombinedOrder ProfitSharing MultiProfitSharing ProfitSharingFinish ProfitSharingReturn
            ProfitSharingReturnQuery ProfitSharingQuery ProfitSharingAddReceiver ProfitSharingRemoveReceiver Transfer TransferQuery RedPack
            RedPackQuery BankTransfer BankTransferQuery);
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in prop_oneof!["(<xml>|</xml>|<hblist>|</hblist>|<hbinfo>|<!\\[CDATA\\[|\\]\\]>|a|&){0,20}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..60)]) {
        let account = seed_account();
        let _ = parse_unsigned::<RedPackQuery>(&bytes, &account, OnlyMd5);
        let _ = parse::<OrderQuery>(&bytes, &account, SignType::Md5);
        let _ = parse_text::<DownloadBill>(&bytes);
    }
}
