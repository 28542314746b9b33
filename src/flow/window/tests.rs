//! Windows of size 5 and grace 1 unless said otherwise; `a@3` is a reading of `a` at 3 ms.

use super::settings::{TimeScope, WindowKind, WindowSettings};
use super::*;
use crate::flow::model::Statuses;
use crate::flow::record::Extent;

const TUMBLING: WindowSettings = WindowSettings {
    kind: WindowKind::Tumbling { size_ms: 5 },
    grace_ms: 1,
    time: TimeScope::Partition,
    per_entity: true,
    max_jump_ms: None,
    max_entities: 100,
    forget_ms: None,
};

#[derive(Default)]
struct Said(Vec<String>);

impl Downstream for Said {
    fn closed(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) -> bool {
        let times: Vec<String> = readings.times.iter().map(|time| time.as_ms().to_string()).collect();
        let (start, end) = (window.start.as_ms(), window.end.as_ms());
        self.0.push(format!("{}[{start},{end})={}", entities.name(id), times.join("+")));
        false
    }

    fn late(&mut self, _: &str, _: EventTime, source: &Source<'_>, _: Rejection) {
        self.0.push(format!("late:{}", String::from_utf8_lossy(source.value)));
    }

    fn rejected(&mut self, source: &Source<'_>, rejection: Rejection) {
        self.0.push(format!("{}:{}", rejection.reason.label(), String::from_utf8_lossy(source.value)));
    }
}

/// Learns of everybody, and says who is forgotten.
#[derive(Default)]
struct Learns(Vec<String>);

impl Downstream for Learns {
    fn closed(&mut self, _: &Entities, _: EntityId, _: Window, _: &Readings) -> bool {
        true
    }

    fn learns(&self) -> bool {
        true
    }

    fn forget(&mut self, entities: &Entities, id: EntityId) -> bool {
        self.0.push(entities.name(id).to_owned());
        false
    }

