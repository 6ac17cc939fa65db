//! Chapter 15: the list of tasks: which tasks there are, the state of each, and what each
//! waits for. Printed, the list is a tree: each task is below the task that awaits it.

mod support;

use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_lite::AsyncReadExt;
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{Event, Mutex, channel, oneshot};
use glassloop::{
    Executor, TaskInfo, TaskState, WaitsFor, join_all, sleep, spawn, spawn_named, tasks, timeout,
    unblock, yield_now,
};
use support::{panic_text, within_limit};

/// Runs `root` on a loop with a virtual clock that records wait reasons.
fn on_explained_loop<F: Future>(root: F) -> F::Output {
    let executor = Executor::builder().virtual_time().explain(true).build().unwrap();
    executor.block_on(root)
}

/// The task of that name.
fn task(name: &str) -> TaskInfo {
    let is_it = |task: &TaskInfo| task.name.as_deref() == Some(name);
    tasks().into_iter().find(is_it).unwrap_or_else(|| panic!("no task {name:?} in\n{}", tasks()))
}

/// What the task of that name waits for.
fn waits(name: &str) -> Vec<WaitsFor> {
    task(name).waits.iter().map(|wait| wait.what).collect()
}

#[test]
fn a_task_is_listed_with_its_name_number_and_spawn_place() {
    within_limit(|| {
        on_explained_loop(async {
            let handle = spawn_named("fetch", pending::<()>());
            let line = Location::caller().line() - 1;
            let listed = task("fetch");
            assert_eq!(listed.id, handle.id());
            assert_eq!((listed.spawned_at.file(), listed.spawned_at.line()), (file!(), line));
        });
    });
}

#[test]
fn the_root_is_listed_first_and_called_root() {
    within_limit(|| {
        on_explained_loop(async {
            spawn(pending::<()>()).detach();
            let all = tasks();
            assert_eq!(all.len(), 2);
            assert_eq!(all[0].name.as_deref(), Some("root"));
            assert!(all[0].id < all[1].id);
        });
    });
}

#[test]
fn the_task_that_asks_is_running_the_woken_tasks_are_ready_and_the_others_wait() {
    within_limit(|| {
        on_explained_loop(async {
            spawn_named("asleep", pending::<()>()).detach();
            yield_now().await;
            spawn_named("new", pending::<()>()).detach();
            assert_eq!(task("root").state, TaskState::Running);
            assert_eq!(task("asleep").state, TaskState::Waiting);
            assert_eq!(task("new").state, TaskState::Ready);
            let asked_by_a_task = spawn_named("asks", async { task("asks").state }).await;
            assert_eq!(asked_by_a_task.unwrap(), TaskState::Running);
        });
    });
}

#[test]
fn polls_are_counted_for_each_task() {
    within_limit(|| {
        on_explained_loop(async {
            spawn_named("yields", async {
                yield_now().await;
                pending::<()>().await;
            })
            .detach();
            assert_eq!(task("yields").polls, Some(0));
            yield_now().await;
            assert_eq!(task("yields").polls, Some(1));
            yield_now().await;
            yield_now().await;
            assert_eq!(task("yields").polls, Some(2));
        });
    });
}

#[test]
fn a_task_that_has_ended_is_not_listed() {
    within_limit(|| {
        on_explained_loop(async {
            spawn(async {}).await.unwrap();
            let aborted = spawn(pending::<()>());
            aborted.abort();
            yield_now().await;
            assert_eq!(tasks().len(), 1, "{}", tasks());
        });
    });
}

#[test]
fn a_sleep_says_how_long_it_has_to_go_and_where_it_began() {
    within_limit(|| {
        on_explained_loop(async {
            let line = Location::caller().line() + 1;
            spawn_named("sleeps", async { sleep(Duration::from_secs(3)).await }).detach();
            sleep(Duration::from_secs(1)).await;
            let wait = task("sleeps").waits[0].clone();
            assert_eq!(wait.what, WaitsFor::Timer(Duration::from_secs(2)));
            assert_eq!((wait.since.file(), wait.since.line()), (file!(), line));
        });
    });
}

