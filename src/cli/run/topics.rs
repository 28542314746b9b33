//! Which topics a topology needs, and what is wrong with those that are there.

use std::collections::BTreeMap;

use crate::edge::kafka::Wanted;
use crate::flow::record::Role;
use crate::flow::task::FlowName;
use crate::flow::window::settings::WindowKind;
use crate::topology::{KeyedBy, Topology};

/// How long routed readings are kept: as long as an application may be away and still find its open windows.
const READINGS_RETENTION_MS: i64 = 7 * 86_400_000;

/// The topics of a topology, by what they are for.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Roles {
    /// What comes in.
    pub(in crate::cli) input: String,
    /// What the flow `detect` reads: the input itself, or what was routed from it.
    pub(in crate::cli) judged: String,
    pub(in crate::cli) findings: String,
    pub(in crate::cli) changelog: String,
    /// Where findings are advised on.
    pub(in crate::cli) advise_changelog: Option<String>,
    /// The topics that records leave to, by role.
    pub(in crate::cli) outputs: Vec<(Role, String)>,
}

impl Roles {
    /// The topics of a topology, with advice or without.
    pub(in crate::cli) fn of(topology: &Topology, advise: bool) -> Roles {
        let sink = &topology.sink;
        // A message's readings belong together, whatever their entities: routing would part them.
        let routed =
            topology.source.keyed_by == KeyedBy::Anything && topology.window.kind != WindowKind::Message;
        let mut outputs = vec![
            (Role::Findings, sink.findings.clone()),
            (Role::Rejected, sink.rejected.clone()),
            (Role::Late, sink.late.clone()),
        ];
        if routed {
            outputs.push((Role::Readings, sink.readings.clone()));
        }
        if advise {
            outputs.push((Role::Reports, sink.topic.clone()));
        }
        Roles {
            input: topology.source.topic.clone(),
            judged: if routed { sink.readings.clone() } else { topology.source.topic.clone() },
            findings: sink.findings.clone(),
            changelog: sink.changelog.clone(),
            advise_changelog: advise.then(|| sink.advise_changelog.clone()),
            outputs,
        }
    }

    /// Whether readings are routed before they are judged.
    pub(in crate::cli) fn is_routed(&self) -> bool {
        self.judged != self.input
    }

    /// The topics that hold what flows learn.
    pub(in crate::cli) fn changelogs(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.changelog).chain(&self.advise_changelog)
    }

    /// The flows of detection's workers, and the topic each reads.
    pub(in crate::cli) fn inputs(&self) -> Vec<(FlowName, String)> {
        let mut inputs = vec![(FlowName::Detect, self.judged.clone())];
        if self.is_routed() {
            inputs.push((FlowName::Route, self.input.clone()));
        }
        inputs
    }
}

/// What there is to do about topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Provision {
    /// The input is not there yet.
    Wait,
    /// These have to be made, if any; the changelog has, or will have, so many partitions.
    Make { topics: Vec<Wanted>, partitions: u32 },
    /// These do not fit.
    Refuse(Vec<String>),
}

/// Decides what there is to do, given how many partitions each topic has.
pub(in crate::cli) fn provision(roles: &Roles, there: &BTreeMap<String, u32>) -> Provision {
    let Some(input) = there.get(&roles.input).copied().filter(|partitions| *partitions > 0) else {
        return Provision::Wait;
    };
    // What is routed keeps its partitions when the input gets more.
    let partitions =
        if roles.is_routed() { there.get(&roles.judged).copied().unwrap_or(input) } else { input };
    let (mut topics, mut wrong) = (Vec::new(), Vec::new());
    let mut want = |name: &str, config: Vec<(&'static str, String)>, exactly: bool| {
        match there.get(name) {
        None => topics.push(Wanted { name: name.to_owned(), partitions, config }),
        Some(has) if exactly && *has != partitions => wrong.push(format!(
            "topic {name} has {has} partitions, but {} has {partitions}: were partitions added? Entities may have moved \
             between them. Give the topology another name, or `tidewatch reset` to begin anew with all partitions",
            roles.judged
        )),
        Some(_) => {}
    }
    };
    for changelog in roles.changelogs() {
        want(changelog, vec![("cleanup.policy", "compact".to_owned())], true);
    }
    for (role, name) in &roles.outputs {
        match role {
            Role::Readings => want(name, readings_config(), true),
            Role::Findings => want(name, Vec::new(), true),
            Role::Reports | Role::Rejected | Role::Late => want(name, Vec::new(), false),
        }
    }
    if wrong.is_empty() { Provision::Make { topics, partitions } } else { Provision::Refuse(wrong) }
}

fn readings_config() -> Vec<(&'static str, String)> {
    vec![("cleanup.policy", "delete".to_owned()), ("retention.ms", READINGS_RETENTION_MS.to_string())]
}

/// How long readings may be needed, in milliseconds of event time: their window and its grace.
pub(in crate::cli) fn keep_ms(topology: &Topology) -> i64 {
    topology.window.longest_ms().saturating_add(topology.window.grace_ms)
}

