//! The files that are read: made once, and found again by the programs that follow.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Each small file is one block, and the large one consists of them.
pub const BLOCK: usize = 4096;

/// A block begins with its number.
fn block(number: u64) -> [u8; BLOCK] {
    let mut block = [number as u8; BLOCK];
    block[..8].copy_from_slice(&number.to_le_bytes());
    block
}

/// The number with which a block begins.
pub fn number(block: &[u8]) -> u64 {
    block.first_chunk().map_or(u64::MAX, |first| u64::from_le_bytes(*first))
}

/// A folder with at least so many small files.
pub fn small_files(data: &Path, files: u64) -> PathBuf {
    let folder = data.join("small");
    fs::create_dir_all(&folder).expect("the folder of the data can be written");
    // The last of them is made last, so if it is there, all are.
    if files > 0 && !small_file(&folder, files - 1).exists() {
        for number in 0..files {
            let written = fs::write(small_file(&folder, number), block(number));
            written.expect("the folder of the data can be written");
        }
    }
    folder
}

pub fn small_file(folder: &Path, number: u64) -> PathBuf {
    folder.join(number.to_string())
}

/// A file of at least so many bytes.
pub fn large_file(data: &Path, bytes: u64) -> PathBuf {
    let path = data.join("large");
    if fs::metadata(&path).is_ok_and(|found| found.len() >= bytes) {
        return path;
    }
    fs::create_dir_all(data).expect("the folder of the data can be written");
    let file = fs::File::create(&path).expect("the folder of the data can be written");
    let mut file = BufWriter::with_capacity(1 << 20, file);
    for number in 0..bytes.div_ceil(BLOCK as u64) {
        file.write_all(&block(number)).expect("there is room for the data");
    }
    file.flush().expect("there is room for the data");
    path
}
