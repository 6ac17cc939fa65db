//! Chapter 2: order and fairness. Which task is polled, and when.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::SeekFrom;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, StreamExt};
use glassloop::fs::File;
use glassloop::sync::{Barrier, Condvar, Event, Mutex, Semaphore, WaitGroup, channel, oneshot};
use glassloop::{
    Executor, Sleep, SlowPoll, interval, now, sleep, sleep_until, spawn, spawn_named, stats,
    timeout, unblock, yield_now,
};
use support::{
    Log, on_loop, on_virtual_loop, poll_once, poll_with, sockets, turns, within_limit,
    woken_by_a_thread,
};

// ── 14 to 16: the run queue ──────────────────────────────────────────────────

/// 14 · as in asyncio. Breaks when the run queue is a stack.
#[test]
fn ready_tasks_run_in_the_order_in_which_they_were_woken() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let player = |name: &'static str, log: Log| async move {
            for turn in 0..2 {
                log.add(format!("{name}{turn}"));
                yield_now().await;
            }
        };
        let tasks = ["a", "b", "c"].map(|name| spawn(player(name, log.clone())));
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["a0", "b0", "c0", "a1", "b1", "c1"], "first in, first out");
    });
}

/// 14 · as in asyncio. Breaks when the loop goes through a table of tasks and
/// polls those that are marked ready: that is the order of the spawns.
#[test]
fn the_order_of_the_wakes_decides_and_not_that_of_the_spawns() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let senders = ["a", "b", "c"].map(|name| {
            let (sender, receiver) = oneshot::channel();
            let log = log.clone();
            drop(spawn(async move {
                receiver.await.unwrap();
                log.add(name);
            }));
            sender
        });
        turns(1).await;
        let [a, b, c] = senders;
        for sender in [c, a, b] {
            sender.send(()).unwrap();
        }
        turns(1).await;
        assert_eq!(log.take(), ["c", "a", "b"], "woken first, polled first");
    });
}

/// 14 · as in asyncio. Breaks when a wake moves a task that is in the run queue.
#[test]
fn a_second_wake_does_not_change_the_place_in_the_run_queue() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let wakers = Rc::new(RefCell::new(Vec::new()));
        for name in ["a", "b"] {
            let (log, wakers) = (log.clone(), wakers.clone());
            drop(spawn(poll_fn(move |cx| {
                log.add(name);
                wakers.borrow_mut().push(cx.waker().clone());
                Poll::<()>::Pending
            })));
        }
        turns(1).await;
        let [a, b]: [Waker; 2] = wakers.take().try_into().expect("both were polled");
        log.take();
        b.wake_by_ref();
        a.wake();
        b.wake();
        turns(1).await;
        assert_eq!(log.take(), ["b", "a"], "a queued task keeps its place, and has only one");
    });
}

/// The number of the current turn.
fn turn() -> u64 {
    stats().turns
}

/// 15 · as in asyncio. Breaks when the loop polls until the queue is empty: then a
/// turn may never end.
#[test]
fn a_task_that_becomes_ready_during_a_turn_runs_in_the_next_turn() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let start = turn();
        let entry = log.clone();
        let first = spawn(async move {
            entry.add(format!("first in turn {}", turn() - start));
            let second = entry.clone();
            drop(spawn(async move {
                second.add(format!("second in turn {}", turn() - start));
                let third = second.clone();
                drop(spawn(async move {
                    third.add(format!("third in turn {}", turn() - start));
                }));
            }));
            yield_now().await;
            entry.add(format!("first again in turn {}", turn() - start));
        });
        first.await.unwrap();
        turns(3).await;
        let trace =
            ["first in turn 1", "second in turn 2", "first again in turn 2", "third in turn 3"];
        assert_eq!(log.take(), trace, "a turn polls the tasks that were ready when it began");
    });
}

/// 16 · as in asyncio (without its eager tasks). Breaks when `spawn` polls the new task at
/// once "to save a turn": then the next line of the spawner runs too late.
#[test]
fn spawn_never_polls_at_once() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let entry = log.clone();
        drop(spawn(async move { entry.add("task") }));
        log.add("spawner");
        yield_now().await;
        assert_eq!(log.take(), ["spawner", "task"], "the spawner runs on until it waits");
    });
}

