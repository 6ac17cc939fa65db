//! Chapter 8: files and the blocking pool. Work that can never be "ready", and the threads
//! that do it.
//!
//! 78 · what happens when the system starts the first thread and refuses the second
//! one is in `system_faults.rs`.

mod support;

use std::cell::RefCell;
use std::io::{ErrorKind, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, StreamExt};
use glassloop::blocking::pool::Pool;
use glassloop::fs::{self, File};
use glassloop::{Executor, join_all, spawn, stats, unblock, yield_now};
use support::{let_others_run, on_loop, poll_once, within_limit};

/// A folder that is removed at the end, and the path of a file in it.
fn path_in_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    (folder, path)
}

/// 76 · as in asyncio's `to_thread`. Breaks when a job does not count as something that
/// may still happen: the loop would report a deadlock.
#[test]
fn unblock_keeps_the_loop_alive_while_the_job_runs() {
    on_loop(|| async {
        let (release, released) = mpsc::channel();
        let job = unblock(move || released.recv().unwrap());
        let outside = thread::spawn(move || {
            let_others_run();
            release.send(42).unwrap();
        });
        assert_eq!(job.await, 42);
        outside.join().unwrap();
    });
}

/// 76 · as in asyncio's `to_thread`. Breaks when the job runs on the loop's thread.
#[test]
fn the_other_tasks_go_on_while_a_job_runs() {
    on_loop(|| async {
        let (release, released) = mpsc::channel();
        let job = spawn(unblock(move || released.recv().unwrap()));
        // The job waits for what this task does.
        for _ in 0..10 {
            yield_now().await;
        }
        release.send("released by a task").unwrap();
        assert_eq!(job.await.unwrap(), "released by a task");
    });
}

/// 76 · as in asyncio's `to_thread`. Breaks when a panic is swallowed by the worker: the
/// awaiter would wait for ever.
#[test]
fn a_panic_of_a_job_resumes_in_the_awaiter() {
    on_loop(|| async {
        let error = spawn(unblock(|| panic!("out of cheese"))).await.unwrap_err();
        assert_eq!(error.to_string(), "the task panicked: out of cheese");
    });
}

/// 76 · as in asyncio's `to_thread`. Breaks when a panic ends the worker.
#[test]
fn a_worker_survives_the_panic_of_its_job() {
    within_limit(|| {
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(async {
            let (say, heard) = mpsc::channel();
            let panics = unblock(move || {
                say.send(thread::current().id()).unwrap();
                panic!("out of cheese");
            });
            assert!(spawn(panics).await.is_err());
            let same = unblock(|| thread::current().id()).await;
            assert_eq!(same, heard.recv().unwrap(), "the same thread does the next job");
        });
    });
}

/// 77 · as in asyncio's `to_thread`. Breaks when the job checks whether a future still
/// awaits it.
#[test]
fn dropping_an_unblock_does_not_stop_a_job_that_was_accepted() {
    on_loop(|| async {
        let (say, heard) = mpsc::channel();
        let mut job = unblock(move || say.send("done").unwrap());
        assert!(poll_once(&mut job).await.is_pending());
        drop(job);
        assert_eq!(unblock(move || heard.recv()).await, Ok("done"));
    });
}

/// 77 · as in asyncio's `to_thread`. Breaks when dropping the future takes its job out of
/// the pool's queue.
#[test]
fn dropping_an_unblock_does_not_stop_a_job_that_waits_in_the_queue() {
    within_limit(|| {
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(async {
            let (release, released) = mpsc::channel::<()>();
            let (say, heard) = mpsc::channel();
            let mut first = unblock(move || released.recv());
            let mut second = unblock(move || say.send("done").unwrap());
            assert!(poll_once(&mut first).await.is_pending());
            assert!(poll_once(&mut second).await.is_pending());
            drop((first, second));
            release.send(()).unwrap();
            assert_eq!(unblock(move || heard.recv()).await, Ok("done"));
        });
    });
}

/// 77 · as in asyncio, whose `run` ends with `shutdown_default_executor`. Breaks when
/// `block_on` returns before the pool has finished.
#[test]
fn the_end_of_the_loop_waits_for_the_jobs_that_were_accepted() {
    within_limit(|| {
        let done = Arc::new(AtomicBool::new(false));
        let (release, released) = mpsc::channel::<()>();
        let set_done = done.clone();
        glassloop::block_on(async move {
            let mut job = unblock(move || {
                released.recv().unwrap();
                let_others_run();
                set_done.store(true, Ordering::SeqCst);
            });
            assert!(poll_once(&mut job).await.is_pending());
            release.send(()).unwrap();
        });
        assert!(done.load(Ordering::SeqCst), "block_on has returned before the job was done");
    });
}

