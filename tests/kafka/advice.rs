//! Advice next to a broker: a model that advises, one that hangs, and processes killed in the middle of a call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::broker::{Cluster, shared};
use super::fleet;
use super::instance::{App, Instance, until};
use crate::support::model::{Does, Model, SECRET};

/// An application that has a model, with incidents.
fn app(cluster: &Cluster, name: &str, model: Option<&Model>, more: &str) -> App {
    let mut app = App::new(&cluster.servers(), name, &format!("{more} --set source.keyed_by=entity"));
    let topology = app.folder.read("t.toml");
    app.folder.write("t.toml", format!("{topology}[incident]\nresolve_after = \"2m\"\n"));
    app.environment = model.iter().flat_map(|model| model.environment()).collect();
    app
}

/// The sum over the series of a metric that have this among their labels.
fn metric(instance: &mut Instance, name: &str, label: &str) -> f64 {
    let (_, text) = instance.get("/metrics").unwrap_or_default();
    let of = |line: &str| {
        let rest = line.strip_prefix(name).filter(|rest| rest.starts_with('{') && rest.contains(label))?;
        rest.rsplit(' ').next()?.parse::<f64>().ok()
    };
    text.lines().filter_map(of).sum()
}

/// How many findings or reports are committed, by the metrics.
fn committed(instance: &mut Instance, role: &str) -> f64 {
    metric(instance, "tidewatch_outputs_total", &format!("role=\"{role}\""))
}

#[test]
fn a_model_advises_on_what_was_found() {
    let Some(cluster) = shared() else { return };
    let model = Model::new(|_| Does::Advises);
    let app = app(cluster, "asked", Some(&model), "");
    app.fill(&fleet(5, 0..200), 2);
    let mut instance = app.start("s", "");
    instance.wait_done();
    let findings = app.run("consume findings").fine().reports();
    let reports = app.run("consume output").fine().reports();
    assert!(!findings.is_empty() && findings.len() == reports.len());
    let by = |source: &str| reports.iter().filter(|report| report["advice"]["source"] == source).count();
    assert!(
        by("llm") > 0 && by("cache") > 0 && by("rules") == 0,
        "{} {} {}",
        by("llm"),
        by("cache"),
        by("rules")
    );
    // A worker that loses its partitions on a busy machine asks again: calls may repeat, reports may not.
    let calls = model.calls();
    assert!(by("llm") <= calls && calls < reports.len(), "{} {calls} {}", by("llm"), reports.len());
    for report in reports.iter().filter(|report| report["anomalies"] != json!([])) {
        let one = &report["recommendations"][0];
        assert_eq!(one["action"], "Fail the service over to its replica", "{report}");
        assert_eq!(one["target"], report["entity"], "{report}");
    }
    assert_eq!(instance.metric("tidewatch_model_calls_total"), Some(calls as f64));
    let told = metric(&mut instance, "tidewatch_advised_reports_total", "source=\"llm\"");
    assert_eq!(told, by("llm") as f64);
    assert_eq!(metric(&mut instance, "tidewatch_model_breaker_state", "state=\"closed\""), 1.0);
    assert!(!instance.get("/metrics").unwrap().1.contains(SECRET) && !instance.log().contains(SECRET));
    instance.stop();
    app.run("state verify s --changelog").fine();

    // Without its directory it has what was advised from the changelog, and asks nothing again.
    std::fs::remove_dir_all(app.folder.file("s")).unwrap();
    let mut again = app.start("s", "");
    again.wait_done();
    assert!(metric(&mut again, "tidewatch_state_rows", "flow=\"advise\"") > 0.0);
    again.stop();
    assert_eq!((model.calls(), app.run("consume output").fine().reports().len()), (calls, reports.len()));
    let listed = app.run("state list s").fine().out;
    assert!(listed.contains("advise answers") && listed.contains("advise incidents"), "{listed}");
}