/// 16 · as in asyncio.
#[test]
fn a_spawned_task_is_first_polled_in_the_next_turn() {
    on_virtual_loop(|| async {
        let spawned_in = turn();
        let first_poll = spawn(async { turn() });
        assert_eq!(first_poll.await.unwrap() - spawned_in, 1, "first polled in the next turn");
    });
}

/// 16 · Breaks when the root is pushed before the tasks of `Executor::spawn`.
#[test]
fn tasks_spawned_before_block_on_run_before_the_root() {
    within_limit(|| {
        let executor = support::virtual_executor();
        let log = Log::new();
        for name in ["a", "b"] {
            let log = log.clone();
            drop(executor.spawn(async move { log.add(name) }));
        }
        executor.block_on(async { log.add("root") });
        assert_eq!(log.take(), ["a", "b", "root"], "first in, first out, the root too");
    });
}

// ── 17 to 20: the price in turns ─────────────────────────────────────────────

/// 17 · as asyncio's `sleep(0)`. Breaks when a yield uses a timer, or is ready at once.
#[test]
fn yield_now_costs_exactly_one_turn() {
    on_virtual_loop(|| async {
        let before = turn();
        yield_now().await;
        assert_eq!(turn() - before, 1, "one yield, one turn");
        turns(9).await;
        assert_eq!(turn() - before, 10, "ten yields, ten turns");
    });
}

/// 18 · as in asyncio, where `await` of a coroutine does not yield either. Breaks
/// when every await goes through the queue.
#[test]
fn awaiting_a_ready_future_costs_no_turn() {
    async fn does_not_suspend() -> u32 {
        std::future::ready(1).await
    }

    on_virtual_loop(|| async {
        let before = turn();
        for _ in 0..1_000 {
            does_not_suspend().await;
        }
        assert_eq!(turn() - before, 0, "an await that does not suspend is a function call");
    });
}

/// 18 · as in asyncio. Breaks when a leaf future yields although it is ready.
#[test]
fn a_leaf_future_that_is_ready_at_once_costs_no_turn() {
    on_virtual_loop(|| async {
        let finished = spawn(async {});
        yield_now().await;
        let (sender, receiver) = channel::bounded(1);
        let event = Event::new();
        event.set();

        let before = turn();
        finished.await.unwrap();
        sender.send(1).await.unwrap();
        receiver.recv().await.unwrap();
        event.wait().await;
        drop(Mutex::new(()).lock().await);
        drop(Semaphore::new(1).acquire().await);
        Barrier::new(1).wait().await;
        WaitGroup::new().wait().await;
        sleep(Duration::ZERO).await;
        assert_eq!(turn() - before, 0, "a future that is ready at its first poll must not yield");
    });
}

/// 19 · as in asyncio. Breaks when the end of a task takes a turn of its own.
#[test]
fn spawn_and_join_of_a_trivial_task_take_two_turns() {
    on_virtual_loop(|| async {
        let before = turn();
        spawn(async {}).await.unwrap();
        assert_eq!(turn() - before, 2, "one turn for the task, one for the joiner");
    });
}

/// Lets a task wait for `wait`, then calls `cause`, and returns how many turns
/// later the task went on.
async fn turns_after<W>(wait: W, cause: impl FnOnce()) -> u64
where
    W: Future<Output = ()> + 'static,
{
    let waiter = spawn(async move {
        wait.await;
        turn()
    });
    turns(2).await;
    assert!(!waiter.is_finished(), "the waiter must wait for its cause");
    let caused_in = turn();
    cause();
    waiter.await.unwrap() - caused_in
}

/// 20 · as asyncio's `Lock`. Breaks when the woken waiter has to compete for the
/// lock, or when the unlock polls the waiter at once.
#[test]
fn a_lock_resumes_one_turn_after_the_unlock() {
    on_virtual_loop(|| async {
        let mutex = Rc::new(Mutex::new(()));
        let guard = mutex.lock().await;
        let other = mutex.clone();
        let cost = turns_after(async move { drop(other.lock().await) }, || drop(guard)).await;
        assert_eq!(cost, 1, "the waiter goes on in the turn after the unlock");
    });
}

/// 20 · as asyncio's `Semaphore`.
#[test]
fn an_acquire_resumes_one_turn_after_the_release() {
    on_virtual_loop(|| async {
        let semaphore = Rc::new(Semaphore::new(1));
        let permit = semaphore.acquire().await;
        let other = semaphore.clone();
        let cost = turns_after(async move { drop(other.acquire().await) }, || drop(permit)).await;
        assert_eq!(cost, 1, "the waiter goes on in the turn after the release");
    });
}

