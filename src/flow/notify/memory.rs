//! Which incidents a receiver was told of, as a text that is kept beside the position in the input.

use crate::flow::detect::Severity;

/// Incidents beyond push out the one that was told first, which may then be told again. Brokers take 4 KB beside a position.
const MOST: usize = 170;
/// Longer ids are not remembered: ours have 16 characters.
const MAX_ID_BYTES: usize = 20;

/// The incidents of a partition that a receiver takes for open, with the severity it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(Vec<(String, Severity)>);

impl Memory {
    /// What is remembered of an incident.
    pub(super) fn get(&self, id: &str) -> Option<Severity> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, severity)| *severity)
    }

    /// Remembers an incident.
    pub(super) fn put(&mut self, id: &str, severity: Severity) {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| known == id) {
            *known = severity;
            return;
        }
        if id.len() > MAX_ID_BYTES || id.contains([' ', ':']) {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((id.to_owned(), severity));
    }

    /// Forgets an incident that is over.
    pub(super) fn remove(&mut self, id: &str) -> Option<Severity> {
        let at = self.0.iter().position(|(known, _)| known == id)?;
        Some(self.0.remove(at).1)
    }

    /// As text, below 4 KB.
    pub fn to_text(&self) -> String {
        let words = self.0.iter().map(|(id, severity)| format!("{id}:{}", &severity.name()[..1]));
        words.collect::<Vec<_>>().join(" ")
    }

    /// From such a text. What makes no sense is left out: it would be told again at worst.
    pub fn from_text(text: &str) -> Memory {
        let mut memory = Memory::default();
        for (id, severity) in text.split(' ').filter_map(|word| word.split_once(':')) {
            let all = [Severity::Low, Severity::Medium, Severity::High];
            if let Some(severity) = all.into_iter().find(|one| one.name()[..1] == *severity) {
                memory.put(id, severity);
            }
        }
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_comes_back_from_its_text_whatever_else_is_in_it() {
        let mut memory = Memory::default();
        memory.put("00000000000000aa", Severity::Low);
        memory.put("00000000000000bb", Severity::High);
        memory.put("00000000000000aa", Severity::Medium);
        assert_eq!(memory.to_text(), "00000000000000aa:m 00000000000000bb:h");
        assert_eq!(Memory::from_text(&memory.to_text()), memory);
        assert_eq!(
            Memory::from_text("NONE a b:x :l 00000000000000bb:h {\"a\":1}").to_text(),
            ":l 00000000000000bb:h"
        );
        assert_eq!(Memory::from_text(""), Memory::default());
    }

    #[test]
    fn a_full_memory_forgets_the_first_and_stays_below_what_a_broker_takes() {
        let mut memory = Memory::default();
        for number in 0..1000 {
            memory.put(&format!("{number:020}"), Severity::High);
        }
        memory.put(&"x".repeat(1000), Severity::High);
        assert!(memory.to_text().len() < 4096 && memory.get(&format!("{:020}", 999)).is_some());
        assert_eq!(memory.get(&format!("{:020}", 0)), None);
    }
}
