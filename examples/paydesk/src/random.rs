//! Random texts. The system's generator is the only source.

use wxpay_core::{BeijingTime, OutTradeNo};

use crate::hex;

/// `N` bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// Random bytes as lower-case hex.
pub(crate) fn hex<const N: usize>() -> String {
    hex::lower(&bytes::<N>())
}

/// A number for an order that came without one: the time, so that people can sort, and 48 random bits.
pub(crate) fn order_number(now: BeijingTime) -> OutTradeNo {
    OutTradeNo::for_order(&format!("{now}{}", hex::<6>())).expect("26 digits make an order number")
}
