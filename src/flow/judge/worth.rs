//! What of all that is found is worth telling: by what people said of it, then by the rules of the topology.

use super::Judge;
use crate::flow::alert;
use crate::flow::detect::settings::Kind;
use crate::flow::feedback::Feedback;
use crate::flow::readings::ClosedWindow;
use crate::flow::sink::findings::{Judged, METRIC_OF_SILENCE};
use crate::flow::time::{EventTime, Window};
use crate::flow::window::{EntityId, Source, Windows};

impl Judge {
    /// Takes note of what somebody says of an entity. While refilling, only of whom: the rest is written with each epoch.
    pub(in crate::flow) fn heed(
        &mut self,
        windows: &mut Windows,
        entity: &str,
        feedback: &Feedback,
        source: &Source<'_>,
    ) {
        // A mute ends of those only who may have one.
        if matches!(feedback, Feedback::Unmute { .. }) {
            let known = windows.entities().find(entity).filter(|_| !self.silent);
            self.counts.heeded += u64::from(!self.silent);
            if let Some(id) = known.filter(|id| self.heeded.get(*id).is_some()) {
                let row = self.heeded.row(id);
                row.heed(feedback, None);
                if row.is_empty() {
                    self.heeded.remove(id);
                }
            }
            return;
        }
        match windows.speak_of(entity, source) {
            Err(rejection) => crate::flow::window::Downstream::rejected(self, source, rejection),
            Ok(Some((id, now))) if !self.silent => {
                self.counts.heeded += 1;
                self.heeded.row(id).heed(feedback, now);
            }
            Ok(_) => {}
        }
    }

    /// Takes away what need not be told.
    pub(super) fn keep_what_is_worth_telling<'a>(
        &mut self,
        id: EntityId,
        closed: &ClosedWindow<'_>,
        judged: &mut Judged,
        entity_of: impl Fn(usize) -> &'a str,
    ) {
        let mut found = std::mem::take(&mut judged.anomalies);
        let all = found.len();
        found.retain(|(_, anomaly)| {
            let whose = closed.readings.entities.get(anomaly.row).copied().unwrap_or(id);
            let time = closed.readings.times[anomaly.row];
            let heeded = self.heeded.get(whose);
            !heeded.is_some_and(|heeded| heeded.mutes(&anomaly.metric, time) || heeded.expects(anomaly))
        });
        self.counts.expected += (all - found.len()) as u64;
        let looks_back = self.alerts.remember() && (!found.is_empty() || self.alerted.get(id).is_some());
        judged.anomalies = if looks_back {
            let memory = self.alerted.row(id);
            let told = self.alerts.passed(closed, found, entity_of, memory);
            if memory.is_empty() {
                self.alerted.remove(id);
            }
            told
        } else {
            self.alerts.passed(closed, found, entity_of, &mut alert::Memory::default())
        };
    }

    /// Whether nobody wants to hear that an entity went quiet.
    pub(super) fn is_silence_expected(&mut self, id: EntityId, name: &str, time: EventTime) -> bool {
        let heeded = self.heeded.get(id);
        let said = heeded.is_some_and(|heeded| {
            heeded.mutes(METRIC_OF_SILENCE, time) || heeded.expects_pattern(METRIC_OF_SILENCE)
        });
        self.counts.expected += u64::from(said);
        said || self.alerts.mutes(name, METRIC_OF_SILENCE, Kind::Silence.name(), time)
    }

    /// Mutes that ended are forgotten with the first window after them.
    pub(super) fn forget_ended_mutes(&mut self, id: EntityId, window: Window) {
        if self.heeded.get(id).is_some_and(|heeded| heeded.has_ended_before(window.start)) {
            let row = self.heeded.row(id);
            row.forget_before(window.start);
            if row.is_empty() {
                self.heeded.remove(id);
            }
        }
    }
}