/// 20 · as asyncio's `Event`.
#[test]
fn an_events_waiter_resumes_one_turn_after_it_was_set() {
    on_virtual_loop(|| async {
        let event = Rc::new(Event::new());
        let other = event.clone();
        let cost = turns_after(async move { other.wait().await }, || event.set()).await;
        assert_eq!(cost, 1, "the waiter goes on in the turn after the set");
    });
}

/// 20 · as asyncio's `Barrier`.
#[test]
fn a_barriers_waiter_resumes_one_turn_after_the_last_arrival() {
    on_virtual_loop(|| async {
        let barrier = Rc::new(Barrier::new(2));
        let other = barrier.clone();
        let arrive = || assert!(poll_with(&mut barrier.wait(), Waker::noop()).is_ready());
        let cost =
            turns_after(async move { assert!(!other.wait().await.is_leader()) }, arrive).await;
        assert_eq!(cost, 1, "the waiter goes on in the turn after the last arrival");
    });
}

/// 20 · as asyncio's `Queue.get`.
#[test]
fn a_receive_resumes_one_turn_after_the_send() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let wait = async move { receiver.recv().await.unwrap() };
        let cost = turns_after(wait, || sender.try_send(()).unwrap()).await;
        assert_eq!(cost, 1, "the receiver goes on in the turn after the send");
    });
}

/// 20 · as asyncio's `Queue.put`.
#[test]
fn a_send_resumes_one_turn_after_there_is_space() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(1).unwrap();
        let wait = async move { sender.send(2).await.unwrap() };
        let cost = turns_after(wait, || assert_eq!(receiver.try_recv(), Ok(1))).await;
        assert_eq!(cost, 1, "the sender goes on in the turn after the receive");
    });
}

/// 20 · as asyncio's `Future.set_result`.
#[test]
fn a_oneshot_resumes_one_turn_after_the_send() {
    on_virtual_loop(|| async {
        let (sender, receiver) = oneshot::channel();
        let wait = async move { receiver.await.unwrap() };
        let cost = turns_after(wait, || sender.send(()).unwrap()).await;
        assert_eq!(cost, 1, "the receiver goes on in the turn after the send");
    });
}

/// 20 · as asyncio's `Condition`, if the lock is free by then. Breaks when the
/// notified waiter joins the mutex's wait queue although the mutex is free.
#[test]
fn a_condvars_waiter_resumes_one_turn_after_the_notification() {
    on_virtual_loop(|| async {
        let shared = Rc::new((Mutex::new(()), Condvar::new()));
        let other = shared.clone();
        let wait = async move { drop(other.1.wait(other.0.lock().await).await) };
        let cost = turns_after(wait, || shared.1.notify_one()).await;
        assert_eq!(cost, 1, "the waiter goes on in the turn after the notification");
    });
}

/// 20 · as asyncio's `Queue.join`.
#[test]
fn a_wait_groups_waiter_resumes_one_turn_after_the_last_guard() {
    on_virtual_loop(|| async {
        let group = WaitGroup::new();
        let work = group.add();
        let cost = turns_after(async move { group.wait().await }, || drop(work)).await;
        assert_eq!(cost, 1, "the waiter goes on in the turn after the last drop");
    });
}

// ── 21: fairness ─────────────────────────────────────────────────────────────

/// A task that always wakes itself, and counts its polls.
fn spawn_spinner() -> Rc<Cell<u64>> {
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    drop(spawn(async move {
        loop {
            count.set(count.get() + 1);
            yield_now().await;
        }
    }));
    polls
}

/// 21 · as in asyncio. Breaks when a task that woke itself is polled again at
/// once, or goes to the front of the run queue.
#[test]
fn a_task_that_wakes_itself_goes_to_the_back_of_the_run_queue() {
    on_virtual_loop(|| async {
        let (left, right) = (spawn_spinner(), spawn_spinner());
        for turn in 0..100 {
            yield_now().await;
            let difference = left.get().abs_diff(right.get());
            assert!(difference <= 1, "after {turn} turns, one is ahead by {difference} polls");
        }
        assert!(left.get() >= 99, "both tasks are polled once a turn");
    });
}

