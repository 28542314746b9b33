//! What happens to a window once it is closed: judged, put into its incident, reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Counts;
use super::detect::list::Bench;
use super::detect::{Score, Scores, Severity, Verdict};
use super::incident::{IncidentSettings, Memory as IncidentMemory, State};
use super::model::Schema;
use super::readings::{ClosedWindow, Readings};
use super::record::{Emitted, Origin, Output, Reason, Rejection, Role};
use super::samples::{MOST_SAMPLES, Sample};
use super::sink::findings::Judged;
use super::sink::report::Report;
use super::sink::scores;
use super::table::Table;
use super::time::{EventTime, Window};
use super::window::{Downstream, Entities, EntityId, Source};

/// Of so many entities it is noted when their last late reading was.
const LATE_ENTITIES: usize = 10_000;

/// The stages after the windows.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) schema: Arc<Schema>,
    pub(super) services: Arc<[String]>,
    pub(super) benches: Vec<Bench>,
    pub(super) incident: Option<IncidentSettings>,
    pub(super) incidents: Table<IncidentMemory>,
    pub(super) emit_all: bool,
    pub(super) scores: Option<Vec<u8>>,
    pub(super) outputs: Vec<Output>,
    pub(super) emitted: Emitted,
    pub(super) counts: Counts,
    /// Only where somebody looks on.
    pub(super) samples: Option<Vec<Sample>>,
    /// The times of entities' last late readings, of some entities: to tell disorder from a file sorted by entity.
    pub(super) last_late: BTreeMap<Box<str>, EventTime>,
    /// While refilling, nothing is said.
    pub(super) silent: bool,
}

impl Judge {
    fn emit(
        &mut self,
        role: Role,
        key: Option<Vec<u8>>,
        value: Vec<u8>,
        refused: Option<(Rejection, Origin)>,
    ) {
        let number = self.emitted.take(role);
        self.outputs.push(Output { role, number, key, value, refused });
    }

    fn refuse(&mut self, role: Role, source: &Source<'_>, rejection: Rejection) {
        if !self.silent {
            let key = source.key.map(<[u8]>::to_vec);
            self.emit(role, key, source.value.to_vec(), Some((rejection, source.origin)));
        }
    }

    /// Asks every detector, and notes what they say.
    fn ask(
        &mut self,
        id: EntityId,
        closed: &ClosedWindow<'_>,
        all_scores: &mut Vec<(&'static str, Vec<Score>)>,
    ) -> Judged {
        let mut judged = Judged::default();
        let mut scores = if self.scores.is_some() { Scores::wanted() } else { Scores::unwanted() };
        for bench in &mut self.benches {
            match bench.judge(id, closed, &mut scores) {
                Verdict::Learning { confidence } => judged.warming_up.push((bench.name(), confidence)),
                Verdict::Normal => {}
                Verdict::Anomalous(found) => {
                    judged.anomalies.extend(found.into_iter().map(|anomaly| (bench.name(), anomaly)));
                }
            }
            if scores.are_wanted() {
                all_scores.push((bench.name(), scores.take()));
            }
        }
        judged
    }

    fn count(&mut self, judged: &Judged, opened: bool) {
        self.counts.learning += u64::from(!judged.warming_up.is_empty());
        self.counts.findings += u64::from(!judged.anomalies.is_empty());
        self.counts.incidents += u64::from(opened);
        for (_, anomaly) in &judged.anomalies {
            let severity = match anomaly.severity {
                Severity::Low => 0,
                Severity::Medium => 1,
                Severity::High => 2,
            };
            self.counts.anomalies[severity] += 1;
        }
    }
}

impl Downstream for Judge {
    fn closed(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) -> bool {
        let (schema, services) = (Arc::clone(&self.schema), Arc::clone(&self.services));
        let entity = entities.name(id);
        let closed = ClosedWindow { entity, window, readings, schema: &schema, services: &services };
        let mut all_scores = Vec::new();
        let judged = self.ask(id, &closed, &mut all_scores);
        if let Some(samples) = self.samples.as_mut().filter(|samples| samples.len() < MOST_SAMPLES) {
            samples.push(Sample::of(&closed, !judged.warming_up.is_empty()));
        }
        let found = !judged.anomalies.is_empty();
        let entity_of = |row: usize| match readings.entities.get(row) {
            Some(&id) => entities.name(id),
            None => entity,
        };
        let known = self.incidents.get(id).is_some();
        let incident = match &self.incident {
            Some(settings) if found || known => {
                let memory = self.incidents.row(id);
                let belonging = memory.step(settings, entity, window, found);
                if memory.is_empty() {
                    self.incidents.remove(id);
                }
                belonging
            }
            _ => None,
        };
        let state = incident.map(|incident| incident.state);
        self.count(&judged, state == Some(State::Opened));
        if found || self.emit_all || state == Some(State::Resolved) {
            let report = Report::on(&closed, &judged, incident, entity_of);
            self.emit(Role::Findings, Some(entity.as_bytes().to_vec()), report.to_json(), None);
        }
        if let Some(out) = &mut self.scores {
            scores::append(&closed, &all_scores, entity_of, out);
        }
        self.incidents.get(id).is_some() || self.learns()
    }

    fn learns(&self) -> bool {
        self.benches.iter().any(Bench::learns)
    }

    fn relearn(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) {
        let (schema, services) = (Arc::clone(&self.schema), Arc::clone(&self.services));
        let entity = entities.name(id);
        let closed = ClosedWindow { entity, window, readings, schema: &schema, services: &services };
        let mut scores = Scores::unwanted();
        for bench in self.benches.iter_mut().filter(|bench| bench.learns()) {
            bench.judge(id, &closed, &mut scores);
        }
    }

    fn late(&mut self, entity: &str, time: EventTime, source: &Source<'_>, rejection: Rejection) {
        if !self.silent {
            let known = self.last_late.len() < LATE_ENTITIES || self.last_late.contains_key(entity);
            let last = known.then(|| self.last_late.insert(entity.into(), time)).flatten();
            self.counts.late_in_own_order += u64::from(last.is_some_and(|last| last <= time));
        }
        self.refuse(Role::Late, source, rejection);
    }

    fn rejected(&mut self, source: &Source<'_>, rejection: Rejection) {
        if !self.silent {
            let place = Reason::ALL.iter().position(|reason| *reason == rejection.reason);
            self.counts.rejected[place.expect("every reason is among all")] += 1;
        }
        self.refuse(Role::Rejected, source, rejection);
    }
}
