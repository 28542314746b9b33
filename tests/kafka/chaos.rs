//! Killed at random while input flows: what was committed is what one undisturbed run gives, byte for byte.

use std::collections::BTreeSet;
use std::time::Duration;

use super::broker::{Cluster, kafka};
use super::fleet;
use super::instance::{App, Instance, assert_same, until};

/// Kills of a run in the test suite; `TIDEWATCH_TEST_KILLS` asks for more.
const KILLS: u64 = 10;

/// xorshift64: the schedule can be had again from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Two instances over four partitions, while brokers and instances are killed and put to sleep.
fn survive(cluster: &mut Cluster, brokers: usize, name: &str, more: &str, kills: u64, seed: u64) {
    eprintln!("{name}: {kills} kills, seed {seed}");
    let app = App::new(&cluster.servers(), name, more);
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    app.fill(&fleet(10, 0..20), 4);
    let ticks = 20 + kills * 12;
    app.folder.write("flow.ndjson", fleet(10, 20..ticks).join("\n"));
    let mut flow = app.folder.command(&format!("produce flow.ndjson --rate 200 {}", app.flags));
    let mut flow = flow.env("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS", &app.servers).spawn().unwrap();
    let mut instances: Vec<Instance> =
        vec![app.start("a", "--no-advice"), app.start("b", "--no-advice --workers 2")];
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(100 + random.below(1200)));
        let one = random.below(2) as usize;
        match random.below(10) {
            0 => {
                let broker = random.below(brokers as u64) as usize;
                cluster.kill(broker);
                std::thread::sleep(Duration::from_millis(random.below(1500)));
                cluster.revive(broker);
            }
            1 => {
                instances[one].signal("-STOP");
                std::thread::sleep(Duration::from_millis(random.below(2500)));
                instances[one].signal("-CONT");
            }
            2 => {
                instances[one].stop();
                instances[one] = app.start(if one == 0 { "a" } else { "b" }, "--no-advice");
            }
            other => {
                instances[one].kill();
                let state = if one == 0 { "a" } else { "b" };
                if other == 3 {
                    let _ = std::fs::remove_dir_all(app.folder.file(state));
                }
                instances[one] = app.start(state, "--no-advice");
            }
        }
        for (at, state) in ["a", "b"].iter().enumerate() {
            let ended = instances[at].has_ended();
            assert!(!ended, "{name}, seed {seed}: {state} gave up: {}", instances[at].log());
        }
    }
    assert!(flow.wait().unwrap().success());
    // A partition that is on its way from one instance to the other shows in neither, and lags in neither.
    let is_keyed = more.contains("keyed_by=entity");
    let tasks = if is_keyed { 4.0 } else { 8.0 };
    until("all is judged", || {
        instances.iter_mut().all(Instance::is_done)
            && instances.iter_mut().filter_map(|one| one.metric("tidewatch_task_live")).sum::<f64>() >= tasks
    });
    std::thread::sleep(Duration::from_millis(500));
    for instance in &mut instances {
        instance.stop();
    }
    let audit = app.audit();
    assert_eq!(audit.code, 0, "{name}, seed {seed}: {}{}", audit.out, audit.err);
    let judged = if is_keyed { format!("{name}-in") } else { format!("{name}-readings") };
    // Not with our own eyes alone: Kafka's consumer reads the findings, and a replay of a file says what they must be.
    let mut findings = 0;
    for partition in 0..4 {
        let replayed = app
            .run(&format!("replay --from-topic {judged} --partition {partition} --no-advice --leave-open --format ndjson"))
            .fine();
        let what = format!("{name}, seed {seed}, partition {partition}");
        let replayed: Vec<&str> = replayed.out.lines().collect();
        let committed = cluster.committed(&format!("{name}-findings"), partition, replayed.len());
        let values: Vec<&str> = committed.iter().map(|(_, value)| value.as_str()).collect();
        assert_same(&values, &replayed, &what);
        let ids: Vec<&str> = committed.iter().map(|(id, _)| id.as_str()).collect();
        let wanted: Vec<String> =
            (0..ids.len()).map(|at| format!("{name}-detect-{partition}-findings-{at}")).collect();
        assert_same(&ids, &wanted, &what);
        findings += ids.len();
    }
    assert!(findings > 0, "there was something to compare");
    assert_complete(&app, name, seed, &judged);
}

/// Every reading of the input is in a window, late or rejected; ids are unique.
fn assert_complete(app: &App, name: &str, seed: u64, judged: &str) {
    let ids = |topic: &str| -> Vec<String> {
        let text = app.run(&format!("consume {topic} --headers")).fine().out;
        let id = |line: &str| Some(line.split("tidewatch-id=\"").nth(1)?.split('"').next()?.to_owned());
        text.lines().filter_map(id).collect()
    };
    for topic in ["late", "rejected", judged] {
        let found = ids(topic);
        let unique: BTreeSet<&String> = found.iter().collect();
        assert_eq!(unique.len(), found.len(), "{name}, seed {seed}: an id of {topic} is there twice");
    }
    let audit = app.audit().fine().out;
    let count = |word: &str| -> u64 {
        let before = |part: &str| part.rsplit(' ').next()?.parse::<u64>().ok();
        audit.lines().filter_map(|line| before(line.split(word).next()?)).sum()
    };
    let (windowed, late) = (count(" readings were put into windows"), count(" were late"));
    assert_eq!(late, ids("late").len() as u64, "{name}, seed {seed}: {audit}");
    assert!(windowed > 0);
}

#[test]
fn one_broker_and_two_instances_killed_at_random() {
    let Some(kafka) = kafka() else { return };
    let mut cluster = Cluster::start(&kafka, 1, "");
    let (kills, seed) = (number("TIDEWATCH_TEST_KILLS", KILLS), number("TIDEWATCH_TEST_SEED", 1));
    survive(&mut cluster, 1, "chaos-keyed", "--set source.keyed_by=entity", kills, seed);
    survive(&mut cluster, 1, "chaos-routed", "", kills, seed + 1);
}

#[test]
fn three_brokers_and_two_instances_killed_at_random() {
    let Some(kafka) = kafka() else { return };
    let mut cluster = Cluster::start(&kafka, 3, "");
    let (kills, seed) = (number("TIDEWATCH_TEST_KILLS", KILLS), number("TIDEWATCH_TEST_SEED", 1));
    survive(&mut cluster, 3, "chaos-three", "", kills, seed + 2);
}
