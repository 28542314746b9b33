//! Every mistake is told, with its place and what was likely meant.

use super::*;

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest_known_one() {
    check(
        "name = \"x\"\n[[detect]]\nkind = \"z-score\"\n\n[window]\nkind = \"tumbling\"\nsise = \"5m\"\n",
        &["line 7: window.sise is not known; did you mean window.size?"],
    );
    check_added("[windw]\nsize = \"5m\"", &["line 3: windw is not known; did you mean window?"]);
    check_added("threshold = 4", &["line 3: threshold is not known; did you mean detect.threshold?"]);
    check_added(
        "[incident]\ncolour = 1",
        &["line 4: incident.colour is not known; incident has resolve_after, reopen_within"],
    );
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    check(
        "[source]\ntopic = 5\nkeyed_by = \"entty\"\n[window]\nsize = \"5 minutes\"\ngrace = 30\n\
         [[detect]]\nkind = \"zscore\"\n[[detect]]\nkind = \"isolation-forest\"\ncontamination = 0.7\ntrees = 0\n",
        &[
            "name is missing: consumer group and internal topics begin with it",
            "line 2: source.topic must be text, not the number 5",
            "line 3: source.keyed_by \"entty\" is not known; did you mean \"entity\"?",
            "line 5: window.size \"5 minutes\": use \"5m\"",
            "line 6: window.grace must be a duration such as \"30s\", not the number 30",
            "line 8: detect.0.kind \"zscore\" is not known; did you mean \"z-score\"?",
            "line 11: detect.1.contamination must be above 0 and at most 0.5, not 0.7",
            "line 12: detect.1.trees must be from 1 to 10000, not 0",
        ],
    );
}

#[test]
fn text_that_is_not_toml_is_told_with_its_line() {
    let problems = parse("name = \"x\"\nsize = = 3\n").unwrap_err();
    assert_eq!(problems[0].line(), Some(2));
}

#[test]
fn what_a_topology_needs_is_missed() {
    check("name = \"x\"\n", &["detect is missing: at least one [[detect]] with a kind is needed"]);
    check("name = \"x\"\n[[detect]]\nthreshold = 3\n", &["line 2: detect.0.kind is missing"]);
    check(
        "name = \"x y\"\n[[detect]]\nkind = \"z-score\"\n",
        &["line 1: name must be 1 to 200 of the characters A-Z a-z 0-9 . _ -, not \"x y\""],
    );
    check_added("detect.x = 1", &["line 3: not TOML: cannot extend value of type array with a dotted key"]);
}

#[test]
fn a_table_in_the_wrong_shape_is_told() {
    check_added("window = 5", &["line 3: window must be a table, [window], not the number 5"]);
    check_added("[metric]\nname = \"v\"", &["line 3: metric is a list of tables, [[metric]], not a table"]);
    check_added("metric = [1]", &["line 3: metric.0 must be a table, not the number 1"]);
    check("name = \"x\"\ndetect = []\n", &["line 2: detect must not be empty"]);
}

#[test]
fn the_size_of_a_window_is_what_its_kind_takes() {
    check_added(
        "[window]\nkind = \"count\"\nsize = \"5m\"",
        &["line 5: window.size must be a number of readings for kind \"count\", not a duration"],
    );
    check_added(
        "[window]\nsize = 5",
        &["line 4: window.size must be a duration such as \"5m\" for kind \"tumbling\", not the number 5"],
    );
    check_added(
        "[window]\nkind = \"count\"",
        &["line 3: window.size is missing: a window of kind \"count\" needs a number of readings"],
    );
    check_added("[window]\nsize = \"0s\"", &["line 4: window.size must be above 0, not \"0s\""]);
    check_added(
        "[window]\nkind = \"cuont\"\nsize = 5",
        &["line 4: window.kind \"cuont\" is not known; did you mean \"count\"?"],
    );
}

#[test]
fn only_windows_of_messages_and_files_gather_all_entities() {
    check_added(
        "[window]\nper_entity = false",
        &["line 4: window.per_entity = false is only for the kinds \"message\" and \"whole\""],
    );
}

#[test]
fn metrics_are_named_once_and_not_like_other_fields() {
    check_added(
        "[[metric]]\nname = \"a\"\n[[metric]]\nname = \"a\"\n[[metric]]\nname = \"timestamp\"\n[[metric]]\nrange = [1, 0]",
        &[
            "line 6: metric.1.name \"a\" is there already",
            "line 8: metric.2.name \"timestamp\" is another field of readings",
            "line 9: metric.3.name is missing",
            "line 10: metric.3.range must be [low, high] with low below high, not [1, 0]",
        ],
    );
    let many: Vec<String> = (0..65).map(|number| format!("[[metric]]\nname = \"m{number}\"\n")).collect();
    check_added(&many.concat(), &["line 3: metric must be at most 64, not 65"]);
}

#[test]
fn no_topic_has_two_roles() {
    check_added(
        "[source]\ntopic = \"t\"\n[sink]\ntopic = \"t\"\nlate = \"x-rejected\"",
        &[
            "line 6: sink.topic \"t\" is also source.topic; every role needs a topic of its own",
            "line 7: sink.late \"x-rejected\" is also sink.rejected; every role needs a topic of its own",
        ],
    );
}

#[test]
fn addresses_and_secrets_are_refused_wherever_they_are() {
    let secret = |place: &str, key: &str, what: &str| {
        format!("{place}{key} is {what}, and a topology holds none: set {{}} in the environment")
    };
    let kafka = secret("line 3: ", "bootstrap.servers", "an address")
        .replace("{}", "TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS");
    check_added("bootstrap.servers = \"b:9092\"", &[&kafka]);
    let sasl = secret("line 4: ", "kafka.client.sasl.password", "a secret")
        .replace("{}", "TIDEWATCH_KAFKA_CLIENT_SASL_PASSWORD");
    check_added("[kafka.client]\nsasl.password = \"x\"", &[&sasl]);
    let model = secret("line 4: ", "advise.api_key", "a secret").replace("{}", "TIDEWATCH_LLM_API_KEY");
    check_added("[advise]\napi_key = \"x\"", &[&model]);
}

#[test]
fn what_was_meant_by_a_slip_is_not_missed_as_well() {
    check(
        "nam = \"x\"\n[[detector]]\nkind = \"z-score\"\n",
        &[
            "line 1: nam is not known; did you mean name?",
            "line 2: detector is not known; did you mean detect?",
        ],
    );
}
