//! How deep the stack has been. At start every word of it is painted; what was used has lost its paint.

/// What `cortex-m-rt` paints with.
const PAINT: u32 = 0xCCCC_CCCC;

unsafe extern "C" {
    // Symbols of the linker script: the lowest and the highest end of the stack's memory.
    static mut _stack_end: u32;
    static mut _stack_start: u32;
}

/// The deepest stack so far, in bytes, from the reset on.
pub fn peak_bytes() -> usize {
    let bottom = &raw const _stack_end;
    let top = &raw const _stack_start;
    let mut word = bottom;
    // SAFETY: the words from `bottom` up to `top` are the stack's memory, which is mapped and aligned.
    while word < top && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    top.addr() - word.addr()
}
