//! From a real collectd through Kafka, `run`, a real Prometheus and its rules to a real Alertmanager.

use std::process::{Child, Command, Stdio};

use super::broker::shared;
use super::instance::{App, until};
use super::notify::Alertmanager;
use crate::grafana::{Prometheus, prometheus_is_here};
use crate::support::Folder;

/// A collectd that sends what it measures of this machine, and a number that stands in a file, once a second.
struct Collectd {
    child: Child,
    folder: Folder,
}

impl Collectd {
    /// Debian's; fails where all services are required.
    fn start(servers: &str, topic: &str) -> Option<Collectd> {
        let runs = Command::new("collectd").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if runs.is_err() {
            let required = std::env::var("TIDEWATCH_TEST_REQUIRE").is_ok_and(|value| value == "all");
            assert!(!required, "collectd is required: apt-get install collectd-core librdkafka1 libyajl2");
            eprintln!(
                "skipped: collectd is not installed (apt-get install collectd-core librdkafka1 libyajl2)"
            );
            return None;
        }
        let folder = Folder::new();
        folder.write("queue", "jobs 100\n");
        let config = folder.write(
            "collectd.conf",
            format!(
                "Hostname \"db-1\"\nFQDNLookup false\nInterval 1\nBaseDir \"{0}\"\nPIDFile \"{0}/pid\"\nTypesDB \
                 \"/usr/share/collectd/types.db\"\nLoadPlugin load\nLoadPlugin memory\nLoadPlugin interface\nLoadPlugin \
                 table\nLoadPlugin write_kafka\n<Plugin table>\n<Table \"{0}/queue\">\nInstance \"queue\"\nSeparator \" \
                 \"\n<Result>\nType gauge\nInstancesFrom 0\nValuesFrom 1\n</Result>\n</Table>\n</Plugin>\n<Plugin \
                 write_kafka>\nProperty \"metadata.broker.list\" \"{servers}\"\n<Topic \"{topic}\">\nFormat JSON\nStoreRates \
                 false\n</Topic>\n</Plugin>\n",
                folder.file("").display()
            ),
        );
        let log = std::fs::File::create(folder.file("log")).unwrap();
        let child = Command::new("collectd")
            .arg("-f")
            .arg("-C")
            .arg(config)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Collectd { child, folder })
    }
}

impl Drop for Collectd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_collectd_measures_becomes_an_alert() {
    let Some(cluster) = shared() else { return };
    if !prometheus_is_here() {
        return;
    }
    let Some(alertmanager) = Alertmanager::start() else { return };
    cluster.tool("org.apache.kafka.tools.TopicCommand", "--create --topic field-in --partitions 1");
    let Some(collectd) = Collectd::start(&cluster.servers(), "field-in") else { return };
    let mut app = App::new(&cluster.servers(), "field", "");
    // The topology that comes along, on a clock that ticks faster, and with one more metric.
    let topology = include_str!("../../topologies/collectd.toml")
        .replace("topic = \"collectd\"", "topic = \"field-in\"")
        .replace("name = \"collectd\"", "name = \"field\"")
        .replace("interval = \"10s\"", "interval = \"1s\"")
        .replace("plugin_instance=eth0", "plugin_instance=lo")
        .replace("size = \"5m\"", "size = \"4s\"\ngrace = \"1s\"")
        .replace("kind = \"z-score\"", "kind = \"z-score\"\nwarm_up = 20")
        + "\n[[metric]]\nname = \"queue\"\nfrom = \"table.gauge.value{plugin_instance=queue,type_instance=jobs}\"\n\
           [sink]\ntopic = \"field-out\"\n";
    app.folder.write("t.toml", topology);
    app.flags = "--topology t.toml".to_owned();
    let mut instance = app.start("s", "");
    instance.wait_ready();
    let port = instance
        .log()
        .split("address=127.0.0.1:")
        .nth(1)
        .unwrap()
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .to_owned();
    let prometheus = Prometheus::scraping(&format!("127.0.0.1:{port}"), Some(alertmanager.port));
    let log = || collectd.folder.read("log");
    let begun = std::time::Instant::now();
    while instance.metric("tidewatch_windows_closed_total").unwrap_or_default() < 8.0 {
        let rejected = || app.run("consume rejected --headers").out;
        assert!(begun.elapsed() < super::instance::PATIENCE, "{} {} {}", log(), instance.log(), rejected());
        // It moves a little, as queues do.
        collectd.folder.write("queue", format!("jobs {}\n", 100 + begun.elapsed().subsec_millis() % 7));
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    assert_eq!(instance.metric("tidewatch_rejected_total").unwrap_or_default(), 0.0);
    prometheus.until("tidewatch_windows_closed_total > 0");
    collectd.folder.write("queue", "jobs 9000\n");
    // A machine that is busy with other things has findings of its own: only the queue's is waited for.
    let queues = |report: &serde_json::Value| {
        report["entity"] == "db-1"
            && report["anomalies"].as_array().unwrap().iter().any(|one| one["metric"] == "queue")
    };
    until("the queue is found", || app.run("consume findings").fine().reports().iter().any(queues));
    until("Prometheus has told the Alertmanager", || {
        alertmanager.active().iter().any(|labels| labels["alertname"] == "TidewatchIncident")
    });
    instance.stop();
}