/// 21 · Breaks when the loop stays in one turn as long as tasks are added to it.
#[test]
fn tasks_that_spawn_tasks_do_not_starve_the_root() {
    fn spawn_successor() {
        drop(spawn(async { spawn_successor() }));
    }

    on_virtual_loop(|| async {
        spawn_successor();
        turns(100).await;
    });
}

/// 21 · as in asyncio. Breaks when timers fire only before a park.
#[test]
fn a_self_waking_task_does_not_starve_the_timers() {
    on_loop(|| async {
        spawn_spinner();
        sleep(Duration::from_millis(1)).await;
    });
}

/// 21 · as in asyncio. Breaks when the loop polls for I/O only before a park.
#[test]
fn a_self_waking_task_does_not_starve_the_sockets() {
    use futures_lite::{AsyncReadExt, AsyncWriteExt};

    on_loop(|| async {
        spawn_spinner();
        let (mut near, mut far) = sockets::pair();
        let echo = spawn(async move {
            let mut byte = [0];
            far.read_exact(&mut byte).await.unwrap();
            far.write_all(&byte).await.unwrap();
        });
        turns(2).await;
        near.write_all(b"x").await.unwrap();
        let mut byte = [0];
        near.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"x");
        echo.await.unwrap();
    });
}

/// 21 · deliberately not as in asyncio, which polls for I/O in every turn. Breaks when
/// this loop does so too: then a poll of 50 nanoseconds costs a system call.
#[test]
fn a_busy_loop_polls_for_io_once_in_64_polls_or_in_a_millisecond() {
    use futures_lite::AsyncReadExt;

    on_loop(|| async {
        let (_near, mut far) = sockets::pair();
        let waits = spawn(async move { far.read(&mut [0]).await });
        turns(1).await;
        let (before, start) = (stats(), Instant::now());
        turns(10_000).await;
        let (after, took) = (stats(), start.elapsed());
        let (io_polls, polls) = (after.io_polls - before.io_polls, after.polls - before.polls);
        assert!(io_polls > 0, "the loop must poll for I/O although it is busy");
        let most = polls / 64 + took.as_millis() as u64 + 2;
        assert!(io_polls <= most, "{io_polls} polls for I/O, {polls} polls of tasks in {took:?}");
        waits.abort();
    });
}

/// 21 · as in asyncio. Breaks when the inbox is emptied only before a park.
#[test]
fn a_self_waking_task_does_not_starve_wakes_from_other_threads() {
    on_loop(|| async {
        spawn_spinner();
        woken_by_a_thread().await;
    });
}

// ── 22: within a turn ────────────────────────────────────────────────────────

/// Sleeps a moment on the real clock, and writes its deadline to `deadline`.
///
/// The first poll certainly arms the sleep, and does not poll it twice: so the sleep
/// cannot end before the next turn, even on a machine that stalls.
async fn sleep_a_moment(deadline: Rc<Cell<Option<Instant>>>) {
    let moment = Duration::from_millis(1);
    let mut asleep: Option<Sleep> = None;
    poll_fn(|cx| {
        if let Some(sleep) = &mut asleep {
            return Pin::new(sleep).poll(cx);
        }
        let mut new = sleep(moment);
        while Pin::new(&mut new).poll(cx).is_ready() {
            new = sleep(moment);
        }
        deadline.set(new.deadline());
        asleep = Some(new);
        Poll::Pending
    })
    .await;
}

/// Blocks the loop: computes until `deadline` has passed, and does not await.
fn compute_until(deadline: Instant) {
    while Instant::now() < deadline {
        std::hint::spin_loop();
    }
}