/// What is wrong with a topic's settings, as far as they can be known.
pub(in crate::cli) fn misconfigured(
    roles: &Roles,
    topic: &str,
    config: &BTreeMap<String, String>,
    keep_ms: i64,
) -> Option<String> {
    let policy = config.get("cleanup.policy").map_or("delete", String::as_str);
    let compacts = policy.split(',').any(|one| one.trim() == "compact");
    let deletes = policy.split(',').any(|one| one.trim() == "delete");
    if roles.changelogs().any(|changelog| changelog == topic) {
        return (!compacts || deletes).then(|| {
            format!(
                "topic {topic} has cleanup.policy={policy}, but what was learned must be kept: set cleanup.policy=compact"
            )
        });
    }
    if topic != roles.judged && topic != roles.input {
        return None;
    }
    if compacts {
        return Some(format!(
            "topic {topic} has cleanup.policy={policy}: compaction removes readings that open windows are filled from. Set \
             cleanup.policy=delete"
        ));
    }
    let retention = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok())?;
    (topic == roles.judged && (0..keep_ms).contains(&retention)).then(|| {
        format!(
            "topic {topic} keeps records for {retention} ms, but open windows need those of {keep_ms} ms: set retention.ms \
             to at least that, better to days"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(keyed_by: &str) -> Roles {
        let text =
            format!("name = \"t\"\n[source]\nkeyed_by = \"{keyed_by}\"\n[[detect]]\nkind = \"z-score\"");
        Roles::of(&crate::topology::parse(&text).unwrap(), true)
    }

    fn there(topics: &[(&str, u32)]) -> BTreeMap<String, u32> {
        topics.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect()
    }

    fn made(provision: Provision) -> Vec<String> {
        match provision {
            Provision::Make { topics, .. } => {
                topics.iter().map(|topic| format!("{}/{}", topic.name, topic.partitions)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_input_is_waited_for() {
        assert_eq!(provision(&roles("entity"), &there(&[])), Provision::Wait);
        assert_eq!(provision(&roles("entity"), &there(&[("infra-input", 0)])), Provision::Wait);
    }

    #[test]
    fn everything_else_is_made_with_the_partitions_of_what_is_judged() {
        let all = made(provision(&roles("anything"), &there(&[("infra-input", 3)])));
        assert_eq!(
            all,
            [
                "t-changelog/3",
                "t-advise-changelog/3",
                "t-findings/3",
                "t-rejected/3",
                "t-late/3",
                "t-readings/3",
                "infra-output/3"
            ]
        );
        let keyed = made(provision(&roles("entity"), &there(&[("infra-input", 3), ("t-late", 1)])));
        assert_eq!(
            keyed,
            ["t-changelog/3", "t-advise-changelog/3", "t-findings/3", "t-rejected/3", "infra-output/3"]
        );
    }

    #[test]
    fn routed_readings_keep_their_partitions_when_the_input_gets_more() {
        let grown = there(&[("infra-input", 8), ("t-readings", 3), ("t-changelog", 3), ("t-findings", 3)]);
        assert_eq!(
            made(provision(&roles("anything"), &grown)),
            ["t-advise-changelog/3", "t-rejected/3", "t-late/3", "infra-output/3"]
        );
    }

    #[test]
    fn an_input_keyed_by_entity_must_not_grow() {
        let grown = there(&[("infra-input", 8), ("t-changelog", 3), ("t-findings", 3)]);
        let Provision::Refuse(wrong) = provision(&roles("entity"), &grown) else { panic!("it was taken") };
        assert_eq!(wrong.len(), 2);
        assert!(wrong[0].contains("t-changelog has 3 partitions") && wrong[0].contains("reset"), "{wrong:?}");
    }

    #[test]
    fn settings_that_lose_readings_or_rows_are_refused() {
        let check = |keyed_by: &str, topic: &str, name: &str, value: &str, expected: &str| {
            let mut config = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            if topic == "t-changelog" {
                config.entry("cleanup.policy".to_owned()).or_insert_with(|| "compact".to_owned());
            }
            let found = misconfigured(&roles(keyed_by), topic, &config, 330_000).unwrap_or_default();
            assert!(found.contains(expected) && expected.is_empty() == found.is_empty(), "{topic}: {found}");
        };
        check("entity", "infra-input", "cleanup.policy", "compact", "cleanup.policy=delete");
        check("entity", "infra-input", "cleanup.policy", "compact,delete", "cleanup.policy=delete");
        check("entity", "infra-input", "retention.ms", "60000", "at least that");
        check("entity", "infra-input", "retention.ms", "-1", "");
        check("entity", "infra-input", "retention.ms", "600000", "");
        check("anything", "infra-input", "retention.ms", "60000", "");
        check("anything", "t-readings", "retention.ms", "60000", "at least that");
        check("entity", "t-changelog", "cleanup.policy", "delete", "set cleanup.policy=compact");
        check("entity", "t-changelog", "cleanup.policy", "compact", "");
        check("entity", "t-advise-changelog", "cleanup.policy", "delete", "set cleanup.policy=compact");
    }
}
