//! Chapter 8, once more: a file against a model of a few lines, which has bytes and a
//! position. A program must not see what the file reads ahead or collects, nor what a call
//! has left behind that was given up.

mod support;

use std::future::poll_fn;
use std::io::{self, SeekFrom, Write as _};
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use glassloop::fs::{self, File};
use glassloop::{Executor, unblock};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{on_loop, within_limit};

/// What a program may do with a file.
#[derive(Clone, Debug)]
enum Act {
    Read(usize),
    Write(usize),
    Flush,
    Sync,
    Size,
    Seek(SeekFrom),
    SetLen(u64),
    /// Another handle of the same file adds so many bytes. The file has no job out then.
    Append(usize),
}

use Act::{Append, Flush, Read, Seek, SetLen, Size, Sync, Write};

/// An act, and the poll after which it is given up if it is not ready by then.
type Try = (Act, Option<usize>);

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![0..10_usize, Just(64 << 10), 60_000..70_000_usize]
}

/// Seeks, and new lengths, for a file of about `size` bytes.
fn moves(size: u64) -> impl Strategy<Value = Act> {
    let place = move || prop_oneof![0..10_u64, 0..size];
    let by = || prop_oneof![-10..10_i64, -100_000..100_000_i64];
    prop_oneof![
        place().prop_map(SeekFrom::Start).prop_map(Seek),
        by().prop_map(SeekFrom::Current).prop_map(Seek),
        by().prop_map(SeekFrom::End).prop_map(Seek),
        place().prop_map(SetLen),
    ]
}

/// Reads are the most frequent, so that a program reads on and on.
fn acts() -> impl Strategy<Value = Vec<Try>> {
    let act = prop_oneof![
        12 => sizes().prop_map(Read),
        2 => sizes().prop_map(Write),
        1 => Just(Flush),
        4 => moves(1_200_000),
    ];
    vec((act, Just(None)), 1..40)
}

/// Most calls are given up. The file is small, so that reads come to its end.
fn impatient_acts() -> impl Strategy<Value = Vec<Try>> {
    let size = || prop_oneof![4 => 0..10_usize, 1 => sizes()];
    let act = prop_oneof![
        6 => size().prop_map(Read),
        3 => size().prop_map(Write),
        1 => Just(Flush),
        1 => Just(Sync),
        1 => Just(Size),
        2 => Just(Seek(SeekFrom::End(0))),
        1 => Just(SetLen(0)),
        1 => moves(100),
        4 => (1..10_usize).prop_map(Append),
    ];
    let polls = prop_oneof![2 => Just(None), 3 => Just(Some(1)), 1 => (2..4_usize).prop_map(Some)];
    vec((act, polls), 1..40)
}

/// A file, as its user sees it.
#[derive(Clone, PartialEq)]
struct Model {
    bytes: Vec<u8>,
    position: usize,
}

impl Model {
    /// Whether a read of `size` bytes may have given these, which it then has done.
    fn read(&mut self, size: usize, read: &[u8]) -> bool {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        self.position += read.len();
        rest.starts_with(read) && read.is_empty() == (size == 0 || rest.is_empty())
    }

    fn write(&mut self, new: &[u8]) {
        let end = self.position + new.len();
        if !new.is_empty() {
            self.bytes.resize(self.bytes.len().max(end), 0);
            self.bytes[self.position..end].copy_from_slice(new);
        }
        self.position = end;
    }

    /// `None` for a position before the start, which changes nothing.
    fn seek(&mut self, to: SeekFrom) -> Option<u64> {
        let place = match to {
            SeekFrom::Start(place) => place as i64,
            SeekFrom::Current(by) => self.position as i64 + by,
            SeekFrom::End(by) => self.bytes.len() as i64 + by,
        };
        self.position = usize::try_from(place).ok()?;
        Some(place as u64)
    }
}

/// What an act has given.
enum Given {
    Bytes(Vec<u8>),
    Count(usize),
    Place(Option<u64>),
    Nothing,
}

/// Does the act with the file.
async fn act_on_file(file: &mut File, act: &Act) -> io::Result<Given> {
    Ok(match *act {
        Read(size) => {
            let mut bytes = vec![0; size];
            let count = file.read(&mut bytes).await?;
            bytes.truncate(count);
            Given::Bytes(bytes)
        }
        Write(size) => Given::Count(file.write(&vec![size as u8; size]).await?),
        Flush => file.flush().await.map(|()| Given::Nothing)?,
        Sync => file.sync_all().await.map(|()| Given::Nothing)?,
        Size => Given::Place(Some(file.metadata().await?.len())),
        Seek(to) => Given::Place(file.seek(to).await.ok()),
        SetLen(size) => file.set_len(size).await.map(|()| Given::Nothing)?,
        Append(_) => unreachable!("done by another handle"),
    })
}

