//! What was wrong, and the table at the end.

use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;

/// So many faults of each row are described; the others are counted.
const TOLD: usize = 5;

/// What went wrong in one load. All tasks of the load share it.
#[derive(Clone, Default)]
pub struct Faults(Rc<RefCell<Noted>>);

#[derive(Default)]
struct Noted {
    count: usize,
    told: Vec<String>,
    idle: bool,
}

impl Faults {
    pub fn note(&self, fault: impl Display) {
        let mut noted = self.0.borrow_mut();
        noted.count += 1;
        if noted.told.len() < TOLD {
            noted.told.push(fault.to_string());
        }
    }

    /// Notes it if something was asked for and nothing at all was done: then all of it
    /// was well, and that means nothing.
    pub fn expect_some(&self, done: u64, asked: usize) {
        self.0.borrow_mut().idle |= done == 0 && asked > 0;
    }

    /// Notes `fault` unless `kept`.
    pub fn expect<F: Display>(&self, kept: bool, fault: impl FnOnce() -> F) {
        if !kept {
            self.note(fault());
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Fine,
    /// Reported, and not judged.
    Told,
    /// Nothing was done that could have been wrong.
    Idle,
    Wrong,
}

/// A line of the table.
pub struct Row {
    what: &'static str,
    how_many: String,
    checked: String,
    result: Verdict,
    fault_count: usize,
    faults: Vec<String>,
}

impl Row {
    pub fn new(what: &'static str, how_many: String, checked: String, faults: &Faults) -> Row {
        let Noted { count, told, idle } = faults.0.take();
        let result = match (count, idle) {
            (0, false) => Verdict::Fine,
            (0, true) => Verdict::Idle,
            (_, _) => Verdict::Wrong,
        };
        Row { what, how_many, checked, result, fault_count: count, faults: told }
    }

    /// A line that is reported, and not judged.
    pub fn told(what: &'static str, how_many: String, more: String) -> Row {
        Row { result: Verdict::Told, ..Row::new(what, how_many, more, &Faults::default()) }
    }

    pub fn is_fine(&self) -> bool {
        !self.is_idle() && !self.is_wrong()
    }

    pub fn is_wrong(&self) -> bool {
        self.result == Verdict::Wrong
    }

    fn is_idle(&self) -> bool {
        self.result == Verdict::Idle
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Fine => "ok",
            Verdict::Told => "told",
            Verdict::Idle => "IDLE",
            Verdict::Wrong => "WRONG",
        }
    }
}

/// What the rows themselves take on the heap.
pub fn bytes_of(rows: &Vec<Row>) -> usize {
    let texts = |row: &Row| {
        let faults: usize = row.faults.iter().map(String::capacity).sum();
        let list = row.faults.capacity() * size_of::<String>();
        row.how_many.capacity() + row.checked.capacity() + list + faults
    };
    rows.capacity() * size_of::<Row>() + rows.iter().map(texts).sum::<usize>()
}

/// The table, and below it what was wrong, in words.
pub fn table(rows: &[Row]) -> String {
    let width = |column: fn(&Row) -> &str| rows.iter().map(|row| column(row).len()).max();
    let what = width(|row| row.what).unwrap_or(0);
    let how_many = width(|row| &row.how_many).unwrap_or(0);
    let mut table = format!("{:what$}  {:how_many$}  result  checked\n", "what", "how many");
    for row in rows {
        let Row { what: name, how_many: number, checked, .. } = row;
        let result = row.result.word();
        table += &format!("{name:what$}  {number:how_many$}  {result:6}  {checked}\n");
    }
    for row in rows.iter().filter(|row| row.is_idle()) {
        table +=
            &format!("\n{}: of one thing nothing at all was done. Try more --seconds.\n", row.what);
    }
    for row in rows.iter().filter(|row| row.is_wrong()) {
        table += &format!("\n{}: {} wrong. The first of it:\n", row.what, row.fault_count);
        table.extend(row.faults.iter().map(|fault| format!("  - {fault}\n")));
    }
    table
}

/// A number with its thousands set apart.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How many there were at the same time; and how many were asked for, if that is more.
pub fn at_once(number: u64, asked: usize) -> String {
    match number >= asked as u64 {
        true => format!("{} at once", grouped(number)),
        false => format!("{} at once, of {}", grouped(number), grouped(asked as u64)),
    }
}

pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
