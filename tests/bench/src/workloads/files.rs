//! Files that the system has in memory: what is measured is the way there, not the disk.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::data::{self, BLOCK};
use crate::runtime::Files;
use crate::workload::{Job, Workload};
use crate::workloads::one_way::MEBIBYTE;

pub fn all<R: Files>() -> Vec<Workload> {
    vec![
        Workload::new("files_4k", 20_000, read_small::<R>).scale(64).pinned(),
        Workload::new("file_64k", 1024, read_large::<R>).scale(64 << 10).pinned(),
        Workload::new("file_1m", 1024, read_large::<R>).scale(1 << 20).pinned(),
    ]
}

/// Whole small files, `scale` of them under way at any time. One operation is a file.
fn read_small<R: Files>(job: &Job) {
    let folder = data::small_files(&job.data, job.operations);
    job.meter.start();
    R::block_on(async {
        let next = Rc::new(Cell::new(0));
        let readers: Vec<_> = (0..job.scale)
            .map(|_| {
                R::spawn(read_from_list::<R>(folder.clone(), Rc::clone(&next), job.operations))
            })
            .collect();
        let mut read = 0;
        for reader in readers {
            read += reader.await;
        }
        assert_eq!(read, job.operations, "each file was read, once");
    });
    job.meter.stop();
}

async fn read_from_list<R: Files>(folder: PathBuf, next: Rc<Cell<u64>>, files: u64) -> u64 {
    let mut read = 0;
    loop {
        let number = next.get();
        if number == files {
            return read;
        }
        next.set(number + 1);
        let bytes = R::read_whole(&data::small_file(&folder, number)).await;
        assert_eq!(bytes.len(), BLOCK, "a file is one block long");
        assert_eq!(data::number(&bytes), number, "each file holds its own number");
        read += 1;
    }
}

/// One large file from its beginning, in reads of `scale` bytes. One operation is a MiB.
fn read_large<R: Files>(job: &Job) {
    let bytes = job.operations * MEBIBYTE as u64;
    let path = data::large_file(&job.data, bytes);
    job.meter.start();
    let read = R::block_on(read_through::<R>(&path, job.scale as usize, bytes));
    job.meter.stop();
    assert!(read >= bytes, "the file was read to its end: {read} of {bytes} bytes");
}

async fn read_through<R: Files>(path: &Path, chunk: usize, bytes: u64) -> u64 {
    let mut file = R::open(path).await;
    let mut buffer = vec![0; chunk];
    let mut position = 0;
    while position < bytes {
        let (length, filled) = R::read_next(&mut file, buffer).await;
        if length == 0 {
            break;
        }
        if position % BLOCK as u64 == 0 && length >= 8 {
            let block = position / BLOCK as u64;
            assert_eq!(data::number(&filled), block, "each block holds its own number");
        }
        position += length as u64;
        buffer = filled;
    }
    position
}
