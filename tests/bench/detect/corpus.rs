//! Series with labels: the Numenta Anomaly Benchmark from a folder, and made ones.

use std::fs;
use std::path::Path;

use tidewatch::flow::time::EventTime;

/// Values with their times, and what is labelled in them.
pub(crate) struct Labelled {
    pub(crate) name: String,
    pub(crate) rows: Vec<(EventTime, f64)>,
    /// First and last row.
    pub(crate) windows: Vec<(usize, usize)>,
}

/// The files of the benchmark that are in a folder, in the order of their names.
pub(crate) fn nab(folder: &Path) -> Vec<Labelled> {
    let labels = fs::read_to_string(folder.join("labels/combined_windows.json")).unwrap();
    let labels: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&labels).unwrap();
    let mut names: Vec<&String> = labels.keys().collect();
    names.sort();
    names.into_iter().map(|name| file(&folder.join("data"), name, &labels[name])).collect()
}

/// Made series from a folder: the quiet ones, then those with something injected; `labels.json` says where.
pub(crate) fn made(folder: &Path) -> (Vec<Labelled>, Vec<Labelled>) {
    let labels = fs::read_to_string(folder.join("labels.json")).unwrap();
    let labels: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&labels).unwrap();
    let mut quiet: Vec<String> = (fs::read_dir(folder.join("quiet")).unwrap())
        .map(|entry| format!("quiet/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    quiet.sort();
    let none = serde_json::json!([]);
    let read = |name: &String| file(folder, name, labels.get(name).unwrap_or(&none));
    (quiet.iter().map(read).collect(), labels.keys().map(read).collect())
}

fn file(folder: &Path, name: &str, windows: &serde_json::Value) -> Labelled {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let rows: Vec<(EventTime, f64)> = (text.lines().skip(1))
        .map(|line| {
            let (time, value) = line.split_once(',').unwrap();
            (EventTime::parse(&time.as_bytes()[..19]).unwrap(), value.trim().parse().unwrap())
        })
        .collect();
    let row = |time: &serde_json::Value| {
        let time = EventTime::parse(&time.as_str().unwrap().as_bytes()[..19]).unwrap();
        rows.iter().position(|(at, _)| *at == time).unwrap()
    };
    let windows = windows.as_array().unwrap().iter().map(|pair| (row(&pair[0]), row(&pair[1]))).collect();
    Labelled { name: name.to_owned(), rows, windows }
}