#[test]
fn a_lock_a_queue_a_job_and_an_awaited_task_are_named() {
    within_limit(|| {
        on_explained_loop(async {
            let mutex = Rc::new(Mutex::new(()));
            let held = mutex.clone();
            let guard = held.lock().await;
            let (_sender, receiver) = channel::unbounded::<()>();
            let (release, released) = std::sync::mpsc::channel::<()>();
            spawn_named("locks", async move { drop(mutex.lock().await) }).detach();
            spawn_named("receives", async move { receiver.recv().await }).detach();
            spawn_named("unblocks", unblock(move || released.recv())).detach();
            let other = spawn(pending::<()>());
            let id = other.id();
            spawn_named("joins", other).detach();
            yield_now().await;

            assert_eq!(waits("locks"), [WaitsFor::Other("a mutex")]);
            assert!(matches!(waits("receives")[..], [WaitsFor::Other(_)]));
            assert_eq!(waits("unblocks"), [WaitsFor::Job]);
            assert_eq!(waits("joins"), [WaitsFor::Task(id)]);
            release.send(()).unwrap();
            drop(guard);
        });
    });
}

#[test]
fn a_socket_says_its_number_and_the_line_that_made_it() {
    within_limit(|| {
        let executor = Executor::builder().explain(true).build().unwrap();
        executor.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let line = Location::caller().line() + 1;
            let mut stream = TcpStream::connect(address).await.unwrap();
            spawn_named("reads", async move { stream.read(&mut [0]).await }).detach();
            spawn_named("accepts", async move {
                listener.accept().await.unwrap();
                listener.accept().await.unwrap();
            })
            .detach();
            while !matches!(waits("accepts")[..], [WaitsFor::Readable(_)]) {
                yield_now().await;
            }
            let wait = task("reads").waits[0].clone();
            assert!(matches!(wait.what, WaitsFor::Readable(_)), "{wait}");
            assert_eq!((wait.since.file(), wait.since.line()), (file!(), line));
        });
    });
}

#[test]
fn a_task_that_waits_in_several_leaves_names_them_all() {
    within_limit(|| {
        on_explained_loop(async {
            let mutex = Rc::new(Mutex::new(()));
            let held = mutex.clone();
            let guard = held.lock().await;
            spawn_named("both", async move {
                let _ = timeout(Duration::from_secs(1), mutex.lock()).await;
            })
            .detach();
            yield_now().await;
            let expected = [WaitsFor::Other("a mutex"), WaitsFor::Timer(Duration::from_secs(1))];
            assert_eq!(waits("both"), expected);
            drop(guard);
        });
    });
}

/// The poll that finds the limit elapsed has also polled the lock once more.
#[test]
fn what_was_given_up_in_the_same_poll_is_not_waited_for() {
    within_limit(|| {
        on_explained_loop(async {
            let mutex = Rc::new(Mutex::new(()));
            let held = mutex.clone();
            let guard = held.lock().await;
            spawn_named("gives up", async move {
                let _ = timeout(Duration::from_secs(1), mutex.lock()).await;
                sleep(Duration::from_secs(9)).await;
            })
            .detach();
            sleep(Duration::from_secs(2)).await;
            assert_eq!(waits("gives up"), [WaitsFor::Timer(Duration::from_secs(8))]);
            drop(guard);
        });
    });
}

#[test]
fn a_lock_that_was_got_is_not_waited_for() {
    within_limit(|| {
        on_explained_loop(async {
            let mutex = Rc::new(Mutex::new(()));
            let held = mutex.clone();
            let guard = held.lock().await;
            spawn_named("goes on", async move {
                let _guard = mutex.lock().await;
                sleep(Duration::from_secs(1)).await;
            })
            .detach();
            yield_now().await;
            drop(guard);
            yield_now().await;
            assert_eq!(waits("goes on"), [WaitsFor::Timer(Duration::from_secs(1))]);
        });
    });
}

#[test]
fn a_loop_that_records_no_wait_reasons_still_lists_its_tasks() {
    within_limit(|| {
        let executor = Executor::builder().virtual_time().explain(false).build().unwrap();
        executor.spawn(sleep_on_the_loop()).detach();
        executor.block_on(async {
            yield_now().await;
            let listed = &tasks()[0];
            assert_eq!((listed.state, listed.polls), (TaskState::Waiting, None));
            assert!(listed.waits.is_empty());
        });
    });
}

async fn sleep_on_the_loop() {
    sleep(Duration::from_secs(1)).await;
}

#[test]
fn between_two_runs_the_executor_lists_what_is_left() {
    within_limit(|| {
        let executor = Executor::builder().virtual_time().explain(true).build().unwrap();
        executor.block_on(async {
            spawn_named("left", sleep_on_the_loop()).detach();
            yield_now().await;
        });
        let left = executor.tasks();
        assert_eq!(left.len(), 1, "the root has ended: {left}");
        assert_eq!(left[0].name.as_deref(), Some("left"));
        assert_eq!(left[0].waits[0].what, WaitsFor::Timer(Duration::from_secs(1)));
    });
}

