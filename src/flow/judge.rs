//! What happens to a window once it is closed: judged, put into its incident, reported.

mod worth;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alert::{self, Alerts};
use super::detect::list::{Bench, Said};
use super::detect::settings::Kind;
use super::detect::{Score, Severity, Verdict};
use super::feedback::Heeded;
use super::glance::{Glance, MOST_GLANCES};
use super::incident::{IncidentSettings, Memory as IncidentMemory, State};
use super::intervals::Intervals;
use super::model::Schema;
use super::readings::{ClosedWindow, Readings};
use super::record::{Emitted, Origin, Output, Reason, Rejection, Role};
use super::silence::{Gone, Silence};
use super::sink::findings::Judged;
use super::sink::report::Report;
use super::sink::scores;
use super::table::Table;
use super::time::{EventTime, Window};
use super::window::{Downstream, Entities, EntityId, Source};
use super::{Change, Counts};

/// Of so many entities it is noted when their last late reading was.
const LATE_ENTITIES: usize = 10_000;

/// The stages after the windows.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) schema: Arc<Schema>,
    pub(super) services: Arc<[String]>,
    /// What makes readings of samples, where it takes more than a decoder.
    pub(super) intervals: Option<Intervals>,
    pub(super) benches: Vec<Bench>,
    pub(super) alerts: Alerts,
    pub(super) alerted: Table<alert::Memory>,
    pub(super) heeded: Table<Heeded>,
    pub(super) silence: Option<Silence>,
    pub(super) incident: Option<IncidentSettings>,
    pub(super) incidents: Table<IncidentMemory>,
    pub(super) emit_all: bool,
    pub(super) scores: Option<Vec<u8>>,
    pub(super) outputs: Vec<Output>,
    pub(super) emitted: Emitted,
    pub(super) counts: Counts,
    /// Only where somebody looks on.
    pub(super) glances: Option<Vec<Glance>>,
    /// The times of entities' last late readings, of some entities: to tell disorder from a file sorted by entity.
    pub(super) last_late: BTreeMap<Box<str>, EventTime>,
    /// While refilling, nothing is said.
    pub(super) silent: bool,
    /// The rows of entities that were forgotten.
    pub(super) forgotten: Vec<Change>,
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
        let wanted = self.scores.is_some();
        let mut note = |said: Said| {
            let learns = ![Kind::Status, Kind::Silence].map(Kind::name).contains(&said.detector);
            judged.is_watched |= learns && !matches!(said.verdict, Verdict::Learning { .. });
            match said.verdict {
                Verdict::Learning { confidence } => judged.warming_up.push((said.detector, confidence)),
                Verdict::Normal => {}
                Verdict::Anomalous(found) => {
                    judged.anomalies.extend(found.into_iter().map(|anomaly| (said.detector, anomaly)));
                }
            }
            if wanted {
                all_scores.push((said.detector, said.scores));
            }
        };
        self.benches.iter_mut().for_each(|bench| bench.judge(id, closed, wanted, &mut note));
        judged
    }

    /// Whether anything is known of the entity that is written with each epoch.
    fn remembers(&self, id: EntityId) -> bool {
        let waits = self.silence.as_ref().is_some_and(|silence| silence.waits_for(id));
        waits
            || self.incidents.get(id).is_some()
            || self.alerted.get(id).is_some()
            || self.heeded.get(id).is_some()
    }

    /// Reports an entity that went quiet, unless a rule mutes it.
    fn miss(&mut self, gone: &Gone) {
        let Gone { id, name, window, .. } = gone;
        if self.is_silence_expected(*id, name, window.end) {
            return;
        }
        let incident = self.incident.as_ref();
        let belonging =
            incident.and_then(|settings| self.incidents.row(*id).step(settings, name, *window, true));
        let report = Report::on_silence(gone, belonging);
        self.counts.findings += 1;
        self.counts.incidents += u64::from(belonging.is_some_and(|one| one.state == State::Opened));
        self.count_anomaly(Kind::Silence.name(), Severity::of_rareness(gone.rareness));
        self.emit(Role::Findings, Some(name.as_bytes().to_vec()), report.to_json(), None);
    }

    fn count_anomaly(&mut self, detector: &str, severity: Severity) {
        let severity = match severity {
            Severity::Low => 0,
            Severity::Medium => 1,
            Severity::High => 2,
        };
        let detector = Kind::ALL.iter().position(|kind| kind.name() == detector);
        self.counts.anomalies[detector.expect("every detector is of a kind")][severity] += 1;
    }

    fn count(&mut self, judged: &Judged, opened: bool) {
        self.counts.learning += u64::from(!judged.warming_up.is_empty());
        self.counts.findings += u64::from(!judged.anomalies.is_empty());
        self.counts.incidents += u64::from(opened);
        for (detector, anomaly) in &judged.anomalies {
            self.count_anomaly(detector, anomaly.severity);
        }
    }

    /// Has a window's readings judged, put into their incident, reported.
    fn report_on(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) {
        let (schema, services) = (Arc::clone(&self.schema), Arc::clone(&self.services));
        let entity = entities.name(id);
        let closed = ClosedWindow { entity, window, readings, schema: &schema, services: &services };
        let gone = self.silence.as_mut().map(|silence| silence.hear(id, entity, window));
        gone.into_iter().flatten().for_each(|gone| self.miss(&gone));
        let mut all_scores = Vec::new();
        let mut judged = self.ask(id, &closed, &mut all_scores);
        if let Some(glances) = self.glances.as_mut().filter(|glances| glances.len() < MOST_GLANCES) {
            let is_learning = !judged.is_watched && !judged.warming_up.is_empty();
            glances.push(Glance::of(&closed, is_learning));
        }
        let entity_of = |row: usize| match readings.entities.get(row) {
            Some(&id) => entities.name(id),
            None => entity,
        };
        self.keep_what_is_worth_telling(id, &closed, &mut judged, entity_of);
        self.forget_ended_mutes(id, window);
        let found = !judged.anomalies.is_empty();
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
            let mut report = Report::on(&closed, &judged, incident, entity_of);
            if state == Some(State::Opened) {
                report.marked = self.heeded.get(id).map_or_else(Vec::new, Heeded::for_reports);
            }
            self.emit(Role::Findings, Some(entity.as_bytes().to_vec()), report.to_json(), None);
        }
        if let Some(out) = &mut self.scores {
            scores::append(&closed, &all_scores, entity_of, out);
        }
    }
}

