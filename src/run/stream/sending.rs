//! An epoch as records: outputs, then changed rows, then the footer.

use super::blueprint::Blueprint;
use super::footer::{FOOTER_KEY, Footer, ROW_TAG};
use super::rules::{Rule, holds};
use super::task::{Kept, destination, record_id};
use crate::edge::ports::{Failure, Outgoing, Topic, Transport};
use crate::flow::record::{Output, Reason, Role};
use crate::flow::task::TaskId;

/// Of a record that is too large to be sent, so much goes to the rejected topic.
const KEPT_OF_TOO_LARGE_BYTES: usize = 16 << 10;

/// Sends outputs, then changed rows, then the footer.
pub(super) fn send_epoch<T: Transport>(
    transport: &mut T,
    blueprint: &Blueprint,
    task: TaskId,
    kept: &Kept,
    footer: &Footer,
) -> Result<(), Failure> {
    for (at, output) in kept.epoch.outputs.iter().enumerate() {
        let number = if holds(Rule::NumbersGoOn) { output.number } else { at as u64 };
        let id = record_id(&blueprint.application, task, output.role, number);
        send_output(transport, blueprint, task, output, &id, kept.too_large.contains(&at))?;
    }
    if !Blueprint::learns(task.flow) {
        return Ok(());
    }
    let mut key = Vec::new();
    for change in &kept.epoch.changes {
        key.clear();
        key.extend_from_slice(&[ROW_TAG, change.table]);
        key.extend_from_slice(&change.key);
        transport.send(Outgoing {
            topic: Topic::Changelog(task.flow),
            partition: Some(task.partition),
            key: Some(&key),
            value: change.row.as_deref(),
            headers: &[],
        })?;
    }
    if !holds(Rule::FooterEndsEpoch) {
        return Ok(());
    }
    transport.send_footer(task, FOOTER_KEY, &footer.to_bytes())
}

fn send_output<T: Transport>(
    transport: &mut T,
    blueprint: &Blueprint,
    task: TaskId,
    output: &Output,
    id: &str,
    too_large: bool,
) -> Result<(), Failure> {
    let (topic, partition) = destination(task, output.role);
    let record = |topic, partition, value, headers| Outgoing {
        topic,
        partition,
        key: output.key.as_deref(),
        value: Some(value),
        headers,
    };
    if too_large {
        let detail =
            format!("{} of {} bytes, more than the broker takes", output.role.name(), output.value.len());
        let headers = [
            ("tidewatch-id", id),
            ("tidewatch-reason", Reason::TooLarge.label()),
            ("tidewatch-detail", &detail),
        ];
        let value = &output.value[..output.value.len().min(KEPT_OF_TOO_LARGE_BYTES)];
        return transport.send(record(Topic::Output(Role::Rejected), None, value, &headers));
    }
    match &output.refused {
        None => transport.send(record(topic, partition, &output.value, &[("tidewatch-id", id)])),
        Some((rejection, origin)) => {
            let source = format!("{}/{}/{}", blueprint.input(task.flow), task.partition, origin.position);
            let headers = [
                ("tidewatch-id", id),
                ("tidewatch-reason", rejection.reason.label()),
                ("tidewatch-detail", &rejection.detail),
                ("tidewatch-source", &source),
            ];
            transport.send(record(topic, partition, &output.value, &headers))
        }
    }
}
