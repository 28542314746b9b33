//! What a task goes on from, decided without any log: facts in, decision out.

use super::super::digest::Digest;
use super::super::footer::{FOOTER_KEY, Footer, LocalFooter, Mark, Marked, ROW_TAG};
use super::super::restore::{Identity, Restoration, Restored, Row, Step, admit, changes, plan};
use super::super::rules::{Rule, break_rule};
use super::super::stop::Stop;
use crate::edge::ports::ChangelogEvent;
use crate::flow::record::Offset;
use crate::flow::task::{FlowName, TaskId};

const IDENTITY: Identity<'static> =
    Identity { task: TaskId { flow: FlowName::Detect, partition: 3 }, application: "app", topology: "0123" };

/// Rows of table 2, by key.
type Rows<'a> = &'a [(&'a str, &'a str)];

fn footer(sequence: u64, rows: Rows<'_>) -> Footer {
    let mut digest = Digest::default();
    for (key, row) in rows {
        digest.add(2, key.as_bytes(), row.as_bytes());
    }
    Footer {
        application: "app".into(),
        topology: "0123".into(),
        sequence,
        next: Offset(sequence * 10),
        replay_from: Offset(sequence * 10 - 3),
        position: vec![sequence as u8],
        digest: digest.sum(),
    }
}

fn epoch(footer: &Footer) -> Marked {
    Marked::Epoch(footer.next, Mark::of(footer, false))
}

fn local(footer: Footer) -> LocalFooter {
    LocalFooter { changelog_next: Offset(footer.sequence * 100), footer }
}

fn decide(marked: &Marked, local: Option<&LocalFooter>) -> String {
    match plan(IDENTITY, marked, local) {
        Ok(plan) => format!("{plan:?}"),
        Err(stop) => format!("{stop:?}").split([' ', '(']).next().unwrap().to_owned(),
    }
}

#[test]
fn the_plan_follows_from_what_group_and_store_say() {
    let five = footer(5, &[("a", "1")]);
    let (group, by_hand) = (epoch(&five), Marked::ByHand(Offset(7)));
    let (same, earlier) = (local(five.clone()), local(footer(4, &[])));
    let (later, other) = (local(footer(6, &[])), local(footer(5, &[("a", "2")])));
    assert_eq!(decide(&group, Some(&same)), "Local");
    assert_eq!(decide(&group, Some(&earlier)), "Tail(Offset(400))");
    assert_eq!(decide(&group, None), "Changelog");
    assert_eq!(decide(&group, Some(&other)), "Changelog", "the same number, another state");
    assert_eq!(decide(&group, Some(&later)), "LocalAhead");
    for local in [None, Some(&same), Some(&later)] {
        assert_eq!(decide(&Marked::Nothing, local), "Changelog");
        assert_eq!(decide(&by_hand, local), "Changelog");
    }
    let foreign = epoch(&Footer { topology: "4567".into(), ..five });
    assert_eq!(decide(&foreign, None), "OtherTopology");
}