thread_local! {
    static AT_THE_END_OF_THE_THREAD: RefCell<Option<CountsDown>> = const { RefCell::new(None) };
}

struct CountsDown(Arc<AtomicUsize>);

impl Drop for CountsDown {
    fn drop(&mut self) {
        let_others_run();
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// 77 · as in asyncio. Breaks when the loop waits for the jobs and not for the threads.
#[test]
fn the_threads_of_the_pool_end_with_the_loop() {
    within_limit(|| {
        let threads = Arc::new(AtomicUsize::new(0));
        let counted = threads.clone();
        // No job ends before all three have begun: so the jobs take three threads.
        let together = Arc::new(Barrier::new(3));
        glassloop::block_on(async move {
            let jobs = (0..3).map(|_| {
                let (counted, together) = (counted.clone(), together.clone());
                unblock(move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                    AT_THE_END_OF_THE_THREAD.set(Some(CountsDown(counted)));
                    together.wait();
                })
            });
            join_all(jobs).await;
        });
        assert_eq!(threads.load(Ordering::SeqCst), 0, "threads have outlived the loop");
    });
}

/// 77 · as in asyncio, whose `to_thread` is a coroutine. Breaks when `unblock` submits
/// at the call.
#[test]
fn an_unblock_that_is_never_polled_never_runs() {
    within_limit(|| {
        let ran = Arc::new(AtomicBool::new(false));
        let run = ran.clone();
        glassloop::block_on(async move {
            let job = unblock(move || run.store(true, Ordering::SeqCst));
            yield_now().await;
            drop(job);
            assert_eq!(stats().jobs, 0);
        });
        assert!(!ran.load(Ordering::SeqCst), "a future does nothing until it is polled");
    });
}

/// 78 · as in asyncio's `ThreadPoolExecutor`. Breaks when a job beyond the number of
/// threads is refused, or when more threads are started.
#[test]
fn jobs_beyond_the_number_of_threads_wait_in_the_queue_and_all_run() {
    within_limit(|| {
        let executor = Executor::builder().blocking_threads(2).build().unwrap();
        executor.block_on(async {
            let running = Arc::new(AtomicUsize::new(0));
            let most = Arc::new(AtomicUsize::new(0));
            let jobs = (0..50).map(|n| {
                let (running, most) = (running.clone(), most.clone());
                unblock(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    n
                })
            });
            assert_eq!(join_all(jobs).await, (0..50).collect::<Vec<_>>(), "all have run");
            assert!(most.load(Ordering::SeqCst) <= 2, "two threads do two jobs at once at most");
        });
    });
}

