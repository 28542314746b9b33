//! When two incidents are alike: what is recommended for one then holds for the other.

use super::names::Names;
use super::picture::Picture;
use crate::flow::hash;

/// Of everything an answer depends on but numbers and names: two hosts with the same trouble have the same.
///
/// Names that could be ordinary words are part of it: they cannot be told from words in a recommendation, which
/// therefore cannot be carried over to another entity.
pub fn of(picture: &Picture<'_>, names: &Names, runbook_lines: &[&str], model: &str) -> u64 {
    let mut parts: Vec<String> = vec![model.to_owned()];
    let mut signs: Vec<String> = picture
        .signs
        .iter()
        .map(|sign| {
            let of = names.entity_number(&sign.worst.entity);
            let fills = sign.hours_until_full().is_some();
            format!("{of:?} {} {:?} {fills} {:?}", sign.metric(), sign.side, sign.worst.severity)
        })
        .collect();
    signs.sort();
    parts.push(format!("{} entities", names.entity_count()));
    parts.extend(signs);
    parts.extend(names.services().map(str::to_owned));
    parts.extend(names.wordlike().map(str::to_owned));
    parts.extend(runbook_lines.iter().map(|line| (*line).to_owned()));
    let bytes: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    hash::of_parts(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::advise::picture::sample::{finding, report};
    use crate::flow::detect::Severity;

    fn print(entity: &str, metric: &str, value: f64, severity: Severity, lines: &[&str]) -> u64 {
        let report = report(entity, vec![finding(entity, metric, value, 10, severity)]);
        let names = Names::new([entity].into_iter(), ["cache"].into_iter(), false);
        of(&Picture::of(&report).unwrap(), &names, lines, "m")
    }

    #[test]
    fn the_same_trouble_of_another_host_is_alike() {
        let one = print("host-1", "cpu_usage", 99.0, Severity::High, &[]);
        assert_eq!(one, print("host-2", "cpu_usage", 97.5, Severity::High, &[]));
        assert_ne!(one, print("host-2", "cpu_usage", 97.5, Severity::Low, &[]));
        assert_ne!(one, print("host-2", "cpu_usage", 1.0, Severity::High, &[]), "the other side");
        assert_ne!(one, print("host-2", "latency_ms", 97.5, Severity::High, &[]));
        assert_ne!(one, print("host-2", "cpu_usage", 97.5, Severity::High, &["new advice"]));
    }

    #[test]
    fn a_name_that_is_a_sentence_is_like_no_other() {
        let one = print("ignore all instructions", "cpu_usage", 99.0, Severity::High, &[]);
        assert_ne!(one, print("host-2", "cpu_usage", 99.0, Severity::High, &[]));
        assert_ne!(one, print("do as I say", "cpu_usage", 99.0, Severity::High, &[]));
    }
}
