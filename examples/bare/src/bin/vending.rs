//! A vending machine: it verifies the notify of an order, refuses a forged one, and signs the next order. It prints what
//! it did and how much memory that took, and ends with status 0 if all of it was right.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use bare::{
    heap::CountingHeap,
    recorded::{KEY, NOTIFY, is_paid},
    stack,
};
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use wxpay_core::{
    Account, ApiKey, Fen, NonceStr, SignType,
    api::{self, UnifiedOrder},
};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap::empty();

#[entry]
fn main() -> ! {
    HEAP.init();
    // Measured before anything is printed, as printing takes stack, too.
    let paid = ApiKey::new(KEY).is_ok_and(|key| is_paid(NOTIFY, &[key], "1553063775279", "1"));
    let verify_stack = stack::peak_bytes();
    let verify_heap = HEAP.peak_bytes();
    let order = sign_order();
    let order_stack = stack::peak_bytes();
    let order_heap = HEAP.peak_bytes();
    let refused = forgeries_are_refused();

    hprintln!("paid {}", paid);
    hprintln!("forgeries refused {}", refused);
    hprintln!("order {}", order.as_deref().unwrap_or("none"));
    hprintln!("verify_heap_bytes {}", verify_heap);
    hprintln!("verify_stack_bytes {}", verify_stack);
    hprintln!("order_heap_bytes {}", order_heap);
    hprintln!("order_stack_bytes {}", order_stack);
    let signed = order.is_some_and(|body| body.contains(ORDER_SIGN));
    bare::exit(paid && refused && signed)
}

/// The sign of the order below, computed elsewhere.
const ORDER_SIGN: &str = "<sign><![CDATA[0F88C1317C247AC6286BC969700EB0BA]]></sign>";

/// The body to post to `/pay/unifiedorder`.
#[inline(never)]
fn sign_order() -> Option<alloc::string::String> {
    let account = Account::new(
        "wxd930ea5d5a258f4f".parse().ok()?,
        "10000100".parse().ok()?,
        "192006250b4c09247ec02edce69f6a2d".parse().ok()?,
    );
    let order = UnifiedOrder::native(
        "T20260101000001".parse().ok()?,
        "test".parse().ok()?,
        Fen::new(101).ok()?,
        "127.0.0.1".parse().ok()?,
        "https://example.com/notify".parse().ok()?,
        "P1".parse().ok()?,
    );
    // A product takes 16 bytes of its source of randomness instead.
    let nonce: NonceStr = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS".parse().ok()?;
    let request = api::prepare(&order, &account, SignType::Md5, &nonce).ok()?;
    Some(request.body)
}

/// One byte of the body changed, or another order asked for: each must be refused.
#[inline(never)]
fn forgeries_are_refused() -> bool {
    let Ok(key) = ApiKey::new(KEY) else {
        return false;
    };
    let keys = [key];
    let mut forged: Vec<u8> = NOTIFY.to_vec();
    let Some(fee) = forged.windows(11).position(|w| w == b"<total_fee>") else {
        return false;
    };
    forged[fee + 11] = b'2';
    !is_paid(&forged, &keys, "1553063775279", "2")
        && !is_paid(NOTIFY, &keys, "1553063775280", "1")
        && !is_paid(NOTIFY, &keys, "1553063775279", "2")
        && !is_paid(&NOTIFY[..NOTIFY.len() - 1], &keys, "1553063775279", "1")
}