/// 78 · as in asyncio's `ThreadPoolExecutor`. Breaks when the pool's queue is a stack.
#[test]
fn jobs_of_a_single_thread_run_in_the_order_in_which_they_came() {
    within_limit(|| {
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(async {
            let (say, heard) = mpsc::channel();
            let jobs = (0..10).map(|n| {
                let say = say.clone();
                unblock(move || say.send(n).unwrap())
            });
            join_all(jobs).await;
            assert_eq!(heard.try_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        });
    });
}

/// Waits, busily, until the number of threads of a pool is `count`.
fn wait_for_threads(pool: &Pool, count: usize) {
    while pool.threads() != count {
        thread::yield_now();
    }
}

/// 78 · deliberately not as in asyncio, whose idle threads stay. Breaks when a thread
/// waits for its next job for ever.
#[test]
fn idle_threads_end_after_a_while_and_new_ones_take_their_place() {
    within_limit(|| {
        let pool = Pool::new(4, Duration::from_millis(1), || {});
        for round in 0..20 {
            let (say, heard) = mpsc::channel();
            for n in 0..8 {
                let say = say.clone();
                pool.submit(Box::new(move || say.send(n).unwrap())).unwrap();
            }
            drop(say);
            let mut done: Vec<i32> = heard.iter().collect();
            done.sort();
            assert_eq!(done, (0..8).collect::<Vec<_>>(), "round {round}: every job has run once");
            wait_for_threads(&pool, 0);
        }
        assert_eq!(pool.submitted(), 20 * 8);
    });
}

/// 78 · no counterpart in asyncio. Breaks when the pool expects a thread that is ending to
/// take the job: the job would stay in the queue for ever.
#[test]
fn a_job_that_comes_as_the_last_idle_thread_ends_is_not_forgotten() {
    within_limit(|| {
        // A thread ends as soon as it finds no job, which is after `job_done`.
        let done = Arc::new(AtomicUsize::new(0));
        let job_done = done.clone();
        let count_done = move || {
            job_done.fetch_add(1, Ordering::SeqCst);
        };
        let pool = Pool::new(1, Duration::ZERO, count_done);
        // A job seldom comes at that very moment: of 10,000 jobs, in one run of four.
        let begun = Instant::now();
        let in_time = |_: &usize| begun.elapsed() < Duration::from_secs(5);
        for submitted in (1..=300_000).take_while(in_time) {
            pool.submit(Box::new(|| ())).unwrap();
            while done.load(Ordering::SeqCst) < submitted {
                thread::yield_now();
            }
        }
    });
}

/// 78 · as in asyncio's `ThreadPoolExecutor`. Breaks when a job is accepted after the
/// workers have ended.
#[test]
fn a_pool_that_was_shut_down_refuses_the_job_and_gives_it_back() {
    within_limit(|| {
        let pool = Pool::new(1, Duration::from_secs(1), || {});
        let (say, heard) = mpsc::channel();
        pool.shutdown();
        let refused = pool.submit(Box::new(move || say.send("ran").unwrap())).unwrap_err();
        assert!(refused.error.to_string().contains("ended"), "{}", refused.error);
        assert!(heard.try_recv().is_err(), "the job has not run");
        (refused.job)();
        assert_eq!(heard.try_recv(), Ok("ran"), "the pool returns the job, and it can still run");
    });
}

/// 77 · as in asyncio's `ThreadPoolExecutor`, used as a context manager. Breaks when a
/// pool can be dropped without its shutdown.
#[test]
fn a_pool_that_is_dropped_waits_for_its_jobs() {
    within_limit(|| {
        let pool = Pool::new(2, Duration::from_secs(1000), || {});
        let (together, done) = (Arc::new(Barrier::new(3)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..2 {
            let (together, done) = (together.clone(), done.clone());
            let job = move || {
                together.wait();
                let_others_run();
                done.fetch_add(1, Ordering::SeqCst);
            };
            pool.submit(Box::new(job)).unwrap();
        }
        assert_eq!((pool.threads(), pool.jobs_out()), (2, 2), "a thread for each job");
        together.wait();
        drop(pool);
        assert_eq!(done.load(Ordering::SeqCst), 2, "a job has outlived its pool");
    });
}

/// 78 · no counterpart in asyncio. A variable makes this process ask for thread stacks
/// larger than any machine has. Breaks when the error is ignored: the awaiter hangs.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_cannot_be_started_is_an_error_and_never_a_hang() {
    use support::alone::{alone, shell};
    use support::panic_text;

    // More than there are addresses for.
    let huge_stacks = format!("RUST_MIN_STACK={}; export RUST_MIN_STACK", usize::MAX / 4 * 3);
    alone(shell(&huge_stacks), || {
        let error = glassloop::block_on(fs::read("/dev/null")).unwrap_err();
        assert!(error.to_string().contains("no thread"), "it must say what is missing: {error}");
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "a poll would take it for \"wait\"");
        let line = line!() + 1;
        let text = panic_text(|| glassloop::block_on(async { unblock(|| ()).await }));
        assert!(text.contains("needs a thread"), "the text must say what is wrong: {text}");
        assert!(text.contains(&format!("{}:{line}:", file!())), "and where: {text}");
    });
}

/// 64 · no counterpart in asyncio. A job writes the buffer of a dropped device, and that job
/// wakes no task. Breaks when the job ends just before the loop announces its sleep.
#[cfg(unix)]
#[test]
fn the_end_of_a_job_that_nobody_awaits_lets_virtual_time_go_on() {
    support::on_virtual_loop(|| async {
        for _ in 0..200 {
            let mut file = File::create("/dev/null").await.unwrap();
            file.write_all(b"not flushed").await.unwrap();
            drop(file);
            glassloop::sleep(Duration::from_secs(1)).await;
        }
    });
}

/// 79 · as in Python's `open`. Breaks when the error loses its kind, or does not say
/// which file is meant.
#[test]
fn a_file_that_is_not_there_is_not_found_and_the_error_names_its_path() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let errors = [
            File::open(&path).await.map(drop).unwrap_err(),
            fs::read(&path).await.map(drop).unwrap_err(),
            fs::read_to_string(&path).await.map(drop).unwrap_err(),
            fs::metadata(&path).await.map(drop).unwrap_err(),
            fs::remove_file(&path).await.unwrap_err(),
            fs::remove_dir_all(&path).await.unwrap_err(),
            fs::read_dir(&path).await.map(drop).unwrap_err(),
            fs::copy(&path, path.with_extension("copy")).await.map(drop).unwrap_err(),
            fs::rename(&path, path.with_extension("new")).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NotFound);
            let path = path.display().to_string();
            assert!(error.to_string().contains(&path), "the error must name the path: {error}");
        }
    });
}

