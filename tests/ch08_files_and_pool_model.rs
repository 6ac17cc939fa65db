//! Chapter 8, once more: a file against a model of a few lines, which has bytes and a
//! position. A program must not see what the file reads ahead or collects.

mod support;

use std::io::SeekFrom;

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use glassloop::fs::{self, File};
use proptest::collection::vec;
use proptest::prelude::*;
use support::on_loop;

/// What a program may do with a file.
#[derive(Clone, Debug)]
enum Act {
    Read(usize),
    Write(usize),
    Flush,
    Seek(SeekFrom),
    SetLen(u64),
}

use Act::{Flush, Read, Seek, SetLen, Write};

/// Reads are the most frequent, so that a program reads on and on.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let size = || prop_oneof![0..10_usize, Just(64 << 10), 60_000..70_000_usize];
    let place = || prop_oneof![0..10_u64, 0..1_200_000_u64];
    let by = || prop_oneof![-10..10_i64, -100_000..100_000_i64];
    let act = prop_oneof![
        12 => size().prop_map(Read),
        2 => size().prop_map(Write),
        1 => Just(Flush),
        1 => place().prop_map(SeekFrom::Start).prop_map(Seek),
        1 => by().prop_map(SeekFrom::Current).prop_map(Seek),
        1 => by().prop_map(SeekFrom::End).prop_map(Seek),
        1 => place().prop_map(SetLen),
    ];
    vec(act, 1..40)
}

/// A file, as its user sees it.
struct Model {
    bytes: Vec<u8>,
    position: usize,
}

impl Model {
    fn read(&mut self, size: usize) -> Vec<u8> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let read = rest[..size.min(rest.len())].to_vec();
        self.position += read.len();
        read
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

/// Does the same with both; they must agree.
async fn act_on_both(file: &mut File, model: &mut Model, act: Act) {
    match act {
        Read(size) => {
            let expected = model.read(size);
            let mut read = vec![0; expected.len()];
            file.read_exact(&mut read).await.unwrap();
            assert!(read == expected, "other bytes were read");
        }
        Write(size) => {
            let new = vec![size as u8; size];
            model.write(&new);
            file.write_all(&new).await.unwrap();
        }
        Flush => file.flush().await.unwrap(),
        // This call flushes by itself, as `set_len` does.
        Seek(to) => assert_eq!(file.seek(to).await.ok(), model.seek(to), "{to:?}"),
        SetLen(size) => {
            model.bytes.resize(size as usize, 0);
            file.set_len(size).await.unwrap();
        }
    }
}

async fn run(acts: Vec<Act>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|at| (at / 7) as u8).collect();
    fs::write(&path, &bytes).await.unwrap();
    let mut file = File::options().read(true).write(true).open(&path).await.unwrap();
    let mut model = Model { bytes, position: 0 };
    for act in acts {
        act_on_both(&mut file, &mut model, act).await;
    }
    file.close().await.unwrap();
    assert!(fs::read(&path).await.unwrap() == model.bytes, "something else is in the file");
}

/// 79 · Breaks when bytes that were read ahead are lost or given out twice, or when a
/// write goes to where the file has read ahead to.
#[test]
fn a_file_does_what_bytes_and_a_position_would_do() {
    let config = ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() };
    proptest!(config, |(acts in acts())| on_loop(|| run(acts)));
}
