//! What the fuzzer found worth keeping, again: see `tests/fuzz/run`.

use std::fs;
use std::path::Path;

mod bodies;

#[test]
fn everything_in_the_corpus_keeps_its_promises() {
    for (name, body) in bodies::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // Told when it panics, which names the assertion only.
            println!("{}", path.display());
            body(&fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{}", folder.display());
    }
}