fn admitted(footer: Option<Footer>, begin_at: Option<Offset>, has_local: bool) -> String {
    let (rows, digest, touched) = Default::default();
    let restored = Restored { footer, rows, digest, changelog_next: Offset(0), begin_at, touched };
    match admit(IDENTITY, &restored, has_local) {
        Ok(()) => "goes on".to_owned(),
        Err(stop) => format!("{stop:?}").split([' ', '(']).next().unwrap().to_owned(),
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let five = || Some(footer(5, &[]));
    let other = Some(Footer { application: "other".into(), ..footer(5, &[]) });
    let at = Some(Offset(3));
    assert_eq!(admitted(five(), None, true), "goes on");
    assert_eq!(admitted(five(), None, false), "goes on");
    assert_eq!(admitted(None, None, false), "goes on");
    assert_eq!(admitted(None, at, false), "goes on");
    assert_eq!(admitted(five(), at, false), "OffsetsSetByHand");
    assert_eq!(admitted(five(), at, true), "OffsetsSetByHand");
    assert_eq!(admitted(None, at, true), "OffsetsSetByHand");
    assert_eq!(admitted(None, None, true), "OtherCluster");
    assert_eq!(admitted(other, None, true), "OtherTopology");
}

/// A changelog in words: `a=1` is a row, `a-` its end, `|` a footer of the next epoch over the rows so far, `.` the end.
struct Changelog {
    restoration: Option<Box<Restoration>>,
    offset: u64,
    sequence: u64,
    rows: Vec<(String, String)>,
    said: String,
    restored: Option<Restored>,
}

impl Changelog {
    fn of(marked: &Marked, local: Option<LocalFooter>, rows: Rows<'_>) -> Changelog {
        let own = |(key, row): &(&str, &str)| ((*key).to_owned(), (*row).to_owned());
        let bytes =
            rows.iter().map(|(key, row)| (2, key.as_bytes().to_vec(), row.as_bytes().to_vec())).collect();
        let sequence = local.as_ref().map_or(0, |local| local.footer.sequence);
        Changelog {
            restoration: Some(Box::new(Restoration::new(marked, local, bytes))),
            offset: 0,
            sequence,
            rows: rows.iter().map(own).collect(),
            said: String::new(),
            restored: None,
        }
    }

    fn reads(mut self, words: &str) -> Changelog {
        for word in words.split_whitespace() {
            let Some(restoration) = self.restoration.take() else { break };
            let offset = Offset(self.offset);
            self.offset += 1;
            let key = |key: &str| [&[ROW_TAG, 2], key.as_bytes()].concat();
            let (step, rest) = match (word, word.split_once('='), word.strip_suffix('-')) {
                (".", _, _) => restoration.take(ChangelogEvent::End),
                ("?", _, _) => {
                    restoration.take(ChangelogEvent::Record { offset, key: FOOTER_KEY, value: Some(b"?") })
                }
                ("|", _, _) => {
                    self.sequence += 1;
                    let rows: Vec<_> =
                        self.rows.iter().map(|(key, row)| (key.as_str(), row.as_str())).collect();
                    let bytes = footer(self.sequence, &rows).to_bytes();
                    restoration.take(ChangelogEvent::Record { offset, key: FOOTER_KEY, value: Some(&bytes) })
                }
                (_, Some((name, row)), _) => {
                    self.rows.retain(|(other, _)| other != name);
                    self.rows.push((name.to_owned(), row.to_owned()));
                    let value = Some(row.as_bytes());
                    restoration.take(ChangelogEvent::Record { offset, key: &key(name), value })
                }
                (_, _, name) => {
                    let name = name.unwrap();
                    self.rows.retain(|(other, _)| other != name);
                    restoration.take(ChangelogEvent::Record { offset, key: &key(name), value: None })
                }
            };
            self.restoration = rest;
            self.said = format!("{step:?}").split(['(', ' ']).next().unwrap().to_owned();
            if let Step::Done(restored) = step {
                self.restored = Some(*restored);
            }
        }
        self
    }

    /// What was said last, and the rows.
    fn gives(&self, said: &str, rows: Rows<'_>) {
        assert_eq!(self.said, said);
        let Some(restored) = &self.restored else {
            assert!(rows.is_empty());
            return;
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let found: Vec<_> = restored.rows.iter().map(|((_, key), row)| (text(key), text(row))).collect();
        let found: Vec<_> = found.iter().map(|(key, row)| (key.as_str(), row.as_str())).collect();
        assert_eq!(found, rows);
    }
}

#[test]
fn the_whole_changelog_gives_the_rows_of_the_committed_epoch() {
    let two = epoch(&footer(2, &[("a", "2"), ("c", "1")]));
    Changelog::of(&two, None, &[]).reads("a=1 b=1 | a=2 b- c=1").gives("More", &[]);
    Changelog::of(&two, None, &[]).reads("a=1 b=1 | a=2 b- c=1 |").gives("Done", &[("a", "2"), ("c", "1")]);
}

#[test]
fn a_tail_goes_on_from_the_rows_of_the_store() {
    let rows: Rows<'_> = &[("a", "1"), ("b", "1")];
    let two = epoch(&footer(2, &[("a", "2")]));
    let changelog = Changelog::of(&two, Some(local(footer(1, rows))), rows).reads("a=2 b- |");
    changelog.gives("Done", &[("a", "2")]);
    assert_eq!(changelog.restored.unwrap().changelog_next, Offset(3));
}

#[test]
fn a_tail_whose_deletions_were_compacted_away_is_torn() {
    let rows: Rows<'_> = &[("a", "1"), ("b", "1")];
    let two = epoch(&footer(2, &[("a", "2")]));
    let mut changelog = Changelog::of(&two, Some(local(footer(1, rows))), rows);
    changelog.rows.clear();
    changelog.reads("a=2 |").gives("Torn", &[]);
}

#[test]
fn a_changelog_that_ends_too_early_is_waited_for() {
    let two = epoch(&footer(2, &[("a", "2")]));
    let changelog = Changelog::of(&two, None, &[]).reads("a=1 | .");
    changelog.gives("Missing", &[]);
    changelog.reads("a=2 . |").gives("Done", &[("a", "2")]);
}

#[test]
fn a_changelog_that_goes_on_beyond_makes_the_group_be_asked_again() {
    let two = epoch(&footer(2, &[("a", "2")]));
    let mut compacted = Changelog::of(&two, None, &[]);
    compacted.sequence = 2;
    compacted.reads("a=3 |").gives("AskAgain", &[]);
}

#[test]
fn a_footer_that_cannot_be_read_is_torn() {
    Changelog::of(&Marked::Nothing, None, &[]).reads("a=1 ?").gives("Torn", &[]);
}

#[test]
fn without_an_offset_the_last_footer_counts_and_nothing_after_it() {
    let changelog = || Changelog::of(&Marked::Nothing, None, &[]);
    changelog().reads(".").gives("Done", &[]);
    changelog().reads("a=1 | a=2 | .").gives("Done", &[("a", "2")]);
    let torn = changelog().reads("a=1 | a=2 b=1 .");
    torn.gives("Done", &[("a", "1")]);
    assert_eq!(torn.restored.unwrap().footer.unwrap().sequence, 1);
}

#[test]
fn breaking_rows_count_at_footer_is_noticed() {
    break_rule(Some(Rule::RowsCountAtFooter));
    let torn = Changelog::of(&Marked::Nothing, None, &[]).reads("a=1 | a=2 b=1 .");
    break_rule(None);
    torn.gives("Torn", &[]);
}

#[test]
fn a_start_that_was_set_by_hand_is_told() {
    let changelog = Changelog::of(&Marked::ByHand(Offset(9)), None, &[]).reads(".");
    assert_eq!(changelog.restored.unwrap().begin_at, Some(Offset(9)));
}

#[test]
fn rows_of_the_store_that_are_not_those_of_the_epoch_are_torn() {
    let rows: Rows<'_> = &[("a", "1")];
    let one = footer(1, rows);
    let restoration = |rows: Vec<_>| Restoration::new(&epoch(&one), Some(local(one.clone())), rows).local();
    assert!(matches!(restoration(vec![(2, b"a".to_vec(), b"1".to_vec())]), Step::Done(_)));
    assert!(matches!(restoration(vec![(2, b"a".to_vec(), b"2".to_vec())]), Step::Torn(_)));
    assert!(matches!(restoration(Vec::new()), Step::Torn(_)));
}

#[test]
fn footers_come_back_from_their_bytes() {
    let five = footer(5, &[("a", "1")]);
    assert_eq!(Footer::from_bytes(&five.to_bytes()), Ok(five.clone()));
    let kept = local(five);
    assert_eq!(LocalFooter::from_bytes(&kept.to_bytes()), Ok(kept.clone()));
    assert!(LocalFooter::from_bytes(&kept.to_bytes()[..9]).is_err());
    assert!(Footer::from_bytes(b"").is_err());
}

#[test]
fn a_stop_says_what_to_do() {
    let stop = Stop::LocalAhead { task: IDENTITY.task, local: 7, group: 5 };
    let text = stop.to_string();
    for part in ["detect-3", "epoch 7", "only at 5", "`tidewatch reset`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_store_is_changed_where_the_tail_says_something_else() {
    let local = footer(4, &[("a", "1"), ("b", "1"), ("c", "1")]);
    let five = footer(5, &[("a", "1"), ("b", "2"), ("d", "1")]);
    let read = Changelog::of(&epoch(&five), Some(self::local(local)), &[("a", "1"), ("b", "1"), ("c", "1")])
        .reads("b=2 c- d=0 d=1 |");
    let Restored { rows, touched, .. } = read.restored.unwrap();
    let rows: Vec<Row> = rows.into_iter().map(|((table, key), row)| (table, key, row)).collect();
    let words = |touched| -> Vec<String> {
        let said = changes(rows.clone(), touched).into_iter().map(|change| {
            let row = change.row.map(|row| String::from_utf8(row).unwrap());
            format!("{}={}", String::from_utf8(change.key).unwrap(), row.unwrap_or_default())
        });
        said.collect()
    };
    assert_eq!(words(Some(touched)), ["b=2", "d=1", "c="]);
    assert_eq!(words(None), ["a=1", "b=2", "d=1"], "an empty store takes all");
}
