//! What is feedback, and what it takes away.

use proptest::prelude::*;

use super::*;
use crate::flow::detect::{Anomaly, Band, Severity, Side};

fn read(text: &str) -> Feedback {
    Feedback::read(text.as_bytes()).unwrap_or_else(|rejection| panic!("{text}: {rejection:?}")).0
}

fn at(ms: i64) -> EventTime {
    EventTime::from_ms(ms).unwrap()
}

fn heeding(texts: &[&str]) -> Heeded {
    let mut heeded = Heeded::default();
    for text in texts {
        heeded.heed(&read(text), Some(at(7)));
    }
    // What is remembered comes back from its bytes.
    postcard::from_bytes(&postcard::to_stdvec(&heeded).unwrap()).unwrap()
}

fn anomaly(metric: &'static str, value: f64, side: Side, lead: &str) -> Anomaly {
    Anomaly {
        row: 0,
        metric: metric.into(),
        value,
        threshold: None,
        severity: Severity::High,
        score: 0.9,
        expected: Some(Band { low: 0.0, high: 1.0 }),
        side,
        contributions: vec![(lead.to_owned(), 1.0)],
        description: String::new(),
    }
}

const CPU_95: &str = r#"{"tidewatch":"expected","entity":"a","finding":{"metric":"cpu","value":95,"expected":{"low":5,"high":75}}}"#;