/// 22 · as in asyncio. Breaks when the parts of a turn are in another order: then a
/// ready task waits a turn longer than it must.
#[test]
fn events_come_first_in_a_turn_then_timers_then_the_ready_tasks() {
    use std::io::Write;

    within_limit(|| {
        let executor = Executor::new().unwrap();
        let log = Log::new();
        let deadline = Rc::new(Cell::new(None));
        let (entry, until) = (log.clone(), deadline.clone());
        drop(executor.spawn(async move {
            sleep_a_moment(until).await;
            entry.add(format!("timer in turn {}", turn()));
        }));

        let (near, mut far) = sockets::std_pair();
        let entry = log.clone();
        drop(executor.spawn(async move {
            let near = glassloop::Async::new(near).unwrap();
            near.readable().await.unwrap();
            entry.add(format!("event in turn {}", turn()));
        }));

        let entry = log.clone();
        drop(executor.spawn(async move {
            // All three are ready when this poll ends: the timer is due, the
            // socket is readable, and this task has woken itself.
            compute_until(deadline.get().expect("the sleep is armed"));
            far.write_all(b"x").unwrap();
            entry.add(format!("this was turn {}", turn()));
            yield_now().await;
            entry.add(format!("ready task in turn {}", turn()));
        }));

        // Unlike `block_on`, this method polls for I/O in every turn.
        executor.run_until_stalled();
        let trace = [
            "this was turn 1",
            // In the run queue since the last turn.
            "ready task in turn 2",
            "event in turn 2",
            "timer in turn 2",
        ];
        assert_eq!(log.take(), trace, "events and timers push their tasks before the tasks run");
    });
}

/// 22 · as in asyncio. Breaks when `block_on` polls for I/O after it has fired the
/// timers, or runs the tasks before either.
#[test]
fn in_a_turn_of_block_on_events_come_before_timers_and_both_before_the_tasks() {
    use std::io::Write;

    on_loop(|| async {
        let log = Log::new();
        let deadline = Rc::new(Cell::new(None));
        let (entry, until) = (log.clone(), deadline.clone());
        let timer = spawn(async move {
            sleep_a_moment(until).await;
            entry.add(format!("timer in turn {}", turn()));
        });
        let (near, mut far) = sockets::std_pair();
        let entry = log.clone();
        let event = spawn(async move {
            let near = glassloop::Async::new(near).unwrap();
            near.readable().await.unwrap();
            entry.add(format!("event in turn {}", turn()));
        });
        yield_now().await;
        // When this poll ends, nothing is ready, the timer is due and the socket readable.
        compute_until(deadline.get().expect("the sleep is armed"));
        far.write_all(b"x").unwrap();
        let next = turn() + 1;
        glassloop::join_all([timer, event]).await;
        let trace = [format!("event in turn {next}"), format!("timer in turn {next}")];
        assert_eq!(log.take(), trace, "the event must push its task first");
    });
}

// ── 23: an idle loop ─────────────────────────────────────────────────────────

/// The CPU time that this thread has used.
#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = schedstat.split(' ').next().expect("its first number is the time");
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

/// Long enough to tell a loop that spins from one that sleeps.
#[cfg(target_os = "linux")]
const IDLE: Duration = Duration::from_millis(300);

/// An idle loop needs less than a tenth of that time; a loop that spins takes all it can get.
#[cfg(target_os = "linux")]
const IDLE_CPU_TIME: Duration = Duration::from_millis(5);

/// On a busy machine, a loop that spins gets little CPU time, but it parks many
/// times. (The timer wheel may wake an idle loop a few times as well.)
#[cfg(target_os = "linux")]
const IDLE_PARKS: u64 = 20;

/// 23 · as in asyncio. Breaks when the loop polls instead of parking, or when a
/// timeout is rounded down and the loop spins through the last millisecond.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_loop_burns_no_cpu() {
    on_loop(|| async {
        let (cpu, parks) = (cpu_time(), stats().parks);
        sleep(IDLE).await;
        let (cpu, parks) = (cpu_time() - cpu, stats().parks - parks);
        assert!(cpu < IDLE_CPU_TIME, "{cpu:?} of CPU time to sleep {IDLE:?}");
        assert!(parks < IDLE_PARKS, "the loop parked {parks} times to sleep {IDLE:?} once");
    });
}

/// 23 · Breaks as the test above, for a loop that sleeps in the system's poller (epoll on
/// Linux, kqueue on macOS, IOCP on Windows).
#[cfg(target_os = "linux")]
#[test]
fn an_idle_loop_that_watches_a_socket_burns_no_cpu() {
    on_loop(|| async {
        let (near, _far) = sockets::pair();
        let read = spawn(async move {
            let mut near = near;
            futures_lite::AsyncReadExt::read(&mut near, &mut [0]).await
        });
        turns(2).await;
        let (cpu, parks) = (cpu_time(), stats().parks);
        sleep(IDLE).await;
        let (cpu, parks) = (cpu_time() - cpu, stats().parks - parks);
        assert!(cpu < IDLE_CPU_TIME, "{cpu:?} of CPU time to sleep {IDLE:?}");
        assert!(parks < IDLE_PARKS, "the loop parked {parks} times to sleep {IDLE:?} once");
        assert!(!read.is_finished(), "nothing was sent");
    });
}

