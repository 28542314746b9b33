use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::flow::detect::Severity;
use crate::flow::notify::Kind;

/// What lies in Kafka, and what happened.
#[derive(Default)]
struct World {
    reports: RefCell<Vec<Fed>>,
    /// Handed over already.
    read: Cell<usize>,
    notes: RefCell<BTreeMap<u32, (u64, String)>>,
    lost: RefCell<Vec<u32>>,
    held: Cell<bool>,
    /// Whether Kafka answers.
    is_deaf: Cell<bool>,
    /// What the receiver says next; it takes everything once nothing is left.
    says: RefCell<VecDeque<Delivery>>,
    got: RefCell<Vec<Value>>,
    now: Cell<Duration>,
}

struct Log(Rc<World>);
struct Ear(Rc<World>);
struct Watch(Rc<World>);

impl Feed for Log {
    fn next(&mut self, _: Duration) -> Vec<Feeding> {
        let mut happened: Vec<Feeding> = self.0.lost.take().into_iter().map(Feeding::Lost).collect();
        if !self.0.held.get() {
            let reports = self.0.reports.borrow();
            happened.extend(reports[self.0.read.get()..].iter().cloned().map(Feeding::Report));
            self.0.read.set(reports.len());
        }
        happened
    }

    fn hold(&mut self, hold: bool) {
        self.0.held.set(hold);
    }

    fn noted(&mut self, partition: u32) -> Result<String, String> {
        if self.0.is_deaf.get() {
            return Err("no broker answers".into());
        }
        Ok(self.0.notes.borrow().get(&partition).map(|(_, note)| note.clone()).unwrap_or_default())
    }

    fn note(&mut self, partition: u32, next: u64, what: &str) -> Result<(), String> {
        if self.0.is_deaf.get() {
            return Err("no broker answers".into());
        }
        self.0.notes.borrow_mut().insert(partition, (next, what.to_owned()));
        Ok(())
    }
}

impl Deliver for Ear {
    fn deliver(&mut self, body: &[u8]) -> Delivery {
        let said = self.0.says.borrow_mut().pop_front().unwrap_or(Delivery::Taken);
        if said == Delivery::Taken {
            self.0.got.borrow_mut().push(serde_json::from_slice(body).unwrap());
        }
        said
    }
}

impl Clock for Watch {
    fn now(&self) -> Duration {
        self.0.now.get()
    }
}

const NOW_MS: i64 = 1_767_226_000_000;

fn receiver() -> Receiver {
    Receiver {
        name: "oncall".into(),
        kind: Kind::Webhook(None),
        least: Severity::Low,
        entity: String::new(),
        keep_ms: 3_600_000,
        linger_ms: 600_000,
        application: "fleet".into(),
    }
}

/// A process that tells, from what was noted on.
fn start(world: &Rc<World>) -> Notifier<Log, Ear, Watch> {
    let next = world.notes.borrow().get(&0).map_or(0, |(next, _)| *next as usize);
    world.read.set(next);
    world.held.set(false);
    let metrics = Arc::new(Metrics::new());
    let (log, ear, watch) = (Log(Rc::clone(world)), Ear(Rc::clone(world)), Watch(Rc::clone(world)));
    Notifier::new(receiver(), log, ear, watch, || NOW_MS, metrics)
}

/// Puts a report of that incident into partition 0.
fn put(world: &World, incident: u32, state: &str, severity: &str, time_ms: i64) {
    let finding = json!({"metric": "cpu_usage", "value": 99.0, "threshold": 60.0, "severity": severity,
        "description": "cpu_usage is 99", "timestamp": "2026-01-01T00:04:00Z", "entity": "a", "detector": "novelty",
        "score": 0.9, "expected": null, "contributions": []});
    let anomalies = if state == "resolved" { vec![] } else { vec![finding] };
    let report = json!({
        "timestamp": "2026-01-01T00:05:00Z", "entity": "a",
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:05:00Z", "readings": 30},
        "insights": {"average_latency_ms": null, "max_cpu_usage": null, "max_memory_usage": null, "error_rate": null,
            "uptime_seconds": null},
        "anomalies": anomalies, "recommendations": [],
        "incident": {"id": format!("{incident:016x}"), "state": state, "since": "2026-01-01T00:00:00Z"},
        "service_status_summary": {"online": [], "degraded": [], "offline": []}});
    let mut reports = world.reports.borrow_mut();
    let (partition, offset, value) = (0, reports.len() as u64, report.to_string().into_bytes());
    reports.push(Fed { partition, offset, time_ms, value });
}

fn ids(world: &World) -> Vec<String> {
    let short = |got: &Value| got["id"].as_str().unwrap()[14..].split("-2026").next().unwrap().to_owned();
    world.got.borrow().iter().map(short).collect()
}

