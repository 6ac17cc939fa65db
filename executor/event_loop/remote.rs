//! `Remote`: spawning from another thread.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use futures_lite::FutureExt;

use crate::current;
use crate::task::{Inbox, JoinError, Message, contain};

/// A way into a loop from other threads. asyncio's `call_soon_threadsafe` and
/// `run_coroutine_threadsafe`.
///
/// While a `Remote` is alive, something may still come from it: a loop with
/// nothing to do sleeps instead of reporting a deadlock. When the loop is gone, it
/// is harmless.
pub struct Remote {
    inbox: Arc<Inbox<Message>>,
}

impl Remote {
    pub(super) fn new(inbox: &Arc<Inbox<Message>>) -> Remote {
        inbox.add_remote();
        Remote { inbox: Arc::clone(inbox) }
    }

    /// Spawns a task on the loop, from any thread.
    ///
    /// `make` is sent to the loop and called there, so the future that it returns
    /// need not be `Send`. Spawns start in the order in which they were sent, in
    /// the loop's next turn, which begins only when the loop runs.
    ///
    /// The receiver gets the output; or a [`JoinError`] if `make` or the task
    /// panicked; or it is disconnected, if the loop ends before the task does. It
    /// may be dropped: the task goes on. Do not wait for it on the loop's own
    /// thread, which would block the loop: [`spawn`](crate::spawn) there.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use std::thread;
    ///
    /// let executor = glassloop::Executor::new().unwrap();
    /// let remote = executor.remote();
    /// let thread = thread::spawn(move || {
    ///     let answer = remote.spawn(|| {
    ///         let not_send = Rc::new(40);
    ///         async move { *not_send + 2 }
    ///     });
    ///     answer.recv().unwrap().unwrap()
    /// });
    /// executor.block_on(async {
    ///     while !thread.is_finished() {
    ///         glassloop::sleep(std::time::Duration::from_millis(1)).await;
    ///     }
    /// });
    /// assert_eq!(thread.join().unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn spawn<Make, F>(&self, make: Make) -> Receiver<Result<F::Output, JoinError>>
    where
        Make: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let at = Location::caller();
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let run = move || match catch_unwind(AssertUnwindSafe(make)) {
            Ok(future) => {
                let task = answer(sender, future);
                let event_loop = current::get().expect("a running loop takes its messages");
                event_loop.scheduler.spawn(None, at, task).detach();
            }
            Err(panic) => contain(|| drop(sender.send(Err(JoinError::from_panic(panic))))),
        };
        self.inbox.post(Message::Run(Box::new(run)));
        receiver
    }
}

/// The task of a remote spawn: runs the future and sends its outcome. It sends
/// itself, so that if it is dropped, the sender is, and the receiver disconnected.
async fn answer<F: Future>(sender: Sender<Result<F::Output, JoinError>>, future: F) {
    let mut future = Box::pin(future);
    let output = AssertUnwindSafe(future.as_mut()).catch_unwind().await;
    // A panic in the future's drop is the outcome instead, as with every task.
    let outcome = match catch_unwind(AssertUnwindSafe(|| drop(future))) {
        Ok(()) => output.map_err(JoinError::from_panic),
        Err(panic) => {
            contain(|| drop(output));
            Err(JoinError::from_panic(panic))
        }
    };
    contain(|| drop(sender.send(outcome)));
}

impl Clone for Remote {
    fn clone(&self) -> Remote {
        Remote::new(&self.inbox)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.inbox.remove_remote();
    }
}

impl_debug!(Remote, |_| "Remote(..)");
