//! A test's counters, printed at its end.

use super::support::{PROMPT, figures};
use std::collections::HashMap;
use std::time::Duration;

/// Waiting longer than this for the lock of a dead holder is a failure.
const LIMIT: Duration = Duration::from_millis(100);

pub struct Figures {
    name: &'static str,
    pub kills: u64,
    pub recoveries: u64,
    /// Segments that were looked for.
    segments: u64,
    /// Missing segments.
    lost: u64,
    /// Segments that were there more often than they were appended.
    pub duplicated: u64,
    /// The time from each death to each survivor's next lock, in nanoseconds.
    pub times: Vec<u64>,
}

impl Figures {
    pub fn new(name: &'static str) -> Self {
        let (kills, recoveries, segments, lost, duplicated) = (0, 0, 0, 0, 0);
        Self { name, kills, recoveries, segments, lost, duplicated, times: Vec::new() }
    }

    /// Counts what is not in `found` and what is there too often. Whether it is all there, in order,
    /// and nothing else.
    pub fn compare(&mut self, expected: &[Vec<u8>], found: &[Vec<u8>]) -> bool {
        let mut missing: HashMap<&[u8], i64> = HashMap::new();
        for segment in expected {
            *missing.entry(segment).or_default() += 1;
        }
        for segment in found {
            *missing.entry(segment).or_default() -= 1;
        }
        self.segments += expected.len() as u64;
        for count in missing.into_values() {
            let place = if count > 0 { &mut self.lost } else { &mut self.duplicated };
            *place += count.unsigned_abs();
        }
        expected == found
    }

    /// How many segments were lost, and how many were there too often.
    pub fn amiss(&self) -> (u64, u64) {
        (self.lost, self.duplicated)
    }

    /// Prints them. On a busy machine a process that is not scheduled is late through no fault of
    /// the lock's, so the median has to be short.
    pub fn report(mut self) {
        self.times.sort_unstable();
        let at = |place: usize| Duration::from_nanos(self.times.get(place).copied().unwrap_or(0));
        let count = self.times.len();
        let (median, worst) = (at(count / 2), at(count.saturating_sub(1)));
        let Self { name, kills, recoveries, segments, lost, duplicated, .. } = self;
        let mut line = format!("{name}: {kills} kills, {recoveries} recoveries");
        if segments > 0 {
            line += &format!("; of {segments} segments {lost} lost, {duplicated} duplicated");
        }
        if count > 0 {
            line +=
                &format!("; to the next lock {median:?} (median), {worst:?} (worst of {count})");
        }
        figures(line);
        assert_eq!((lost, duplicated), (0, 0), "{name}: lost, duplicated");
        assert!(median < LIMIT && worst < PROMPT, "{name}: the lock came late");
    }
}

#[test]
fn lost_and_duplicated_segments_are_counted() {
    let segments = |names: &str| -> Vec<Vec<u8>> {
        names.split(' ').map(|name| name.as_bytes().to_vec()).collect()
    };
    let mut figures = Figures::new("counting");
    assert!(figures.compare(&segments("a b b"), &segments("a b b")));
    assert!(!figures.compare(&segments("a b"), &segments("b a")));
    assert_eq!((figures.segments, figures.amiss()), (5, (0, 0)));
    assert!(!figures.compare(&segments("a b b c"), &segments("a b")));
    assert_eq!(figures.amiss(), (2, 0));
    assert!(!figures.compare(&segments("a b c"), &segments("a b b half c a")));
    assert_eq!((figures.segments, figures.amiss()), (12, (2, 3)));
}