#[test]
fn what_was_taken_is_noted_and_not_told_again_after_a_restart() {
    let world = Rc::new(World::default());
    put(&world, 1, "opened", "low", NOW_MS);
    put(&world, 1, "ongoing", "low", NOW_MS);
    start(&world).turn();
    assert_eq!(ids(&world), ["01-low"]);
    assert_eq!(world.notes.borrow()[&0], (2, "0000000000000001:l".to_owned()));
    put(&world, 1, "ongoing", "high", NOW_MS);
    put(&world, 1, "resolved", "", NOW_MS);
    start(&world).turn();
    assert_eq!(ids(&world), ["01-low", "01-high", "01-resolved"]);
    assert_eq!(world.notes.borrow()[&0], (4, String::new()));
}

#[test]
fn a_receiver_that_is_away_is_waited_for_and_told_everything_in_order() {
    let world = Rc::new(World::default());
    let away = || Delivery::Later("away".into(), None);
    world.says.borrow_mut().extend([
        away(),
        Delivery::Later("later".into(), Some(Duration::from_secs(100))),
        away(),
    ]);
    put(&world, 1, "opened", "low", NOW_MS);
    put(&world, 2, "opened", "high", NOW_MS);
    let mut notifier = start(&world);
    notifier.turn();
    assert!(world.held.get() && world.notes.borrow().is_empty());
    notifier.turn();
    assert_eq!(world.says.borrow().len(), 2, "not before its pause is over");
    world.now.set(Duration::from_secs(1));
    notifier.turn();
    world.now.set(Duration::from_mins(1));
    notifier.turn();
    assert_eq!(world.says.borrow().len(), 1, "the receiver said for how long");
    world.now.set(Duration::from_secs(102));
    notifier.turn();
    world.now.set(Duration::from_secs(200));
    // A crash while it waits: nothing was noted, so nothing is lost.
    let mut notifier = start(&world);
    notifier.turn();
    notifier.turn();
    assert_eq!(ids(&world), ["01-low", "02-high"]);
    assert!(!world.held.get());
}

#[test]
fn what_is_refused_or_too_old_is_passed_over_and_counted() {
    let world = Rc::new(World::default());
    world.says.borrow_mut().push_back(Delivery::Refused("what is this?".into()));
    put(&world, 1, "opened", "low", NOW_MS - 3_700_000);
    put(&world, 2, "opened", "low", NOW_MS);
    put(&world, 3, "opened", "low", NOW_MS);
    put(&world, 1, "ongoing", "low", NOW_MS);
    let mut notifier = start(&world);
    notifier.turn();
    assert_eq!(ids(&world), ["03-low", "01-low"], "what was not told before is news");
    let text = notifier.metrics.text();
    for line in [
        "tidewatch_notifications_total{receiver=\"oncall\",result=\"too old\"} 1",
        "tidewatch_notifications_total{receiver=\"oncall\",result=\"refused\"} 1",
        "tidewatch_notifications_total{receiver=\"oncall\",result=\"taken\"} 2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn an_incident_whose_end_is_too_old_to_be_told_is_over_all_the_same() {
    let world = Rc::new(World::default());
    put(&world, 1, "opened", "low", NOW_MS);
    put(&world, 1, "resolved", "", NOW_MS - 3_700_000);
    start(&world).turn();
    assert_eq!(ids(&world), ["01-low"]);
    assert_eq!(world.notes.borrow()[&0], (2, String::new()));
}

#[test]
fn a_partition_that_is_lost_is_told_by_whoever_has_it() {
    let world = Rc::new(World::default());
    world.says.borrow_mut().push_back(Delivery::Later("away".into(), None));
    put(&world, 1, "opened", "low", NOW_MS);
    put(&world, 2, "opened", "low", NOW_MS);
    let mut notifier = start(&world);
    notifier.turn();
    world.lost.borrow_mut().push(0);
    world.now.set(Duration::from_secs(10));
    notifier.turn();
    assert!(ids(&world).is_empty() && world.notes.borrow().is_empty() && !world.held.get());
    // It comes back, further on: another has told the first.
    world.notes.borrow_mut().insert(0, (1, "0000000000000001:l".to_owned()));
    start(&world).turn();
    assert_eq!(ids(&world), ["02-low"]);
}

#[test]
fn without_kafka_nothing_is_told_that_might_have_been_told_before() {
    let world = Rc::new(World::default());
    world.is_deaf.set(true);
    put(&world, 1, "opened", "low", NOW_MS);
    let mut notifier = start(&world);
    notifier.turn();
    assert!(ids(&world).is_empty());
    world.is_deaf.set(false);
    notifier.turn();
    assert_eq!(ids(&world), ["01-low"]);
    assert_eq!(world.notes.borrow()[&0].0, 1);
}
