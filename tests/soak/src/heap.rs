//! The heap, counted: how many bytes are allocated now, and the most that ever were.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

/// The system's allocator, with two numbers beside it.
struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: Every call goes to the system's allocator as it came; only numbers are kept
// beside it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: The caller keeps the contract of `alloc`, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: As above; every pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(change: i64) {
    let live = LIVE.fetch_add(change, Ordering::Relaxed) + change;
    // Mostly there is no new record, and then nothing need be written.
    if live > MOST.load(Ordering::Relaxed) {
        MOST.fetch_max(live, Ordering::Relaxed);
    }
}

/// The bytes that are allocated now.
pub fn live() -> i64 {
    LIVE.load(Ordering::Relaxed)
}

/// The most that ever were.
pub fn most() -> i64 {
    MOST.load(Ordering::Relaxed)
}
