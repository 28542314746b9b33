//! What the fleet's people have written down: sections of Markdown files, chosen by what an incident is about.

/// The most bytes of a section; the rest of it is left out.
const MAX_SECTION_BYTES: usize = 1200;
/// The most sections that are kept.
pub const MAX_SECTIONS: usize = 2000;

/// Sections in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    /// The words of its heading, and of the file's name.
    about: Vec<String>,
    text: String,
}

impl Notes {
    /// Takes in a file: every heading begins a section.
    pub fn add(&mut self, file: &str, markdown: &str) {
        let (mut heading, mut lines) = (String::new(), Vec::new());
        for line in markdown.lines() {
            if line.starts_with('#') {
                self.add_section(file, &heading, &lines);
                line.trim_start_matches('#').trim().clone_into(&mut heading);
                lines.clear();
            } else if !line.trim().is_empty() {
                lines.push(line.trim());
            }
        }
        self.add_section(file, &heading, &lines);
    }

    fn add_section(&mut self, file: &str, heading: &str, lines: &[&str]) {
        if lines.is_empty() || self.sections.len() >= MAX_SECTIONS {
            return;
        }
        let text =
            if heading.is_empty() { lines.join("\n") } else { format!("{heading}: {}", lines.join("\n")) };
        let end = (0..=MAX_SECTION_BYTES.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
        let text = text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned();
        self.sections.push(Section { about: words(&format!("{file} {heading}")).collect(), text });
    }

    /// How many sections there are.
    pub fn len(&self) -> usize {
        self.sections.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The sections about these metrics and services, as far as so many bytes go: those first whose heading names most
    /// of them, then those whose text does.
    pub fn about(&self, subjects: &[&str], most_bytes: usize) -> Vec<&str> {
        let subjects: Vec<Vec<String>> = subjects.iter().map(|subject| words(subject).collect()).collect();
        let named = |words: &[String]| {
            let is_named = |subject: &&Vec<String>| {
                !subject.is_empty() && words.windows(subject.len()).any(|window| window == &subject[..])
            };
            subjects.iter().filter(is_named).count()
        };
        let mut ranked: Vec<((usize, usize), &Section)> = self
            .sections
            .iter()
            .map(|section| {
                let text: Vec<String> = words(&section.text).collect();
                ((named(&section.about), named(&text)), section)
            })
            .filter(|(rank, _)| *rank > (0, 0))
            .collect();
        ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        let mut left = most_bytes;
        let mut chosen = Vec::new();
        for (_, section) in ranked {
            if let Some(after) = left.checked_sub(section.text.len()) {
                left = after;
                chosen.push(section.text.as_str());
            }
        }
        chosen
    }
}

/// Words in small letters: `disk_usage` is two, as people write it.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Notes {
        let mut notes = Notes::default();
        notes.add(
            "storage.md",
            "# Disk usage\nWe prune /var/log at 90.\n\n# Database\nFail over with `dbctl`.\n",
        );
        notes.add("on-call.md", "Before a database restart, call the owner.\n");
        notes
    }

    #[test]
    fn sections_are_chosen_by_metric_and_service_the_best_named_first() {
        let all = notes();
        assert_eq!(all.about(&["disk_usage"], 2000), ["Disk usage: We prune /var/log at 90."]);
        let database = all.about(&["database"], 2000);
        assert_eq!(database.len(), 2);
        assert!(database[0].starts_with("Database: Fail over"), "{database:?}");
        assert!(all.about(&["cpu_usage"], 2000).is_empty());
    }

    #[test]
    fn no_more_is_told_than_there_is_room_for() {
        assert_eq!(notes().about(&["database"], 40).len(), 1);
        let mut long = Notes::default();
        long.add("a.md", &format!("# Cache\n{}", "é".repeat(5000)));
        assert!(long.about(&["cache"], 5000)[0].len() <= MAX_SECTION_BYTES);
    }
}
