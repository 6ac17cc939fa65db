//! Functions on whole files and paths: each of them is one job on the pool. Dropping its
//! future does not stop a job that has started, and a later function does not wait for it.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::path_job;

/// Reads a whole file. In asyncio: `to_thread(path.read_bytes)`.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("file");
/// glassloop::block_on(async {
///     glassloop::fs::write(&path, [1, 2, 3]).await?;
///     assert_eq!(glassloop::fs::read(&path).await?, [1, 2, 3]);
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Vec<u8>>> {
    path_job("read", path.as_ref(), |path| fs::read(path))
}

/// Reads a whole file of UTF-8 text. In asyncio: `to_thread(path.read_text)`.
///
/// # Errors
/// The system's, with the path; `InvalidData`, if the file is not UTF-8.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("file");
/// glassloop::block_on(async {
///     glassloop::fs::write(&path, "text").await?;
///     assert_eq!(glassloop::fs::read_to_string(&path).await?, "text");
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> impl Future<Output = io::Result<String>> {
    path_job("read", path.as_ref(), |path| fs::read_to_string(path))
}

/// Writes a whole file: makes the file, or replaces its contents. In asyncio:
/// `to_thread(path.write_bytes, …)`.
///
/// Dropping the future does not stop a write that has started.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("file");
/// glassloop::block_on(glassloop::fs::write(&path, "text")).unwrap();
/// ```
#[track_caller]
pub fn write(
    path: impl AsRef<Path>,
    contents: impl AsRef<[u8]>,
) -> impl Future<Output = io::Result<()>> {
    let contents = contents.as_ref().to_vec();
    path_job("write", path.as_ref(), move |path| fs::write(path, contents))
}

/// Copies a file and its permissions; returns the length of the file in bytes. In asyncio:
/// `to_thread(shutil.copy, …)`.
///
/// # Errors
/// The system's, with the path of the file that is copied.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (old, new) = (folder.path().join("old"), folder.path().join("new"));
/// glassloop::block_on(async {
///     glassloop::fs::write(&old, "text").await?;
///     assert_eq!(glassloop::fs::copy(&old, &new).await?, 4);
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> impl Future<Output = io::Result<u64>> {
    let to = to.as_ref().to_owned();
    path_job("copy", from.as_ref(), move |from| fs::copy(from, to))
}

/// Asks for the size, times and permissions of the file or directory at a path. In asyncio:
/// `to_thread(os.stat, …)`.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// glassloop::block_on(async {
///     assert!(glassloop::fs::metadata(".").await?.is_dir());
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn metadata(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Metadata>> {
    path_job("read the metadata of", path.as_ref(), |path| fs::metadata(path))
}

/// Follows all links and `..` of a path, which must exist, and returns the absolute path
/// without them. In asyncio: `to_thread(os.path.realpath, …)`.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// glassloop::block_on(async {
///     assert!(glassloop::fs::canonicalize(".").await?.is_absolute());
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn canonicalize(path: impl AsRef<Path>) -> impl Future<Output = io::Result<PathBuf>> {
    path_job("resolve", path.as_ref(), |path| fs::canonicalize(path))
}

/// Makes a directory, and the directories above it that are missing. In asyncio:
/// `to_thread(os.makedirs, …)`.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// glassloop::block_on(glassloop::fs::create_dir_all(folder.join("a/b/c"))).unwrap();
/// ```
#[track_caller]
pub fn create_dir_all(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    path_job("make the directory", path.as_ref(), |path| fs::create_dir_all(path))
}

/// Removes a file. In asyncio: `to_thread(os.remove, …)`.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("file");
/// glassloop::block_on(async {
///     glassloop::fs::write(&path, "text").await?;
///     glassloop::fs::remove_file(&path).await
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn remove_file(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    path_job("remove", path.as_ref(), |path| fs::remove_file(path))
}

/// Removes a directory with everything in it. In asyncio:
/// `to_thread(shutil.rmtree, …)`.
///
/// # Errors
/// The system's, with the path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// glassloop::block_on(async {
///     glassloop::fs::create_dir_all(folder.join("a/b")).await?;
///     glassloop::fs::remove_dir_all(folder.join("a")).await
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn remove_dir_all(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    path_job("remove", path.as_ref(), |path| fs::remove_dir_all(path))
}

/// Renames or moves a file or directory; a file at the new path is replaced. In
/// asyncio: `to_thread(os.replace, …)`.
///
/// # Errors
/// The system's, with the old path.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (old, new) = (folder.path().join("old"), folder.path().join("new"));
/// glassloop::block_on(async {
///     glassloop::fs::write(&old, "text").await?;
///     glassloop::fs::rename(&old, &new).await
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn rename(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
) -> impl Future<Output = io::Result<()>> {
    let to = to.as_ref().to_owned();
    path_job("rename", from.as_ref(), move |from| fs::rename(from, to))
}
