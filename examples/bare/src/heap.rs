//! A heap of 4 KiB that knows how full it has been.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};

use cortex_m::interrupt::{self, Mutex};
use embedded_alloc::LlffHeap;

/// First fit over a linked list, with a count.
pub struct CountingHeap {
    heap: LlffHeap,
    /// Bytes asked for and not given back: now, and at most.
    live_and_peak: Mutex<Cell<(usize, usize)>>,
}

impl CountingHeap {
    /// A heap without memory yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            heap: LlffHeap::empty(),
            live_and_peak: Mutex::new(Cell::new((0, 0))),
        }
    }

    /// Gives it its memory. Call it once, before the first allocation.
    pub fn init(&self) {
        let heap = &self.heap;
        // SAFETY: the macro owns the memory that it hands over; a second call panics.
        unsafe {
            embedded_alloc::init!(heap, 4096);
        }
    }

    /// The most bytes that were in use at once.
    pub fn peak_bytes(&self) -> usize {
        interrupt::free(|cs| self.live_and_peak.borrow(cs).get().1)
    }
}

// SAFETY: the inner heap's answers are handed on as they are.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        interrupt::free(|cs| {
            let cell = self.live_and_peak.borrow(cs);
            let live = cell.get().0 + layout.size();
            cell.set((live, live.max(cell.get().1)));
        });
        // SAFETY: the caller's promises are those of the inner heap.
        unsafe { self.heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        interrupt::free(|cs| {
            let cell = self.live_and_peak.borrow(cs);
            cell.set((cell.get().0 - layout.size(), cell.get().1));
        });
        // SAFETY: as above.
        unsafe { self.heap.dealloc(block, layout) }
    }
}

/// No heap at all: whoever asks is told that memory has run out, which ends the program.
pub struct NoHeap;

// SAFETY: null is an answer that every caller must take; nothing else is ever handed out.
unsafe impl GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