/// 79 · as in Python's `open`. Root may read everything, so the standard library is
/// asked what the system says. Breaks when the error loses its kind.
#[cfg(unix)]
#[test]
fn a_permission_that_is_denied_is_denied() {
    use std::os::unix::fs::PermissionsExt;

    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        fs::write(&path, "secret").await.unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
        let expected = std::fs::File::open(&path).map(drop).map_err(|error| error.kind());
        let opened = File::open(&path).await.map(drop).map_err(|error| error.kind());
        assert_eq!(opened, expected);
        assert!(matches!(expected, Ok(()) | Err(ErrorKind::PermissionDenied)));
    });
}

#[cfg(not(windows))]
const OPENED_A_DIRECTORY: ErrorKind = ErrorKind::IsADirectory;
#[cfg(windows)]
const OPENED_A_DIRECTORY: ErrorKind = ErrorKind::PermissionDenied;

/// 79 · as in Python's `open`. Breaks on systems that open a directory like a file, and
/// fail at the first read only.
#[test]
fn a_directory_cannot_be_opened_as_a_file() {
    on_loop(|| async {
        let (folder, _path) = path_in_folder();
        let error = File::open(folder.path()).await.unwrap_err();
        assert_eq!(error.kind(), OPENED_A_DIRECTORY);
    });
}

/// 79 · as in Python. Breaks when the end of a file is found by a read that is not made
/// because nothing is left.
#[test]
fn an_empty_file_reads_as_nothing_again_and_again() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        fs::write(&path, "").await.unwrap();
        let mut file = File::open(&path).await.unwrap();
        for _ in 0..3 {
            assert_eq!(file.read(&mut [0; 8]).await.unwrap(), 0);
        }
        assert_eq!(file.metadata().await.unwrap().len(), 0);
    });
}

/// 79 · as in Python. Breaks when a read into an empty buffer counts as the end.
#[test]
fn a_file_can_be_read_in_parts_of_any_size() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let content: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        fs::write(&path, &content).await.unwrap();
        for size in [1000, 4096, 64 * 1024, 64 * 1024 + 1, 299_999, 1_000_000] {
            let mut file = File::open(&path).await.unwrap();
            let (mut buffer, mut read) = (vec![0; size], Vec::new());
            loop {
                assert_eq!(file.read(&mut []).await.unwrap(), 0, "nothing was asked for");
                let count = file.read(&mut buffer).await.unwrap();
                if count == 0 {
                    break;
                }
                read.extend_from_slice(&buffer[..count]);
            }
            assert!(read == content, "{} bytes came, in parts of {size}", read.len());
        }
    });
}

/// 79 · as in Python's files. Breaks when the position does not count the bytes that were
/// read ahead: the overwrite would go behind them.
#[test]
fn reads_writes_and_seeks_share_one_position() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        fs::write(&path, "0123456789").await.unwrap();
        let mut file = File::options().read(true).write(true).open(&path).await.unwrap();
        let mut bytes = [0; 2];
        file.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"01");
        file.write_all(b"ab").await.unwrap();
        file.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"45", "the read continues after the write");
        assert_eq!(file.seek(SeekFrom::Current(1)).await.unwrap(), 7);
        file.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"78");
        assert_eq!(file.seek(SeekFrom::Start(0)).await.unwrap(), 0);
        file.write_all(b"x").await.unwrap();
        assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), 9);
        file.write_all(b"yz").await.unwrap();
        file.close().await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x1ab45678yz");
    });
}

