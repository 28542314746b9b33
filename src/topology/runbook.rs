//! Checks a file of rules against the topology that names it.

use super::problem::nearest;
use super::{Place, Problem, Topology};
use crate::flow::advise::runbook::{PATTERNS, Rule, Runbook, parse};

impl Topology {
    /// The built-in rules and those of a file's text, or everything that is wrong with it.
    pub fn runbook(&self, file: &str, text: &str) -> Result<Runbook, Vec<Problem>> {
        let wrong = |line: usize, message: &str| {
            Problem::new(&Place::Unsaid, "advise.runbook", format!("{file} line {line}: {message}"))
        };
        let rules: Vec<Rule> = parse::rules(text).map_err(|problems| {
            problems.iter().map(|problem| wrong(problem.line, &problem.message)).collect::<Vec<_>>()
        })?;
        let metrics = || self.schema.metrics.iter().map(|metric| metric.name.as_str());
        let mut problems = Vec::new();
        for (line, term) in Runbook::terms_of(&rules) {
            let word = term.metric.as_str();
            let known = metrics().any(|metric| metric == word) || PATTERNS.contains(&word);
            if known || word.starts_with("service_status.") {
                continue;
            }
            let near = nearest(word, metrics().chain(PATTERNS.iter().copied()));
            let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            problems.push(wrong(line, &format!("{word} is no metric of this topology{meant}")));
        }
        if problems.is_empty() { Ok(Runbook::with(rules)) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use crate::topology::{builtin, parse};

    #[test]
    fn a_rule_for_a_metric_that_is_not_there_is_told_with_its_line() {
        let topology = parse(builtin("infrastructure").unwrap()).unwrap();
        let text = "# ours\ncpu_usag above | low | Look at it soon | good\nio_wait over | low | Look | good";
        let told: Vec<String> =
            topology.runbook("ours.txt", text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("advise.runbook ours.txt line 3: "), "{told:?}");
        let text = "cpu_usag above | low | Look at it soon | good";
        let told = topology.runbook("ours.txt", text).unwrap_err();
        assert!(told[0].message.ends_with("cpu_usag is no metric of this topology; did you mean cpu_usage?"));
        assert!(
            topology.runbook("ours.txt", "service_status.x offline | low | Call them now | good").is_ok()
        );
    }
}
