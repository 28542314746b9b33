//! What must hold for any bytes, a function a target: [`ALL`] for the test that replays the corpus, one each for the fuzzer.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

mod decoding;
mod flowing;
mod outside;

pub use decoding::{csv, readings, samples};
pub use flowing::{flow, restored};
pub use outside::{answer, file, topology};

/// What is done with bytes.
pub type Body = fn(&[u8]);

/// Every body by the name of its target and of its folder in the corpus.
pub const ALL: [(&str, Body); 8] = [
    ("answer", answer),
    ("csv", csv),
    ("file", file),
    ("flow", flow),
    ("readings", readings),
    ("restored", restored),
    ("samples", samples),
    ("topology", topology),
];
