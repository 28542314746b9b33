//! Dashboards, rules and metrics fit each other; and a real Prometheus understands all three.

#![expect(clippy::disallowed_methods, reason = "processes live by the clock")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::browser::Demo;
use crate::support::Folder;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names that begin with `tidewatch_`, as they stand in a text.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("tidewatch_")
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| word(c) || c == '-'))
        .map(|(at, _)| text[at..].split(|c: char| !word(c)).next().unwrap())
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned())
        .collect()
}

/// The metrics that the program makes: names as its source has them, in quotes.
fn made() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(root().join("src/edge/metrics")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let quoted = text.split('"').skip(1).step_by(2).filter(|text| text.starts_with("tidewatch_"));
        // Tests quote whole lines of metrics.
        let is_name = |text: &&str| text.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
        all.extend(quoted.filter(is_name).map(str::to_owned));
    }
    assert!(all.len() > 25, "{all:?}");
    all
}

/// Title and expression of each target of each panel.
fn panels() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root().join("grafana/dashboards")).unwrap() {
        let board: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let title = board["title"].as_str().unwrap();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let name = format!("{title}/{}", panel["title"].as_str().unwrap());
                all.push((name, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    all
}

fn rules() -> String {
    fs::read_to_string(root().join("grafana/prometheus/rules.yml")).unwrap()
}

#[test]
fn every_metric_has_a_panel_and_every_panel_and_rule_a_metric() {
    let made = made();
    let shown: BTreeSet<String> = panels().iter().flat_map(|(_, expression)| named(expression)).collect();
    let unseen: Vec<&String> = made.difference(&shown).collect();
    assert!(unseen.is_empty(), "metrics without a panel: {unseen:?}");
    let unknown: Vec<&String> = shown.difference(&made).collect();
    assert!(unknown.is_empty(), "panels of metrics that there are not: {unknown:?}");
    let ruled = named(&rules());
    let unknown: Vec<&String> = ruled.difference(&made).collect();
    assert!(unknown.is_empty(), "rules about metrics that there are not: {unknown:?}");
}

#[test]
fn every_panel_has_unit_description_and_a_word_for_no_data() {
    for entry in fs::read_dir(root().join("grafana/dashboards")).unwrap() {
        let board: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        assert!(board["uid"].as_str().unwrap().starts_with("tidewatch-") && board["schemaVersion"] == 39);
        let panels = board["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{}", board["title"]);
        for panel in panels {
            let defaults = &panel["fieldConfig"]["defaults"];
            for text in [&panel["title"], &panel["description"], &defaults["unit"], &defaults["noValue"]] {
                assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{panel}");
            }
        }
    }
}

#[test]
fn every_alert_has_its_place_in_the_runbook() {
    let runbook = fs::read_to_string(root().join("grafana/RUNBOOK.md")).unwrap();
    let rules = rules();
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 8);
    for alert in alerts {
        assert!(runbook.contains(&format!("\n## {alert}\n")), "{alert} is not in the runbook");
        assert!(
            rules.contains(&format!("grafana/RUNBOOK.md#{}", alert.to_lowercase())),
            "{alert} has no link"
        );
    }
}

/// Whether Debian's Prometheus is there; fails where all services are required.
pub fn prometheus_is_here() -> bool {
    let runs =
        |name| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let here =
        ["prometheus", "promtool"].into_iter().all(|name| runs(name).is_ok_and(|status| status.success()));
    if !here {
        let required = std::env::var("TIDEWATCH_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "prometheus is required and not installed: apt-get install prometheus");
        eprintln!("skipped: prometheus is not installed (apt-get install prometheus)");
    }
    here
}

/// The body of an answer.
fn ask(address: &str, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

fn promtool(words: &[&str], input: &str) -> (bool, String) {
    let folder = root().join("grafana/prometheus");
    let mut command = Command::new("promtool");
    command
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn rules_are_what_promtool_takes_and_do_as_their_tests_say() {
    if !prometheus_is_here() {
        return;
    }
    for words in [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]] {
        let (fine, said) = promtool(&words, "");
        assert!(fine, "{said}");
    }
}

/// A Prometheus of our own.
pub struct Prometheus {
    child: Child,
    address: String,
    _folder: Folder,
}

impl Prometheus {
    /// It tells that Alertmanager, if any, of what its rules say.
    pub fn scraping(target: &str, alertmanager: Option<u16>) -> Prometheus {
        let folder = Folder::new();
        let rules = root().join("grafana/prometheus/rules.yml");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n  - job_name: \
             tidewatch\n    static_configs: [{{targets: ['{target}']}}]\n{}",
            rules.display(),
            alertmanager.map_or_else(String::new, |port| format!(
                "alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n"
            ))
        );
        let config = folder.write("prometheus.yml", config);
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let flag = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let child = Command::new("prometheus")
            .arg(flag("config.file", &config))
            .arg(flag("storage.tsdb.path", &folder.file("data")))
            .arg(format!("--web.listen-address={free}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Prometheus { child, address: free.to_string(), _folder: folder }
    }

    fn query(&self, expression: &str) -> Value {
        let mut encoded = String::new();
        expression.bytes().for_each(|byte| write!(encoded, "%{byte:02X}").unwrap());
        let body = ask(&self.address, &format!("/api/v1/query?query={encoded}"));
        serde_json::from_str(&body).unwrap_or_default()
    }

    fn results(&self, expression: &str) -> usize {
        self.query(expression)["data"]["result"].as_array().map_or(0, Vec::len)
    }

    pub fn until(&self, expression: &str) {
        let begun = Instant::now();
        while self.results(expression) == 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "nothing for {expression}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_prometheus_understands_metrics_panels_and_rules() {
    if !prometheus_is_here() {
        return;
    }
    let demo = Demo::start("--entities 20 --hours 24 --incidents 8 --speed 3600");
    let target = demo.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let prometheus = Prometheus::scraping(&target, None);
    prometheus.until("tidewatch_findings_total");
    prometheus.until("rate(tidewatch_findings_total[1m])");
    prometheus.until("tidewatch:readings:rate5m > 0");
    prometheus.until("ALERTS{alertname='TidewatchIncident'}");
    let metrics = ask(&target, "/metrics");
    let (fine, said) = promtool(&["check", "metrics"], &metrics);
    assert!(fine, "{said}");
    let present: BTreeSet<String> =
        named(&metrics.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"));
    let mut answered = 0;
    for (panel, expression) in panels() {
        let answer = prometheus.query(&expression);
        assert_eq!(answer["status"], "success", "{panel}: {expression}: {answer}");
        // What only Kafka brings, such as lag, a demo does not have.
        if named(&expression).is_subset(&present) && !expression.contains("=\"") {
            assert!(prometheus.results(&expression) > 0, "{panel} shows nothing: {expression}");
            answered += 1;
        }
    }
    assert!(answered >= 20, "only {answered} panels had data");
    let health = ask(&prometheus.address, "/api/v1/rules");
    assert!(health.contains("\"health\":\"ok\"") && !health.contains("\"health\":\"err\""), "{health}");
}
