//! The sums that a bill states, known by the text of the summary's header.

use core::fmt;

use super::header_text::header_texts;

header_texts! {
    /// A sum in the summary of a bill.
    Sum {
        /// The rows of a bill of trades.
        Trades = "总交易单数",
        /// The sum of [`Column::SettlementTotal`](super::Column::SettlementTotal).
        SettlementTotal = "应结订单总金额" | "总交易额",
        /// The sum of [`Column::Refund`](super::Column::Refund).
        Refund = "退款总金额" | "总退款金额",
        /// The sum of [`Column::CouponRefund`](super::Column::CouponRefund).
        CouponRefund = "充值券退款总金额" | "总企业红包退款金额" | "企业红包退款总金额" | "总代金券或立减优惠退款金额",
        /// The sum of [`Column::Commission`](super::Column::Commission).
        Commission = "手续费总金额",
        /// The sum of [`Column::OrderTotal`](super::Column::OrderTotal).
        OrderTotal = "订单总金额",
        /// The sum of [`Column::RequestedRefund`](super::Column::RequestedRefund).
        RequestedRefund = "申请退款总金额" | "申请退款金额",
        /// The rows of a bill of fund flow.
        Flows = "资金流水总笔数",
        /// The rows that are income.
        IncomeRows = "收入笔数",
        /// The sum of what is income.
        Income = "收入金额",
        /// The rows that are expenses.
        ExpenseRows = "支出笔数",
        /// The sum of what is an expense.
        Expense = "支出金额",
    }
}

impl Sum {
    pub(super) const fn counts_rows(self) -> bool {
        matches!(
            self,
            Self::Trades | Self::Flows | Self::IncomeRows | Self::ExpenseRows
        )
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
