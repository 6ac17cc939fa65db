//! The line that a program prints, read again.

/// What one run of one workload on one runtime gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    fields: Vec<(String, f64)>,
}

impl Outcome {
    /// Reads a flat object of numbers and words; the words are skipped.
    pub fn read(line: &str) -> Option<Self> {
        let inside = line.trim().strip_prefix('{')?.strip_suffix('}')?;
        let fields = inside.split(',').filter_map(|field| {
            let (name, value) = field.split_once(':')?;
            Some((name.trim().trim_matches('"').to_string(), value.trim().parse().ok()?))
        });
        Some(Self { fields: fields.collect() })
    }

    /// The number of that name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    /// Processor time of one operation.
    pub fn cpu(&self) -> Option<f64> {
        self.get("cpu_ns_per_operation")
    }

    /// Wall time of one operation.
    pub fn wall(&self) -> Option<f64> {
        self.get("wall_ns_per_operation")
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn the_numbers_of_a_line_are_read_and_the_words_are_skipped() {
        let line = r#"{"runtime":"floor","operations":10,"cpu_ns_per_operation":2.50}"#;
        let outcome = Outcome::read(line).expect("it is an object");
        assert_eq!((outcome.get("operations"), outcome.cpu()), (Some(10.0), Some(2.5)));
        assert_eq!(outcome.get("runtime"), None);
    }

    #[test]
    fn a_line_that_is_no_object_is_refused() {
        assert_eq!(Outcome::read("thread 'main' panicked"), None);
    }
}