impl Downstream for Judge {
    fn closed(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) -> bool {
        let mut intervals = self.intervals.take();
        let readings = intervals.as_mut().map_or(readings, |intervals| intervals.gather(id, readings));
        self.report_on(entities, id, window, readings);
        self.intervals = intervals;
        self.remembers(id) || self.learns()
    }

    fn learns(&self) -> bool {
        self.benches.iter().any(Bench::learns) || self.intervals.as_ref().is_some_and(Intervals::learns)
    }

    fn relearn(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) {
        let mut intervals = self.intervals.take();
        let readings = intervals.as_mut().map_or(readings, |intervals| intervals.gather(id, readings));
        let (schema, services) = (Arc::clone(&self.schema), Arc::clone(&self.services));
        let entity = entities.name(id);
        let closed = ClosedWindow { entity, window, readings, schema: &schema, services: &services };
        for bench in self.benches.iter_mut().filter(|bench| bench.learns()) {
            bench.judge(id, &closed, false, &mut |_| {});
        }
        self.intervals = intervals;
    }

    fn forget(&mut self, entities: &Entities, id: EntityId) -> bool {
        let name = entities.name(id);
        let mut deleted: Vec<Change> =
            self.benches.iter_mut().filter_map(|bench| bench.forget(id, name)).collect();
        deleted.extend(self.intervals.as_mut().and_then(|intervals| intervals.forget(id, name)));
        if self.silent {
            // What is written with each epoch is as of the end of the refill already: it may be of a life that comes later.
            return self.remembers(id);
        }
        deleted.extend(self.silence.as_mut().and_then(|silence| silence.forget(id, name)));
        deleted.extend(self.incidents.forget(id).then(|| self.incidents.deleted(name)));
        deleted.extend(self.alerted.forget(id).then(|| self.alerted.deleted(name)));
        deleted.extend(self.heeded.forget(id).then(|| self.heeded.deleted(name)));
        self.counts.forgotten += 1;
        self.forgotten.extend(deleted);
        false
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
