//! The account: what the process held before, at the most, and after. Whatever the
//! executor took it must have given back.
//!
//! Exact are the bytes on the heap, which the allocator counts, the descriptors, and
//! the threads. The system's view of the memory is coarse, and an allocator may keep
//! what was freed; it is judged only where the allocator can be asked to give it back.

use std::thread;
use std::time::{Duration, Instant};

use crate::report::{Faults, Row, grouped, mebibytes};
use crate::{heap, system, trim};

/// So much more memory the process may have: pages of which a part is in use, and the
/// stacks of threads that have ended, which the C library keeps for others.
const RESIDENT_TOLERANCE: u64 = 32 << 20;
/// A thread that was joined may be listed for a moment still.
const SETTLING: Duration = Duration::from_secs(2);

/// What the process holds at one moment. `None`: this system does not say.
#[derive(Clone, Copy)]
pub struct Holdings {
    live: i64,
    resident: Option<u64>,
    /// What the allocator kept for itself was given back before.
    trimmed: bool,
    descriptors: Option<u64>,
    threads: Option<u64>,
}

/// The most that it held.
#[derive(Clone, Copy, Default)]
pub struct Most {
    pub descriptors: u64,
    pub threads: u64,
}

impl Holdings {
    pub fn now() -> Holdings {
        let trimmed = trim::trim();
        Holdings {
            trimmed,
            live: heap::live(),
            resident: system::resident(),
            descriptors: system::descriptors(),
            threads: system::threads(),
        }
    }

    /// What it holds when the system has caught up with us.
    pub fn when_settled(before: &Holdings) -> Holdings {
        let began = Instant::now();
        loop {
            let now = Holdings::now();
            let same = now.threads == before.threads && now.descriptors == before.descriptors;
            if same || began.elapsed() >= SETTLING {
                return now;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Without what the table takes.
    pub fn without(self, bytes: usize) -> Holdings {
        Holdings { live: self.live - bytes as i64, ..self }
    }

    /// The last lines of the table.
    pub fn compare(&self, after: &Holdings, most: Most) -> [Row; 4] {
        [
            self.heap(after),
            self.memory(after),
            same("open descriptors", self.descriptors, after.descriptors, most.descriptors),
            same("threads", self.threads, after.threads, most.threads),
        ]
    }

    fn heap(&self, after: &Holdings) -> Row {
        let faults = Faults::default();
        let left = after.live - self.live;
        // Not one: the warm-up has made what is made once, and the table is not counted.
        faults.expect(left <= 0, || format!("{left} bytes are left on the heap"));
        let how_many = format!("{left:+} bytes");
        let of = |bytes: i64| mebibytes(bytes.max(0) as u64);
        let (before, most, after) = (of(self.live), of(heap::most()), of(after.live));
        let checked = format!("{before} before, {most} at the most, {after} after");
        Row::new("heap", how_many, checked, &faults)
    }

    fn memory(&self, after: &Holdings) -> Row {
        let told = (self.resident, system::most_resident(), after.resident);
        let (Some(before), Some(most), Some(after)) = told else {
            return left_out("resident memory");
        };
        let more = after.saturating_sub(before);
        let how_many = format!("+{}", mebibytes(more));
        let (before, most, after) = (mebibytes(before), mebibytes(most), mebibytes(after));
        let checked = format!("{before} before, {most} at the most, {after} after");
        if !self.trimmed {
            return Row::told("resident memory", how_many, checked);
        }
        let faults = Faults::default();
        faults.expect(more <= RESIDENT_TOLERANCE, || format!("the process has grown: {checked}"));
        Row::new("resident memory", how_many, checked, &faults)
    }
}

fn same(what: &'static str, before: Option<u64>, after: Option<u64>, most: u64) -> Row {
    let (Some(before), Some(after)) = (before, after) else {
        return left_out(what);
    };
    let faults = Faults::default();
    faults.expect(before == after, || format!("{before} before, {after} after"));
    let most = grouped(most);
    let checked = format!("{before} before, {most} at the most, {after} after");
    Row::new(what, format!("{:+}", after as i64 - before as i64), checked, &faults)
}

fn left_out(what: &'static str) -> Row {
    Row::told(what, "left out".into(), "this system does not say".into())
}
