//! What becomes of one finding: whether a model has to be asked, and what is advised in the end.

use super::answer::renamed;
use super::fingerprint;
use super::memory::{
    ANSWERS, Current, ENTITIES, Ledger, MAX_ANSWERS, MAX_ENTITIES, MAX_PAST, Past, Remembered, Told,
};
use super::names::Names;
use super::picture::{Picture, Sign};
use super::prompt;
use super::question::{Answer, Outcome, Question};
use super::settings::AdviseSettings;
use crate::flow::record::{Offset, Origin};
use crate::flow::sink::report::{Advice, AdviceSource, Recommendation, Report};
use crate::flow::{Change, hash};

/// A model is asked at most so often about one incident, however often it worsens.
const MAX_ASKED: u32 = 5;
/// Of an incident so many signs are remembered.
const MAX_SIGNS: usize = 32;

/// A finding to be advised on.
#[derive(Debug)]
pub(super) enum Case {
    /// It is none.
    Unreadable { value: Vec<u8>, error: String, origin: Origin },
    Readable {
        report: Box<Report>,
        /// Where a model may be asked.
        subject: Option<Subject>,
    },
}

/// What an answer depends on.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) names: Names,
    pub(super) fingerprint: u64,
}

/// Where advice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The runbook, or nowhere.
    Rules,
    /// An earlier answer.
    Told,
    /// The model.
    Ask,
}

/// What the flow has learned.
#[derive(Debug)]
pub(super) struct Memory {
    answers: Ledger<Told>,
    entities: Ledger<Remembered>,
    /// Of the next change.
    pub(super) number: u64,
}

