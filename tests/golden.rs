//! The whole flow, a folder a case: `flags` in, `reports.ndjson` out, byte for byte. With TIDEWATCH_UPDATE_GOLDEN=1 the
//! answers are written anew: read the difference before you commit it.

use std::fs;
use std::path::PathBuf;

use crate::support::{Folder, golden};

fn check(case: &str) {
    let folder = golden(&format!("flow/{case}"));
    let flags = fs::read_to_string(folder.join("flags")).unwrap();
    let input = golden("flow/fleet.csv");
    let words = format!("replay {} --format ndjson {}", input.display(), flags.replace('\n', " "));
    let ran = Folder::new().run(&words).fine();
    let answers: PathBuf = folder.join("reports.ndjson");
    if std::env::var_os("TIDEWATCH_UPDATE_GOLDEN").is_some() {
        fs::write(&answers, &ran.out).unwrap();
    }
    let expected = fs::read_to_string(&answers).unwrap_or_default();
    assert!(!expected.is_empty(), "{case} has no answers");
    assert_eq!(ran.out, expected, "{case}");
}

macro_rules! cases {
    ($($name:ident)*) => { $(#[test] fn $name() { check(stringify!($name)); })* };
}

cases! {
    z_score_by_history
    z_score_by_window
    isolation_forest_by_history
    pca_mahalanobis_by_history
    clusters_by_history
    novelty
    novelty_and_forecast
    status
    count_windows
    time_of_the_entity
    whole_file
}
