//! The law of shapes: a decoder that has learned gives what one gives that cannot learn.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// One change to a reading's text; the numbers choose where.
#[derive(Clone, Debug)]
enum Mutation {
    None,
    Number(usize, String),
    Text(usize, String),
    Swap(usize, usize),
    Drop(usize),
    Double(usize),
    Blank(usize),
    Byte(usize, u8),
    Cut(usize),
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,4})?",
        2 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        1 => "[-+.0-9eE]{1,6}",
        1 => prop::sample::select(vec!["null", "NaN", "1e999", "-0", "\"5\"", "true", "[]", "{}", "9007199254740993"])
            .prop_map(String::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "online", "offline", "degraded", "asleep", "database", "timestamp", "cache", "cpu_usage", "",
            "2026-01-01T00:00:10Z", "2026-01-01T23:59:60Z", "2026-01-02T24:00:00Z", "2025-12-31T23:59:59.5+01:00",
            "2026-02-29T00:00:00Z", "2026-01-01T00:00:1\\u0030Z", "Zürich", "a\\nb", "\\ud800", "x\u{7f}", "x\u{85}",
        ])
        .prop_map(String::from),
        1 => "2026-0[1-3]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]+)?(Z|z|[+-][0-2][0-9]:00)",
        1 => "host-[0-9]{1,5}",
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => Just(Mutation::None),
        6 => (any::<usize>(), number()).prop_map(|(at, number)| Mutation::Number(at, number)),
        4 => (any::<usize>(), text()).prop_map(|(at, text)| Mutation::Text(at, text)),
        1 => any::<(usize, usize)>().prop_map(|(one, other)| Mutation::Swap(one, other)),
        1 => any::<usize>().prop_map(Mutation::Drop),
        1 => any::<usize>().prop_map(Mutation::Double),
        1 => any::<usize>().prop_map(Mutation::Blank),
        2 => any::<(usize, u8)>().prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => any::<usize>().prop_map(Mutation::Cut),
    ]
}

/// One of the parts of a text that `wanted` chooses, by what stands before it and itself, replaced.
fn replaced(json: &str, at: usize, new: &str, wanted: fn(&str, &str) -> bool) -> String {
    let separator = |letter| matches!(letter, '"' | ',' | '{' | '}' | '[' | ']');
    let starts = json.match_indices(|letter| separator(letter) || letter == ':').map(|(start, _)| start + 1);
    let all: Vec<(usize, usize)> = starts
        .map(|start| (start, start + json[start..].find(separator).unwrap_or(0)))
        .filter(|(start, end)| start < end && wanted(&json[..*start], &json[*start..*end]))
        .collect();
    let Some((start, end)) = all.get(at % all.len().max(1)) else { return json.into() };
    format!("{}{new}{}", &json[..*start], &json[*end..])
}

fn mutated(json: String, mutation: &Mutation) -> Vec<u8> {
    let mut fields: Vec<&str> = json.trim_start_matches('{').split(',').collect();
    let count = fields.len();
    let joined = |fields: &[&str]| format!("{{{}", fields.join(",")).into_bytes();
    match mutation {
        Mutation::None => json.into_bytes(),
        Mutation::Number(at, new) => {
            replaced(&json, *at, new, |before, part| before.ends_with(':') && part.parse::<f64>().is_ok())
                .into_bytes()
        }
        // A shape reads values: names are changed more seldom.
        Mutation::Text(at, new) if at % 8 > 0 => {
            replaced(&json, at / 8, new, |before, _| before.ends_with(":\"")).into_bytes()
        }
        Mutation::Text(at, new) => {
            replaced(&json, at / 8, new, |before, _| before.ends_with('"')).into_bytes()
        }
        Mutation::Swap(one, other) => {
            fields.swap(one % count, other % count);
            joined(&fields)
        }
        Mutation::Drop(at) => {
            fields.remove(at % count);
            joined(&fields)
        }
        Mutation::Double(at) => {
            fields.insert(at % count, fields[at % count]);
            joined(&fields)
        }
        Mutation::Blank(at) => {
            let blanks: Vec<String> =
                fields.iter().map(|field| field.replacen(':', " :\t", at % 2 + 1)).collect();
            format!("{{ {}", blanks.join(", ")).into_bytes()
        }
        Mutation::Byte(at, byte) => {
            let mut bytes = json.into_bytes();
            let place = at % bytes.len();
            bytes[place] = *byte;
            bytes
        }
        Mutation::Cut(at) => json.as_bytes()[..at % json.len()].to_vec(),
    }
}

/// What three kinds of producer send.
fn base() -> impl Strategy<Value = String> {
    let bare =
        NATIVE.replace(r#""entity":"host-00042","#, "").replace("\"2026-01-01T00:00:10Z\"", "1767225610");
    let extra = NATIVE.replace(
        r#""cpu_usage""#,
        r#""tags":{"rack":"a","up":true,"list":[1,null,"é"]},"note":"x","n":1,"cpu_usage""#,
    );
    prop::sample::select(vec![NATIVE.to_owned(), bare, extra])
}

fn schema() -> impl Strategy<Value = Schema> {
    let lenient = || {
        let mut schema = Schema { services: Services::Any, ..Schema::native() };
        schema.metrics.iter_mut().for_each(|metric| metric.optional = true);
        schema
    };
    prop::sample::select(vec![Schema::native(), lenient()])
}

fn reading() -> impl Strategy<Value = Vec<u8>> {
    (base(), mutation(), mutation()).prop_map(|(json, first, second)| {
        let once = mutated(json, &first);
        String::from_utf8(once).map_or_else(std::string::FromUtf8Error::into_bytes, |json| {
            if json.is_empty() { Vec::new() } else { mutated(json, &second) }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_learned_changes_nothing(
        schema in schema(),
        readings in prop::collection::vec(reading(), 1..12),
        keyed: bool,
    ) {
        let key = keyed.then_some(&b"key"[..]);
        let mut learning = Decoder::new(schema.clone(), MAX_PAYLOAD_BYTES);
        let mut general = Decoder::general_only(schema.clone(), MAX_PAYLOAD_BYTES);
        for json in &readings {
            let record = record(key, json, Format::Json);
            let expected = decoded(&mut general, &record);
            prop_assert_eq!(&decoded(&mut learning, &record), &expected);
            if schema.services != Services::Any {
                let mut fresh = Decoder::general_only(schema.clone(), MAX_PAYLOAD_BYTES);
                prop_assert_eq!(&decoded(&mut fresh, &record), &expected);
            }
        }
        prop_assert_eq!(learning.services(), general.services());
    }

    #[test]
    fn what_was_learned_changes_nothing_within_arrays(
        schema in schema(),
        readings in prop::collection::vec(reading(), 1..12),
        enveloped: bool,
    ) {
        let array = [&b"["[..], &readings.join(&b" , "[..]), b"]"].concat();
        let json = if enveloped { [&b"{\"data\":"[..], &array, b"}"].concat() } else { array };
        let record = record(None, &json, Format::Json);
        let mut learning = Decoder::new(schema.clone(), MAX_PAYLOAD_BYTES);
        let mut general = Decoder::general_only(schema, MAX_PAYLOAD_BYTES);
        prop_assert_eq!(decoded(&mut learning, &record), decoded(&mut general, &record));
        prop_assert_eq!(decoded(&mut learning, &record), decoded(&mut general, &record));
    }
}