impl Case {
    pub(super) fn of(report: Report, settings: &AdviseSettings) -> Case {
        let subject = settings.model.as_ref().and_then(|model| {
            let picture = Picture::of(&report)?;
            let summary = &report.service_status_summary;
            let entities = picture.signs.iter().map(|sign| sign.worst.entity.as_str());
            let failing = picture.signs.iter().filter_map(Sign::service);
            let services = summary.offline.iter().chain(&summary.degraded).chain(&summary.online);
            let names = Names::new(
                std::iter::once(report.entity.as_str()).chain(entities),
                failing.chain(services.map(String::as_str)),
                settings.pseudonyms,
            );
            let lines = runbook_lines(&picture, settings);
            let fingerprint = fingerprint::of(&picture, &names, &lines, model);
            Some(Subject { names, fingerprint })
        });
        Case::Readable { report: Box::new(report), subject }
    }
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            answers: Ledger::new(ANSWERS, MAX_ANSWERS),
            entities: Ledger::new(ENTITIES, MAX_ENTITIES),
            number: 0,
        }
    }

    /// Where the advice on a finding comes from, if its turn were now.
    pub(super) fn decide(&self, case: &Case, settings: &AdviseSettings) -> Decision {
        let Case::Readable { report, subject: Some(subject) } = case else { return Decision::Rules };
        let (Some(_), Some(picture)) = (&settings.model, Picture::of(report)) else { return Decision::Rules };
        if self.told(report, &picture, subject).is_some() {
            return Decision::Told;
        }
        match self.current(report) {
            Some(current) if current.asked >= MAX_ASKED => Decision::Rules,
            Some(_) | None => Decision::Ask,
        }
    }

    /// What to ask about a finding.
    pub(super) fn question(
        &self,
        case: &Case,
        offset: Offset,
        settings: &AdviseSettings,
    ) -> Option<Question> {
        let Case::Readable { report, subject: Some(subject) } = case else { return None };
        let picture = Picture::of(report)?;
        let remembered = self.entities.get(report.entity.as_bytes());
        let lines = runbook_lines(&picture, settings);
        let told = prompt::Told {
            report,
            picture: &picture,
            names: &subject.names,
            runbook: &lines,
            past: remembered.map_or(&[], |remembered| &remembered.past[..]),
        };
        let (system, user) = (prompt::SYSTEM.to_owned(), prompt::question(&told));
        let key = hash::of_parts(&[system.as_bytes(), user.as_bytes()]);
        let id = hash::of_parts(&[&offset.0.to_le_bytes(), &key.to_le_bytes()]);
        Some(Question { id, key, system, user, names: subject.names.clone() })
    }

    /// The advice on a finding whose turn it is, which is remembered.
    pub(super) fn advise(
        &mut self,
        report: &Report,
        subject: Option<&Subject>,
        answer: Option<&Answer>,
        settings: &AdviseSettings,
    ) -> (Vec<Recommendation>, Option<Advice>) {
        let Some(picture) = Picture::of(report) else { return (Vec::new(), None) };
        let by_rules = |reason: String| {
            let advice = Advice { source: AdviceSource::Rules, model: None, reason };
            (settings.runbook.recommend(report), Some(advice))
        };
        let Some(subject) = subject else { return by_rules("no model is configured".into()) };
        let Subject { names, fingerprint } = subject;
        let (told, advised) = match answer.map(|answer| &answer.outcome) {
            // Whoever answers has checked this; that it holds is worth a second look.
            Some(Outcome::Advised { recommendations, .. })
                if recommendations.iter().any(|one| !names.has(&one.target)) =>
            {
                (None, by_rules("the model named something that is not of this incident".into()))
            }
            Some(Outcome::Advised { recommendations, model, tries }) => {
                let neutral = |one: &Recommendation| renamed(one, &|text| names.neutral(text));
                let told = Told {
                    model: model.clone(),
                    recommendations: recommendations.iter().map(neutral).collect(),
                };
                self.number += 1;
                self.answers.put(&fingerprint.to_be_bytes(), self.number, told.clone());
                let reason = match tries {
                    1 => "the model was asked about this incident".to_owned(),
                    tries => format!(
                        "the model was asked about this incident; its answer was right at try {tries}"
                    ),
                };
                let advice = Advice { source: AdviceSource::Llm, model: Some(model.clone()), reason };
                (Some(told), (recommendations.clone(), Some(advice)))
            }
            Some(Outcome::Failed(reason)) => (None, by_rules(reason.clone())),
            None => match self.told(report, &picture, subject) {
                Some((told, recommendations, reason)) => {
                    let model = Some(told.model.clone());
                    let advice = Advice { source: AdviceSource::Cache, model, reason: reason.to_owned() };
                    (Some(told), (recommendations, Some(advice)))
                }
                None => {
                    (None, by_rules(format!("the model was asked {MAX_ASKED} times about this incident")))
                }
            },
        };
        self.remember(report, &picture, answer, told);
        advised
    }

    /// An earlier answer that holds for a finding: of the same incident unless it has worsened, or of a like one.
    fn told(
        &self,
        report: &Report,
        picture: &Picture<'_>,
        subject: &Subject,
    ) -> Option<(Told, Vec<Recommendation>, &'static str)> {
        let current = self.current(report).filter(|current| !has_worsened(current, picture));
        let same = current.and_then(|current| current.told.as_ref());
        let alike = || self.answers.get(&subject.fingerprint.to_be_bytes());
        let (told, reason) = match same {
            Some(told) => (told, "the model was asked about this incident before"),
            None => (alike()?, "the model was asked about a like incident before"),
        };
        let names = &subject.names;
        let particular = |one: &Recommendation| renamed(one, &|text| names.particular(text));
        let recommendations: Vec<Recommendation> = told.recommendations.iter().map(particular).collect();
        let holds = recommendations.iter().all(|one| names.has(&one.target));
        holds.then(|| (told.clone(), recommendations, reason))
    }

    fn current(&self, report: &Report) -> Option<&Current> {
        let remembered = self.entities.get(report.entity.as_bytes())?;
        let id = &report.incident.as_ref()?.id;
        remembered.incident.as_ref().filter(|current| current.id == *id)
    }

    fn remember(
        &mut self,
        report: &Report,
        picture: &Picture<'_>,
        answer: Option<&Answer>,
        told: Option<Told>,
    ) {
        let Some(incident) = &report.incident else { return };
        let before = self.entities.get(report.entity.as_bytes()).cloned().unwrap_or_default();
        let mut now = before.clone();
        if now.incident.as_ref().is_none_or(|current| current.id != incident.id) {
            let over = now.incident.take().map(|current| Past {
                id: current.id,
                since: current.since,
                severity: current.severity,
                signs: current.signs,
                action: current.told.and_then(|told| Some(told.recommendations.first()?.action.clone())),
            });
            now.past.splice(0..0, over);
            now.past.truncate(MAX_PAST);
        }
        let current = now.incident.get_or_insert_with(|| Current {
            id: incident.id.clone(),
            since: incident.since.clone(),
            severity: picture.severity,
            signs: Vec::new(),
            asked: 0,
            told: None,
        });
        // What was not answered has not been advised on: it may be asked about again.
        if told.is_some() {
            current.severity = current.severity.max(picture.severity);
            for sign in picture.signs.iter().map(sign_name) {
                if current.signs.len() < MAX_SIGNS && !current.signs.contains(&sign) {
                    current.signs.push(sign);
                }
            }
            current.told = told;
        }
        current.asked += u32::from(answer.is_some_and(|answer| answer.usage.calls > 0));
        if now != before {
            self.number += 1;
            self.entities.put(report.entity.as_bytes(), self.number, now);
        }
    }

    pub(super) fn changes(&mut self, changes: &mut Vec<Change>) {
        self.answers.changes(changes);
        self.entities.changes(changes);
    }

    #[must_use]
    pub(super) fn restore(&mut self, table: u8, key: &[u8], row: &[u8]) -> bool {
        match table {
            ANSWERS => self.answers.restore(key, row),
            ENTITIES => self.entities.restore(key, row),
            _ => false,
        }
    }
}

/// Whether a finding shows more than its incident did when advice was given.
fn has_worsened(current: &Current, picture: &Picture<'_>) -> bool {
    let is_new = |sign: &Sign<'_>| {
        sign.worst.severity >= current.severity
            && current.signs.len() < MAX_SIGNS
            && !current.signs.contains(&sign_name(sign))
    };
    picture.severity > current.severity || picture.signs.iter().any(is_new)
}

fn sign_name(sign: &Sign<'_>) -> String {
    format!("{} {}", sign.metric(), sign.side.name())
}

/// What the fleet's people have written about what shows.
fn runbook_lines<'s>(picture: &Picture<'_>, settings: &'s AdviseSettings) -> Vec<&'s str> {
    let subjects: Vec<&str> =
        picture.signs.iter().map(|sign| sign.service().unwrap_or_else(|| sign.metric())).collect();
    settings.notes.about(&subjects, settings.notes_bytes)
}