#[test]
fn outside_of_a_loop_tasks_panics_and_says_what_to_do() {
    let text = panic_text(tasks);
    assert!(text.contains("`glassloop::tasks` was called at"), "{text}");
    assert!(text.contains("block_on"), "{text}");
}

/// The lines of the tree, without the places.
fn tree() -> Vec<String> {
    let text = tasks().to_string();
    let line = |line: &str| {
        let (who, rest) = line.split_once(", from ").unwrap_or((line, ""));
        format!("{who}:{}", rest.split_once(": ").map_or("", |(_, state)| state))
    };
    text.lines().map(line).collect()
}

#[test]
fn the_printed_list_shows_each_task_below_the_task_that_awaits_it() {
    within_limit(|| {
        on_explained_loop(async {
            let inner = spawn_named("inner", pending::<()>());
            let other = spawn_named("other", pending::<()>());
            let outer = async move { futures_lite::future::zip(inner, other).await };
            spawn_named("outer", outer).detach();
            yield_now().await;
            let expected = [
                "task 1 \"root\":running",
                "task 4 \"outer\":waits for the end of task 2; and for the end of task 3",
                "├─ task 2 \"inner\":waits",
                "└─ task 3 \"other\":waits",
            ];
            assert_eq!(tree(), expected, "\n{}", tasks());
        });
    });
}

#[test]
fn printed_a_circle_of_tasks_that_await_each_other_ends() {
    within_limit(|| {
        on_explained_loop(async {
            let (send_one, one) = channel::unbounded();
            let (send_two, two) = channel::unbounded();
            let first = spawn_named("a", async move {
                let other: glassloop::JoinHandle<()> = two.recv().await.unwrap();
                let _ = other.await;
            });
            let second = spawn_named("b", async move {
                let other: glassloop::JoinHandle<()> = one.recv().await.unwrap();
                let _ = other.await;
            });
            send_one.try_send(first).ok().unwrap();
            send_two.try_send(second).ok().unwrap();
            yield_now().await;
            yield_now().await;
            let expected = [
                "task 1 \"root\":running",
                "task 2 \"a\":waits for the end of task 3",
                "└─ task 3 \"b\":waits for the end of task 2",
                "   └─ task 2, see its line:",
            ];
            assert_eq!(tree(), expected, "\n{}", tasks());
        });
    });
}

/// Spawns `count` tasks. Each but the first awaits the one before it.
fn spawn_chain(count: usize) -> glassloop::JoinHandle<()> {
    (1..count).fold(spawn(pending()), |before, _| spawn(async { before.await.unwrap() }))
}

/// Breaks when the tree calls itself for each level, or is indented without a limit.
#[test]
fn printed_a_chain_of_ten_thousand_tasks_takes_a_line_for_each_and_two_at_a_cut() {
    within_limit(|| {
        on_explained_loop(async {
            let last = spawn_chain(10_000);
            yield_now().await;
            let text = tasks().to_string();
            let (lines, longest) = (text.lines().count(), text.lines().map(str::len).max());
            assert!((10_001..11_001).contains(&lines), "{lines} lines");
            assert!(longest < Some(300), "a line of {longest:?} bytes");
            assert!(text.starts_with("task 1 \"root\""), "{}", &text[..500]);
            let titles = text.lines().filter_map(|line| line.split_once(", from ")).count();
            assert_eq!(titles, 10_001, "a task has no line of its own, or two");
            drop(last);
        });
    });
}

/// Breaks when what is cut off gets lost, or is put somewhere else than below its tree.
#[test]
fn printed_a_tree_of_more_than_sixteen_levels_goes_on_from_the_margin() {
    within_limit(|| {
        on_explained_loop(async {
            let _last = spawn_chain(20);
            yield_now().await;
            let tree = tree();
            let margin = |line: &&String| line.starts_with("task ");
            let tops: Vec<&String> = tree.iter().filter(margin).collect();
            let awaited = ["20", "3"].map(|task| format!("waits for the end of task {task}"));
            let expected = [
                "task 1 \"root\":running".to_owned(),
                format!("task 21:{}", awaited[0]),
                format!("task 4:{}", awaited[1]),
            ];
            assert_eq!(tops, expected.iter().collect::<Vec<_>>(), "\n{}", tasks());
            assert_eq!(tree[18], format!("{}└─ task 4, see its line:", "   ".repeat(16)));
        });
    });
}

