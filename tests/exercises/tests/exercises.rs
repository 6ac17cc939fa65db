//! Does every exercise of the documentation: before the change the named test is green,
//! with the change the library still builds, and the test is red.
//!
//! `cargo test -p glassloop-exercises`. The changed copy of the source is in
//! `target/exercises`, and is kept there, so that the next run only builds what changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

use glassloop_exercises::{Exercise, all_below, in_page};

/// What the copy of the package consists of. `Cargo.lock` may be missing.
const SOURCE: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "README.md", "docs", "examples", "executor", "tests"];

#[test]
fn every_exercise_turns_its_test_red() {
    let copy = Copy::new();
    let exercises = all_below(&root()).expect("the pages and their exercises can be read");
    assert!(exercises.len() >= 6, "only {} exercises were found in the docs", exercises.len());
    for exercise in &exercises {
        // All of them first: a line that is out of date is known before anything is built.
        exercise.apply(&copy.read(&exercise.file)).unwrap_or_else(|error| panic!("{error}"));
    }
    for exercise in &exercises {
        let output = copy.run(exercise);
        let name = &exercise.test;
        assert!(passed(&output, name), "{name} must be green at first:\n{}", text(&output));
    }
    let harmless: Vec<&str> = exercises.iter().filter_map(|one| copy.stays_green(one)).collect();
    assert!(harmless.is_empty(), "these exercises do not turn their tests red: {harmless:#?}");
}

#[test]
fn lines_that_are_not_there_exactly_once_are_named() {
    let page =
        "```diff\n--- executor/a.rs\n-one\n+two\n```\nRed: `cargo test --test ch01 a_test`\n";
    let exercises = in_page("page.md", page).unwrap();
    let [exercise] = &exercises[..] else { panic!("one exercise, not {exercises:?}") };
    assert_eq!((&*exercise.chapter, &*exercise.test), ("ch01", "a_test"));
    assert_eq!(exercise.apply("zero\none\nthree\n").unwrap(), "zero\ntwo\nthree\n");
    let error = exercise.apply("zero\n one\n").unwrap_err();
    assert!(error.contains("page.md:1") && error.contains("there 0 times"), "{error}");
    let error = exercise.apply("one\none\n").unwrap_err();
    assert!(error.contains("executor/a.rs") && error.contains("there 2 times"), "{error}");
}

#[test]
fn a_diff_without_a_command_is_a_mistake() {
    let page = "```diff\n--- executor/a.rs\n-one\n+two\n```\n\n## Next\n`cargo test --test a b`\n";
    let error = in_page("page.md", page).unwrap_err();
    assert!(error.contains("page.md:1") && error.contains("must follow"), "{error}");
}

/// The copy of the package in `target/exercises`, and how to test it.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn new() -> Copy {
        let home = root().join("target/exercises");
        let copy = Copy { folder: home.join("source"), target: home.join("target") };
        fs::create_dir_all(&copy.folder).expect("the folder of the copy can be made");
        for part in SOURCE {
            update(&root().join(part), &copy.folder.join(part)).expect("the source can be copied");
        }
        copy
    }

    fn read(&self, file: &str) -> String {
        let path = self.folder.join(file);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {file}: {error}"))
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).expect("the copy can be changed");
    }

    /// Builds the exercise's chapter, which must succeed, and runs its test alone.
    fn run(&self, exercise: &Exercise) -> Output {
        let build = self.cargo(exercise).arg("--no-run").output().expect("cargo can be run");
        let Exercise { place, test, .. } = exercise;
        assert!(build.status.success(), "{place} does not build:\n{}", text(&build));
        let mut command = self.cargo(exercise);
        command.args(["--", "--exact", test]).output().expect("the test can be run")
    }

    /// Applies the exercise, runs its test, and takes the change back. Returns the place of
    /// the exercise if the test has not failed.
    fn stays_green<'a>(&self, exercise: &'a Exercise) -> Option<&'a str> {
        let Exercise { place, test, .. } = exercise;
        let before = self.read(&exercise.file);
        self.write(&exercise.file, &exercise.apply(&before).expect("applied above"));
        let output = self.run(exercise);
        self.write(&exercise.file, &before);
        let is_red = failed(&output, test);
        println!("{place}: {test} is {}", if is_red { "red" } else { "still green" });
        println!("{}", text(&output));
        (!is_red).then_some(place)
    }

    fn cargo(&self, exercise: &Exercise) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command.args(["test", "--quiet", "--test", &exercise.chapter]).current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_DEV_DEBUG", "0");
        command
    }
}

/// Makes `copy` like `original`. Leaves a file alone that is equal, so that cargo need not
/// build it again.
fn update(original: &Path, copy: &Path) -> io::Result<()> {
    if original.is_dir() {
        fs::create_dir_all(copy)?;
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(original)? {
            let name = entry?.file_name();
            update(&original.join(&name), &copy.join(&name))?;
            names.insert(name);
        }
        for entry in fs::read_dir(copy)? {
            let entry = entry?;
            match (names.contains(&entry.file_name()), entry.file_type()?.is_dir()) {
                (true, _) => {}
                (false, true) => fs::remove_dir_all(entry.path())?,
                (false, false) => fs::remove_file(entry.path())?,
            }
        }
    } else if original.is_file() {
        let bytes = fs::read(original)?;
        if fs::read(copy).ok().as_ref() != Some(&bytes) {
            fs::write(copy, bytes)?;
        }
    }
    Ok(())
}

/// The root of the workspace.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("tests/exercises is below the root").to_owned()
}

fn passed(output: &Output, test: &str) -> bool {
    output.status.success() && text(output).contains("1 passed") && !failed(output, test)
}

/// Whether the test itself has failed, and not something else.
fn failed(output: &Output, test: &str) -> bool {
    !output.status.success() && text(output).contains(&format!("---- {test} stdout ----"))
}

fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
    streams.concat()
}