// ── 24: a task that never awaits ─────────────────────────────────────────────

/// An executor that collects the slow polls.
fn watching_executor(limit: Duration) -> (Executor, Rc<Cell<Vec<SlowPoll>>>) {
    let reports: Rc<Cell<Vec<SlowPoll>>> = Rc::default();
    let sink = reports.clone();
    let report = move |slow: &SlowPoll| {
        let mut all = sink.take();
        all.push(slow.clone());
        sink.set(all);
    };
    let executor = Executor::builder().on_slow_poll(limit, report).build().unwrap();
    (executor, reports)
}

/// 24 · as in asyncio, and in every cooperative system. A timer that is due has to wait
/// as well.
#[test]
fn a_task_that_never_awaits_blocks_everything() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let log = Log::new();
        let deadline = Rc::new(Cell::new(None));
        let (entry, until) = (log.clone(), deadline.clone());
        drop(executor.spawn(async move {
            sleep_a_moment(until).await;
            entry.add("timer");
        }));
        let entry = log.clone();
        drop(executor.spawn(async move {
            entry.add("greedy begins");
            compute_until(deadline.get().expect("the sleep is armed"));
            entry.add("greedy ends");
        }));
        let entry = log.clone();
        drop(executor.spawn(async move { entry.add("other") }));
        executor.run_until_stalled();
        let trace = ["greedy begins", "greedy ends", "other", "timer"];
        assert_eq!(log.take(), trace, "between two awaits, no other task runs");
    });
}

/// 24 · as asyncio's debug mode. Breaks when the poll is measured, but the report
/// cannot name the task, since the task has ended.
#[test]
fn the_loop_says_which_task_blocked_it_and_for_how_long() {
    within_limit(|| {
        const TIME: Duration = Duration::from_millis(5);
        let (executor, reports) = watching_executor(TIME / 2);
        let (id, line) = executor.block_on(async {
            let line = line!() + 1;
            let greedy = spawn_named("greedy", async { compute_until(Instant::now() + TIME) });
            let id = greedy.id();
            greedy.await.unwrap();
            (id, line)
        });
        let reports = reports.take();
        // On a machine that stalls, other polls are slow, too.
        let slow = reports.iter().find(|slow| slow.task == id).expect("the slow poll's report");
        assert_eq!(slow.name.as_deref(), Some("greedy"), "the report has the task's name");
        assert_eq!(slow.spawned_at.file(), file!(), "the report says where the spawn was");
        assert_eq!(slow.spawned_at.line(), line, "the report says where the spawn was");
        assert!(slow.took >= TIME, "the poll took {TIME:?} at least, not {:?}", slow.took);
        let text = slow.to_string();
        assert!(text.contains("greedy") && text.contains(&format!("{}:{line}", file!())), "{text}");
    });
}

/// 24 · Breaks when only tasks are measured.
#[test]
fn the_loop_says_that_the_root_blocked_it() {
    within_limit(|| {
        let (executor, reports) = watching_executor(Duration::from_millis(1));
        let line = line!() + 1;
        executor.block_on(async { compute_until(Instant::now() + Duration::from_millis(2)) });
        let reports = reports.take();
        assert_eq!(reports.len(), 1, "one slow poll");
        assert_eq!(reports[0].name.as_deref(), Some("root"));
        assert_eq!(reports[0].spawned_at.line(), line, "the report says where `block_on` was");
    });
}

/// 24 · Breaks when every poll is reported.
#[test]
fn a_poll_within_the_limit_is_not_reported() {
    within_limit(|| {
        let (executor, reports) = watching_executor(Duration::from_secs(1_000));
        executor.block_on(async { spawn(yield_now()).await.unwrap() });
        assert_eq!(reports.take().len(), 0, "no poll has taken a thousand seconds");
    });
}

// ── the loop's statistics ────────────────────────────────────────────────────