/// A combinator's own waker for a task.
struct Wrapped(Waker);

impl Wake for Wrapped {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// Breaks when a leaf is known by its own address: a leaf that is moved before it is dropped
/// would leave its note behind.
#[test]
fn what_was_given_up_in_the_same_poll_is_not_waited_for_wherever_it_was_moved_and_however_polled() {
    within_limit(|| {
        on_explained_loop(async {
            let event = Rc::new(Event::new());
            let (waited_for, mut never) = (event.clone(), pending_event());
            spawn_named("task", async move {
                let mut wait = Box::pin(waited_for.wait());
                let give_up = |cx: &mut Context<'_>| {
                    let mut timer = sleep(Duration::from_secs(9));
                    assert!(Pin::new(&mut timer).poll(cx).is_pending());
                    let mut endless = sleep(Duration::MAX);
                    assert!(Pin::new(&mut endless).poll(cx).is_pending());
                    let mut job = unblock(|| ());
                    assert!(Pin::new(&mut job).poll(cx).is_pending());
                    let mut task = spawn(pending::<()>());
                    assert!(Pin::new(&mut task).poll(cx).is_pending());
                    assert!(Pin::new(&mut never).poll(cx).is_pending());
                    // Moved, all of them.
                    drop(vec![timer, endless]);
                    drop((Box::new(job), Box::new(task)));
                    never = pending_event();
                };
                let mut give_up = Some(give_up);
                poll_fn(|cx| {
                    let polled = wait.as_mut().poll(cx);
                    if let Some(mut give_up) = give_up.take() {
                        let wrapped = Waker::from(Arc::new(Wrapped(cx.waker().clone())));
                        give_up(&mut Context::from_waker(&wrapped));
                        give_up(cx);
                    }
                    polled
                })
                .await;
            })
            .detach();
            yield_now().await;
            assert_eq!(waits("task"), [WaitsFor::Other("an event")]);
        });
    });
}

/// A wait that never ends, and may be moved.
fn pending_event() -> Pin<Box<oneshot::Receiver<()>>> {
    let (sender, receiver) = oneshot::channel();
    std::mem::forget(sender);
    Box::pin(receiver)
}

/// Breaks when a poll that goes on for long, as with another executor inside, notes all that
/// was ever waited for in it.
#[test]
fn the_notes_of_one_poll_are_bounded_and_the_latest_are_kept() {
    within_limit(|| {
        on_explained_loop(async {
            let event = Rc::new(Event::new());
            let waited_for = event.clone();
            spawn_named("task", async move {
                poll_fn(|cx| {
                    for _ in 0..20_000 {
                        let mut forgotten = Box::pin(sleep(Duration::MAX));
                        assert!(forgotten.as_mut().poll(cx).is_pending());
                        std::mem::forget(forgotten);
                    }
                    Poll::Ready(())
                })
                .await;
                waited_for.wait().await;
            })
            .detach();
            yield_now().await;
            let waits = waits("task");
            assert!(waits.len() <= 5_000, "{} notes", waits.len());
            assert_eq!(waits.last(), Some(&WaitsFor::Other("an event")));
        });
    });
}

/// Breaks when a poll that polls only the futures that were woken forgets what the others
/// wait for; or when a `join_all` that was given up is still counted.
#[test]
fn a_join_all_of_any_size_names_the_waits_of_all_its_futures_after_each_of_its_polls() {
    for count in [255, 256, 1_000] {
        within_limit(move || {
            on_explained_loop(async move {
                let event = Rc::new(Event::new());
                let wait = |n: u64| {
                    let event = event.clone();
                    async move {
                        sleep(Duration::from_millis(n)).await;
                        if n % 2 == 1 {
                            event.wait().await;
                        }
                    }
                };
                let all = timeout(Duration::from_secs(9), join_all((0..count).map(wait)));
                spawn_named("task", async {
                    assert!(all.await.is_err());
                    pending::<()>().await;
                })
                .detach();
                sleep(Duration::from_micros(150_500)).await;
                let (events, timers): (Vec<_>, Vec<_>) = waits("task")
                    .into_iter()
                    .partition(|wait| *wait == WaitsFor::Other("an event"));
                assert_eq!(events.len(), 75, "the odd ones up to 149");
                assert_eq!(timers.len() as u64, count - 151 + 1, "the later ones, and the limit");
                sleep(Duration::from_secs(10)).await;
                assert_eq!(waits("task"), []);
            });
        });
    }
}
