//! The flow `route`: records with any key in; readings keyed by their entity, and rejected ones, out.

use super::model::Schema;
use super::record::{Emitted, Offset, Output, RawRecord, Reason, Role};
use super::source::{Decoded, Decoder};
use super::{Counts, Epoch, Flow, Unreadable};

/// The flow at work on one partition.
#[derive(Debug)]
pub struct Route {
    decoder: Decoder,
    outputs: Vec<Output>,
    emitted: Emitted,
    counts: Counts,
}

impl Route {
    /// The flow for readings of that schema; payloads above so many bytes are refused.
    pub fn new(schema: Schema, max_payload_bytes: usize) -> Route {
        let decoder = Decoder::new(schema, max_payload_bytes);
        Route { decoder, outputs: Vec::new(), emitted: Emitted::default(), counts: Counts::default() }
    }
}

impl Flow for Route {
    fn process(&mut self, records: &[RawRecord<'_>]) {
        let Route { decoder, outputs, emitted, counts } = self;
        for record in records {
            counts.records += 1;
            decoder.decode(record, |decoded| {
                let (role, key, value, refused) = match decoded {
                    Decoded::Reading { entity, value, .. } | Decoded::Feedback { entity, value, .. } => {
                        (Role::Readings, Some(entity.as_bytes().to_vec()), value, None)
                    }
                    Decoded::Rejected { value, rejection } => {
                        let place = Reason::ALL.iter().position(|reason| *reason == rejection.reason);
                        counts.rejected[place.expect("every reason is among all")] += 1;
                        let key = record.key.map(<[u8]>::to_vec);
                        (Role::Rejected, key, value, Some((rejection, record.origin)))
                    }
                };
                let number = emitted.take(role);
                outputs.push(Output { role, number, key, value: value.to_vec(), refused });
            });
        }
    }

    fn finish(&mut self) {}

    fn idle(&mut self, _: Offset) {}

    fn epoch(&mut self, next: Offset) -> Epoch {
        Epoch {
            next,
            replay_from: next,
            outputs: std::mem::take(&mut self.outputs),
            position: postcard::to_stdvec(&self.emitted).expect("a position is plain data"),
            counts: std::mem::take(&mut self.counts),
            ..Epoch::default()
        }
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        if !rows.is_empty() {
            return Err(Unreadable);
        }
        self.emitted = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        Ok(())
    }

    fn refill(&mut self, _: &[RawRecord<'_>]) {}
}

#[cfg(test)]
mod tests {
    use super::super::record::{Extent, Format, Origin};
    use super::*;

    fn routed(key: Option<&[u8]>, value: &str) -> Vec<(Role, String, String)> {
        let mut route = Route::new(Schema::native(), 1 << 20);
        let record = RawRecord {
            offset: Offset(0),
            origin: Origin::default(),
            key,
            value: value.as_bytes(),
            format: Format::Json,
            extent: Extent::Whole,
        };
        route.process(&[record]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let outputs = route.epoch(Offset(1)).outputs.into_iter();
        outputs
            .map(|output| (output.role, output.key.map(text).unwrap_or_default(), text(output.value)))
            .collect()
    }

    fn reading(entity: &str) -> String {
        format!(
            r#"{{"timestamp":"2026-01-01T00:00:00Z",{entity}"cpu_usage":1,"memory_usage":1,"latency_ms":1,"disk_usage":1,"network_in_kbps":1,"network_out_kbps":1,"io_wait":1,"thread_count":1,"active_connections":1,"error_rate":1,"uptime_seconds":1,"temperature_celsius":1,"power_consumption_watts":1,"service_status":{{"database":"online","api_gateway":"online","cache":"online"}}}}"#
        )
    }

    #[test]
    fn every_element_of_an_array_leaves_by_itself_under_its_entity() {
        let (a, b) = (reading(r#""entity":"a","#), reading(""));
        let out = routed(Some(b"host-7"), &format!("[{a}, {b}, 5]"));
        let expected = [(Role::Readings, "a".into(), a), (Role::Readings, "host-7".into(), b)];
        assert_eq!(out[..2], expected);
        assert_eq!((out[2].0, out[2].1.as_str(), out[2].2.as_str()), (Role::Rejected, "host-7", "5"));
    }

    #[test]
    fn without_entity_and_key_the_topologys_default_is_the_key() {
        assert_eq!(routed(None, &reading(""))[0].1, "infrastructure");
    }
}
