//! Takes the pictures in `docs`, of the real page and the real report, with TIDEWATCH_UPDATE_PICTURES=1: look at them before you commit
//! them.

use std::path::Path;

use super::chromium::{Chromium, is_here};
use super::{Demo, LONG};
use crate::support::Folder;

/// Beyond that a picture makes a page slow to load.
const MOST_BYTES: usize = 150_000;

fn take(browser: &Chromium, name: &str) {
    let png = browser.screenshot();
    assert!(png.starts_with(b"\x89PNG") && png.len() < MOST_BYTES, "{name} would have {} bytes", png.len());
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures").join(name), png).unwrap();
}

/// Whether they are to be taken: what happens on the page is held by other tests.
fn are_wanted() -> bool {
    let wanted = std::env::var_os("TIDEWATCH_UPDATE_PICTURES").is_some();
    if !wanted {
        eprintln!("skipped: pictures are taken with TIDEWATCH_UPDATE_PICTURES=1");
    }
    wanted && is_here()
}

#[test]
fn pictures_are_those_of_the_page() {
    if !are_wanted() {
        return;
    }
    let demo = Demo::start("--entities 90 --hours 8 --incidents 8 --speed 600");
    let browser = Chromium::start(1200, 720, "light");
    browser.open(&demo.url);
    browser.until("document.querySelectorAll('#topology .node').length > 0", LONG);
    browser.until("document.querySelectorAll('#open li').length > 1", LONG);
    take(&browser, "overview.png");
    let browser = Chromium::start(1200, 960, "light");
    browser.open(&demo.url);
    browser.until("document.querySelectorAll('#open li').length > 1", LONG);
    // The oldest has most to show.
    browser.value("[...document.querySelectorAll('#open button')].pop().click()");
    browser.until("document.querySelectorAll('#detail .s-band').length > 2", LONG);
    browser.until("document.querySelectorAll('#detail .do-list li').length > 0", LONG);
    take(&browser, "incident.png");
    assert!(browser.complaints.borrow().is_empty(), "{:?}", browser.complaints.borrow());
}

#[test]
fn pictures_are_those_of_the_report() {
    if !are_wanted() {
        return;
    }
    let folder = Folder::new();
    let made = folder.run("generate --entities 30 --hours 6 --incidents 6 --seed 7").fine();
    folder.write("fleet.ndjson", &made.out);
    folder.run("replay fleet.ndjson --out out").fine();
    let browser = Chromium::start(1100, 1000, "light");
    browser.open(&format!("file://{}", folder.file("out/report.html").display()));
    browser.until("document.querySelectorAll('svg.plot').length > 0", LONG);
    take(&browser, "report.png");
}