/// Polls the call so many times, each time after it has been woken, and drops it then.
async fn give_up<T>(call: impl Future<Output = T>, mut polls: usize) -> Option<T> {
    let mut call = pin!(call);
    let polled = poll_fn(|cx| {
        let polled = call.as_mut().poll(cx);
        polls -= 1;
        if polled.is_pending() && polls > 0 { Poll::Pending } else { Poll::Ready(polled) }
    });
    match polled.await {
        Poll::Ready(given) => Some(given),
        Poll::Pending => None,
    }
}

/// What the file may be: after a call that was given up, as before it or as after it.
struct Models {
    possible: Vec<Model>,
    /// Whether bytes may wait in the file for a flush.
    collected: bool,
}

impl Models {
    /// The act has given this. Only the models stay of which that is true.
    fn saw(&mut self, act: &Act, given: &Given) {
        let collected = self.collected;
        self.possible.retain_mut(|model| match (act, given) {
            (&Read(size), Given::Bytes(bytes)) => model.read(size, bytes),
            (&Write(size), &Given::Count(count)) => {
                model.write(&vec![size as u8; count]);
                size == 0 || count > 0
            }
            // Bytes that were not flushed do not count.
            (Size, &Given::Place(size)) => collected || size == Some(model.bytes.len() as u64),
            (&Seek(to), &Given::Place(place)) => model.seek(to) == place,
            (&SetLen(size), _) => {
                model.bytes.resize(size as usize, 0);
                true
            }
            _ => true,
        });
        assert!(!self.possible.is_empty(), "no file of bytes and a position does that: {act:?}");
        self.collected = match act {
            Write(_) => true,
            Read(0) | Size => collected,
            _ => false,
        };
    }

    fn gave_up(&mut self, act: &Act) {
        for mut model in self.possible.clone() {
            match *act {
                Seek(to) => drop(model.seek(to)),
                SetLen(size) => model.bytes.resize(size as usize, 0),
                _ => {}
            }
            if !self.possible.contains(&model) {
                self.possible.push(model);
            }
        }
    }
}

async fn append(path: &Path, file: &mut File, models: &mut Models, size: usize) {
    if models.collected {
        file.flush().await.unwrap();
        models.collected = false;
    }
    // A loop of one thread has done all its jobs then.
    unblock(|| ()).await;
    let mut other = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    other.write_all(&vec![size as u8; size]).unwrap();
    let end = |model: &mut Model| model.bytes.resize(model.bytes.len() + size, size as u8);
    models.possible.iter_mut().for_each(end);
}

/// Does the same with a file of so many bytes and with its models; they must agree.
async fn run(size: u32, acts: Vec<Try>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let bytes: Vec<u8> = (0..size).map(|at| (at / 7) as u8).collect();
    fs::write(&path, &bytes).await.unwrap();
    let mut file = File::options().read(true).write(true).open(&path).await.unwrap();
    let possible = vec![Model { bytes, position: 0 }];
    let mut models = Models { possible, collected: false };
    for (act, polls) in acts {
        if let Append(size) = act {
            append(&path, &mut file, &mut models, size).await;
            continue;
        }
        let call = act_on_file(&mut file, &act);
        match give_up(call, polls.unwrap_or(usize::MAX)).await {
            Some(given) => models.saw(&act, &given.unwrap()),
            None => models.gave_up(&act),
        }
    }
    file.close().await.unwrap();
    let bytes = fs::read(&path).await.unwrap();
    assert!(models.possible.iter().any(|model| model.bytes == bytes), "not what was written");
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

/// 79 · Breaks when bytes that were read ahead are lost or given out twice, or when a
/// write goes to where the file has read ahead to.
#[test]
fn a_file_does_what_bytes_and_a_position_would_do() {
    proptest!(config(100), |(acts in acts())| on_loop(|| run(1_000_000, acts)));
}

/// 79 · no counterpart in asyncio. Breaks when the job of such a call happens beside a later
/// one, or when its result is the answer of a later one.
#[test]
fn a_call_that_was_given_up_happens_before_the_next_or_not_at_all() {
    // Another handle must know that the file has no job out: one thread. Jobs can overtake
    // each other: several threads, and no other handle.
    proptest!(config(200), |(acts in impatient_acts())| within_limit(|| {
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(run(10, acts));
    }));
    proptest!(config(200), |(mut acts in impatient_acts())| on_loop(|| {
        acts.retain(|(act, _)| !matches!(act, Append(_)));
        run(10, acts)
    }));
}
