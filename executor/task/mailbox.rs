//! How other threads reach a loop.
//!
//! Everything that belongs to a loop is single-threaded and needs no lock, but
//! for this: a channel into the loop, the [`Parker`] that ends its sleep, and the
//! count of the [`Remote`](crate::Remote)s that may still write.
//!
//! When the loop is gone, its end of the channel is gone: what is posted then
//! comes back and is dropped by the thread that posted it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};

use super::parker::Parker;

/// The side of a loop that is turned towards the other threads. It carries
/// messages of any type `M`; the loop's are in the file on the waker.
pub(crate) struct Mailbox<M> {
    sender: Sender<M>,
    /// The flag on the box: something was put in since the loop has looked. A look at the
    /// flag costs next to nothing, and the loop looks in every turn.
    flag: AtomicBool,
    remotes: AtomicUsize,
    parker: Parker,
}

impl<M> Mailbox<M> {
    /// A mailbox for the loop of this thread, and the loop's end of it.
    pub(crate) fn new() -> (Arc<Mailbox<M>>, Receiver<M>) {
        let (sender, inbox) = crossbeam_channel::unbounded();
        let (flag, remotes) = (AtomicBool::new(false), AtomicUsize::new(0));
        let mailbox = Mailbox { sender, flag, remotes, parker: Parker::new() };
        (Arc::new(mailbox), inbox)
    }

    /// The mark of the loop that this leads to: where the mailbox lies, and nothing else.
    pub(crate) fn mark(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// Sends `message` to the loop and ends its sleep. Does nothing when the loop
    /// is gone.
    pub(crate) fn post(&self, message: M) {
        // Push, then notify.
        if self.sender.send(message).is_ok() {
            self.flag.swap(true, Ordering::AcqRel);
            self.parker.unpark();
        }
    }

    /// Whether there may be a message.
    pub(crate) fn has_mail(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// The loop is about to look into the box: what comes from now on raises the flag
    /// again, even if this look finds it.
    pub(crate) fn lower_flag(&self) {
        // Exchanges on both sides: whoever finds the flag up, or down, sees everything
        // that came before.
        self.flag.swap(false, Ordering::AcqRel);
    }

    /// Where the loop sleeps.
    pub(crate) fn parker(&self) -> &Parker {
        &self.parker
    }

    /// Counts one more [`Remote`](crate::Remote).
    pub(crate) fn add_remote(&self) {
        self.remotes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one less. The last one ends the loop's sleep: perhaps it waited
    /// only for what can no longer come, and should say so.
    pub(crate) fn remove_remote(&self) {
        if self.remotes.fetch_sub(1, Ordering::Release) == 1 {
            self.parker.unpark();
        }
    }

    /// Whether some [`Remote`](crate::Remote) may still send a message.
    pub(crate) fn has_remotes(&self) -> bool {
        self.remotes.load(Ordering::Acquire) > 0
    }
}
