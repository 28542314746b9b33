//! Incidents told to a real Alertmanager and to a webhook, by a process that is killed in between.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::broker::{free_port, get, shared};
use super::fleet;
use super::instance::{App, until};
use crate::support::Folder;

const ALERTMANAGER: &str = "prometheus-alertmanager";

/// A process that ends with the test.
pub struct Alertmanager {
    child: Child,
    pub port: u16,
    _folder: Folder,
}

impl Alertmanager {
    /// Debian's; fails where all services are required.
    pub fn start() -> Option<Alertmanager> {
        let runs =
            Command::new(ALERTMANAGER).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !runs.is_ok_and(|status| status.success()) {
            let required = std::env::var("TIDEWATCH_TEST_REQUIRE").is_ok_and(|value| value == "all");
            assert!(!required, "an Alertmanager is required: apt-get install {ALERTMANAGER}");
            eprintln!("skipped: no Alertmanager is installed (apt-get install {ALERTMANAGER})");
            return None;
        }
        let folder = Folder::new();
        let config = folder.write("am.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n");
        let port = free_port();
        let child = Command::new(ALERTMANAGER)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.file("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Alertmanager { child, port, _folder: folder };
        until("the Alertmanager answers", || get(port, "/-/ready").is_some_and(|(status, _)| status == 200));
        Some(started)
    }

    /// The labels of the alerts that are active now.
    pub fn active(&self) -> Vec<Value> {
        let (_, body) = get(self.port, "/api/v2/alerts?active=true").unwrap_or_default();
        // The answer may come in chunks: what is between the first and the last bracket is the list.
        let (from, to) = (body.find('[').unwrap_or(0), body.rfind(']').map_or(0, |at| at + 1));
        let alerts: Vec<Value> = serde_json::from_str(&body[from..to]).unwrap_or_default();
        alerts.iter().map(|alert| alert["labels"].clone()).collect()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that takes messages, but while it is away.
struct Hook {
    port: u16,
    is_away: Arc<AtomicBool>,
    got: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    fn start() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hook = Hook {
            port: listener.local_addr().unwrap().port(),
            is_away: Arc::default(),
            got: Arc::default(),
            asked: Arc::default(),
        };
        let (is_away, got, asked) =
            (Arc::clone(&hook.is_away), Arc::clone(&hook.got), Arc::clone(&hook.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some((head, body)) = stream.ok().and_then(|mut stream| {
                    let read = request(&mut stream)?;
                    let status = if is_away.load(Ordering::SeqCst) { "503 Away" } else { "204 Taken" };
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        .ok()?;
                    Some(read)
                }) else {
                    continue;
                };
                asked.lock().unwrap().push(head);
                if !is_away.load(Ordering::SeqCst) {
                    got.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                }
            }
        });
        hook
    }
}

fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

#[test]
fn the_alertmanager_of_docker_compose_has_a_configuration_that_it_takes() {
    let Ok(checked) =
        Command::new("amtool").args(["check-config", "grafana/prometheus/alertmanager.yml"]).output()
    else {
        return eprintln!("skipped: amtool is not installed (apt-get install {ALERTMANAGER})");
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn incidents_are_told_once_each_and_their_end_too() {
    let Some(cluster) = shared() else { return };
    let Some(alertmanager) = Alertmanager::start() else { return };
    let hook = Hook::start();
    let mut app = App::new(&cluster.servers(), "told", "--set source.keyed_by=entity");
    let topology = app.folder.read("t.toml");
    app.folder.write(
        "t.toml",
        format!(
            "{topology}[incident]\nresolve_after = \"2m\"\nreopen_within = \"0s\"\n[[notify]]\nname = \"on-call\"\nkind = \
             \"alertmanager\"\n[[notify]]\nname = \"hook\"\nkind = \"webhook\"\n"
        ),
    );
    let refused = app.refused("s", "");
    assert!(
        refused.code == 78 && refused.err.contains("set TIDEWATCH_NOTIFY_ON_CALL_URL"),
        "{}",
        refused.err
    );
    app.environment = vec![
        ("TIDEWATCH_NOTIFY_ON_CALL_URL".into(), format!("http://127.0.0.1:{}", alertmanager.port)),
        ("TIDEWATCH_NOTIFY_HOOK_URL".into(), format!("http://127.0.0.1:{}/in", hook.port)),
        ("TIDEWATCH_NOTIFY_HOOK_AUTHORIZATION".into(), "Bearer hush-hush".into()),
    ];
    app.fill(&fleet(5, 0..120), 2);
    let mut instance = app.start("s", "");
    instance.wait_done();
    until("the first are told", || !alertmanager.active().is_empty() && !hook.got.lock().unwrap().is_empty());
    // Killed while one receiver is away and has to be told of more.
    hook.is_away.store(true, Ordering::SeqCst);
    app.folder.write("more.ndjson", fleet(5, 120..240).join("\n"));
    app.run("produce more.ndjson").fine();
    until("it is tried", || {
        instance.metric("tidewatch_notification_wait_seconds").is_some_and(|_| {
            let text = instance.get("/metrics").unwrap_or_default().1;
            text.lines()
                .any(|line| line.contains("receiver=\"hook\",result=\"later\"") && !line.ends_with(" 0"))
        })
    });
    instance.kill();
    hook.is_away.store(false, Ordering::SeqCst);
    let mut instance = app.start("s", "");
    instance.wait_done();

    // What reports say of each incident: how bad it was at worst, and whether it is over.
    let mut incidents: BTreeMap<String, (u8, bool)> = BTreeMap::new();
    for report in app.run("consume output").fine().reports() {
        let Some(id) = report["incident"]["id"].as_str() else { continue };
        let known = incidents.entry(id.to_owned()).or_default();
        known.1 |= report["incident"]["state"] == "resolved";
        let all = report["anomalies"].as_array().unwrap().iter();
        let rank =
            |one: &Value| ["low", "medium", "high"].iter().position(|name| one["severity"] == *name).unwrap();
        known.0 = known.0.max(all.map(|one| rank(one) as u8).max().unwrap_or(0));
    }
    assert!(incidents.values().any(|(_, over)| *over) && incidents.len() > 3, "{incidents:?}");
    let open: BTreeSet<&String> = incidents.iter().filter(|(_, (_, over))| !over).map(|(id, _)| id).collect();
    until("both have been told everything", || {
        let active: BTreeSet<String> = alertmanager
            .active()
            .iter()
            .map(|labels| labels["incident"].as_str().unwrap().to_owned())
            .collect();
        let got = hook.got.lock().unwrap();
        let told = |state: &str| -> BTreeSet<&str> {
            got.iter()
                .filter(|one| one["state"] == state)
                .map(|one| one["incident"].as_str().unwrap())
                .collect()
        };
        let over = incidents.iter().filter(|(_, (_, over))| *over).map(|(id, _)| id.as_str()).collect();
        active.iter().collect::<BTreeSet<_>>() == open
            && told("open") == incidents.keys().map(String::as_str).collect()
            && told("resolved") == over
    });
    for labels in alertmanager.active() {
        let (worst, _) = incidents[labels["incident"].as_str().unwrap()];
        assert_eq!(labels["severity"], ["low", "medium", "high"][usize::from(worst)], "{labels}");
    }
    // It was away when the process was killed, so nothing was taken and not noted: nothing came twice.
    let got = hook.got.lock().unwrap();
    let ids: BTreeSet<&str> = got.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), got.len(), "something was told twice");
    assert!(got.iter().any(|one| !one["recommendations"].as_array().unwrap().is_empty()));
    let heads = hook.asked.lock().unwrap();
    assert!(
        heads.iter().all(|head| head.contains("POST /in ") && head.contains("Bearer hush-hush")),
        "{heads:?}"
    );
    let doctor = app.run("doctor --state elsewhere").fine();
    assert!(doctor.out.contains("on-call takes messages"), "{}", doctor.out);
    assert!(!instance.log().contains("hush-hush") && !doctor.out.contains("hush-hush"));
    instance.stop();
}
