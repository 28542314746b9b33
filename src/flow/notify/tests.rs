use serde_json::{Value, json};

use super::render::body;
use super::*;

fn receiver(kind: Kind) -> Receiver {
    Receiver {
        name: "oncall".into(),
        kind,
        least: Severity::Low,
        entity: String::new(),
        keep_ms: 3_600_000,
        linger_ms: 600_000,
        application: "fleet".into(),
    }
}

/// A report of that incident in that state; with a finding of that severity.
fn report(entity: &str, incident: Option<(&str, &str)>, severity: Option<&str>) -> Vec<u8> {
    let finding = |severity: &str| {
        json!({"metric": "cpu_usage", "value": 99.0, "threshold": 60.0, "severity": severity,
            "description": "cpu_usage is 99", "timestamp": "2026-01-01T00:04:00Z", "entity": entity,
            "detector": "novelty", "score": 0.9, "expected": {"low": 30.0, "high": 60.123_456},
            "contributions": [{"metric": "cpu_usage", "share": 1.0}]})
    };
    let mut report = json!({
        "timestamp": "2026-01-01T00:05:00Z", "entity": entity,
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:05:00Z", "readings": 30},
        "insights": {"average_latency_ms": null, "max_cpu_usage": null, "max_memory_usage": null, "error_rate": null,
            "uptime_seconds": null},
        "anomalies": severity.map(finding).into_iter().collect::<Vec<_>>(),
        "recommendations": [{"id": "rec-001", "action": "Add a host", "target": entity, "parameters": {},
            "benefit_estimate": "less load"}],
        "service_status_summary": {"online": [], "degraded": [], "offline": []}});
    if let Some((id, state)) = incident {
        report["incident"] = json!({"id": id, "state": state, "since": "2026-01-01T00:00:00Z"});
    }
    report.to_string().into_bytes()
}

/// States and severities of one incident, and what is told: `l`, `m`, `h`, `.` nothing, `=` the same again, `x` over.
fn check(receiver: &Receiver, steps: &[(&str, Option<&str>)], expected: &str) {
    let mut memory = Memory::default();
    let mut told = String::new();
    for (state, severity) in steps {
        // As after a restart.
        memory = Memory::from_text(&memory.to_text());
        let said = receiver.told(&mut memory, &report("a", Some(("00aa", state)), *severity));
        told.push(match said {
            None => '.',
            Some(message) if !message.is_open => 'x',
            Some(message) if message.is_repeat => '=',
            Some(message) => message.severity.name().chars().next().unwrap(),
        });
    }
    assert_eq!(told, expected, "{steps:?}");
}

const COURSE: [(&str, Option<&str>); 7] = [
    ("opened", Some("low")),
    ("ongoing", Some("low")),
    ("ongoing", Some("high")),
    ("ongoing", Some("medium")),
    ("ongoing", None),
    ("resolved", None),
    ("opened", Some("medium")),
];

#[test]
fn an_incident_is_told_when_it_opens_gets_worse_and_is_over() {
    check(&receiver(Kind::Slack), &COURSE, "l.h..xm");
    check(&receiver(Kind::Alertmanager), &COURSE, "l=h=.xm");
    let calm = Receiver { least: Severity::Medium, ..receiver(Kind::Slack) };
    check(&calm, &COURSE, "..h..xm");
    check(&calm, &[("opened", Some("low")), ("resolved", None)], "..");
    check(&calm, &[("ongoing", Some("high")), ("resolved", None), ("resolved", None)], "hx.");
}

#[test]
fn a_receiver_is_told_of_its_entities_only_and_of_nothing_that_is_no_report() {
    let web = Receiver { entity: "web-*".into(), ..receiver(Kind::Slack) };
    let mut memory = Memory::default();
    assert!(web.told(&mut memory, &report("db-1", Some(("00aa", "opened")), Some("high"))).is_none());
    assert!(web.told(&mut memory, &report("web-1", Some(("00ab", "opened")), Some("high"))).is_some());
    assert!(web.told(&mut memory, b"{}").is_none() && web.told(&mut memory, b"\xff").is_none());
    assert_eq!(memory.to_text(), "00ab:h");
}

#[test]
fn without_incidents_every_report_with_a_finding_is_told() {
    let mut memory = Memory::default();
    let slack = receiver(Kind::Slack);
    assert!(slack.told(&mut memory, &report("a", None, None)).is_none());
    for _ in 0..2 {
        let message = slack.told(&mut memory, &report("a", None, Some("low"))).unwrap();
        assert_eq!(message.incident, "a@2026-01-01T00:00:00Z");
    }
    assert_eq!(memory, Memory::default());
}

fn told(receiver: &Receiver, entity: &str, state: &str) -> Value {
    let mut memory = Memory::from_text("00aa:l");
    let severity = (state != "resolved").then_some("high");
    let message = receiver.told(&mut memory, &report(entity, Some(("00aa", state)), severity)).unwrap();
    serde_json::from_slice(&body(receiver, &message, 1_767_226_000_000)).unwrap()
}

#[test]
fn an_alertmanager_is_told_what_an_incident_was_and_that_this_is_over() {
    let worse = told(&receiver(Kind::Alertmanager), "a", "ongoing");
    let part = |at: usize, path: &str| worse[at].pointer(path).unwrap().as_str().unwrap().to_owned();
    assert_eq!(worse.as_array().unwrap().len(), 2);
    assert_eq!(
        (part(0, "/labels/severity"), part(0, "/endsAt")),
        ("high".into(), "2026-01-01T00:16:40Z".into())
    );
    assert_eq!(
        (part(1, "/labels/severity"), part(1, "/endsAt")),
        ("low".into(), "2026-01-01T00:06:40Z".into())
    );
    assert_eq!(part(0, "/startsAt"), "2026-01-01T00:00:00Z");
    assert_eq!(part(0, "/annotations/description"), "cpu_usage is 99; expected 30 to 60.12");
    assert_eq!(part(0, "/annotations/recommendations"), "Add a host (a)");
    let over = told(&receiver(Kind::Alertmanager), "a", "resolved");
    assert_eq!(over[0]["labels"]["severity"], "low");
    assert_eq!(over[0]["endsAt"], "2026-01-01T00:06:40Z");
}

#[test]
fn text_from_telemetry_stays_text() {
    let nasty = "<!channel> \"}]},{\\\" & a\nb\u{7}";
    let slack = told(&receiver(Kind::Slack), nasty, "ongoing");
    let text = slack["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!") && !text.contains('\u{7}'), "{text}");
    let template = Template::new(r#"{"who": "{{entity}}", "all": ["{{findings}}", "{{ id }}"]}"#).unwrap();
    let own = told(&receiver(Kind::Webhook(Some(template))), nasty, "ongoing");
    assert_eq!(own["who"], "<!channel> \"}]},{\\\" & a b ");
    assert_eq!(own["all"][1], "00aa-high-2026-01-01T00:05:00Z");
    let long = told(&receiver(Kind::Webhook(None)), &"x".repeat(100_000), "ongoing");
    assert!(long.to_string().len() < 4000);
    assert_eq!(long["state"], "open");
}

#[test]
fn a_template_is_json_whatever_is_put_in() {
    for (text, part) in [
        ("{\"a\": {{id}}}", "inside of strings"),
        ("{\"a\": \"{{id}}\"", "must be JSON"),
        ("{\"a\": \"{{nobody}}\"}", "knows id"),
        ("{\"a\": \"{{id\"}", "without its"),
    ] {
        let wrong = Template::new(text).unwrap_err();
        assert!(wrong.contains(part), "{text}: {wrong}");
    }
}
