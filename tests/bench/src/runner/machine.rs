//! On what it was measured.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use super::peers::PEERS;

/// What a reader needs, to judge the numbers.
#[derive(Debug)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub memory: String,
    pub system: String,
    pub compiler: String,
    pub date: String,
    /// The packages of the runtimes that took part, with their versions.
    pub versions: Vec<String>,
}

impl Machine {
    pub fn look(runtimes: &[&str]) -> Self {
        Self {
            processor: line_of("/proc/cpuinfo", "model name").unwrap_or(env::consts::ARCH.into()),
            processors: thread::available_parallelism().map_or(1, usize::from),
            memory: line_of("/proc/meminfo", "MemTotal").map_or("unknown".into(), gibibytes),
            system: system().unwrap_or(env::consts::OS.into()),
            compiler: first_line("rustc", &["--version"]).unwrap_or("rustc unknown".into()),
            date: date(),
            versions: versions(runtimes),
        }
    }
}

/// As in "Linux 6.12.3 x86_64": what a distribution or a cloud appends to the version is
/// of no use to others.
fn system() -> Option<String> {
    let name = first_line("uname", &["-s"])?;
    let release = first_line("uname", &["-r"])?;
    let version = release.split('-').next().unwrap_or_default();
    Some(format!("{name} {version} {}", env::consts::ARCH))
}

/// The value of the first line that begins so, in a table of the system.
fn line_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

fn gibibytes(kibibytes: String) -> String {
    let number = kibibytes.trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN);
    format!("{:.0} GiB", number / f64::from(1 << 20))
}

pub fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    text.lines().next().map(str::to_string)
}

fn versions(runtimes: &[&str]) -> Vec<String> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap_or_default();
    let taking_part = PEERS.iter().filter(|peer| runtimes.contains(&peer.name));
    let mut versions: Vec<_> = taking_part
        .flat_map(|peer| peer.packages)
        .filter_map(|package| Some(format!("{package} {}", version(&lock, package)?)))
        .collect();
    versions.dedup();
    let python = env::var("GLASSLOOP_BENCH_PYTHON").unwrap_or("python3".into());
    if runtimes.contains(&"asyncio") {
        versions.extend(first_line(&python, &["--version"]));
    }
    if runtimes.contains(&"uvloop") {
        let version = first_line(&python, &["-c", "import uvloop; print(uvloop.__version__)"]);
        versions.extend(version.map(|version| format!("uvloop {version}")));
    }
    versions
}

/// The newest version of a package in a lock file.
fn version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let found = lock.split("[[package]]").filter(|entry| entry.contains(&name));
    let lines = found.filter_map(|entry| entry.lines().find_map(|l| l.strip_prefix("version = ")));
    lines.last().map(|version| version.trim_matches('"').to_string())
}

/// Today, as year-month-day, by the proleptic Gregorian calendar.
fn date() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil((now.as_secs() / 86_400) as i64);
    format!("{year}-{month:02}-{day:02}")
}

/// From days since 1970-01-01: years that begin in March end with the leap day, and every
/// 400 of them have equally many days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{civil, version};

    #[test]
    fn days_become_dates_leap_days_included() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_088), (2024, 12, 31));
    }

    #[test]
    fn the_version_of_a_package_is_the_one_under_its_own_name() {
        let lock = "[[package]]\nname = \"mio\"\nversion = \"1.0\"\n\n\
                    [[package]]\nname = \"tokio\"\nversion = \"1.5\"\n";
        assert_eq!(version(lock, "tokio").as_deref(), Some("1.5"));
        assert_eq!(version(lock, "smol"), None);
    }
}
