//! One payment as bytes, for the engines that know nothing of orders.
//!
//! The order is read and written again, the log gets a row and the outbox two, and the order moves in the index of states:
//! a read and six writes, 0.98 KB with their keys.

/// An order's value.
pub(crate) const ORDER_BYTES: usize = 220;
/// A row of the log.
pub(crate) const LOG_BYTES: usize = 160;
/// A row of the outbox.
pub(crate) const OUTBOX_BYTES: usize = 256;
/// A key of an order, and of the index of states.
pub(crate) const KEY_BYTES: usize = 25;

/// The key of the `n`-th order: a byte that spreads orders, the merchant, the number.
pub(crate) fn order_key(n: u32) -> [u8; KEY_BYTES] {
    keyed(n.wrapping_mul(0x9e37_79b9).to_be_bytes()[0], n)
}

/// The key of the `n`-th order in the index, unpaid (0) or paid (1).
pub(crate) fn index_key(state: u8, n: u32) -> [u8; KEY_BYTES] {
    keyed(state, n)
}

fn keyed(first: u8, n: u32) -> [u8; KEY_BYTES] {
    let mut key = [first; KEY_BYTES];
    key[1..].copy_from_slice(format!("1473426802/bench-{n:07}").as_bytes());
    key
}

/// An order's value in a state.
pub(crate) fn order_value(state: u8, n: u32) -> [u8; ORDER_BYTES] {
    filled(state, n)
}

/// A value that no compression makes small: engines that compress shall not gain by what real records do not have.
pub(crate) fn filled<const BYTES: usize>(first: u8, n: u32) -> [u8; BYTES] {
    let mut state = u64::from(n) + 1;
    let mut value = [0; BYTES];
    for byte in &mut value {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_be_bytes()[0];
    }
    value[0] = first;
    value
}

/// Refuses to pay twice: what the read is for.
pub(crate) fn is_unpaid(value: &[u8]) -> bool {
    value.first() == Some(&0)
}
