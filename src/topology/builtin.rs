//! The topologies that come with the program.

/// Their names, the default first.
pub const BUILTIN_NAMES: [&str; 10] = [
    "infrastructure",
    "minimal",
    "whole-file",
    "message",
    "telegraf",
    "influx",
    "collectd",
    "otlp",
    "prometheus",
    "mapped",
];

/// The TOML text of one.
pub fn builtin(name: &str) -> Option<&'static str> {
    match name {
        "infrastructure" => Some(include_str!("../../topologies/infrastructure.toml")),
        "minimal" => Some(include_str!("../../topologies/minimal.toml")),
        "whole-file" => Some(include_str!("../../topologies/whole-file.toml")),
        "message" => Some(include_str!("../../topologies/message.toml")),
        "telegraf" => Some(include_str!("../../topologies/telegraf.toml")),
        "influx" => Some(include_str!("../../topologies/influx.toml")),
        "collectd" => Some(include_str!("../../topologies/collectd.toml")),
        "otlp" => Some(include_str!("../../topologies/otlp.toml")),
        "prometheus" => Some(include_str!("../../topologies/prometheus.toml")),
        "mapped" => Some(include_str!("../../topologies/mapped.toml")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::keys::{KEYS, SECTIONS, split};
    use crate::topology::parse;

    #[test]
    fn every_built_in_topology_is_right_and_without_warnings() {
        for name in BUILTIN_NAMES {
            let topology =
                parse(builtin(name).unwrap()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert_eq!(topology.name, name);
            assert_eq!(topology.warnings, [], "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_built_in_has_no_text() {
        assert_eq!(builtin("infra"), None);
    }

    /// The sections of `infrastructure.toml`, commented out or not, and the keys in each.
    fn documented() -> Vec<(String, String)> {
        let mut section = String::new();
        let mut found = Vec::new();
        for line in builtin("infrastructure").unwrap().lines() {
            let line = line.strip_prefix("# ").unwrap_or(line);
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_start_matches('[').split(']').next().unwrap_or_default().to_owned();
            } else if let Some((key, _)) = line.split_once(" = ")
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            {
                found.push((section.clone(), key.to_owned()));
            }
        }
        found
    }

    #[test]
    fn infrastructure_documents_every_key_and_no_other() {
        let documented = documented();
        for key in KEYS {
            let (section, name) = split(key.path);
            assert!(documented.contains(&(section.into(), name.into())), "{} is not documented", key.path);
        }
        for (section, name) in &documented {
            let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            let is_kafka = section.starts_with("kafka");
            assert!(
                is_kafka || KEYS.iter().any(|key| key.path == path),
                "{path} is documented but not known"
            );
        }
        for section in SECTIONS {
            let text = builtin("infrastructure").unwrap();
            assert!(text.contains(&format!("[{}", section.name)), "[{}] is not documented", section.name);
        }
    }
}
