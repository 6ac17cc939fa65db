//! Random numbers from a seed: the same seed, the same run, as far as threads and
//! clocks allow.
//!
//! One generator serves for decisions. A [`Text`] is an endless line of random
//! bytes that two ends can each make for themselves, in pieces cut anywhere: so one
//! end can check every byte that the other one sent.

use std::ops::RangeInclusive;
use std::time::Duration;

/// SplitMix64: a counter, and a function that scatters it.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// The generator number `stream` of those that belong to `seed`.
    pub fn new(seed: u64, stream: u64) -> Random {
        let mut random = Random(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut scattered = self.0;
        scattered = (scattered ^ (scattered >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        scattered = (scattered ^ (scattered >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        scattered ^ (scattered >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn between(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A duration below `end`.
    pub fn duration(&mut self, end: Duration) -> Duration {
        Duration::from_nanos(self.next() % (end.as_nanos() as u64).max(1))
    }
}

/// An endless line of random bytes.
pub struct Text {
    random: Random,
    word: [u8; 8],
    /// How many bytes of the word have been given.
    used: usize,
}

impl Text {
    pub fn new(seed: u64, stream: u64) -> Text {
        Text { random: Random::new(!seed, stream), word: [0; 8], used: 8 }
    }

    fn next_byte(&mut self) -> u8 {
        if self.used == self.word.len() {
            self.word = self.random.next().to_le_bytes();
            self.used = 0;
        }
        self.used += 1;
        self.word[self.used - 1]
    }

    /// The next `length` bytes.
    pub fn piece(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next_byte()).collect()
    }

    /// Compares the next bytes with `heard`; gives the index of the first that differs.
    pub fn find_difference(&mut self, heard: &[u8]) -> Option<usize> {
        heard.iter().position(|&byte| byte != self.next_byte())
    }
}
