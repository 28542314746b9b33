//! What keeps people from using a page, as axe-core sees it.

use std::path::PathBuf;

use super::chromium::Chromium;

/// Its text; fails where all services are required.
fn script() -> Option<String> {
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    let found = std::fs::read_to_string(cache.join("tidewatch-test/axe-1/axe.min.js")).ok();
    if found.is_none() {
        let required = std::env::var("TIDEWATCH_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "this needs axe-core, as tests/browser/fetch gets it");
        eprintln!("skipped: axe-core is not there, tests/browser/fetch gets it");
    }
    found
}

/// There is nothing serious or critical on the page as it stands.
pub fn check(browser: &Chromium, what: &str) {
    let Some(script) = script() else { return };
    browser.value(&format!("if (typeof axe === 'undefined') {{ {script} }}; 0"));
    let found = browser.value(
        "axe.run(document, {resultTypes: ['violations']}).then((said) => said.violations\
         .filter((one) => ['serious', 'critical'].includes(one.impact))\
         .map((one) => one.id + ': ' + one.nodes.slice(0, 5).map((node) => node.target.join(' ') + ' (' + (node.any[0] || \
         node.all[0] || node.none[0] || {}).message + ')').join('; ')))",
    );
    let found = found.as_array().cloned();
    assert_eq!(found, Some(Vec::new()), "{what}");
}