    fn late(&mut self, _: &str, _: EventTime, _: &Source<'_>, _: Rejection) {}

    fn rejected(&mut self, _: &Source<'_>, _: Rejection) {}
}

/// Who is forgotten after 20 ms without a reading, when these readings come; how many are known then.
fn check_forgotten(readings: &str, forgotten: &str, known: usize) {
    let (mut learns, mut all) =
        (Learns::default(), windows(WindowSettings { forget_ms: Some(20), ..TUMBLING }));
    feed(&mut all, &readings.split_whitespace().collect::<Vec<_>>(), 0, &mut learns);
    assert_eq!((learns.0.join(" ").as_str(), all.entities().len()), (forgotten, known), "{readings}");
}

#[test]
fn who_is_quiet_for_long_is_forgotten_and_begins_anew() {
    // The window of a ends at 5: 20 ms later nothing has come of it.
    check_forgotten("a@1 b@6 b@24", "", 2);
    check_forgotten("a@1 b@6 b@25", "a", 1);
    // A window that is open is somebody to wait for, until it closes and 20 ms more.
    check_forgotten("a@1 b@6 a@24 b@25 b@44", "", 2);
    check_forgotten("a@1 b@6 a@24 b@25 b@45", "a", 1);
    // By its own reading, too: what it had learned is gone, and it is there.
    check_forgotten("a@1 a@40", "a", 1);
    check_forgotten("a@1 a@40 b@100", "a a", 1);
    let once: Vec<String> = (0..10_000).map(|number| format!("pod-{number}@{}", number * 5)).collect();
    let (mut learns, mut all) =
        (Learns::default(), windows(WindowSettings { forget_ms: Some(20), ..TUMBLING }));
    feed(&mut all, &once.iter().map(String::as_str).collect::<Vec<_>>(), 0, &mut learns);
    assert!(all.entities().len() <= 6 && learns.0.len() >= 9_994, "{}", all.entities().len());
}

fn windows(settings: WindowSettings) -> Windows {
    Windows::new(settings, &Schema { metrics: Vec::new(), ..Schema::native() })
}

/// Feeds the words from `first` on; a `|` ends the message, a `.` at the end the input.
fn feed(windows: &mut Windows, words: &[&str], first: u64, said: &mut impl Downstream) {
    for (at, word) in words.iter().enumerate() {
        match *word {
            "." => windows.finish(said),
            "|" => windows.end_record(Extent::Whole, said),
            reading => {
                let (entity, time) = reading.split_once('@').unwrap();
                let time = EventTime::from_ms(time.parse().unwrap()).unwrap();
                let taken = Reading { time, values: Vec::new(), present: 0, statuses: Statuses::default() };
                let offset = Offset(first + at as u64);
                let value = reading.as_bytes();
                let source = Source { offset, index: 0, origin: Origin::default(), key: None, value };
                windows.take(entity, &taken, &source, said);
            }
        }
    }
}

fn check(settings: WindowSettings, readings: &str, expected: &str) {
    let words: Vec<&str> = readings.split_whitespace().collect();
    let (mut said, mut all) = (Said::default(), windows(settings));
    feed(&mut all, &words, 0, &mut said);
    assert_eq!(said.0.join(" "), expected, "{readings}");
    // A restart between any two readings changes nothing.
    for cut in 0..words.len() {
        let (mut early, mut before) = (Said::default(), windows(settings));
        feed(&mut before, &words[..cut], 0, &mut early);
        let (from, resume) = before.replay_from();
        let mut changes = Vec::new();
        before.changes(&mut changes);
        let mut after = windows(settings);
        after.resume(resume);
        for change in &changes {
            let id = after.remember(std::str::from_utf8(&change.key).unwrap()).unwrap();
            assert!(after.restore_mark(id, change.row.as_ref().unwrap()));
        }
        after.set_silent(true);
        let from = from.map_or(cut, |offset| offset.0 as usize);
        let refilled: Vec<&str> = words[from..cut].to_vec();
        feed(&mut after, &refilled, from as u64, &mut Said::default());
        after.set_silent(false);
        feed(&mut after, &words[cut..], cut as u64, &mut early);
        assert_eq!(early.0.join(" "), expected, "{readings}, restarted before reading {cut}");
    }
}

#[test]
fn a_reading_on_the_edge_opens_the_next_window() {
    check(TUMBLING, "a@0 a@4 a@5 .", "a[0,5)=0+4 a[5,10)=5");
}

#[test]
fn a_window_closes_when_the_watermark_reaches_its_end_and_grace() {
    check(TUMBLING, "a@0 a@5 a@6", "a[0,5)=0");
    check(TUMBLING, "a@0 a@5", "");
}

#[test]
fn a_quiet_entity_still_has_its_window_closed() {
    check(TUMBLING, "a@0 a@1 b@9", "a[0,5)=0+1");
}

#[test]
fn windows_close_by_their_end_and_then_by_name() {
    check(TUMBLING, "b@0 a@1 c@5 a@11", "a[0,5)=1 b[0,5)=0 c[5,10)=5");
}

#[test]
fn an_entity_whose_bad_clock_is_refused_keeps_its_name() {
    let doubting = WindowSettings { max_jump_ms: Some(100), ..TUMBLING };
    let expected = "too-far-ahead:c@999 a[0,5)=0 b[0,5)=1 c[0,5)=2 d[0,5)=3";
    check(doubting, "a@0 b@1 c@999 c@2 d@3 .", expected);
}

#[test]
fn what_was_refused_for_a_confirmed_jump_is_refused_again_after_a_restart() {
    let kind = WindowKind::Count { size: 3, max_age_ms: 5000 };
    let doubting = WindowSettings { kind, max_jump_ms: Some(100), ..TUMBLING };
    check(doubting, "a@999 a@0 a@1001 a@5 .", "too-far-ahead:a@0 a[5,1001)=5+999+1001");
}

#[test]
fn what_the_end_let_be_believed_is_learned_again_from_the_first_that_was_doubted() {
    let doubting = WindowSettings { max_jump_ms: Some(100), ..TUMBLING };
    let (mut learns, mut all) = (Learns::default(), windows(doubting));
    all.keep_rows();
    feed(&mut all, &["c@0", "b@500", "."], 0, &mut learns);
    // What c learned is in a row; from b's own reading on, c's would doubt it, and there is nothing to believe it by.
    let c = all.entities().find("c").unwrap();
    all.written(c);
    let (from, resume) = all.replay_from();
    assert_eq!((from, resume.clock.watermark()), (Some(Offset(0)), None));
}

#[test]
fn a_reading_within_grace_is_taken_and_a_later_one_is_late() {
    check(TUMBLING, "a@0 a@5 a@3 a@6 a@4 a@11", "a[0,5)=0+3 late:a@4 a[5,10)=5+6");
}

#[test]
fn disordered_readings_are_judged_in_the_order_of_time() {
    check(TUMBLING, "a@3 a@1 a@1 a@2 .", "a[0,5)=1+1+2+3");
}

#[test]
fn times_before_1970_have_windows_too() {
    check(TUMBLING, "a@-1 a@-5 a@0 .", "a[-5,0)=-5+-1 a[0,5)=0");
}

#[test]
fn what_the_end_of_the_input_closed_stays_closed() {
    check(TUMBLING, "a@7 . a@8 a@10 .", "a[5,10)=7 late:a@8 a[10,15)=10");
}

#[test]
fn with_a_time_of_its_own_an_entity_is_not_late_because_of_others() {
    let own = WindowSettings { time: TimeScope::Entity, ..TUMBLING };
    check(own, "a@0 a@20 b@1 b@2 b@30 .", "a[0,5)=0 b[0,5)=1+2 a[20,25)=20 b[30,35)=30");
    check(own, "a@0 a@20 a@1 . a@22 .", "a[0,5)=0 late:a@1 a[20,25)=20 late:a@22");
}

#[test]
fn a_count_window_closes_when_it_is_full_or_old() {
    let count = WindowSettings { kind: WindowKind::Count { size: 2, max_age_ms: 10 }, ..TUMBLING };
    check(count, "a@0 b@1 a@2 a@3 b@11 a@13 .", "a[0,2)=0+2 b[1,1)=1 a[3,3)=3 b[11,11)=11 a[13,13)=13");
}

#[test]
fn a_message_window_has_the_readings_of_one_record() {
    let message = WindowSettings { kind: WindowKind::Message, ..TUMBLING };
    let (mut said, mut all) = (Said::default(), windows(message));
    feed(&mut all, &["b@9", "a@1", "b@3", "|", "a@4", "|"], 0, &mut said);
    assert_eq!(said.0.join(" "), "a[1,1)=1 b[3,9)=3+9 a[4,4)=4");
}

#[test]
fn a_whole_window_may_gather_all_entities() {
    let whole = WindowSettings { kind: WindowKind::Whole, per_entity: false, ..TUMBLING };
    check(whole, "b@9 a@1 b@30 .", "infrastructure[1,30)=1+9+30");
}

#[test]
fn one_bad_clock_closes_nobodys_window() {
    let doubting = WindowSettings { max_jump_ms: Some(100), ..TUMBLING };
    check(doubting, "a@0 b@0 b@9000 a@1 b@2 .", "too-far-ahead:b@9000 a[0,5)=0+1 b[0,5)=0+2");
    check(doubting, "a@0 b@0 a@9000 b@9001 .", "a[0,5)=0 b[0,5)=0 a[9000,9005)=9000 b[9000,9005)=9001");
    check(doubting, "a@0 b@0 a@9000 .", "too-far-ahead:a@9000 a[0,5)=0 b[0,5)=0");
    check(doubting, "a@0 .", "a[0,5)=0");
    check(
        doubting,
        "a@0 a@1000 a@2000 a@3000 .",
        "a[0,5)=0 a[1000,1005)=1000 a[2000,2005)=2000 a[3000,3005)=3000",
    );
}

#[test]
fn an_entity_too_many_is_rejected_until_there_is_room() {
    let narrow = WindowSettings { max_entities: 1, ..TUMBLING };
    check(narrow, "a@0 b@1 a@6 b@12 .", "too-many-entities:b@1 a[0,5)=0 too-many-entities:b@12 a[5,10)=6");
}