/// Breaks when a number of `stats` does not change, or counts something else.
#[test]
fn the_loop_counts_its_turns_polls_wakes_timers_and_jobs() {
    on_virtual_loop(|| async {
        let before = stats();
        spawn(async {}).await.unwrap();
        let after = stats();
        assert_eq!(after.turns - before.turns, 2, "one for the task, one for the joiner");
        assert_eq!(after.polls - before.polls, 2, "one of the task, one of the joiner");
        assert_eq!(after.wakes - before.wakes, 2, "one by the spawn, one of the joiner");
        sleep(Duration::from_secs(1)).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(stats().timers_fired - before.timers_fired, 2);
        unblock(|| ()).await;
        assert_eq!(stats().jobs - before.jobs, 1);
    });
}

/// 24 · Breaks when the panic goes through the loop: the tasks that are left would be dropped
/// because of a report about one of them.
#[test]
fn a_report_of_a_slow_poll_that_panics_stops_nothing() {
    within_limit(|| {
        let reports = Rc::new(Cell::new(0));
        let count = reports.clone();
        let report = move |_: &SlowPoll| {
            count.set(count.get() + 1);
            panic!("the report");
        };
        let executor = Executor::builder().on_slow_poll(Duration::ZERO, report).build().unwrap();
        let other = executor.spawn(async {
            yield_now().await;
            7
        });
        assert_eq!(executor.block_on(other).unwrap(), 7);
        assert!(reports.get() >= 4, "{} reports of four polls", reports.get());
    });
}

// ── what is ready for ever ───────────────────────────────────────────────────

/// How many operations the tests below do in one go.
const MANY: usize = 1_000;

/// How often another task had a turn while `work` ran.
async fn turns_of_others_during<T>(work: impl Future<Output = T>) -> u64 {
    let others = spawn_spinner();
    work.await;
    others.get()
}

/// Checks that `work`, which awaits `MANY` times what is ready at once, leaves a turn to the
/// others after so many operations.
async fn leaves_turns<T>(name: &str, operations: usize, work: impl Future<Output = T>) {
    let turns = turns_of_others_during(work).await;
    let expected = (MANY / operations) as u64;
    // What a file does besides costs a few turns more.
    let is_right = (expected.saturating_sub(1)..=expected + 8).contains(&turns);
    assert!(is_right, "{name}: the others had {turns} turns, and not {expected}");
}

/// 21 · asyncio's `sleep(0)` yields, its locks and queues do not when they are ready. Breaks
/// when a task goes on as long as its timers are due.
#[test]
fn a_task_whose_timers_are_always_due_does_not_keep_the_loop_to_itself() {
    on_virtual_loop(|| async {
        let mut beat = interval(Duration::from_nanos(1));
        sleep(Duration::from_secs(1)).await;
        leaves_turns("a late interval", 16, async {
            for _ in 0..MANY {
                beat.tick().await;
            }
        })
        .await;
        leaves_turns("a late interval as a stream", 16, beat.take(MANY).count()).await;
        leaves_turns("a sleep of no time", 128, async {
            for _ in 0..MANY {
                sleep(Duration::ZERO).await;
            }
        })
        .await;
        leaves_turns("a limit of no time", 128, async {
            for _ in 0..MANY {
                assert!(timeout(Duration::ZERO, std::future::pending::<()>()).await.is_err());
            }
        })
        .await;
        let event = Event::new();
        event.set();
        leaves_turns("a limit of no time around what is ready", 128, async {
            for _ in 0..MANY {
                timeout(Duration::ZERO, event.wait()).await.unwrap();
            }
        })
        .await;
        leaves_turns("a deadline that has passed", 128, async {
            for _ in 0..MANY {
                sleep_until(now()).await;
            }
        })
        .await;
    });
}

