use std::collections::BTreeSet;

use wxpay_core::{
    SignType,
    api::{
        AnswerKind::{self, Signed, Text, Unsigned},
        AuthCodeToOpenId, BankTransfer, BankTransferQuery, BatchQueryComment, CloseCombinedOrder,
        CloseOrder, CombinedOrder, DownloadBill, DownloadFundFlow, Endpoint, GetPublicKey,
        GetSignKey, GetSignKeyOld, MicroPay, MultiProfitSharing, OrderQuery, ProfitSharing,
        ProfitSharingAddReceiver, ProfitSharingFinish, ProfitSharingQuery,
        ProfitSharingRemoveReceiver, ProfitSharingReturn, ProfitSharingReturnQuery,
        QueryCombinedOrder, RedPack, RedPackQuery, Refund, RefundQuery, RefundQueryV2, RefundV2,
        Repeat::{self, QueryFirst, Safe, SameNumber},
        Report, Reverse, ShortenUrl, SignChoice, Transfer, TransferQuery, UnifiedOrder,
    },
};

const MD5: &[SignType] = &[SignType::Md5];
const HMAC: &[SignType] = &[SignType::HmacSha256];
const BOTH: &[SignType] = &[SignType::Md5, SignType::HmacSha256];

type Row = (&'static str, bool, &'static [SignType], AnswerKind, Repeat);

fn row<E: Endpoint>() -> Row {
    // What takes MD5 alone does not know the field sign_type.
    assert_eq!(E::Sign::IS_SENT, E::Sign::PERMITTED != MD5, "{}", E::PATH);
    assert!(E::PATH.ends_with(E::NAME), "{}", E::PATH);
    (
        E::PATH,
        E::NEEDS_CERT,
        E::Sign::PERMITTED,
        E::ANSWER,
        E::REPEAT,
    )
}

#[test]
#[allow(clippy::too_many_lines, reason = "a row for each endpoint")]
fn every_endpoint_is_what_the_api_says() {
    let rows = [
        (
            row::<UnifiedOrder>(),
            ("/pay/unifiedorder", false, BOTH, Signed, SameNumber),
        ),
        (
            row::<MicroPay>(),
            ("/pay/micropay", false, BOTH, Signed, QueryFirst),
        ),
        (
            row::<OrderQuery>(),
            ("/pay/orderquery", false, BOTH, Signed, Safe),
        ),
        (
            row::<CloseOrder>(),
            ("/pay/closeorder", false, BOTH, Signed, Safe),
        ),
        (
            row::<Reverse>(),
            ("/secapi/pay/reverse", true, BOTH, Signed, SameNumber),
        ),
        (
            row::<Refund>(),
            ("/secapi/pay/refund", true, BOTH, Signed, SameNumber),
        ),
        (
            row::<RefundV2>(),
            ("/secapi/pay/refundv2", true, BOTH, Signed, SameNumber),
        ),
        (
            row::<RefundQuery>(),
            ("/pay/refundquery", false, BOTH, Signed, Safe),
        ),
        (
            row::<RefundQueryV2>(),
            ("/pay/refundqueryv2", false, BOTH, Signed, Safe),
        ),
        (
            row::<DownloadBill>(),
            ("/pay/downloadbill", false, MD5, Text, Safe),
        ),
        (
            row::<DownloadFundFlow>(),
            ("/pay/downloadfundflow", true, HMAC, Text, Safe),
        ),
        (
            row::<ShortenUrl>(),
            ("/tools/shorturl", false, BOTH, Signed, Safe),
        ),
        (
            row::<AuthCodeToOpenId>(),
            ("/tools/authcodetoopenid", false, MD5, Signed, Safe),
        ),
        (
            row::<Report>(),
            ("/payitil/report", false, MD5, Unsigned, Safe),
        ),
        (
            row::<BatchQueryComment>(),
            ("/billcommentsp/batchquerycomment", true, HMAC, Text, Safe),
        ),
        (
            row::<GetSignKeyOld>(),
            ("/sandboxnew/pay/getsignkey", false, MD5, Unsigned, Safe),
        ),
        (
            row::<GetSignKey>(),
            (
                "/xdc/apiv2getsignkey/sign/getsignkey",
                false,
                MD5,
                Unsigned,
                Safe,
            ),
        ),
        (
            row::<CombinedOrder>(),
            ("/pay/combinedorder", false, HMAC, Signed, SameNumber),
        ),
        (
            row::<QueryCombinedOrder>(),
            ("/pay/querycombinedorder", false, HMAC, Signed, Safe),
        ),
        (
            row::<CloseCombinedOrder>(),
            ("/pay/closecombinedorder", false, HMAC, Signed, Safe),
        ),
        (
            row::<ProfitSharing>(),
            ("/secapi/pay/profitsharing", true, HMAC, Signed, SameNumber),
        ),
        (
            row::<MultiProfitSharing>(),
            (
                "/secapi/pay/multiprofitsharing",
                true,
                HMAC,
                Signed,
                SameNumber,
            ),
        ),
        (
            row::<ProfitSharingFinish>(),
            (
                "/secapi/pay/profitsharingfinish",
                true,
                HMAC,
                Signed,
                SameNumber,
            ),
        ),
        (
            row::<ProfitSharingReturn>(),
            (
                "/secapi/pay/profitsharingreturn",
                true,
                HMAC,
                Signed,
                SameNumber,
            ),
        ),
        (
            row::<ProfitSharingReturnQuery>(),
            ("/pay/profitsharingreturnquery", false, HMAC, Signed, Safe),
        ),
        (
            row::<ProfitSharingQuery>(),
            ("/pay/profitsharingquery", false, HMAC, Signed, Safe),
        ),
        (
            row::<ProfitSharingAddReceiver>(),
            ("/pay/profitsharingaddreceiver", false, HMAC, Signed, Safe),
        ),
        (
            row::<ProfitSharingRemoveReceiver>(),
            (
                "/pay/profitsharingremovereceiver",
                false,
                HMAC,
                Signed,
                Safe,
            ),
        ),
        (
            row::<Transfer>(),
            (
                "/mmpaymkttransfers/promotion/transfers",
                true,
                MD5,
                Unsigned,
                SameNumber,
            ),
        ),
        (
            row::<TransferQuery>(),
            (
                "/mmpaymkttransfers/gettransferinfo",
                true,
                MD5,
                Unsigned,
                Safe,
            ),
        ),
        (
            row::<RedPack>(),
            (
                "/mmpaymkttransfers/sendredpack",
                true,
                MD5,
                Unsigned,
                SameNumber,
            ),
        ),
        (
            row::<RedPackQuery>(),
            ("/mmpaymkttransfers/gethbinfo", true, MD5, Unsigned, Safe),
        ),
        (
            row::<BankTransfer>(),
            ("/mmpaysptrans/pay_bank", true, MD5, Unsigned, SameNumber),
        ),
        (
            row::<BankTransferQuery>(),
            ("/mmpaysptrans/query_bank", true, MD5, Unsigned, Safe),
        ),
        (
            row::<GetPublicKey>(),
            ("/risk/getpublickey", true, MD5, Unsigned, Safe),
        ),
    ];
    for (is, should) in &rows {
        assert_eq!(is, should);
    }
    assert_eq!(GetPublicKey::HOST, Some("fraud.mch.weixin.qq.com"));
    assert_eq!(UnifiedOrder::HOST, None);
    let paths: BTreeSet<_> = rows.iter().map(|(row, _)| row.0).collect();
    assert_eq!(paths.len(), rows.len());
}
