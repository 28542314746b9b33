//! Texts of users and models, and files: refused with words, or taken with every promise kept.

use std::cell::RefCell;
use std::path::PathBuf;

use tidewatch::edge::files::{Bounds, Inputs, Progress};
use tidewatch::flow::Flow;
use tidewatch::flow::advise::{answer as answers, names::Names};
use tidewatch::flow::detection::{Detection, Keeping};
use tidewatch::flow::record::Offset;
use tidewatch::topology as topologies;

/// A topology file: problems have a message, and what is accepted makes a flow.
pub fn topology(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match topologies::parse(text) {
        Ok(topology) => {
            let _ = Detection::new(&topology.detection(true, Keeping::Everything)).epoch(Offset(0));
        }
        Err(problems) => {
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.message.is_empty()));
        }
    }
}

/// A model's answer: what is accepted names nobody else, and is bounded.
pub fn answer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for pseudonyms in [false, true] {
        let names = Names::new(["host-1", "host-2"].into_iter(), ["database"].into_iter(), pseudonyms);
        match answers::check(text, &names) {
            Ok(recommendations) => {
                assert!((1..=5).contains(&recommendations.len()));
                for one in recommendations {
                    assert!(names.has(&one.target), "{}", one.target);
                    assert!(one.action.len() < 4096 && one.benefit_estimate.len() < 4096);
                    assert!(!one.action.contains("://") && !one.benefit_estimate.contains("://"));
                }
            }
            Err(refused) => {
                assert!(!refused.violations.is_empty());
                assert!(refused.violations.iter().all(|violation| violation.len() < 4096));
            }
        }
    }
}

/// The records of a file read in pieces of so many bytes, and where it broke.
fn records(path: &[PathBuf], buffer_bytes: usize) -> (Vec<String>, usize) {
    let bounds = Bounds { buffer_bytes, record_bytes: 4096 };
    let Ok(mut inputs) = Inputs::open(path, Progress::default(), bounds) else { return (Vec::new(), 0) };
    let mut all = Vec::new();
    while let Ok(batch) = inputs.next_batch(7, &mut |_| None) {
        if batch.is_empty() {
            break;
        }
        all.extend(batch.iter().map(|record| format!("{record:?}")));
    }
    (all, inputs.broken().len())
}

thread_local! {
    /// Where this thread's file lies: in memory, where there is such a place.
    static FILE: RefCell<PathBuf> = RefCell::new({
        let shared = PathBuf::from("/dev/shm");
        let folder = if shared.is_dir() { shared } else { std::env::temp_dir() };
        folder.join(format!("tidewatch-fuzz-{}-{:?}", std::process::id(), std::thread::current().id()))
    });
}

/// A file: read in small pieces it has the records it has when it is read at once.
pub fn file(bytes: &[u8]) {
    FILE.with_borrow(|path| {
        std::fs::write(path, bytes).expect("it can be written");
        let path = [path.clone()];
        assert_eq!(records(&path, 64), records(&path, 1 << 16));
        let _ = std::fs::remove_file(&path[0]);
    });
}
