//! Lateness: how late was a task polled, and what took the time?
//!
//! One thread does one thing after another. So its time is a chain of *stretches*, and each
//! belongs to what the loop was doing: it polled a task, or slept, or stood still. A task is
//! *due* when it is put into the run queue, or at the deadline of the timer that does it.
//! The stretches between that moment and the poll are what made the task late:
//!
//! ```text
//!   ── asleep ──┬── poll of task 4 ─────────────────────┬─ own ─┬─ poll of task 2 ─▶
//!               │      ▲ task 2 is due                  │       ▲
//!               │      └────────── 118 ms ──────────────┴─ 2 ms ┘
//! ```
//!
//! Only the last three turns matter: a task that is due is polled in this turn or the next, or
//! in the one after that if the root has ended meanwhile. What seems to be due since an earlier
//! time had its deadline set to the past. All times are on the loop's clock. A virtual one
//! stands still while a task is polled, so nothing is late there.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::mem::discriminant;
use std::rc::Rc;
use std::time::Duration;

use super::notes::Waits;
use super::resource::CodeLine;

/// From so many nanoseconds on, a task counts as late. A millisecond is what a system may
/// well take to wake a thread, and what is rarely noticed.
const LATE: u64 = 1_000_000;
/// A poll that takes fewer nanoseconds is not named by itself.
const SHORT: u64 = 10_000;
/// How many stretches are kept.
const MOST: usize = 32;

/// What the loop does for a while.
#[derive(Clone)]
pub(crate) enum Activity {
    /// It polls a task. `from` is the line that spawned the task; `at` that of the wait from
    /// which the poll went on, if it took long and there was one wait only.
    Poll { task: u64, name: Option<Rc<str>>, from: CodeLine, at: Option<CodeLine> },
    /// It polls several tasks. `from`: all of them were spawned there.
    Polls { from: Option<CodeLine> },
    /// It takes the messages of other threads.
    Messages,
    /// It sleeps.
    Asleep,
    /// It does not run.
    Stopped,
    /// Its own work.
    Other,
}

impl Activity {
    /// Where the tasks were spawned that are polled; `None` if it is something else.
    fn polled(&self) -> Option<Option<CodeLine>> {
        match *self {
            Activity::Poll { from, .. } => Some(Some(from)),
            Activity::Polls { from } => Some(from),
            _ => None,
        }
    }

    fn is_same(&self, other: &Activity) -> bool {
        match (self, other) {
            (Activity::Poll { task, .. }, Activity::Poll { task: other, .. }) => task == other,
            _ => discriminant(self) == discriminant(other) && self.polled() == other.polled(),
        }
    }

    /// What can be said of both together.
    fn with(&self, next: &Activity) -> Activity {
        match (self.polled(), next.polled()) {
            _ if self.is_same(next) => self.clone(),
            (Some(from), Some(next)) => Activity::Polls { from: from.filter(|_| from == next) },
            _ => Activity::Other,
        }
    }
}

/// A stretch of time, in nanoseconds. Before and after it, the loop may do its own work.
struct Stretch {
    start: u64,
    end: u64,
    activity: Activity,
}

/// How late a task was; or is, if that is not over.
#[derive(Clone)]
pub(crate) struct Delay {
    pub(crate) nanoseconds: u64,
    pub(crate) is_over: bool,
    /// What the loop did meanwhile, and for how long; the longest first.
    pub(crate) shares: Vec<(Activity, Duration)>,
}

/// What the loop has done in the last three turns, and what it does now.
pub(super) struct Lateness {
    stretches: VecDeque<Stretch>,
    /// When these turns began.
    turns: [u64; 3],
    since: u64,
    activity: Activity,
    /// Where the wait began from which the poll goes on that is under way.
    went_on_from: Option<CodeLine>,
}

impl Lateness {
    pub(super) fn new() -> Lateness {
        let (stretches, turns, since, went_on_from) = Default::default();
        Lateness { stretches, turns, since, activity: Activity::Stopped, went_on_from }
    }

