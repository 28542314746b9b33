//! The flow from bytes: however it is batched, and wherever it is stopped and gone on with, it says the same.

use std::collections::BTreeMap;

use tidewatch::flow::detection::{Detection, DetectionSettings, Keeping};
use tidewatch::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use tidewatch::flow::{Epoch, Flow};
use tidewatch::run::stream::footer::{Footer, LocalFooter, Marked};
use tidewatch::topology;

/// Everything that is learned, with windows of a few readings. Room for everybody: who is refused at `max_entities` after a restart is
/// where exactness ends.
const TOPOLOGY: &str = r#"
name = "fuzz"
[source]
keyed_by = "entity"
[window]
size = "30s"
grace = "5s"
forget = "10m"
[[metric]]
name = "load"
optional = true
[[metric]]
name = "rate"
optional = true
[services]
required = false
[[detect]]
kind = "novelty"
[[detect]]
kind = "forecast"
[[detect]]
kind = "z-score"
baseline = "history"
[[detect]]
kind = "silence"
after = "2m"
[incident]
resolve_after = "1m"
[sink]
emit = "all"
"#;

fn settings(keeping: Keeping) -> DetectionSettings {
    topology::parse(TOPOLOGY).expect("it is a good topology").detection(true, keeping)
}

type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

fn keep(rows: &mut Rows, epoch: &Epoch) {
    for change in &epoch.changes {
        let key = (change.table, change.key.clone());
        match &change.row {
            Some(row) => rows.insert(key, row.clone()),
            None => rows.remove(&key),
        };
    }
}

/// Three bytes a record: whose and what, how much later, which value. Now and then one that is no reading.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut now = 0_i64;
    let line = |part: &[u8; 3]| {
        let [what, later, value] = *part;
        now += i64::from(later) - 20;
        let seconds = now.rem_euclid(86_400);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let metric = if what & 8 == 0 { "load" } else { "rate" };
        let number = match what >> 5 {
            0 => f64::from(value) * 1e30,
            1 => f64::from(value) * -1e-30,
            2 => -f64::from(value),
            _ => f64::from(value),
        };
        if what == 0 {
            return b"{\"entity\":".to_vec();
        }
        if what >= 0xF0 {
            return said(what % 8, value);
        }
        format!(
            "{{\"entity\":\"e{}\",\"timestamp\":\"2026-01-01T{hour:02}:{minute:02}:{second:02}Z\",\"{metric}\":{number:e}}}",
            what % 8
        )
        .into_bytes()
    };
    bytes.as_chunks::<3>().0.iter().take(300).map(line).collect()
}