#[test]
fn a_model_that_hangs_holds_up_no_finding_and_reports_leave_with_the_runbooks_advice() {
    let Some(cluster) = shared() else { return };
    let lines = fleet(5, 0..200);
    // By position: what an answer that was lost has committed is counted nowhere else.
    let is_judged = |instance: &mut Instance| {
        metric(instance, "tidewatch_position_records", "flow=\"detect\"") >= lines.len() as f64
            && metric(instance, "tidewatch_lag_records", "flow=\"detect\"") == 0.0
    };
    let start = |name: &str, model: Option<&Model>| {
        let app = app(cluster, name, model, "--set advise.deadline=8s");
        app.fill(&lines[..1], 2);
        let mut instance = app.start("s", "");
        instance.wait_ready();
        let begun = Instant::now();
        app.fill(&lines[1..], 2);
        (app, instance, begun)
    };
    // How many findings there are; then how long they take without a model, and with one that hangs.
    let (plain_app, mut plain, _) = start("plain", None);
    plain.wait_done();
    let count = plain_app.run("consume findings").fine().reports().len();
    plain.stop();
    let (_app, mut free, begun) = start("free", None);
    until("all is judged", || is_judged(&mut free));
    let without = begun.elapsed();
    free.stop();
    let model = Model::new(|_| Does::Hangs);
    let (app, mut instance, begun) = start("held", Some(&model));
    until("all is judged", || is_judged(&mut instance));
    let with = begun.elapsed();
    let reports = committed(&mut instance, "reports");
    eprintln!("all findings after {with:?} with a model that hangs, after {without:?} without a model");
    assert!(with < without + Duration::from_secs(7), "{with:?} {without:?}");
    assert!(
        model.calls() > 0 && reports < count as f64,
        "{reports} of {count} findings are reported by then"
    );
    instance.wait_done();
    instance.stop();
    let findings = app.run("consume findings").fine().reports();
    let reports = app.run("consume output").fine().reports();
    assert_eq!(findings.len(), reports.len());
    for report in reports.iter().filter(|report| report["anomalies"] != json!([])) {
        let reason = report["advice"]["reason"].as_str().unwrap();
        assert_eq!(report["advice"]["source"], "rules");
        let known = ["has not answered within 8 s", "is left alone", "was asked 5 times"];
        assert!(known.iter().any(|part| reason.contains(part)), "{reason}");
        assert!(!report["recommendations"].as_array().unwrap().is_empty());
    }
}

#[test]
fn killed_in_the_middle_of_calls_it_reports_each_finding_once() {
    let Some(cluster) = shared() else { return };
    let hangs = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&hangs);
    // The first is answered, so that there is something committed behind what hangs.
    let model =
        Model::new(
            move |number| {
                if now.load(Ordering::SeqCst) && number > 0 { Does::Hangs } else { Does::Advises }
            },
        );
    let app = app(cluster, "killed", Some(&model), "");
    app.fill(&fleet(8, 0..200), 2);
    for _ in 0..4 {
        let (mut instance, before) = (app.start("s", ""), model.calls());
        until("a call is under way", || model.calls() > before.max(1));
        instance.kill();
    }
    hangs.store(false, Ordering::SeqCst);
    let mut instance = app.start("s", "");
    instance.wait_done();
    instance.stop();
    let ids = |topic: &str| -> Vec<(String, String)> {
        (0..2).flat_map(|partition| cluster.committed(topic, partition, 1)).collect()
    };
    let (findings, reports) = (ids("killed-findings"), ids("killed-out"));
    let unique: BTreeSet<&String> = reports.iter().map(|(id, _)| id).collect();
    assert!(!findings.is_empty());
    assert_eq!((reports.len(), unique.len()), (findings.len(), findings.len()));
    // Of each entity in the order of its findings.
    let order = |records: &[(String, String)]| {
        let mut all: Vec<(String, String)> = records
            .iter()
            .map(|(_, value)| {
                let report: serde_json::Value = serde_json::from_str(value).unwrap();
                (report["entity"].to_string(), report["window"]["start"].to_string())
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    assert_eq!(order(&findings), order(&reports));
    let advised = reports.iter().filter(|(_, report)| !report.contains("\"anomalies\":[]"));
    for (_, report) in advised {
        let by = ["llm", "cache"].map(|source| report.contains(&format!("\"source\":\"{source}\"")));
        assert!(by.contains(&true), "{report}");
    }
}

#[test]
fn the_doctor_asks_the_model_and_says_what_to_do() {
    let Some(cluster) = shared() else { return };
    let doctor = |model: Option<&Model>, more: &str| {
        let app = app(cluster, "examined", model, more);
        app.fill(&fleet(1, 0..2), 1);
        app.run("doctor")
    };
    let check = |does: Does, more: &str, code: i32, parts: &[&str]| {
        let model = Model::new(move |_| does);
        let ran = doctor(Some(&model), more);
        assert_eq!(ran.code, code, "{}", ran.out);
        for part in parts {
            assert!(ran.out.contains(part), "{part}: {}", ran.out);
        }
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{}{}", ran.out, ran.err);
    };
    check(Does::Advises, "", 0, &["test-model is reached", "asked by json_schema", "500 calls/day"]);
    check(Does::Refuses, "", 1, &["it does not take the key", "set TIDEWATCH_LLM_API_KEY"]);
    check(
        Does::Hangs,
        "--set advise.deadline=1s",
        1,
        &["has not answered within 1 s", "raise advise.deadline"],
    );
    assert!(doctor(None, "").out.contains("from the runbook: neither TIDEWATCH_LLM_API_KEY"));
}