/// 79 · Breaks when a program that reads on and on does not get each byte once.
#[test]
fn a_large_file_is_read_byte_by_byte_in_order_whatever_is_read_ahead() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let bytes: Vec<u8> = (0..3_000_001_u32).map(|at| (at / 11) as u8).collect();
        fs::write(&path, &bytes).await.unwrap();
        for size in [1000, 64 << 10, 65_537, 1 << 20] {
            let mut file = File::open(&path).await.unwrap();
            let (mut read, mut buffer) = (Vec::new(), vec![0; size]);
            loop {
                let count = file.read(&mut buffer).await.unwrap();
                if count == 0 {
                    break;
                }
                read.extend_from_slice(&buffer[..count]);
            }
            assert!(read == bytes, "in reads of {size} bytes");
            assert_eq!(file.read(&mut buffer).await.unwrap(), 0, "the end is the end");
        }
    });
}

/// Breaks when a large file costs a job for each read, or when the pool reads nothing while
/// the program uses the bytes that it has.
#[test]
fn a_file_that_is_read_on_and_on_is_read_ahead_in_larger_and_larger_steps() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        fs::write(&path, vec![7; 2 << 20]).await.unwrap();
        let mut file = File::open(&path).await.unwrap();
        let before = stats().jobs;
        let mut jobs = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        for _ in 0..16 {
            file.read_exact(&mut buffer).await.unwrap();
            jobs.push(stats().jobs - before);
        }
        // 64 KiB, 128, 256; from then on, a job for the next 256 starts when the program gets
        // the last ones.
        assert_eq!(jobs, [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6]);
        file.seek(SeekFrom::Start(0)).await.unwrap();
        let before = stats().jobs;
        file.read_exact(&mut buffer).await.unwrap();
        file.read_exact(&mut buffer[..1]).await.unwrap();
        file.seek(SeekFrom::Start(0)).await.unwrap();
        file.read_exact(&mut buffer[..10]).await.unwrap();
        assert_eq!(stats().jobs - before, 3, "after a seek it begins small again");
    });
}

/// 79 · as in Python's files. Breaks when the bytes that were read ahead are given up
/// before the system has agreed to the seek.
#[test]
fn a_seek_that_fails_leaves_the_position_where_it_was() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        fs::write(&path, "0123456789").await.unwrap();
        let mut file = File::open(&path).await.unwrap();
        let mut bytes = [0; 2];
        file.read_exact(&mut bytes).await.unwrap();
        let error = file.seek(SeekFrom::Current(-100)).await.unwrap_err();
        let mut same = std::fs::File::open(&path).unwrap();
        let expected = std::io::Seek::seek(&mut same, SeekFrom::Current(-100)).unwrap_err();
        assert_eq!(error.kind(), expected.kind(), "as the system says: {error}");
        file.read_exact(&mut bytes).await.expect("there is more to read");
        assert_eq!(&bytes, b"23");
    });
}

/// 79 · as in Python's mode "a". Breaks when a file that is opened to append is
/// written from its beginning.
#[test]
fn appending_leaves_what_was_there() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        for line in ["one\n", "two\n", "three\n"] {
            let mut file = File::options().append(true).create(true).open(&path).await.unwrap();
            file.write_all(line.as_bytes()).await.unwrap();
            file.close().await.unwrap();
        }
        assert_eq!(fs::read_to_string(&path).await.unwrap(), "one\ntwo\nthree\n");
    });
}

/// 79 · as in Python. Breaks when two files of one path share a position.
#[test]
fn many_tasks_may_read_one_file_at_once() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let content = "some text ".repeat(20_000);
        fs::write(&path, &content).await.unwrap();
        let readers = (0..10).map(|_| {
            let path = path.clone();
            spawn(async move {
                let mut text = String::new();
                File::open(&path).await.unwrap().read_to_string(&mut text).await.unwrap();
                text
            })
        });
        for text in join_all(readers).await {
            assert!(text.unwrap() == content, "each of them reads the whole file");
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when the bytes that a read has fetched belong
/// to the future that was dropped, and not to the file.
#[test]
fn a_read_that_was_cancelled_loses_no_byte() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let content: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        fs::write(&path, &content).await.unwrap();
        let mut file = File::open(&path).await.unwrap();
        let (mut buffer, mut read) = ([0; 1000], Vec::new());
        loop {
            // Dropped at its first suspension, if it has one.
            let first_try = poll_once(&mut file.read(&mut buffer)).await;
            let count = match first_try {
                Poll::Ready(count) => count.unwrap(),
                Poll::Pending => file.read(&mut buffer).await.unwrap(),
            };
            if count == 0 {
                break;
            }
            read.extend_from_slice(&buffer[..count]);
        }
        assert!(read == content, "{} bytes came, or others", read.len());
    });
}

