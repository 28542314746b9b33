//! What is wrong with a topology, where, and what was probably meant.

use std::fmt;

/// Where something in a topology was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere: it is missing, or was set by a call.
    Unsaid,
    /// In the file, both counted from 1.
    Line {
        /// The line.
        line: usize,
        /// The character within the line.
        column: usize,
    },
    /// By a `--set` with that path.
    Flag(String),
}

/// One thing that is wrong with a topology, or (as a warning) that does not do what its author may think.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// The key, such as `detect.0.threshold`; empty where the text is not TOML.
    pub path: String,
    /// What, in words that continue the path: `is not known`.
    pub message: String,
}

impl Problem {
    pub(super) fn new(place: &Place, path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { place: place.clone(), path: path.into(), message: message.into() }
    }

    /// The line of the file, counted from 1, where the problem has one.
    pub fn line(&self) -> Option<usize> {
        match &self.place {
            Place::Line { line, .. } => Some(*line),
            Place::Unsaid | Place::Flag(_) => None,
        }
    }
}

impl fmt::Display for Problem {
    /// `line 7: window.sise is not known; did you mean window.size?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Unsaid => {}
            Place::Line { line, .. } => write!(f, "line {line}: ")?,
            Place::Flag(path) => write!(f, "--set {path}: ")?,
        }
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// The candidate that is the fewest edits away from a word, if few enough for a slip of the hand.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = (word.chars().count() / 3).clamp(1, 3);
    let scored = candidates.into_iter().map(|candidate| (edits(word, candidate), candidate));
    scored
        .filter(|(edits, _)| *edits <= slips)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other, upper case and `_`
/// aside (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let letters = |word: &str| -> Vec<char> {
        word.chars().map(|letter| if letter == '_' { '-' } else { letter.to_ascii_lowercase() }).collect()
    };
    let (a, b) = (letters(a), letters(b));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let replaced = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_the_word_that_was_meant() {
        let words = ["size", "grace", "max_age", "z-score", "status"];
        for (word, meant) in [
            ("sise", "size"),
            ("gracE", "grace"),
            ("maxage", "max_age"),
            ("zscore", "z-score"),
            ("stauts", "status"),
        ] {
            assert_eq!(nearest(word, words), Some(meant), "{word}");
        }
    }

    #[test]
    fn a_different_word_is_not_taken_for_a_slip() {
        assert_eq!(nearest("length", ["size", "grace"]), None);
        assert_eq!(nearest("", ["size"]), None);
    }
}
