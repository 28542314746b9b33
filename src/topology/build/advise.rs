//! The `[advise]`, and its budget in words.

use crate::topology::check::Said;
use crate::topology::takes::Setting;
use crate::topology::{AdviseSettings, BudgetSettings};

impl Said {
    pub(super) fn advise(&mut self) -> AdviseSettings {
        let given = |said: &Said, path| said.given(path).is_some().then(|| said.text(path));
        AdviseSettings {
            enabled: self.boolean("advise.enabled"),
            runbook: given(self, "advise.runbook"),
            notes: given(self, "advise.notes"),
            pseudonyms: self.boolean("advise.pseudonyms"),
            deadline_ms: self.span("advise.deadline"),
            concurrency: self.integer("advise.concurrency") as usize,
            open: self.integer("advise.open") as usize,
            budget: self.budget(),
        }
    }

    fn budget(&mut self) -> BudgetSettings {
        let Setting::Names(limits) = self.setting("advise.budget") else {
            unreachable!("advise.budget takes a list")
        };
        let mut budget = BudgetSettings::default();
        for limit in limits {
            let mut words = limit.split_whitespace();
            let number = words.next().and_then(|word| word.replace('_', "").parse::<u64>().ok());
            let place = match (words.next(), words.next()) {
                (Some("calls/hour"), None) => Some(&mut budget.calls_an_hour),
                (Some("calls/day"), None) => Some(&mut budget.calls_a_day),
                (Some("tokens/hour"), None) => Some(&mut budget.tokens_an_hour),
                (Some("tokens/day"), None) => Some(&mut budget.tokens_a_day),
                _ => None,
            };
            match (number, place) {
                (Some(number), Some(place @ None)) => *place = Some(number),
                (Some(_), Some(Some(_))) => {
                    self.problem("advise.budget", format!("limits the same twice: {limit:?}"));
                }
                _ => self.problem(
                    "advise.budget",
                    format!("is a list such as [\"60 calls/hour\", \"2000000 tokens/day\"], not {limit:?}"),
                ),
            }
        }
        budget
    }
}