/// What somebody says of an entity.
fn said(entity: u8, what: u8) -> Vec<u8> {
    let to = u32::from(what >> 2) * 8;
    let said = match what & 3 {
        0 => format!(
            r#""expected","finding":{{"metric":"load","value":{to},"expected":{{"low":-1,"high":1}}}}"#
        ),
        1 => format!(r#""mute","metric":"rate","until":"2026-01-01T{:02}:00:00Z""#, what >> 2),
        2 => r#""unmute""#.to_owned(),
        _ => format!(r#""confirmed","incident":"{what}","note":"it was so""#),
    };
    format!(r#"{{"tidewatch":{said},"entity":"e{entity}"}}"#).into_bytes()
}

fn raw(values: &[Vec<u8>], from: usize) -> Vec<RawRecord<'_>> {
    let all = values.iter().enumerate().skip(from);
    all.map(|(at, value)| RawRecord {
        offset: Offset(at as u64),
        origin: Origin { input: 0, position: at as u64, line: 0 },
        key: None,
        value,
        format: Format::Json,
        extent: Extent::Whole,
    })
    .collect()
}

/// Outputs and scores of all records, in epochs of so many records, with a restart after `crash` of them.
fn told(
    values: &[Vec<u8>],
    portion: usize,
    crash: Option<usize>,
    keeping: Keeping,
) -> (Vec<String>, Vec<u8>) {
    let settings = settings(keeping);
    let (mut flow, mut rows) = (Detection::new(&settings), Rows::new());
    let (mut outputs, mut scores, mut at) = (Vec::new(), Vec::new(), 0);
    let mut crash = crash;
    loop {
        let end = (at + portion).min(values.len());
        flow.process(&raw(&values[..end], at));
        if end == values.len() {
            flow.finish();
        }
        let epoch = flow.epoch(Offset(end as u64));
        keep(&mut rows, &epoch);
        outputs.extend(epoch.outputs.iter().map(|output| {
            assert!(!output.value.windows(3).any(|part| part == b"NaN" || part == b"inf"));
            format!("{output:?}")
        }));
        scores.extend_from_slice(&epoch.scores);
        at = end;
        if at == values.len() {
            return (outputs, scores);
        }
        if crash.take_if(|crash| *crash <= at).is_some() {
            flow = Detection::new(&settings);
            let kept: Vec<_> =
                rows.iter().map(|((table, key), row)| (*table, key.clone(), row.clone())).collect();
            flow.restore(&epoch.position, &kept).expect("it reads what it wrote");
            flow.refill(&raw(&values[..at], epoch.replay_from.0 as usize));
        }
    }
}

/// The first two bytes say how records are portioned and where a restart is; the rest are readings.
pub fn flow(bytes: &[u8]) {
    let [portion, crash, rest @ ..] = bytes else { return };
    let values = records(rest);
    if values.is_empty() {
        return;
    }
    let whole = told(&values, values.len(), None, Keeping::Nothing);
    let portion = 1 + *portion as usize % 16;
    assert!(whole == told(&values, portion, None, Keeping::Everything), "portions of {portion}");
    let crash = 1 + *crash as usize % values.len();
    for keeping in [Keeping::Everything, Keeping::Checkpoints { share: 0.2 }] {
        assert!(
            whole == told(&values, portion, Some(crash), keeping),
            "a restart after {crash}, {keeping:?}"
        );
    }
}

/// Rows, positions, footers and marks that nobody wrote: refused, or taken without harm.
pub fn restored(bytes: &[u8]) {
    if let Ok(footer) = Footer::from_bytes(bytes) {
        assert_eq!(Footer::from_bytes(&footer.to_bytes()), Ok(footer));
    }
    let _ = LocalFooter::from_bytes(bytes);
    if let Ok(metadata) = std::str::from_utf8(bytes) {
        let committed = tidewatch::edge::ports::Committed { next: Offset(7), metadata: metadata.to_owned() };
        if let Marked::Epoch(_, mark) = Marked::read(Some(committed)) {
            let _ = mark.position();
        }
    }
    let [table, length, rest @ ..] = bytes else { return };
    let (key, rest) = rest.split_at((*length as usize % 24).min(rest.len()));
    let settings = settings(Keeping::Everything);
    let values = records(&[9, 30, 7, 1, 21, 5, 17, 40, 200, 9, 90, 1, 1, 90, 1, 17, 90, 1]);
    let mut origin = Detection::new(&settings);
    origin.process(&raw(&values, 0));
    let epoch = origin.epoch(Offset(values.len() as u64));
    let mut rows = Rows::new();
    keep(&mut rows, &epoch);
    let rows: Vec<_> = rows.into_iter().map(|((table, key), row)| (table, key, row)).collect();
    // A position that is not one; then one row that is not one, among those that are.
    let mut flow = Detection::new(&settings);
    if flow.restore(bytes, &rows).is_ok() {
        flow.process(&raw(&values, 0));
    }
    let mut strange = rows.clone();
    let key = if length & 128 == 0 { key.to_vec() } else { b"e1".to_vec() };
    strange.retain(|(number, name, _)| (number, name) != (table, &key));
    strange.push((*table, key, rest.to_vec()));
    let mut flow = Detection::new(&settings);
    if flow.restore(&epoch.position, &strange).is_ok() {
        flow.process(&raw(&values, 0));
        flow.finish();
        let _ = flow.epoch(Offset(values.len() as u64));
    }
}