    /// From `now` on the loop does something else.
    pub(super) fn switch(&mut self, now: u64, activity: Activity) {
        self.close(now);
        self.activity = activity;
    }

    /// From `now` on a task is polled, which has waited for this.
    pub(super) fn poll(&mut self, now: u64, poll: Activity, waits: &Waits) {
        self.switch(now, poll);
        // To await a task is noted with another line, that of its spawn.
        let only = waits.only().filter(|note| note.wait.awaited_task().is_none());
        self.went_on_from = only.map(|note| note.wait.at);
    }

    /// The loop begins a turn.
    pub(super) fn turn(&mut self, now: u64) {
        self.switch(now, Activity::Other);
        self.turns = [self.turns[1], self.turns[2], now];
        while self.stretches.front().is_some_and(|oldest| oldest.end <= self.turns[0]) {
            self.stretches.pop_front();
        }
    }

    /// The stretch so far is over. The next one is of the same kind, until it is switched.
    fn close(&mut self, now: u64) {
        let start = std::mem::replace(&mut self.since, now);
        let mut activity = self.activity.clone();
        match &mut activity {
            // A virtual clock has stood still.
            _ if start >= now => return,
            Activity::Other => return,
            &mut Activity::Poll { from, .. } if now - start < SHORT => {
                activity = Activity::Polls { from: Some(from) };
            }
            Activity::Poll { at, .. } if now - start >= LATE => *at = self.went_on_from,
            _ => {}
        }
        self.push(Stretch { start, end: now, activity });
    }

    fn push(&mut self, next: Stretch) {
        match self.stretches.back_mut() {
            Some(last) if last.end == next.start && last.activity.is_same(&next.activity) => {
                last.end = next.end;
            }
            _ => self.stretches.push_back(next),
        }
        if self.stretches.len() > MOST {
            self.shorten();
        }
    }

    /// Makes one of the two neighbours that are the shortest together; polls without
    /// a gap, if possible.
    fn shorten(&mut self) {
        let shortness = |first: &usize| {
            let (a, b) = (&self.stretches[*first], &self.stretches[first + 1]);
            let are_polls = a.activity.polled().and(b.activity.polled()).is_some();
            (!are_polls || a.end < b.start, b.end - a.start)
        };
        let first = (0..MOST).min_by_key(shortness).unwrap_or(0);
        let Some(next) = self.stretches.remove(first + 1) else { return };
        let both = &mut self.stretches[first];
        both.activity = match both.end == next.start {
            true => both.activity.with(&next.activity),
            false => Activity::Other,
        };
        both.end = next.end;
    }

    /// How late is what is due since then, and why? `None` if it is not late, or not by more
    /// than `least`.
    pub(super) fn delay(&mut self, now: u64, due: u64, is_over: bool, least: u64) -> Option<Delay> {
        let late = now.checked_sub(due).filter(|by| *by >= LATE && *by > least);
        let nanoseconds = late.filter(|_| due >= self.turns[0])?;
        self.close(now);
        let latest = self.stretches.iter().rev().take_while(|stretch| stretch.end > due);
        let took = |of: &Stretch| Duration::from_nanos(of.end - of.start.max(due));
        let mut parts: Vec<_> = latest.map(|of| (&of.activity, took(of))).collect();
        // The longest poll of each task says from where it went on.
        parts.sort_by_key(|(_, took)| Reverse(*took));
        let mut shares: Vec<(Activity, Duration)> = Vec::new();
        for (activity, took) in parts {
            match shares.iter_mut().find(|(other, _)| other.is_same(activity)) {
                Some((_, sum)) => *sum += took,
                None => shares.push((activity.clone(), took)),
            }
        }
        shares.sort_by_key(|(_, took)| Reverse(*took));
        Some(Delay { nanoseconds, is_over, shares })
    }
}
