//! Chapter 15: the trace as an oracle. Whatever a program does, the trace of its loop keeps
//! the rules. (`ch15_oracle_rules.rs` shows that each rule can be broken.)

mod oracle;
mod support;

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{Mutex, Semaphore, channel};
use glassloop::{
    Executor, TaskGroup, WaitsFor, fs, interval, join_all, now, sleep, sleep_until, spawn, timeout,
    unblock, yield_now,
};
use oracle::Account;
use oracle::traced::{expect_good, real, trace_of, virtual_time};
use support::{panic_text, within_limit, woken_by_a_thread};

/// Runs a program on a loop of each clock, whose traces must be good. Returns the account
/// of the loop on virtual time.
fn good(program: impl AsyncFn() + Send + 'static) -> Account {
    good_loops(move |executor| executor.block_on(program()))
}

fn good_loops(program: impl Fn(&Executor) + Send + 'static) -> Account {
    within_limit(move || {
        expect_good(&trace_of(real(), &program));
        expect_good(&trace_of(virtual_time(), &program))
    })
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

// ── tasks ─────────────────────────────────────────────────────────────────

#[test]
fn tasks_that_take_turns_and_join_each_other_keep_the_rules() {
    let account = good(async || {
        let tasks: Vec<_> = (0..10)
            .map(|index| {
                spawn(async move {
                    for _ in 0..index {
                        yield_now().await;
                    }
                    index
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(account.count("spawn"), 11, "the root is a task here");
    assert!(account.count("join") > 0, "{account:?}");
}

#[test]
fn tasks_that_panic_keep_the_rules() {
    let account = good(async || {
        let task = spawn(async { panic!("on purpose") });
        assert!(task.await.is_err());
        spawn(async { panic!("unseen") }).detach();
        yield_now().await;
    });
    assert_eq!(account.count("panic"), 2);
}

#[test]
fn a_root_that_panics_keeps_the_rules() {
    let account = good_loops(|executor| {
        let program = || {
            executor.block_on(async {
                spawn(sleep(milliseconds(5))).detach();
                let _held = timeout(milliseconds(1), pending::<()>()).await;
                panic!("on purpose");
            })
        };
        assert_eq!(panic_text(program), "on purpose");
    });
    assert_eq!((account.count("panic"), account.count("drop")), (1, 1));
}

#[test]
fn tasks_that_are_aborted_keep_the_rules() {
    let account = good(async || {
        let asleep = spawn(sleep(Duration::from_secs(3600)));
        let never_polled = spawn(async {});
        never_polled.abort();
        yield_now().await;
        asleep.abort();
        assert!(asleep.await.unwrap_err().is_cancelled());
        assert!(never_polled.await.unwrap_err().is_cancelled());
    });
    assert_eq!((account.count("abort"), account.count("cancel")), (2, 1));
}

#[test]
fn a_task_that_aborts_itself_keeps_the_rules() {
    good(async || {
        let itself = Rc::new(RefCell::new(None::<glassloop::JoinHandle<()>>));
        let shared = Rc::clone(&itself);
        let task = spawn(async move {
            shared.borrow().as_ref().map(glassloop::JoinHandle::abort);
            pending::<()>().await;
        });
        itself.replace(Some(task));
        yield_now().await;
        yield_now().await;
    });
}

#[test]
fn tasks_that_are_left_when_the_loop_ends_keep_the_rules() {
    let account = good(async || {
        let (sender, receiver) = channel::bounded::<()>(1);
        spawn(async move { receiver.recv().await }).detach();
        spawn(async move {
            sleep(Duration::from_secs(3600)).await;
            drop(sender);
        })
        .detach();
        yield_now().await;
    });
    assert_eq!((account.count("drop"), account.count("cancel")), (2, 1));
}

/// Spawns and wakes when it is dropped, which is when the loop ends.
struct BusyDrop(Waker);

impl Drop for BusyDrop {
    fn drop(&mut self) {
        self.0.wake_by_ref();
        spawn(async {}).detach();
        self.0.wake_by_ref();
    }
}

#[test]
fn destructors_that_spawn_and_wake_while_the_loop_ends_keep_the_rules() {
    let account = good(async || {
        for _ in 0..3 {
            spawn(async {
                let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                let _busy = BusyDrop(waker);
                pending::<()>().await;
            })
            .detach();
        }
        yield_now().await;
    });
    assert_eq!(account.count("drop"), 6, "each drop has spawned another task");
}

#[test]
fn a_waker_that_outlives_its_task_keeps_the_rules() {
    good(async || {
        let kept = Rc::new(RefCell::new(None));
        let place = Rc::clone(&kept);
        let task = spawn(poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            place.replace(Some(cx.waker().clone()));
            Poll::Ready(())
        }));
        task.await.unwrap();
        let waker = kept.take().unwrap();
        for _ in 0..3 {
            waker.wake_by_ref();
            yield_now().await;
        }
    });
}

#[test]
fn a_task_that_is_woken_often_stands_in_the_queue_once() {
    let account = good(async || {
        let mut polls = 0;
        let task = spawn(poll_fn(move |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            cx.waker().wake_by_ref();
            if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
        }));
        task.await.unwrap();
    });
    assert!(account.count("wake") >= 6, "{account:?}");
}

#[test]
fn a_deadlock_keeps_the_rules_while_everybody_is_asked() {
    let account = good_loops(|executor| {
        let stuck = || {
            executor.block_on(async {
                let mutex = Rc::new(Mutex::new(()));
                let guard = mutex.lock().await;
                let other = Rc::clone(&mutex);
                let task = spawn(async move { drop(other.lock().await) });
                task.await.unwrap();
                drop(guard);
            })
        };
        assert!(panic_text(stuck).starts_with("deadlock"));
        executor.block_on(sleep_for_1ms());
    });
    assert_eq!(account.count("drop"), 2);
}

#[test]
fn a_group_whose_task_fails_keeps_the_rules() {
    good(async || {
        let mut group = TaskGroup::new();
        for index in 0..5u64 {
            group.spawn(async move {
                sleep(milliseconds(index)).await;
                if index == 2 { Err(index) } else { Ok(index) }
            });
        }
        assert_eq!(group.join().await, Err(2));
    });
}

#[test]
fn locks_and_channels_keep_the_rules() {
    good(async || {
        let permits = Rc::new(Semaphore::new(2));
        let (sender, receiver) = channel::bounded(1);
        let tasks = (0..6).map(|index| {
            let (permits, sender) = (Rc::clone(&permits), sender.clone());
            async move {
                let _permit = permits.acquire().await;
                sleep(milliseconds(1)).await;
                sender.send(index).await.unwrap();
            }
        });
        let receive = async {
            for _ in 0..6 {
                receiver.recv().await.unwrap();
            }
        };
        zip(join_all(tasks), receive).await;
    });
}

// ── the executor that is kept ─────────────────────────────────────────────

#[test]
fn spawning_before_and_between_runs_keeps_the_rules() {
    let account = good_loops(|executor| {
        let early = executor.spawn(async { yield_now().await });
        executor.spawn(async { sleep(milliseconds(20)).await }).detach();
        executor.block_on(early).unwrap();
        executor.spawn(async {}).detach();
        executor.block_on(async { yield_now().await });
        executor.spawn(pending::<()>()).detach();
    });
    assert_eq!(account.count("spawn"), 6);
}

#[test]
fn a_root_that_ends_before_others_had_their_turn_keeps_the_rules() {
    good_loops(|executor| {
        executor.block_on(async {
            for _ in 0..3 {
                spawn(async { yield_now().await }).detach();
            }
            yield_now().await;
        });
        executor.block_on(async { yield_now().await });
    });
}

#[test]
fn running_until_stalled_keeps_the_rules() {
    good_loops(|executor| {
        let (sender, receiver) = channel::unbounded();
        executor.spawn(async move { while receiver.recv().await.is_ok() {} }).detach();
        executor.run_until_stalled();
        for index in 0..3 {
            executor.block_on(async { sender.send(index).await.unwrap() });
            executor.run_until_stalled();
            executor.spawn(async { sleep(Duration::ZERO).await }).detach();
            executor.spawn(sleep_for_1ms()).detach();
            executor.run_until_stalled();
        }
    });
}

async fn sleep_for_1ms() {
    sleep(milliseconds(1)).await;
}

#[test]
fn what_is_done_outside_of_a_run_keeps_the_rules() {
    good_loops(|executor| {
        let task = executor.spawn(pending::<()>());
        executor.run_until_stalled();
        task.abort();
        executor.spawn(async {}).detach();
        executor.run_until_stalled();
        assert!(task.is_finished());
    });
}

#[test]
fn a_sleep_that_outlives_the_run_keeps_the_rules() {
    good_loops(|executor| {
        let mut left = None;
        executor.block_on(async {
            let sleep = left.insert(sleep(Duration::from_secs(30)));
            assert!(support::poll_once(sleep).await.is_pending());
        });
        let mut left = left.expect("it was made");
        left.reset(left.deadline().unwrap() + milliseconds(500));
        executor.block_on(yield_now());
        drop(left);
        executor.block_on(yield_now());
    });
}

#[test]
fn what_outlives_its_loop_is_not_traced_any_more() {
    within_limit(|| {
        let mut kept = None;
        let trace = trace_of(virtual_time(), |executor| {
            kept = Some(executor.block_on(async {
                let address = (std::net::Ipv4Addr::LOCALHOST, 0);
                let listener = TcpListener::bind(address).await.unwrap();
                let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                (listener, stream)
            }));
        });
        drop(kept);
        expect_good(&trace);
    });
}

#[test]
fn two_loops_that_take_turns_keep_the_rules() {
    within_limit(|| {
        let inner = RefCell::new(String::new());
        let outer = trace_of(virtual_time(), |outer| {
            *inner.borrow_mut() = trace_of(virtual_time(), |inner| {
                let (sender, receiver) = channel::unbounded();
                inner.spawn(async move { while receiver.recv().await.is_ok() {} }).detach();
                for index in 0..3 {
                    outer.block_on(async {
                        sender.send(index).await.unwrap();
                        sleep(milliseconds(1)).await;
                    });
                    inner.block_on(sleep_for_1ms());
                }
            });
        });
        expect_good(&outer);
        expect_good(&inner.borrow());
    });
}

#[test]
fn loops_of_several_threads_keep_the_rules() {
    within_limit(|| {
        let loops = (0..4).map(|_| {
            thread::spawn(|| {
                let program = |executor: &Executor| {
                    executor.block_on(async {
                        join_all((0..10).map(|n| sleep(milliseconds(n)))).await
                    });
                };
                trace_of(real(), program)
            })
        });
        for trace in loops.collect::<Vec<_>>() {
            expect_good(&trace.join().unwrap());
        }
    });
}

// ── timers ────────────────────────────────────────────────────────────────

/// Pseudo-random numbers, the same in each run.
fn scattered(count: u64, below: u64) -> impl Iterator<Item = u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    (0..count).map(move |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    })
}

#[test]
fn ten_thousand_timers_lie_where_their_deadlines_say() {
    within_limit(|| {
        let trace = trace_of(virtual_time(), |executor| {
            executor.block_on(async {
                let from = now();
                for deadline in scattered(10_000, 1 << 10) {
                    spawn(sleep_until(from + Duration::from_nanos((deadline + 1) << 25))).detach();
                }
                sleep(Duration::from_secs(40)).await;
            });
        });
        let account = expect_good(&trace);
        assert_eq!((account.count("arm"), account.count("fire")), (10_001, 10_001));
        assert!(account.count("cascade") > 10_000, "{account:?}");
    });
}

/// While a timer is armed, the cursor moves with the clock, and the oracle knows where it is.
#[test]
fn timers_that_are_armed_while_the_cursor_moves_are_in_the_slots_of_their_deadlines() {
    let account = good_loops(|executor| {
        executor.block_on(async {
            spawn(sleep(Duration::from_secs(3600))).detach();
            yield_now().await;
            for nanoseconds in scattered(500, 1 << 18) {
                sleep(Duration::from_nanos(nanoseconds)).await;
            }
        });
    });
    assert_eq!((account.count("arm"), account.count("fire")), (501, 500));
}

#[test]
fn timers_of_all_levels_lie_where_their_deadlines_say() {
    let account = good_loops(|executor| {
        executor.block_on(async {
            let from = now();
            for level in 0..8 {
                for slot in [1, 2, 63] {
                    let ticks = slot << (6 * level);
                    let after = Duration::from_nanos(ticks << 16);
                    let task = spawn(async move { sleep_until(from + after).await });
                    if level > 2 {
                        yield_now().await;
                        task.abort();
                    }
                }
            }
            sleep(milliseconds(300)).await;
        });
    });
    assert!(account.count("cancel") >= 15, "{account:?}");
}

#[test]
fn a_virtual_clock_that_jumps_by_years_keeps_the_rules() {
    within_limit(|| {
        let trace = trace_of(virtual_time(), |executor| {
            executor.block_on(async {
                for power in 0..60 {
                    sleep(Duration::from_nanos(1 << power)).await;
                    timeout(Duration::from_secs(9), yield_now()).await.unwrap();
                }
            });
        });
        let account = expect_good(&trace);
        assert_eq!(account.count("fire"), 60);
    });
}

#[test]
fn timers_that_are_reset_and_cancelled_keep_the_rules() {
    let account = good(async || {
        let mut beat = interval(milliseconds(2));
        for _ in 0..3 {
            beat.tick().await;
        }
        let mut moved = sleep(Duration::from_secs(100));
        assert!(support::poll_once(&mut moved).await.is_pending());
        moved.reset(now() + milliseconds(3));
        moved.await;
        for _ in 0..3 {
            timeout(milliseconds(1), pending::<()>()).await.unwrap_err();
            timeout(milliseconds(50), sleep(milliseconds(1))).await.unwrap();
        }
        let quick = sleep(milliseconds(1));
        quick.or(sleep(milliseconds(90))).await;
    });
    assert!(account.count("cancel") >= 5, "{account:?}");
}

#[test]
fn a_task_waits_for_its_sleep_under_the_number_that_a_reset_has_given_it() {
    good(async || {
        let (mut first, second) = (sleep(milliseconds(5)), sleep(milliseconds(9)));
        let mut second = std::pin::pin!(second);
        poll_fn(|cx| {
            let is_over = std::pin::pin!(&mut first).poll(cx).is_ready();
            if !is_over {
                first.reset(now() + milliseconds(7));
            }
            let _ = second.as_mut().poll(cx);
            if is_over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
}

#[test]
fn a_sleep_that_moves_to_another_task_keeps_the_rules() {
    good(async || {
        let mut moved = sleep(milliseconds(3));
        if support::poll_once(&mut moved).await.is_ready() {
            return; // the machine is so busy that it is over by now
        }
        let task = spawn(moved);
        sleep(milliseconds(1)).await;
        task.await.unwrap();
    });
}

#[test]
fn a_sleep_that_another_task_resets_is_traced_with_its_new_deadline() {
    good(async || {
        let moved = Rc::new(RefCell::new(sleep(Duration::from_secs(3600))));
        let shared = Rc::clone(&moved);
        let task = spawn(poll_fn(move |cx| std::pin::pin!(&mut *shared.borrow_mut()).poll(cx)));
        yield_now().await;
        moved.borrow_mut().reset(now() + Duration::from_secs(2));
        let tasks = glassloop::tasks();
        let WaitsFor::Timer(rest) = tasks[1].waits[0].what else { panic!("{tasks}") };
        assert!(rest > Duration::from_secs(1), "the task still waits for the old timer: {tasks}");
        moved.borrow_mut().reset(now());
        task.await.unwrap();
    });
}

#[test]
fn a_loop_that_is_late_keeps_the_rules() {
    within_limit(|| {
        let trace = trace_of(real(), |executor| {
            executor.block_on(async {
                let sleeps = (0..50).map(|n| sleep(Duration::from_micros(n * 100)));
                let late = async {
                    for _ in 0..3 {
                        thread::sleep(milliseconds(3));
                        yield_now().await;
                    }
                };
                zip(join_all(sleeps), late).await;
                sleep(milliseconds(6)).await;
            });
        });
        expect_good(&trace);
    });
}

// ── descriptors, jobs, threads ────────────────────────────────────────────

#[test]
fn sockets_keep_the_rules() {
    let account = good(async || {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(async move {
            for _ in 0..5 {
                let (mut stream, _) = listener.accept().await.unwrap();
                spawn(async move {
                    let mut all = Vec::new();
                    stream.read_to_end(&mut all).await.unwrap();
                    stream.write_all(&all).await.unwrap();
                })
                .detach();
            }
        });
        let clients = (0..5).map(|index| async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&vec![index; 400_000]).await.unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer.len(), 400_000);
        });
        join_all(clients).await;
        server.await.unwrap();
    });
    assert!(account.count("fdready") > 5, "{account:?}");
}

#[test]
fn a_read_that_is_given_up_and_a_socket_that_is_closed_keep_the_rules() {
    good(async || {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..4 {
            let mut near = TcpStream::connect(address).await.unwrap();
            let (mut far, _) = listener.accept().await.unwrap();
            timeout(milliseconds(1), near.read(&mut [0])).await.unwrap_err();
            far.write_all(b"too late").await.unwrap();
            sleep(milliseconds(1)).await;
            drop(far);
            sleep(milliseconds(1)).await;
        }
    });
}

#[test]
fn jobs_and_files_keep_the_rules() {
    let account = good(async || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "text").await.unwrap();
        assert_eq!(fs::read_to_string(&path).await.unwrap(), "text");
        let sums = (0..20u64).map(|n| unblock(move || (0..n * 1000).sum::<u64>()));
        join_all(sums).await;
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        while let Some(entry) = entries.next().await {
            entry.unwrap();
        }
        join_all([sleep(milliseconds(1)), sleep(milliseconds(2))]).await;
    });
    assert!(account.count("jobdone") > 20 && account.count("jobdone") == account.count("job"));
}

#[test]
fn jobs_that_nobody_waits_for_are_done_before_the_loop_has_ended() {
    let account = good(async || {
        for _ in 0..5 {
            let mut job = unblock(|| thread::sleep(milliseconds(2)));
            assert!(support::poll_once(&mut job).await.is_pending());
        }
    });
    assert_eq!(account.count("jobdone"), 5);
}

#[test]
fn a_job_that_panics_keeps_the_rules() {
    good(async || {
        let job = spawn(async { unblock(|| panic!("on purpose")).await });
        assert!(job.await.is_err());
    });
}

#[test]
fn two_jobs_of_one_task_that_are_done_together_keep_the_rules() {
    let account = good(async || {
        for _ in 0..20 {
            zip(unblock(|| 1), unblock(|| 2)).await;
            unblock(|| 1).or(unblock(|| 2)).await;
        }
    });
    assert_eq!(account.count("job"), 80);
}

#[test]
fn a_job_that_was_given_up_is_not_the_cause_of_what_a_thread_does_later() {
    good(async || {
        let mut job = unblock(|| ());
        assert!(support::poll_once(&mut job).await.is_pending());
        drop(job);
        sleep(milliseconds(1)).await;
        woken_by_a_thread().await;
    });
}

#[test]
fn other_threads_keep_the_rules() {
    let account = good_loops(|executor| {
        let remote = executor.remote();
        let thread = thread::spawn(move || {
            let sent = (0..10).map(|n| remote.spawn(move || async move { n }));
            sent.collect::<Vec<_>>().into_iter().map(|sent| sent.recv().unwrap().unwrap()).sum()
        });
        let (promise, promised) = glassloop::promise();
        thread::spawn(move || {
            let sum: i32 = thread.join().unwrap();
            promise.set(sum)
        });
        executor.block_on(async {
            woken_by_a_thread().await;
            spawn(woken_by_a_thread()).await.unwrap();
            assert_eq!(promised.await, Ok(45));
        });
    });
    assert_eq!(account.count("spawn"), 12);
}

#[test]
fn a_flood_of_foreign_wakes_keeps_the_rules() {
    good(async || {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let flood = thread::spawn(move || {
            for _ in 0..1000 {
                waker.wake_by_ref();
            }
        });
        while !flood.is_finished() {
            sleep(Duration::from_micros(100)).await;
        }
        flood.join().unwrap();
    });
}

#[test]
fn a_foreign_combinator_keeps_the_rules() {
    good(async || {
        join_all((0..200).map(|n| async move {
            sleep(milliseconds(n % 7)).await;
            if n % 10 == 0 {
                unblock(|| ()).await;
            }
        }))
        .await;
    });
}

#[test]
fn a_panic_that_is_caught_within_a_task_keeps_the_rules() {
    good(async || {
        let caught = AssertUnwindSafe(async {
            sleep(milliseconds(1)).await;
            panic!("on purpose");
        })
        .catch_unwind()
        .await;
        assert!(caught.is_err());
        assert!(catch_unwind(|| glassloop::block_on(async {})).is_err(), "loops do not nest");
        yield_now().await;
    });
}