/// 79 · as in Python, whose files flush at `close`. Breaks when the error of a write in
/// the background is dropped.
#[cfg(target_os = "linux")]
#[test]
fn a_write_error_appears_on_flush_or_close_at_the_latest() {
    on_loop(|| async {
        // The device that is always full.
        let full = || File::options().write(true).open("/dev/full");
        let mut flushed = full().await.unwrap();
        flushed.write_all(b"lost").await.unwrap();
        assert_eq!(flushed.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
        let mut closed = full().await.unwrap();
        closed.write_all(b"lost").await.unwrap();
        assert_eq!(closed.close().await.unwrap_err().kind(), ErrorKind::StorageFull);
        let mut much = full().await.unwrap();
        let error = much.write_all(&[0; 1_000_000]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull, "or at a later write");
    });
}

/// 79 · as in Python. Breaks when a flush only starts the write, and does not wait.
#[test]
fn what_was_flushed_is_in_the_file() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let mut file = File::create(&path).await.unwrap();
        let mut expected = Vec::new();
        for size in [1, 100, 64 * 1024, 64 * 1024 + 1, 200_000] {
            file.write_all(&vec![b'x'; size]).await.unwrap();
            file.flush().await.unwrap();
            expected.resize(expected.len() + size, b'x');
            assert!(std::fs::read(&path).unwrap() == expected, "after a write of {size} bytes");
        }
        file.set_len(3).await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "xxx");
    });
}

/// 79 · deliberately not as in Python, where it depends on the garbage collector. Breaks
/// when the loop's end does not wait for the write.
#[test]
fn what_was_written_and_not_flushed_is_in_the_file_at_the_end_of_the_loop() {
    within_limit(|| {
        let (_folder, path) = path_in_folder();
        glassloop::block_on(async {
            let mut file = File::create(&path).await.unwrap();
            file.write_all(b"not flushed").await.unwrap();
        });
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not flushed");
    });
}

/// 79 · as in Python's `os.scandir`. Breaks where one batch of entries ends.
#[test]
fn a_directory_lists_each_of_its_entries_once() {
    on_loop(|| async {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).await.unwrap();
        for n in 0..200 {
            fs::write(folder.path().join(format!("a/{n:03}")), "").await.unwrap();
        }
        let entries: Vec<_> = fs::read_dir(folder.path().join("a")).await.unwrap().collect().await;
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> =
            entries.into_iter().map(|e| name(e).into_string().unwrap()).collect();
        names.sort();
        let mut expected: Vec<_> = (0..200).map(|n| format!("{n:03}")).collect();
        expected.push("b".into());
        assert_eq!(names, expected);
        fs::remove_dir_all(folder.path().join("a")).await.unwrap();
        assert!(!folder.path().join("a").exists());
    });
}

/// 79 · as in Python's `shutil` and `os`. Breaks when the paths change places.
#[test]
fn copy_and_rename_take_the_old_path_first() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let (copy, moved) = (path.with_extension("copy"), path.with_extension("moved"));
        fs::write(&path, "text").await.unwrap();
        assert_eq!(fs::copy(&path, &copy).await.unwrap(), 4);
        fs::rename(&path, &moved).await.unwrap();
        assert_eq!(fs::read_to_string(&copy).await.unwrap(), "text");
        assert_eq!(fs::read(&moved).await.unwrap(), b"text");
        assert!(!path.exists());
    });
}

/// 79 · as in Python. Breaks when `sync_all` does not write the file's own buffer first.
#[test]
fn what_was_written_and_synced_is_in_the_file() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let mut file = File::create(&path).await.unwrap();
        file.write_all(b"synced").await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "synced");
    });
}

/// 79 · as in Python. Breaks when an error is taken for the end of the file, or for
/// something that is to be tried again for ever.
#[test]
fn a_read_that_fails_is_an_error_each_time_and_not_the_end_of_the_file() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let mut only_for_writing = File::create(&path).await.unwrap();
        for _ in 0..3 {
            only_for_writing.read(&mut [0; 8]).await.expect_err("it cannot be read");
        }
    });
}