#[test]
fn what_is_wrong_with_feedback_is_said() {
    let long = "x".repeat(301);
    for (text, reason, detail) in [
        (r#"{"tidewatch":"mute""#.to_owned(), Reason::Truncated, "EOF"),
        (r#"{"tidewatch":"mute",}"#.to_owned(), Reason::Malformed, "trailing comma"),
        (r#"{"tidewatch":"hush"}"#.to_owned(), Reason::WrongType, "unknown variant `hush`"),
        (r#"{"tidewatch":"mute","untill":5}"#.to_owned(), Reason::WrongType, "unknown field `untill`"),
        (r#"{"tidewatch":"mute","until":"tomorrow"}"#.to_owned(), Reason::BadTimestamp, "until is no time"),
        (r#"{"tidewatch":"mute","note":"x"}"#.to_owned(), Reason::WrongType, "note says nothing here"),
        (r#"{"tidewatch":"unmute","until":5}"#.to_owned(), Reason::WrongType, "until says nothing here"),
        (r#"{"tidewatch":"expected","metric":"cpu"}"#.to_owned(), Reason::WrongType, "metric says nothing"),
        (r#"{"tidewatch":"expected"}"#.to_owned(), Reason::MissingField, "finding or incident"),
        (r#"{"tidewatch":"confirmed","note":"x"}"#.to_owned(), Reason::MissingField, "finding or incident"),
        (
            r#"{"tidewatch":"expected","finding":{"metric":"cpu","value":"high"}}"#.to_owned(),
            Reason::WrongType,
            "invalid type",
        ),
        (
            r#"{"tidewatch":"expected","finding":{"metric":"cpu","value":1e999}}"#.to_owned(),
            Reason::Malformed,
            "out of range",
        ),
        (
            format!(r#"{{"tidewatch":"confirmed","incident":"1","note":"{long}"}}"#),
            Reason::TooLarge,
            "the note has more than 300",
        ),
        (
            format!(r#"{{"tidewatch":"mute","metric":"{long}"}}"#),
            Reason::TooLarge,
            "a name has more than 256",
        ),
    ] {
        let rejection = Feedback::read(text.as_bytes()).unwrap_err();
        assert_eq!(rejection.reason, reason, "{text}: {}", rejection.detail);
        assert!(rejection.detail.contains(detail), "{text}: {}", rejection.detail);
    }
}

#[test]
fn texts_may_be_as_long_as_is_said_and_no_longer() {
    let check = |text: String, fits: bool| {
        let read = Feedback::read(text.as_bytes());
        assert_eq!(read.is_ok(), fits, "{text}");
        assert!(read.is_ok() || read.is_err_and(|rejection| rejection.reason == Reason::TooLarge));
    };
    for (length, fits) in [(256, true), (257, false)] {
        let name = "x".repeat(length);
        check(format!(r#"{{"tidewatch":"mute","metric":"{name}"}}"#), fits);
        check(format!(r#"{{"tidewatch":"confirmed","incident":"{name}"}}"#), fits);
        check(format!(r#"{{"tidewatch":"expected","finding":{{"metric":"{name}","value":1}}}}"#), fits);
        let lead = format!(r#"{{"metric":"p","value":1,"contributions":[{{"metric":"{name}"}}]}}"#);
        check(format!(r#"{{"tidewatch":"expected","finding":{lead}}}"#), fits);
    }
    for (length, fits) in [(300, true), (301, false)] {
        let note = "x".repeat(length);
        check(format!(r#"{{"tidewatch":"confirmed","incident":"1","note":"{note}"}}"#), fits);
    }
}

#[test]
fn a_finding_of_a_report_can_be_marked_as_it_is() {
    let finding = r#"{"metric":"cpu","value":95.0,"threshold":75.0,"severity":"high","description":"cpu is high",
        "timestamp":"2026-01-01T00:00:00Z","entity":"a","detector":"z-score","score":0.97,
        "expected":{"low":5.0,"high":75.0},"contributions":[{"metric":"cpu","share":1.0}]}"#;
    let heeded = heeding(&[&format!(r#"{{"tidewatch":"expected","finding":{finding}}}"#)]);
    assert!(heeded.expects(&anomaly("cpu", 95.0, Side::Above, "cpu")));
    assert_eq!(heeded.for_reports()[0].metric.as_deref(), Some("cpu"));
}

#[test]
fn what_is_less_unusual_than_what_was_expected_is_expected_too() {
    let low =
        r#"{"tidewatch":"expected","finding":{"metric":"net","value":-2,"expected":{"low":2,"high":9}}}"#;
    let status = r#"{"tidewatch":"expected","finding":{"metric":"service_status.db","value":1}}"#;
    let pattern = r#"{"tidewatch":"expected","finding":{"metric":"multivariate_pattern","value":40,
        "contributions":[{"metric":"cpu","share":0.8},{"metric":"io","share":0.2}]}}"#;
    let heeded = heeding(&[CPU_95, low, status, pattern]);
    for (metric, value, side, lead, expected) in [
        // 5 % of the way from 75 to 95 is the slack.
        ("cpu", 96.0, Side::Above, "cpu", true),
        ("cpu", 96.1, Side::Above, "cpu", false),
        ("cpu", 80.0, Side::Above, "cpu", true),
        ("cpu", 1.0, Side::Below, "cpu", false),
        ("memory", 80.0, Side::Above, "memory", false),
        ("net", -2.2, Side::Below, "net", true),
        ("net", -2.3, Side::Below, "net", false),
        ("net", 10.0, Side::Above, "net", false),
        ("service_status.db", 1.0, Side::Neither, "service_status.db", true),
        ("service_status.db", 2.0, Side::Neither, "service_status.db", false),
        ("multivariate_pattern", 42.0, Side::Neither, "cpu", true),
        ("multivariate_pattern", 43.0, Side::Neither, "cpu", false),
        ("multivariate_pattern", 40.0, Side::Neither, "io", false),
    ] {
        let found = anomaly(metric, value, side, lead);
        assert_eq!(heeded.expects(&found), expected, "{metric} {value} {side:?} {lead}");
    }
    assert!(!heeded.expects_pattern("readings"));
    let silence = r#"{"tidewatch":"expected","finding":{"metric":"readings","value":0}}"#;
    assert!(heeding(&[silence]).expects_pattern("readings"));
}

#[test]
fn a_mute_holds_until_it_ends_or_is_taken_back() {
    let mute = r#"{"tidewatch":"mute","metric":"cpu","until":"1970-01-01T00:00:05Z"}"#;
    let mut heeded = heeding(&[mute]);
    assert!(heeded.mutes("cpu", at(4_999)) && !heeded.mutes("cpu", at(5_000)) && !heeded.mutes("net", at(0)));
    assert!(!heeded.has_ended_before(at(4_999)) && heeded.has_ended_before(at(5_000)));
    heeded.forget_before(at(5_000));
    assert!(heeded.is_empty());
    let (all, of_cpu) = (r#"{"tidewatch":"mute"}"#, r#"{"tidewatch":"unmute","metric":"cpu"}"#);
    assert!(heeding(&[all]).mutes("net", at(i64::from(i32::MAX))));
    assert!(heeding(&[all, mute, of_cpu]).mutes("cpu", at(0)), "the other mute still holds");
    assert!(!heeding(&[mute, of_cpu]).mutes("cpu", at(0)));
    assert!(heeding(&[all, mute, r#"{"tidewatch":"unmute"}"#]).is_empty());
    let longer = r#"{"tidewatch":"mute","metric":"cpu","until":9}"#;
    assert!(heeding(&[mute, longer]).mutes("cpu", at(8_000)), "what was said last holds");
}

#[test]
fn the_wider_of_two_holds_and_the_last_mark_of_an_incident() {
    let narrower = CPU_95.replace("95", "80");
    assert!(heeding(&[CPU_95, &narrower]).expects(&anomaly("cpu", 95.0, Side::Above, "cpu")));
    assert!(heeding(&[&narrower, CPU_95]).expects(&anomaly("cpu", 95.0, Side::Above, "cpu")));
    let (first, then) = (
        r#"{"tidewatch":"confirmed","incident":"1","note":"a disk"}"#,
        r#"{"tidewatch":"expected","incident":"1","note":"no, a backup"}"#,
    );
    let marked = heeding(&[first, then]).for_reports();
    let expected = Marked {
        incident: Some("1".into()),
        mark: Mark::Expected,
        metric: None,
        note: Some("no, a backup".into()),
    };
    assert_eq!(marked, [expected]);
}

proptest! {
    #[test]
    fn however_much_is_said_little_is_remembered(words in prop::collection::vec((0..3, 0..60_u32), 0..200)) {
        let mut heeded = Heeded::default();
        for (what, name) in words {
            let text = match what {
                0 => format!(r#"{{"tidewatch":"expected","finding":{{"metric":"m{name}","value":1e308,"expected":{{"low":-1e308,"high":0}}}}}}"#),
                1 => format!(r#"{{"tidewatch":"mute","metric":"m{name}"}}"#),
                _ => format!(r#"{{"tidewatch":"confirmed","incident":"{name}"}}"#),
            };
            let before = heeded.clone();
            heeded.heed(&read(&text), None);
            prop_assert!(what != 0 || heeded.expects(&anomaly_named(&format!("m{name}"))), "{before:?}");
        }
        prop_assert!(postcard::to_stdvec(&heeded).unwrap().len() < 1_500);
    }
}

fn anomaly_named(metric: &str) -> Anomaly {
    Anomaly { metric: metric.to_owned().into(), ..anomaly("", 1e308, Side::Above, "") }
}
