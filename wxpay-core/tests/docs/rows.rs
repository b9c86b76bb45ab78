//! A row of the table for each endpoint, from what its type says.

use wxpay_core::{
    SignType,
    api::{
        AnswerKind, AuthCodeToOpenId, BankTransfer, BankTransferQuery, BatchQueryComment,
        CloseCombinedOrder, CloseOrder, CombinedOrder, DownloadBill, DownloadFundFlow, Endpoint,
        GetPublicKey, GetSignKey, GetSignKeyOld, MicroPay, MultiProfitSharing, OrderQuery,
        ProfitSharing, ProfitSharingAddReceiver, ProfitSharingFinish, ProfitSharingQuery,
        ProfitSharingRemoveReceiver, ProfitSharingReturn, ProfitSharingReturnQuery,
        QueryCombinedOrder, RedPack, RedPackQuery, Refund, RefundQuery, RefundQueryV2, RefundV2,
        Repeat, Report, Reverse, ShortenUrl, SignChoice, SubMerchantFields, Transfer,
        TransferQuery, UnifiedOrder,
    },
};

#[derive(Clone, Copy)]
pub(crate) enum Language {
    English,
    Chinese,
}

pub(crate) struct Row {
    /// The type's name.
    pub(crate) name: &'static str,
    path: String,
    needs_cert: bool,
    signs: &'static [SignType],
    answer: AnswerKind,
    repeat: Repeat,
    sub_merchant: SubMerchantFields,
}

fn row<E: Endpoint>(name: &'static str) -> Row {
    Row {
        name,
        path: [E::HOST.unwrap_or(""), E::PATH].concat(),
        needs_cert: E::NEEDS_CERT,
        signs: E::Sign::PERMITTED,
        answer: E::ANSWER,
        repeat: E::REPEAT,
        sub_merchant: E::SUB_MERCHANT,
    }
}

macro_rules! rows {
    ($($name:ident)*) => { vec![$(row::<$name>(stringify!($name))),*] };
}

pub(crate) fn rows() -> Vec<Row> {
    rows! {
        UnifiedOrder MicroPay OrderQuery CloseOrder Reverse Refund RefundV2 RefundQuery RefundQueryV2
        DownloadBill DownloadFundFlow ShortenUrl AuthCodeToOpenId Report BatchQueryComment
        GetSignKey GetSignKeyOld
        CombinedOrder QueryCombinedOrder CloseCombinedOrder
        ProfitSharing MultiProfitSharing ProfitSharingFinish ProfitSharingReturn
        ProfitSharingReturnQuery ProfitSharingQuery ProfitSharingAddReceiver
        ProfitSharingRemoveReceiver
        Transfer TransferQuery RedPack RedPackQuery BankTransfer BankTransferQuery GetPublicKey
    }
}

impl Row {
    fn cells(&self, language: Language) -> [String; 7] {
        let chinese = matches!(language, Language::Chinese);
        let say = |english: &'static str, zh: &'static str| if chinese { zh } else { english };
        let signs: Vec<_> = self.signs.iter().map(|sign| sign.as_str()).collect();
        let answer = match self.answer {
            AnswerKind::Signed => say("signed", "有签名"),
            AnswerKind::Unsigned => say("unsigned: proves nothing", "无签名，不作凭据"),
            AnswerKind::Text => say("text", "文本"),
            other => unreachable!("{other:?}"),
        };
        let repeat = match self.repeat {
            Repeat::Safe => say("safe", "可以"),
            Repeat::SameNumber => say("safe under the same number", "同号可以"),
            Repeat::QueryFirst => say("query first", "先查询"),
        };
        let sub_merchant = match self.sub_merchant {
            SubMerchantFields::Both => "`sub_mch_id`, `sub_appid`",
            SubMerchantFields::MchIdOnly => "`sub_mch_id`",
            SubMerchantFields::Absent => say("refused", "拒绝"),
        };
        [
            format!("`{}`", self.path),
            format!("`api::{}`", self.name),
            if self.needs_cert {
                say("yes", "要")
            } else {
                ""
            }
            .to_owned(),
            signs.join(", "),
            answer.to_owned(),
            repeat.to_owned(),
            sub_merchant.to_owned(),
        ]
    }
}

pub(crate) fn table(rows: &[Row], language: Language) -> String {
    let head = match language {
        Language::English => {
            "| path | type | certificate | sign types | answer | a repeat | service provider |\n"
        }
        Language::Chinese => "| 路径 | 类型 | 证书 | 签名方式 | 应答 | 重发 | 服务商模式 |\n",
    };
    let line = |row: &Row| format!("| {} |\n", row.cells(language).join(" | "));
    let lines: Vec<_> = rows.iter().map(line).collect();
    format!("{head}|---|---|---|---|---|---|---|\n{}", lines.concat())
}