/// 79 · Python's buffer has 8 KB. Breaks when a writer that never flushes fills the memory.
#[test]
fn a_file_takes_64_kilobytes_into_its_buffer_and_not_more() {
    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let mut file = File::create(&path).await.unwrap();
        assert_eq!(file.write(b"ten bytes.").await.unwrap(), 10);
        assert_eq!(file.write(&[0; 100_000]).await.unwrap(), 64 * 1024 - 10);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "the bytes are in the buffer");
        assert_eq!(file.write(&[0; 100_000]).await.unwrap(), 64 * 1024, "the buffer has space");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 64 * 1024, "the file was written");
    });
}

/// What it takes to interrupt a system call of a certain thread.
#[cfg(target_os = "linux")]
mod interrupting {
    use std::ffi::{c_int, c_ulong};
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    #[allow(unsafe_code)]
    unsafe extern "C" {
        safe fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int;
        safe fn pthread_self() -> c_ulong;
        fn pthread_kill(thread: c_ulong, signal: c_int) -> c_int;
    }

    const SIGNAL: c_int = signal_hook::consts::SIGUSR1;

    /// 73 · as in Python, since its PEP 475. Breaks when the error of an interrupted read
    /// comes out: a program that handles signals would fail now and then.
    #[test]
    fn a_read_of_a_file_that_a_signal_interrupts_goes_on() {
        within_limit(|| {
            let arrived = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(SIGNAL, arrived.clone()).unwrap();
            // From now on, this signal ends a system call instead of restarting it.
            assert_eq!(siginterrupt(SIGNAL, 1), 0);
            let executor = Executor::builder().blocking_threads(1).build().unwrap();
            executor.block_on(async {
                let worker = unblock(|| pthread_self()).await;
                let (reader, mut writer) = std::io::pipe().unwrap();
                let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
                let (mut pipe, mut byte) = (File::open(path).await.unwrap(), [0]);
                let mut read = pipe.read(&mut byte);
                assert!(poll_once(&mut read).await.is_pending(), "the pipe is empty");
                for _ in 0..1000 {
                    // SAFETY: The pool's only thread lives: it has this very job.
                    #[allow(unsafe_code)]
                    let sent = unsafe { pthread_kill(worker, SIGNAL) };
                    assert_eq!(sent, 0);
                    while !arrived.swap(false, Ordering::SeqCst) {
                        thread::yield_now();
                    }
                }
                writer.write_all(b"x").unwrap();
                assert_eq!(read.await.unwrap(), 1, "the read has waited for the byte");
            });
        });
    }
}

/// 79 · as in Python. Breaks when a read of nothing waits for what the file does at the
/// moment, or reports the error of an earlier write.
#[test]
fn an_empty_read_of_a_file_is_ready_with_zero_at_once_in_every_state() {
    async fn is_ready(file: &mut File, state: &str) {
        let read = poll_once(&mut file.read(&mut [])).await;
        assert!(matches!(read, Poll::Ready(Ok(0))), "{state}: {read:?}");
    }

    on_loop(|| async {
        let (_folder, path) = path_in_folder();
        let mut file =
            File::options().read(true).write(true).create(true).open(&path).await.unwrap();
        is_ready(&mut file, "it is new").await;
        file.write_all(b"text").await.unwrap();
        is_ready(&mut file, "bytes are collected").await;
        assert!(poll_once(&mut file.flush()).await.is_pending());
        is_ready(&mut file, "it is being written").await;
        file.seek(SeekFrom::Start(0)).await.unwrap();
        is_ready(&mut file, "after a seek").await;
        assert!(poll_once(&mut file.read(&mut [0])).await.is_pending());
        is_ready(&mut file, "it is being read").await;
        file.read_exact(&mut [0; 4]).await.unwrap();
        is_ready(&mut file, "all is read").await;
        assert_eq!(file.read(&mut [0]).await.unwrap(), 0);
        is_ready(&mut file, "at the end").await;
        let mut unwritable = File::open(&path).await.unwrap();
        unwritable.write_all(b"x").await.unwrap();
        is_ready(&mut unwritable, "a write that will fail").await;
        unwritable.flush().await.expect_err("the error is still there");
    });
}
