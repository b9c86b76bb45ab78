//! The well-known names: fields and variants that records have, one byte each.
//!
//! The list only grows, at its end: its numbers are on disk. A name that is not in it is written as text.

/// At most 128.
const NAMES: [&str; 106] = [
    // Orders.
    "order",
    "last_log",
    "key",
    "mch_id",
    "out_trade_no",
    "terms",
    "appid",
    "sign_type",
    "body",
    "total_fee",
    "fee_type",
    "attach",
    "product_id",
    "spbill_create_ip",
    "notify_url",
    "time_start",
    "time_expire",
    "expires_after",
    "page_ticket",
    "notify_secret",
    "created_at",
    "attempts",
    "payments",
    "refunds",
    "closing",
    "attention",
    "due",
    "refusals",
    // Attempts.
    "number",
    "n",
    "begun_at",
    "prepay",
    "prepay_id",
    "code_url",
    "at",
    // Payments.
    "attempt",
    "transaction_id",
    "time_end",
    "confirmed",
    "role",
    "rule",
    "noted_at",
    "by",
    "unconfirmed",
    "first",
    "extra",
    "given_back",
    "left_to_operator",
    // Refunds.
    "out_refund_no",
    "refund_fee",
    "reason",
    "state",
    "refund_id",
    "changed_at",
    "processing",
    "success",
    "change",
    // Closing.
    "closed_at",
    "gateway",
    "not_existing",
    // The log.
    "prev",
    "entry",
    "from",
    "to",
    "what",
    "unpaid",
    "paid",
    "closed",
    "refunding",
    "refunded",
    "shop",
    "notify",
    "query",
    "sweeper",
    "operator",
    "created",
    "attempt_begun",
    "prepay_attached",
    "extra_payment",
    "payment_confirmed",
    "contradicted",
    "refused",
    "command",
    "refusal",
    "code",
    // The outbox.
    "slot",
    "row",
    "hold",
    "id",
    "kind",
    "facts",
    "last_error",
    "pay_notify",
    "order_pay",
    // Addresses.
    "g",
    "c",
    "s",
    // Values.
    "secs",
    "nanos",
    "HMAC-SHA256",
    "MD5",
    "CNY",
    // Notifies.
    "peer",
    "verdict",
    "millis",
    "answer",
];

const SLOTS: usize = 512;
/// The list behind a hash: a number and one more, or 0.
const TABLE: [u8; SLOTS] = {
    let mut table = [0; SLOTS];
    let mut n = 0;
    while n < NAMES.len() {
        let mut slot = slot_of(NAMES[n].as_bytes());
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        #[allow(
            clippy::cast_possible_truncation,
            reason = "there are at most 128 names"
        )]
        let one_more = n as u8 + 1;
        table[slot] = one_more;
        n += 1;
    }
    table
};

const _: () = assert!(NAMES.len() <= 128);

const fn slot_of(name: &[u8]) -> usize {
    if name.is_empty() {
        return 0;
    }
    let (first, middle, last) = (
        name[0] as usize,
        name[name.len() / 2] as usize,
        name[name.len() - 1] as usize,
    );
    (first * 7 + middle * 31 + last * 131 + name.len() * 17) % SLOTS
}

/// The number of a name, if it is well known.
pub(super) fn number(name: &str) -> Option<u8> {
    let mut slot = slot_of(name.as_bytes());
    while let Some(number) = TABLE[slot].checked_sub(1) {
        if NAMES[usize::from(number)] == name {
            return Some(number);
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

/// The name of a number.
pub(super) fn name(number: u8) -> Option<&'static str> {
    NAMES.get(usize::from(number)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_number() {
        for (n, name) in NAMES.into_iter().enumerate() {
            assert_eq!(number(name), u8::try_from(n).ok(), "{name}");
        }
        assert_eq!(number("nobody"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn numbers_never_change() {
        for (known, number) in [("order", 0), ("by", 42), ("slot", 85), ("answer", 105)] {
            assert_eq!(name(number), Some(known));
        }
    }
}
