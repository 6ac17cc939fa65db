//! Files: dozens of tasks that write files, read them back, and compare every byte.
//!
//! Some write and read a file as a whole; some in pieces, change a stretch in the
//! middle, and read under time limits that are too short. A read that was given up
//! must have lost no byte.

use std::cell::Cell;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use glassloop::fs::{self, File};
use glassloop::{sleep, spawn, timeout};

use crate::plan::{Plan, Stream};
use crate::random::{Random, Text};
use crate::report::{Faults, Row, grouped, mebibytes};

/// So many files are open at a time.
const TASKS: usize = 32;
const LONGEST: usize = 128 * 1024;
const PIECE: usize = 20_000;
/// After each file.
const REST: Duration = Duration::from_millis(100);
/// A read gets no more than this.
const LIMIT: Duration = Duration::from_micros(300);

#[derive(Default)]
struct Desk {
    faults: Faults,
    bytes: Cell<u64>,
    given_up: Cell<u64>,
}

pub async fn run(plan: Rc<Plan>) -> Row {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("files");
    let desk = Rc::new(Desk::default());
    match tempfile::Builder::new().prefix("glassloop-soak-").tempdir() {
        Ok(folder) => {
            write_and_read(&plan, &desk, folder.path()).await;
            if let Err(error) = fs::remove_dir_all(folder.path()).await {
                desk.faults.note(error);
            }
        }
        Err(error) => desk.faults.note(format!("no folder: {error}")),
    }
    desk.faults.expect_some(desk.bytes.get(), TASKS);
    let checked = format!(
        "{} written, read back and compared; {} reads given up on the way",
        mebibytes(desk.bytes.get()),
        grouped(desk.given_up.get())
    );
    Row::new("files", grouped(plan.meters.files.get()), checked, &desk.faults)
}

async fn write_and_read(plan: &Rc<Plan>, desk: &Rc<Desk>, folder: &Path) {
    let clerks = (0..TASKS).map(|number| {
        let path = folder.join(number.to_string());
        spawn(keep_writing(number, path, Rc::clone(plan), Rc::clone(desk)))
    });
    for clerk in clerks.collect::<Vec<_>>() {
        if let Err(error) = clerk.await {
            desk.faults.note(format!("a task with files: {error}"));
        }
    }
}

async fn keep_writing(number: usize, path: PathBuf, plan: Rc<Plan>, desk: Rc<Desk>) {
    let mut random = plan.random(Stream::Files, number);
    let mut text = plan.text(Stream::Files, number);
    while !plan.is_over() {
        let length = random.below(LONGEST);
        let written = match random.once_in(2) {
            true => as_a_whole(&path, text.piece(length), &desk).await,
            false => in_pieces(&path, length, &mut text, &mut random, &desk).await,
        };
        if let Err(error) = written {
            desk.faults.note(error);
        }
        plan.meters.files.add(1);
        sleep(random.duration(REST)).await;
    }
}

async fn as_a_whole(path: &Path, bytes: Vec<u8>, desk: &Desk) -> io::Result<()> {
    fs::write(path, bytes.clone()).await?;
    desk.compare(&bytes, &fs::read(path).await?);
    fs::remove_file(path).await
}

async fn in_pieces(
    path: &Path,
    length: usize,
    text: &mut Text,
    random: &mut Random,
    desk: &Desk,
) -> io::Result<()> {
    let mut bytes = text.piece(length);
    let mut options = File::options();
    let mut file = options.read(true).write(true).create_new(true).open(path).await?;
    for piece in bytes.chunks(random.between(1..=PIECE)) {
        file.write_all(piece).await?;
    }
    let from = random.below(length + 1);
    let other = text.piece(random.below(length - from + 1));
    file.seek(SeekFrom::Start(from as u64)).await?;
    file.write_all(&other).await?;
    bytes[from..from + other.len()].copy_from_slice(&other);
    file.seek(SeekFrom::Start(0)).await?;
    desk.compare(&bytes, &read_impatiently(&mut file, random, desk).await?);
    file.close().await?;
    fs::remove_file(path).await
}

async fn read_impatiently(
    file: &mut File,
    random: &mut Random,
    desk: &Desk,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; random.between(1000..=PIECE)];
    loop {
        match timeout(random.duration(LIMIT), file.read(&mut buffer)).await {
            Ok(Ok(0)) => return Ok(bytes),
            Ok(length) => bytes.extend(&buffer[..length?]),
            Err(_elapsed) => desk.given_up.set(desk.given_up.get() + 1),
        }
    }
}

impl Desk {
    fn compare(&self, written: &[u8], read: &[u8]) {
        self.bytes.set(self.bytes.get() + read.len() as u64);
        self.faults.expect(written == read, || {
            let same = written.iter().zip(read).take_while(|(written, read)| written == read);
            let (same, written, read) = (same.count(), written.len(), read.len());
            format!("{written} bytes were written, {read} read, and the first {same} are the same")
        });
    }
}
