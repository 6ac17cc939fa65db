//! Chapter 8, on calls of a file that are given up: futures that were polled and dropped. The
//! pool does their jobs all the same, so a file must keep these jobs in order, and their
//! results apart.

mod support;

use std::fs::read_to_string;
use std::io::{SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::task::Poll;

use futures_lite::io::BufReader;
use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use glassloop::fs::{self, File};
use glassloop::{Executor, unblock};
use support::{on_loop, within_limit};

/// A folder that is removed at the end, and in it a file with this text.
fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

async fn open(path: &Path) -> File {
    File::options().read(true).write(true).open(path).await.unwrap()
}

/// Polls a call once and drops it.
async fn give_up<T>(call: impl Future<Output = T>) {
    let mut call = Box::pin(call);
    let _given = support::poll_once(&mut call).await;
}

/// Runs a test on a loop whose pool has one thread.
fn on_one_thread<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    within_limit(|| {
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(test());
    });
}

/// Waits until the only thread of the pool has done all that was started before.
async fn jobs_done() {
    unblock(|| ()).await;
}

/// Another handle of the file adds four bytes.
fn append(path: &Path) {
    let mut other = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    other.write_all(b"more").unwrap();
}

/// 79 · no counterpart in asyncio. Breaks when a job belongs to its future: then nobody waits
/// for the job any more, and the next one overtakes it on another thread.
#[test]
fn a_length_that_was_given_up_is_set_before_the_next_call_and_never_later() {
    on_loop(|| async {
        let (_folder, path) = file_with("");
        for round in 0..2000 {
            let mut file = File::create(&path).await.unwrap();
            give_up(file.set_len(0)).await;
            file.write_all(b"text").await.unwrap();
            file.close().await.unwrap();
            assert_eq!(read_to_string(&path).unwrap(), "text", "in round {round}");
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when `metadata`, which only borrows the file, asks
/// the system before the job of an earlier call is done.
#[test]
fn metadata_knows_what_an_earlier_call_has_done_that_was_given_up() {
    on_loop(|| async {
        let (_folder, path) = file_with("");
        for round in 0..2000 {
            let mut file = open(&path).await;
            give_up(file.set_len(round)).await;
            assert_eq!(file.metadata().await.unwrap().len(), round);
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when `metadata` waits for a thread to come to the
/// earlier job, while the only thread waits for the loop.
#[test]
fn two_calls_of_metadata_at_once_both_come_after_a_call_that_was_given_up() {
    on_loop(|| async {
        let (_folder, path) = file_with("");
        for round in 0..200 {
            let mut file = open(&path).await;
            give_up(file.set_len(round)).await;
            let both = futures_lite::future::zip(file.metadata(), file.metadata()).await;
            assert_eq!((both.0.unwrap().len(), both.1.unwrap().len()), (round, round));
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when the file keeps the position of a seek for the
/// next one that looks the same.
#[test]
fn the_position_of_a_seek_that_was_given_up_is_not_the_answer_of_the_next() {
    on_one_thread(|| async {
        let (_folder, path) = file_with("0123456789");
        let mut file = open(&path).await;
        give_up(file.seek(SeekFrom::End(0))).await;
        jobs_done().await;
        append(&path);
        assert_eq!(file.seek(SeekFrom::End(0)).await.unwrap(), 14);
        // The same through a reader around the file, which polls the trait.
        let mut buffered = BufReader::new(file);
        give_up(buffered.seek(SeekFrom::End(0))).await;
        jobs_done().await;
        append(&path);
        assert_eq!(buffered.seek(SeekFrom::End(0)).await.unwrap(), 18);
    });
}

/// 79 · no counterpart in asyncio. Breaks when a relative seek that was given up happens
/// once more with the next one.
#[test]
fn a_relative_seek_that_was_given_up_happens_once_or_not_at_all() {
    on_loop(|| async {
        let (_folder, path) = file_with("0123456789");
        let mut file = open(&path).await;
        file.read_exact(&mut [0]).await.unwrap();
        give_up(file.seek(SeekFrom::Current(1))).await;
        let position = file.seek(SeekFrom::Current(0)).await.unwrap();
        assert!(position == 1 || position == 2, "{position}");
    });
}

/// 79 · no counterpart in asyncio. Breaks when the file remembers that a read has found the
/// end, and tells it to a read that was called after the file has grown.
#[test]
fn the_end_that_a_read_has_found_which_was_given_up_is_looked_for_again() {
    on_one_thread(|| async {
        let (_folder, path) = file_with("");
        let (mut file, mut bytes) = (open(&path).await, [0; 8]);
        give_up(file.read(&mut bytes)).await;
        jobs_done().await;
        append(&path);
        assert_eq!(file.read(&mut bytes).await.unwrap(), 4, "the file has grown");
        assert_eq!(&bytes[..4], b"more");
        let mut rest = Vec::new();
        give_up(file.read_to_end(&mut rest)).await;
        jobs_done().await;
        append(&path);
        file.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"more");
        give_up(file.read_exact(&mut bytes[..1])).await;
        jobs_done().await;
        append(&path);
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "more");
    });
}

/// 79 · as in Python. Breaks when the file reads on because the system names a size that is
/// larger than what there is to read.
#[cfg(target_os = "linux")]
#[test]
fn the_end_is_the_end_also_where_the_system_names_another_size() {
    on_loop(|| async {
        let path = "/sys/kernel/mm/transparent_hugepage/enabled";
        for path in [path, "/proc/self/status"] {
            // Not every machine shows all of them.
            let Ok(expected) = std::fs::read(path) else { continue };
            let (mut file, mut bytes) = (File::open(path).await.unwrap(), Vec::new());
            file.read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes.is_empty(), expected.is_empty());
            assert_eq!(file.read(&mut [0; 8]).await.unwrap(), 0);
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when the error of a job comes out of whichever call
/// is the next.
#[test]
fn the_error_of_a_read_that_was_given_up_is_no_error_of_another_call() {
    on_one_thread(|| async {
        let (_folder, path) = file_with("0123456789");
        let mut file = File::options().write(true).open(&path).await.unwrap();
        let mut bytes = [0; 8];
        for text in ["ab", "cd"] {
            give_up(file.read(&mut bytes)).await;
            jobs_done().await;
            file.write_all(text.as_bytes()).await.expect("the read has failed, not the write");
        }
        give_up(file.read(&mut bytes)).await;
        file.flush().await.unwrap();
        give_up(file.read(&mut bytes)).await;
        assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), 4);
        give_up(file.read(&mut bytes)).await;
        file.set_len(6).await.unwrap();
        give_up(file.read(&mut bytes)).await;
        file.sync_all().await.unwrap();
        give_up(file.read(&mut bytes)).await;
        assert_eq!(file.metadata().await.unwrap().len(), 6);
        file.close().await.unwrap();
        file.read(&mut bytes).await.expect_err("it cannot be read");
        assert_eq!(read_to_string(&path).unwrap(), "abcd45");
    });
}

/// 79 · no counterpart in asyncio. Breaks when the error of a length that was given up stays
/// with the file.
#[test]
fn the_error_of_a_length_that_was_given_up_is_no_error_of_another_call() {
    on_one_thread(|| async {
        let (_folder, path) = file_with("0123456789");
        let mut file = File::open(&path).await.unwrap();
        give_up(file.set_len(3)).await;
        jobs_done().await;
        file.flush().await.unwrap();
        let mut text = String::new();
        give_up(file.set_len(3)).await;
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "0123456789");
        file.set_len(3).await.expect_err("it is open to be read only");
    });
}

#[cfg(target_os = "linux")]
fn is_full<T>(result: std::io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull)
}

/// 79 · no counterpart in asyncio. Breaks when the error of a write that the user believes
/// done goes to a call that is given up, or to a read or seek, whose user does not expect it.
#[cfg(target_os = "linux")]
#[test]
fn the_error_of_collected_bytes_is_told_once_by_a_write_flush_close_set_len_or_sync() {
    on_one_thread(|| async {
        // The device that is always full. A read of it gives zeros.
        for teller in 0..5 {
            let mut file = open(Path::new("/dev/full")).await;
            file.write_all(b"lost").await.unwrap();
            give_up(file.flush()).await;
            jobs_done().await;
            assert_eq!(file.read(&mut [1]).await.unwrap(), 1);
            file.seek(SeekFrom::Start(0)).await.unwrap();
            file.metadata().await.unwrap();
            give_up(file.read(&mut [1])).await;
            assert!(match teller {
                0 => is_full(file.write(b"x").await),
                1 => is_full(file.flush().await),
                2 => is_full(file.close().await),
                3 => is_full(file.set_len(0).await),
                _ => is_full(file.sync_all().await),
            });
            file.flush().await.expect("it was told");
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when a read or a seek, which writes the collected
/// bytes first, takes the error that there is no thread for the write.
#[test]
fn the_error_of_bytes_for_which_there_is_no_thread_is_told_by_flush_and_not_by_a_seek() {
    within_limit(|| {
        let (_folder, path) = file_with("");
        // The loop of this file has ended, and its pool.
        let mut file = glassloop::block_on(open(&path));
        glassloop::block_on(async {
            file.write_all(b"lost").await.unwrap();
            assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), 0);
            assert!(file.flush().await.unwrap_err().to_string().contains("has ended"));
            file.flush().await.expect("it was told");
            file.read(&mut [0]).await.expect_err("this has an error of its own");
            file.set_len(1).await.expect_err("as this");
            file.sync_all().await.expect_err("and this");
            file.write_all(b"text").await.expect("no error is left behind");
        });
        drop(file);
        assert_eq!(read_to_string(&path).unwrap(), "text");
    });
}

/// 79 · no counterpart in asyncio. Breaks when a call that is given up takes collected bytes
/// with it, or writes them twice.
#[test]
fn what_was_written_is_in_the_file_once_whatever_is_given_up_afterwards() {
    on_loop(|| async {
        let (_folder, path) = file_with("");
        for _ in 0..100 {
            let mut file = File::create(&path).await.unwrap();
            for part in ["one ", "two ", "three "] {
                file.write_all(part.as_bytes()).await.unwrap();
                give_up(file.flush()).await;
                give_up(file.sync_all()).await;
                give_up(file.close()).await;
                give_up(file.write_all(b"")).await;
            }
            file.close().await.unwrap();
            assert_eq!(read_to_string(&path).unwrap(), "one two three ");
        }
    });
}

/// 79 · as in Python. Breaks when a read into nothing waits for a job of the file.
#[test]
fn a_read_into_an_empty_buffer_is_ready_whatever_the_file_is_doing() {
    on_one_thread(|| async {
        let (_folder, path) = file_with("0123456789");
        let mut file = open(&path).await;
        let (release, released) = mpsc::channel::<()>();
        let mut busy = unblock(move || released.recv());
        assert!(support::poll_once(&mut busy).await.is_pending());
        for act in ["read", "set_len", "write"] {
            match act {
                "read" => give_up(file.read(&mut [0])).await,
                "set_len" => give_up(file.set_len(3)).await,
                _ => give_up(file.write_all(b"x")).await,
            }
            let read = support::poll_once(&mut file.read(&mut [])).await;
            assert!(matches!(read, Poll::Ready(Ok(0))), "after {act}: {read:?}");
        }
        release.send(()).unwrap();
        assert_eq!(busy.await, Ok(()));
    });
}

/// 79 · as in Python. Breaks when a dropped file is written in the background: the bytes come
/// into the new file, or too late for the next reader.
#[test]
fn a_file_that_is_dropped_has_its_bytes_before_its_path_is_used_again() {
    on_loop(|| async {
        let (_folder, path) = file_with("");
        for round in 0..300 {
            let mut old = File::create(&path).await.unwrap();
            old.write_all(b"old bytes").await.unwrap();
            drop(old);
            assert_eq!(fs::read_to_string(&path).await.unwrap(), "old bytes");
            let mut old = open(&path).await;
            old.seek(SeekFrom::End(0)).await.unwrap();
            old.write_all(b", old bytes").await.unwrap();
            match round % 3 {
                0 => (),
                1 => give_up(old.flush()).await,
                _ => give_up(old.set_len(100)).await,
            }
            drop(old);
            let mut new = File::create(&path).await.unwrap();
            new.write_all(b"new").await.unwrap();
            new.close().await.unwrap();
            assert_eq!(read_to_string(&path).unwrap(), "new", "in round {round}");
        }
    });
}

/// 79 · no counterpart in asyncio. Breaks when the drop of a file waits for a thread: the
/// only one may be waiting for the loop.
#[test]
fn the_drop_of_a_file_does_not_wait_for_a_thread_of_the_pool() {
    on_one_thread(|| async {
        let (_folder, path) = file_with("");
        let mut file = open(&path).await;
        file.write_all(b"text").await.unwrap();
        let (release, released) = mpsc::channel::<()>();
        let busy = unblock(move || released.recv());
        let dropping = async {
            give_up(file.flush()).await;
            drop(file);
            assert_eq!(read_to_string(&path).unwrap(), "text");
            release.send(()).unwrap();
        };
        let done = futures_lite::future::zip(busy, dropping).await;
        assert_eq!(done.0, Ok(()));
    });
}

/// 79 · as in Python. Breaks when a dropped pipe is written on the loop's thread: a pipe
/// that nobody reads takes no more bytes.
#[cfg(unix)]
#[test]
fn the_drop_of_a_pipe_does_not_wait_for_its_reader() {
    use std::os::fd::AsRawFd;

    on_loop(|| async {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
        let Ok(mut pipe) = File::options().write(true).open(path).await else { return };
        drop(writer);
        for _ in 0..2 {
            pipe.write_all(&[7; 60_000]).await.unwrap();
        }
        drop(pipe);
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        assert_eq!(bytes.len(), 120_000, "the pool writes the rest, and the pipe ends");
    });
}
