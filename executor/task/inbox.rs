//! The inbox: how other threads reach a loop. (tokio's *inject queue*.)
//!
//! Other threads reach the loop only through this: a channel into the loop, the [`Parker`]
//! that ends the loop's sleep, and the number of the [`Remote`](crate::Remote)s that may
//! still send a message.
//!
//! When the loop is gone, the receiving end of the channel is gone: a message that is
//! posted then comes back, and is dropped by the thread that posted it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};

use super::parker::Parker;

/// The side of a loop that other threads use. It carries messages of any type `M`; the
/// loop's messages are defined in `waker.rs`.
pub(crate) struct Inbox<M> {
    sender: Sender<M>,
    /// A message was posted since the loop last took messages. To read this costs next to
    /// nothing, and the loop reads it in every turn.
    has_messages: AtomicBool,
    remotes: AtomicUsize,
    /// Where the loop sleeps.
    pub(crate) parker: Parker,
}

impl<M> Inbox<M> {
    /// An inbox for the loop of this thread, and its receiving end.
    pub(crate) fn new() -> (Arc<Inbox<M>>, Receiver<M>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let (has_messages, remotes) = (AtomicBool::new(false), AtomicUsize::new(0));
        let inbox = Inbox { sender, has_messages, remotes, parker: Parker::new() };
        (Arc::new(inbox), receiver)
    }

    /// Sends `message` to the loop and ends the loop's sleep. Does nothing when the loop
    /// is gone.
    pub(crate) fn post(&self, message: M) {
        // Push, then notify.
        if self.sender.send(message).is_ok() {
            self.has_messages.swap(true, Ordering::AcqRel);
            self.parker.unpark();
        }
    }

    /// Whether there may be a message.
    pub(crate) fn has_messages(&self) -> bool {
        self.has_messages.load(Ordering::Acquire)
    }

    /// Called when the loop is about to take its messages: a message that is posted from
    /// now on raises the flag again, even if the loop takes that message too.
    pub(crate) fn lower_flag(&self) {
        // If the poster's swap is before this one, the loop sees the message; if it is after,
        // the flag is raised again.
        self.has_messages.swap(false, Ordering::AcqRel);
    }

    /// Counts one more [`Remote`](crate::Remote).
    pub(crate) fn add_remote(&self) {
        self.remotes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one `Remote` less. The last one ends the loop's sleep: if the loop waited
    /// only for it, the loop is in a deadlock now, and must report it.
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