/// 21 · Breaks when a task goes on as long as what it takes from other tasks is there.
#[test]
fn a_task_that_never_has_to_wait_for_others_does_not_keep_the_loop_to_itself() {
    /// Awaits what the expression makes again and again.
    macro_rules! again_and_again {
        ($name:literal, $leaf:expr) => {
            leaves_turns($name, 128, async {
                for _ in 0..MANY {
                    let _output = IntoFuture::into_future($leaf).await;
                }
            })
            .await
        };
    }

    on_virtual_loop(|| async {
        let (sender, mut receiver) = channel::unbounded();
        again_and_again!("a send", sender.send(()));
        again_and_again!("a receive", receiver.recv());
        (0..MANY).for_each(|_| sender.try_send(()).unwrap());
        again_and_again!("a receiver as a stream", receiver.next());
        receiver.close();
        again_and_again!("a receive from a closed channel", receiver.recv());
        let (mutex, semaphore) = (Mutex::new(()), Rc::new(Semaphore::new(1)));
        again_and_again!("a lock", mutex.lock());
        again_and_again!("a permit", semaphore.acquire());
        again_and_again!("an owned permit", semaphore.acquire_owned());
        let event = Event::new();
        event.set();
        again_and_again!("an event", event.wait());
        let (barrier, group) = (Barrier::new(1), WaitGroup::new());
        again_and_again!("a barrier for one", barrier.wait());
        again_and_again!("a wait group", group.wait());
        let (sender, mut receiver) = oneshot::channel::<()>();
        drop(sender);
        again_and_again!("a oneshot", &mut receiver);
        let (promise, mut promised) = glassloop::promise::<()>();
        drop(promise);
        again_and_again!("a promise", &mut promised);
        let mut ended = (0..MANY).map(|_| spawn(async {})).collect::<Vec<_>>().into_iter();
        turns(1).await;
        again_and_again!("the end of a task", ended.next().unwrap());
    });
}

/// 21 · Breaks when a task goes on as long as a file has its bytes in memory.
#[test]
fn a_task_whose_file_is_always_ready_does_not_keep_the_loop_to_itself() {
    on_loop(|| async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; MANY]).unwrap();
        let mut file = File::open(&path).await.unwrap();
        file.read_exact(&mut [0]).await.unwrap();
        let least = (MANY / 16 - 2) as u64;
        let turns = turns_of_others_during(async {
            for _ in 1..MANY {
                file.read_exact(&mut [0]).await.unwrap();
            }
        });
        assert!(
            turns.await >= least,
            "bytes that were read ahead: the others had less than {least} turns"
        );
        let mut file = File::create(&path).await.unwrap();
        let turns = turns_of_others_during(async {
            for _ in 0..MANY {
                file.write_all(&[7]).await.unwrap();
            }
        });
        assert!(
            turns.await >= least,
            "bytes that are collected: the others had less than {least} turns"
        );
        file.flush().await.unwrap();
        let turns = turns_of_others_during(async {
            for _ in 0..MANY {
                file.flush().await.unwrap();
            }
        });
        assert!(turns.await >= least, "nothing to flush: the others had less than {least} turns");
        let turns = turns_of_others_during(async {
            for _ in 0..MANY {
                file.seek(SeekFrom::Start(0)).await.unwrap();
            }
        });
        assert!(turns.await >= least, "a seek: the others had less than {least} turns");
    });
}

/// 21 · as in asyncio, if the loop awaits something that suspends. Breaks when the limit is
/// looked at only after its future has had to wait.
#[test]
fn a_timeout_ends_a_loop_over_something_that_is_always_ready() {
    on_loop(|| async {
        let limit = Duration::from_millis(2);
        let beat = async {
            let mut beat = interval(Duration::from_nanos(1));
            loop {
                beat.tick().await;
            }
        };
        assert!(timeout(limit, beat).await.is_err(), "an interval that is always late");
        let (sender, receiver) = channel::bounded(1);
        let talk = async {
            loop {
                sender.send(()).await.unwrap();
                receiver.recv().await.unwrap();
            }
        };
        assert!(timeout(limit, talk).await.is_err(), "a channel that is never empty");
        let no_time = async {
            loop {
                sleep(Duration::ZERO).await;
            }
        };
        assert!(timeout(limit, no_time).await.is_err(), "sleeps that are over at once");
    });
}

/// 18 · Breaks when the budget counts waits, or what other polls have done.
#[test]
fn the_first_128_waits_that_need_not_wait_cost_no_turn() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        for _ in 0..200 {
            assert!(poll_once(&mut receiver.recv()).await.is_pending(), "nothing is there");
        }
        let turns = turns_of_others_during(async {
            for n in 0..64 {
                sender.send(n).await.unwrap();
                receiver.recv().await.unwrap();
            }
        });
        assert_eq!(turns.await, 0);
    });
}

/// Breaks when a wait that is refused for a turn stays refused in the poll: a poll in which
/// another executor runs does not end.
#[test]
fn an_executor_inside_of_a_task_may_wait_as_often_as_it_likes() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        futures_lite::future::block_on(async {
            for n in 0..MANY {
                sender.send(n).await.unwrap();
                sleep(Duration::ZERO).await;
                assert_eq!(receiver.recv().await, Ok(n));
            }
        });
    });
}
