//! How much of what is learned is written, and when.

use super::*;
use crate::flow::record::{Extent, Format, Origin};

/// Windows of a minute in which a z-score is learned of each entity.
fn learning(keeping: Keeping) -> Detection {
    let text = "name = \"t\"\n[window]\nsize = \"1m\"\ngrace = \"0s\"\n[[metric]]\nname = \"cpu\"\n[[metric]]\nname = \"load\"\n\
                [[detect]]\nkind = \"z-score\"\n";
    Detection::new(&crate::topology::parse(text).expect("it is a good topology").detection(false, keeping))
}

/// Bytes of input and of learned rows, epoch by epoch: a minute of 40 entities each, with a reading apiece.
fn bytes(share: f64) -> Vec<(usize, Vec<usize>)> {
    let mut flow = learning(Keeping::Checkpoints { share });
    let minute = |minute: u64| {
        let mut records = Vec::new();
        for entity in 0..40 {
            let time = 1_767_225_600 + minute * 60 + entity;
            let value = format!(r#"{{"timestamp":{time},"cpu":{},"load":2.5}}"#, minute % 7);
            records.push((format!("host-{entity:04}").into_bytes(), value.into_bytes()));
        }
        records
    };
    let mut epochs = Vec::new();
    for number in 0..60 {
        let records = minute(number);
        for (key, value) in &records {
            flow.process(&[RawRecord {
                offset: Offset(number),
                origin: Origin::default(),
                key: Some(key),
                value,
                format: Format::Json,
                extent: Extent::Whole,
            }]);
        }
        let epoch = flow.epoch(Offset(number + 1));
        let rows = epoch.changes.iter().filter(|change| change.table == FIRST_DETECTOR);
        let rows = rows.map(|change| change.key.len() + change.row.as_ref().map_or(0, Vec::len)).collect();
        epochs.push((records.iter().map(|(key, value)| key.len() + value.len()).sum(), rows));
    }
    epochs
}

#[test]
fn rows_take_their_share_of_the_inputs_bytes_and_no_more() {
    for share in [0.05, 0.2] {
        let (mut taken, mut written, mut largest) = (0, 0, 0);
        for (input, rows) in bytes(share) {
            taken += input;
            written += rows.iter().sum::<usize>();
            largest = rows.into_iter().max().unwrap_or(0).max(largest);
            // The last one may be larger than what was left.
            assert!(written as f64 <= share * taken as f64 + largest as f64, "{share}: {written} of {taken}");
        }
        assert!(written as f64 > share * taken as f64 - largest as f64, "{share}: {written} of {taken}");
        assert!(written > 10 * largest, "{share}: {written}");
    }
}

#[test]
fn where_there_is_room_every_row_is_written_with_its_window() {
    let epochs = bytes(5.0);
    // A minute's windows close with the next one's readings.
    assert!(epochs[1..].iter().all(|(_, rows)| rows.len() == 40), "{epochs:?}");
}
