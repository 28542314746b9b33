//! What metrics are fed from: every element of the input is counted once.

use super::faults::Plan;
use super::input;
use super::run::{Run, Setup};
use crate::flow::Counts;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::task::FlowName;

#[test]
fn what_comes_in_is_windowed_late_or_rejected_and_counted_as_in_batch() {
    for seed in 0..40 {
        let setup = Setup::detect(seed, seed, 30);
        let mut run = Run::new(setup.clone(), Plan::Nowhere);
        run.check().unwrap();
        let mut counted = Counts::default();
        for slot in run.world.slots.borrow().iter() {
            counted.add(&slot.borrow().notes.0.lock().unwrap().counts);
        }
        let (mut batch, mut elements) = (Counts::default(), 0);
        for (partition, lines) in setup.lines.iter().enumerate() {
            let mut flow = setup.blueprint.flow(FlowName::Detect);
            for (at, (key, value)) in lines.iter().enumerate() {
                elements += input::elements(value);
                flow.process(&[RawRecord {
                    offset: Offset(at as u64),
                    origin: Origin { input: partition as u32, position: at as u64, line: 0 },
                    key: key.as_deref(),
                    value,
                    format: Format::Json,
                    extent: Extent::Whole,
                }]);
            }
            let read = flow.epoch(Offset(lines.len() as u64)).counts;
            batch.add(&read);
            // What is held back until its time is believed is in neither yet.
            flow.finish();
            let rest = flow.epoch(Offset(lines.len() as u64)).counts;
            let settled = rest.windowed + rest.late + rest.rejected_in_all();
            elements -= settled;
        }
        // How late readings are told from a file in another order is not state.
        batch.late_in_own_order = counted.late_in_own_order;
        let records: usize = setup.lines.iter().map(Vec::len).sum();
        assert_eq!(counted.records, records as u64, "seed {seed}");
        assert_eq!(counted, batch, "seed {seed}");
        assert_eq!(elements, counted.windowed + counted.late + counted.rejected_in_all(), "seed {seed}");
    }
}

#[test]
fn nobody_has_joined_before_it_is_known_what_is_to_be_restored() {
    let mut setup = Setup::detect(0, 7, 20);
    (setup.processes, setup.lines) = (1, setup.lines[..1].to_vec());
    let mut run = Run::new(setup, Plan::Nowhere);
    run.settle().unwrap();
    // Readiness is that every worker has joined, and that nothing is being restored.
    let known = run.world.slots.borrow()[0].borrow().notes.0.lock().unwrap().known_when_joined;
    assert_eq!(known, Some(1));
}
