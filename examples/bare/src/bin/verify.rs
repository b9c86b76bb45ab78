//! The least that a machine needs: is this order paid? No heap, no text, an exit status. Its size and its instructions
//! are what verifying costs.
#![no_std]
#![no_main]

use core::hint::black_box;

use bare::{
    heap::NoHeap,
    recorded::{KEY, NOTIFY, is_paid},
};
use cortex_m_rt::entry;
use wxpay_core::ApiKey;

#[global_allocator]
static HEAP: NoHeap = NoHeap;

#[entry]
fn main() -> ! {
    let Ok(key) = ApiKey::new(KEY) else {
        bare::exit(false)
    };
    let keys = [key];
    let paid = || is_paid(black_box(NOTIFY), &keys, "1553063775279", "1");
    let mut all_is_well = paid();
    if cfg!(feature = "again") {
        all_is_well &= paid();
    }
    bare::exit(all_is_well)
}
