//! The bugs that the models must find: each is a plausible change of one place in
//! `executor/`, and each was made by somebody, somewhere.

/// A mistake: in `file`, what `is` becomes what it `becomes`.
pub struct Bug {
    pub name: &'static str,
    pub file: &'static str,
    pub is: &'static str,
    pub becomes: &'static str,
}

pub const BUGS: &[Bug] = &[
    // The second wake finds the flag of the first one, which the loop has answered already.
    Bug {
        name: "flag_of_the_first_wake_stays_up",
        file: "task/waker.rs",
        is: "        self.sent.swap(false, Ordering::AcqRel);
        self.key",
        becomes: "        self.key",
    },
    // Two threads may both think that the other one has sent the message; or the
    // poll does not see what was written before the wake.
    Bug {
        name: "load_and_store_instead_of_swap",
        file: "task/waker.rs",
        is: "!self.sent.swap(true, Ordering::AcqRel)",
        becomes: "!self.sent.load(Ordering::Acquire) && { self.sent.store(true, Ordering::Release); true }",
    },
    // The poll does not see what was written before a wake that found the flag up.
    Bug {
        name: "store_instead_of_swap",
        file: "task/waker.rs",
        is: "self.sent.swap(false, Ordering::AcqRel);",
        becomes: "self.sent.store(false, Ordering::Release);",
    },
    // A message between the check of the inbox and the announcement is slept through.
    Bug {
        name: "parked_without_a_second_check",
        file: "task/parker.rs",
        is: "        if !stay_awake() {
            match deadline {",
        becomes: "        let _ = stay_awake;
        {
            match deadline {",
    },
    Bug {
        name: "polled_without_a_second_check",
        file: "task/parker.rs",
        is: "let deadline = if stay_awake() { Some(Instant::now()) } else { deadline };",
        becomes: "let _ = stay_awake;",
    },
    // The loop wakes up, finds nothing, and sleeps again before the message is there.
    Bug {
        name: "notified_before_the_push",
        file: "task/inbox.rs",
        is: "        if self.sender.send(message).is_ok() {
            self.has_messages.swap(true, Ordering::AcqRel);
            self.parker.unpark();
        }",
        becomes: "        self.parker.unpark();
        let _ = self.sender.send(message);
        self.has_messages.swap(true, Ordering::AcqRel);",
    },
    // The loop is told of the message before it is there, looks, and lowers the flag.
    Bug {
        name: "flag_raised_before_the_push",
        file: "task/inbox.rs",
        is: "        if self.sender.send(message).is_ok() {
            self.has_messages.swap(true, Ordering::AcqRel);
            self.parker.unpark();
        }",
        becomes: "        self.has_messages.swap(true, Ordering::AcqRel);
        if self.sender.send(message).is_ok() {
            self.parker.unpark();
        }",
    },
    // The flag of a message that came since the count goes down with the old one.
    Bug {
        name: "flag_lowered_after_the_count",
        file: "event_loop/core.rs",
        is: "        self.inbox.lower_flag();
        for _ in 0..self.messages.borrow().len() {",
        becomes: "        let count = self.messages.borrow().len();
        self.inbox.lower_flag();
        for _ in 0..count {",
    },
    // Without the fences, both sides may look before the other one has spoken.
    Bug {
        name: "announced_without_a_fence",
        file: "task/parker.rs",
        is: "        // swap, not store: it reads the `unpark` before it, so `stay_awake` sees what that
        // thread wrote.
        self.announced.swap(state, Ordering::SeqCst);
        // Between the announcement and the check of the inbox: see the rules above.
        fence(Ordering::SeqCst);",
        becomes: "        self.announced.store(state, Ordering::Relaxed);",
    },
    // Nothing is out, and nothing woken yet: a virtual clock jumps over the job.
    Bug {
        name: "counted_down_before_the_wake",
        file: "blocking/pool.rs",
        is: "        contain(job);
        // The job has woken its task before it counts as done, so that the loop sees the
        // wake before it sees that no job is unfinished.
        if self.out.fetch_sub(1, Ordering::Release) == 1 {",
        becomes: "        let others = self.out.fetch_sub(1, Ordering::Release);
        contain(job);
        if others == 1 {",
    },
    // A worker ends between two checks, and leaves a job behind.
    Bug {
        name: "ended_without_a_second_check",
        file: "blocking/pool.rs",
        is: "if error.is_disconnected() || self.jobs.is_empty() {",
        becomes: "if !error.is_disconnected() || self.jobs.is_empty() {",
    },
    // The last remote goes, and the loop that waited for it is not told.
    Bug {
        name: "last_remote_goes_silently",
        file: "task/inbox.rs",
        is: "        if self.remotes.fetch_sub(1, Ordering::Release) == 1 {
            self.parker.unpark();
        }",
        becomes: "        self.remotes.fetch_sub(1, Ordering::Release);",
    },
    // An old waker wakes whoever stands in the same place now.
    Bug {
        name: "found_by_the_slot_alone",
        file: "task/scheduler.rs",
        is: "tasks.get(key.slot).filter(|task| task.key().generation == key.generation)",
        becomes: "tasks.get(key.slot)",
    },
    // A wake was on its way when its task ended.
    Bug {
        name: "expected_to_be_there",
        file: "task/scheduler.rs",
        is: "if let Some(task) = find(&self.tasks.borrow(), key) {",
        becomes: "if let Some(task) = Some(find(&self.tasks.borrow(), key).expect(\"it was woken\")) {",
    },
    // The wakers of the next task that uses this one lead to the task before.
    Bug {
        name: "key_of_the_last_task",
        file: "task/waker.rs",
        is: "            waker.key = key;",
        becomes: "            let _ = waker;",
    },
    // The value is set, and who awaits it is woken before.
    Bug {
        name: "woken_before_the_value_is_there",
        file: "blocking/promise.rs",
        is: "        let waker = waker.take();
        *state = end;
        // Release, then wake.
        drop(state);
        waker.into_iter().for_each(ContainedWaker::wake);",
        becomes: "        let waker = waker.take();
        drop(state);
        waker.into_iter().for_each(ContainedWaker::wake);
        *self.lock() = end;",
    },
    // A wake that comes when the loop is gone.
    Bug {
        name: "posted_to_nobody",
        file: "task/inbox.rs",
        is: "        if self.sender.send(message).is_ok() {
            self.has_messages.swap(true, Ordering::AcqRel);
            self.parker.unpark();
        }",
        becomes: "        self.sender.send(message).expect(\"the loop is there\");
        self.has_messages.swap(true, Ordering::AcqRel);
        self.parker.unpark();",
    },
    // What was sent to a loop that has ended is neither run nor dropped.
    Bug {
        name: "kept_after_the_end",
        file: "event_loop/parts.rs",
        is: "        contain(|| drop(messages));",
        becomes: "        std::mem::forget(messages);",
    },
    // The loop is gone, and its jobs still run.
    Bug {
        name: "ended_without_waiting_for_the_jobs",
        file: "blocking/pool.rs",
        is: "            let _ = thread.join();",
        becomes: "            drop(thread);",
    },
];
