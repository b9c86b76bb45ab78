//! The columns of the bills, known by the text of the header.

use super::header_text::header_texts;

header_texts! {
    /// A column that this crate knows. Other columns can be read by the text of the header: [`Row::get`](super::Row::get).
    Column {
        /// When the payment or the refund's begin succeeded.
        TradeTime = "交易时间",
        /// The account's public id in the order.
        AppId = "公众账号ID",
        /// The merchant's number.
        MchId = "商户号",
        /// The number of the merchant behind a service provider; `0` without one.
        SubMchId = "特约商户号" | "子商户号",
        /// The device in the order.
        DeviceInfo = "设备号",
        /// The gateway's number of the payment.
        TransactionId = "微信订单号",
        /// The merchant's number of the order.
        OutTradeNo = "商户订单号",
        /// The payer's id under the account.
        OpenId = "用户标识",
        /// How it was paid.
        TradeType = "交易类型",
        /// Whether the row is a payment, a refund or a reversal.
        TradeState = "交易状态",
        /// The payer's bank.
        BankType = "付款银行",
        /// The currency.
        FeeType = "货币种类",
        /// What is settled: the order's amount less coupons that the merchant gave away. In bills of the early form, the order's amount.
        SettlementTotal = "应结订单金额" | "总金额",
        /// The part paid with coupons.
        Coupon = "代金券金额" | "企业红包金额" | "代金券或立减优惠金额",
        /// When the refund was asked for. Bills of refunds alone have it.
        RefundApplied = "退款申请时间",
        /// When the refund succeeded. Bills of refunds alone have it.
        RefundSucceeded = "退款成功时间",
        /// The gateway's number of the refund; `0` in a row that is none.
        RefundId = "微信退款单号",
        /// The merchant's number of the refund; `0` in a row that is none.
        OutRefundNo = "商户退款单号",
        /// What the refund takes back of the settled amount.
        Refund = "退款金额",
        /// What the refund takes back of coupons topped up by money.
        CouponRefund = "充值券退款金额" | "企业红包退款金额" | "代金券或立减优惠退款金额",
        /// Which way the refund goes.
        RefundType = "退款类型",
        /// What became of the refund, as of the day of the bill.
        RefundState = "退款状态",
        /// What was paid for.
        Body = "商品名称",
        /// The merchant's own text in the order.
        Attach = "商户数据包",
        /// What the gateway keeps; with a minus, what it gives back.
        Commission = "手续费",
        /// The rate of the commission.
        Rate = "费率",
        /// The order's amount: the field `total_fee`.
        OrderTotal = "订单金额",
        /// What was asked for as a refund: the field `refund_fee`.
        RequestedRefund = "申请退款金额",
        /// A note on the rate.
        RateNote = "费率备注",
        /// The commission given back. Bills of topped-up refunds alone have it.
        ReturnedCommission = "返还手续费",

        /// When the account's balance changed.
        AccountTime = "记账时间",
        /// The gateway's number of the business behind a change.
        BusinessNo = "微信支付业务单号",
        /// The number of the change.
        FlowNo = "资金流水单号",
        /// The kind of business.
        BusinessName = "业务名称",
        /// The kind of change within the business.
        BusinessType = "业务类型",
        /// Income or expense.
        Direction = "收支类型",
        /// The amount of the change, without a sign.
        Amount = "收支金额(元)",
        /// The balance after the change.
        Balance = "账户结余(元)",
        /// Who asked for the change.
        Applicant = "资金变更提交申请人",
        /// A note.
        Note = "备注",
        /// The number of the voucher, often the merchant's own number.
        VoucherNo = "业务凭证号",
    }
}
