//! How long after a reading was sent its finding can be read: `TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS=… cargo bench --bench latency`.
//!
//! Readings carry the time they are sent at, 10,000 a second; each is a window of its own, and one in fifty says that a service is
//! offline, which is a finding, read as anybody may read it: once it is committed. What is printed is that delay, the commit
//! interval (100 ms) included.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidewatch::edge::kafka::{KafkaSettings, ReadEvent, Reader, Since, Topics, Wanted, Writer};
use tidewatch::flow::time::EventTime;

const READINGS_A_SECOND: u64 = 10_000;
const SECONDS: u64 = 20;
/// Joining the group and first fetches are not what is asked for.
const WARM_UP_SECONDS: u64 = 5;
const PARTITIONS: u32 = 4;

const TOPOLOGY: &str =
    "[[metric]]\nname = \"value\"\n[window]\nkind = \"message\"\n[[detect]]\nkind = \"status\"\n";
/// One reading in so many has a finding.
const ONE_IN: u64 = 50;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn main() {
    let Ok(servers) = std::env::var("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS") else {
        println!("skipped: TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS names no broker");
        return;
    };
    let settings =
        KafkaSettings { bootstrap_servers: servers, client: BTreeMap::new(), max_record_bytes: 1_000_000 };
    let name = format!("latency-{}", now_ms());
    let folder = std::env::temp_dir().join(&name);
    std::fs::create_dir_all(&folder).unwrap();
    let topology = folder.join("t.toml");
    std::fs::write(&topology, format!("name = \"{name}\"\n{TOPOLOGY}")).unwrap();
    let topics = Topics::new(&settings).unwrap();
    for topic in ["in", "findings"] {
        let wanted = Wanted { name: format!("{name}-{topic}"), partitions: PARTITIONS, config: Vec::new() };
        topics.create(&wanted).unwrap();
    }
    let mut running = Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .args(["run", "--no-advice", "--listen", "127.0.0.1:0", "--topology"])
        .arg(&topology)
        .args(["--set", &format!("source.topic={name}-in"), "--state"])
        .arg(folder.join("state"))
        .env("TIDEWATCH_LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_secs(5));
    let delays = measure(&settings, &name);
    let _ = Command::new("kill").arg(running.id().to_string()).status();
    let _ = running.wait();
    let _ = std::fs::remove_dir_all(Path::new(&folder));
    show(delays);
}

/// Sends and reads; how many milliseconds each finding took.
fn measure(settings: &KafkaSettings, name: &str) -> Vec<i64> {
    let (sending, input) = (settings.clone(), format!("{name}-in"));
    let sender = thread::spawn(move || {
        let mut writer = Writer::new(&sending, &input).unwrap();
        let begun = Instant::now();
        for number in 0..READINGS_A_SECOND * SECONDS {
            let due = Duration::from_secs_f64(number as f64 / READINGS_A_SECOND as f64);
            let ahead = due.saturating_sub(begun.elapsed());
            if ahead > Duration::from_millis(1) {
                thread::sleep(ahead);
            }
            let status = if number.is_multiple_of(ONE_IN) { "offline" } else { "online" };
            let service = format!("{{\"database\":\"{status}\"}}");
            let reading = format!("{{\"timestamp\":{},\"value\":1,\"service_status\":{service}}}", now_ms());
            writer
                .send(Some((number % u64::from(PARTITIONS)) as u32), None, reading.as_bytes(), None)
                .unwrap();
        }
        writer.finish(Duration::from_secs(30)).unwrap()
    });
    let span = (Since::Beginning, Since::Now);
    let mut reader = Reader::open(settings, &format!("{name}-findings"), None, span, true).unwrap();
    let (mut delays, begun) = (Vec::new(), Instant::now());
    let wanted = READINGS_A_SECOND * SECONDS / ONE_IN;
    let mut read = 0;
    while read < wanted && begun.elapsed() < Duration::from_secs(SECONDS + 30) {
        reader
            .poll(Duration::from_millis(5), 4096, &mut |event| {
                let ReadEvent::Record(record) = event else { return };
                let report: serde_json::Value = serde_json::from_slice(record.value().unwrap()).unwrap();
                let sent = EventTime::parse(report["timestamp"].as_str().unwrap().as_bytes()).unwrap();
                read += 1;
                if begun.elapsed() > Duration::from_secs(WARM_UP_SECONDS) {
                    delays.push(now_ms() - sent.as_ms());
                }
            })
            .unwrap();
    }
    assert_eq!(read * ONE_IN, sender.join().unwrap(), "every offline service has its finding");
    delays
}

fn show(mut delays: Vec<i64>) {
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    println!("{} findings at {READINGS_A_SECOND} readings a second, commits every 100 ms", delays.len());
    println!("| p50 | p90 | p99 | p99.9 | most |\n|---|---|---|---|---|");
    println!("| {} ms | {} ms | {} ms | {} ms | {} ms |", at(0.5), at(0.9), at(0.99), at(0.999), at(1.0));
}
