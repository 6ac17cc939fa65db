//! Finds the published sources of other crates, and makes a list of modules out of
//! the files in their `tests` folders. The files stay where cargo has put them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

const BRIDGE: &str = "it is about the bridge to futures 0.1, or asks for it";

/// Packages, and the files of theirs that are left out, with the reason.
const SUITES: [(&str, &[(&str, &str)]); 7] = [
    ("async-broadcast", &[]),
    ("async-channel", &[]),
    ("async-executor", &[]),
    ("async-lock", &[("loom", "it runs under loom only")]),
    ("blocking", &[]),
    (
        "futures",
        &[
            ("_require_features", BRIDGE),
            ("auto_traits", BRIDGE),
            ("compat", BRIDGE),
            ("compat_miri", BRIDGE),
        ],
    ),
    ("futures-channel", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../../Cargo.lock");
    let metadata = metadata()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (package, left_out) in SUITES {
        let tests = folder(&metadata, package)?.join("tests");
        let modules = modules(&tests, left_out)?;
        fs::write(out.join(package).with_extension("rs"), modules)?;
    }
    Ok(())
}

/// What cargo knows about the packages of this build.
fn metadata() -> Result<Value, Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.args(["metadata", "--format-version=1", "--filter-platform", &env::var("TARGET")?]);
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where cargo has put the source of a published package.
fn folder(metadata: &Value, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let found = packages.filter(|package| package["name"] == name && !package["source"].is_null());
    let manifests: Vec<_> = found.filter_map(|found| found["manifest_path"].as_str()).collect();
    match manifests[..] {
        [manifest] => Ok(Path::new(manifest).with_file_name("")),
        _ => Err(format!("one version of {name} is needed, not {manifests:?}").into()),
    }
}

/// A module for each file of the suite.
fn modules(tests: &Path, left_out: &[(&str, &str)]) -> Result<String, Box<dyn Error>> {
    let entries = fs::read_dir(tests).map_err(|error| format!("{}: {error}", tests.display()))?;
    let mut files =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    files.sort();
    let mut modules = String::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let name = file.file_stem().and_then(|name| name.to_str()).ok_or("a name in UTF-8")?;
        if left_out.iter().all(|(left_out, _)| *left_out != name) {
            modules += &format!("#[path = {file:?}]\nmod {};\n", name.replace('-', "_"));
        }
    }
    match modules.is_empty() {
        true => Err(format!("{} holds no tests", tests.display()).into()),
        false => Ok(modules),
    }
}
