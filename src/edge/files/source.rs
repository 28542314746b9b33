//! Where a file's bytes come from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Bounds;
use super::fingerprint::HEAD_BYTES;
use super::progress::{Mark, Shape};

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file that is to be read, from where to where.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Its number among the inputs.
    pub(super) input: u32,
    /// `-` is standard input.
    pub(super) path: PathBuf,
    pub(super) from: Mark,
    /// Records that begin behind this byte are not for this reader.
    pub(super) to: Option<Mark>,
}

/// What a reader needs to begin: the bytes, the CSV header they stand under, the length if there is one.
pub(super) type Source = (Box<dyn Read + Send>, Vec<u8>, Option<u64>);

/// The file standing at the mark, with its CSV header if it goes on behind one, and its length if it has one.
pub(super) fn open(task: &Task, bounds: Bounds) -> io::Result<Source> {
    if task.path == Path::new("-") {
        return Ok((Box::new(io::stdin()), Vec::new(), None));
    }
    let mut file = File::open(&task.path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok((Box::new(file), Vec::new(), None));
    }
    let header =
        if task.from.shape == Some(Shape::Csv) { read_header(&mut file, bounds)? } else { Vec::new() };
    file.seek(SeekFrom::Start(task.from.byte))?;
    Ok((Box::new(file), header, Some(metadata.len())))
}

/// The first line of a file with anything on it.
fn read_header(file: &mut File, bounds: Bounds) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let read = file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes).trim_ascii_start();
        let newline = memchr::memchr(b'\n', text);
        if newline.is_some() || read == 0 || bytes.len() > bounds.record_bytes + HEAD_BYTES {
            return Ok(text[..newline.unwrap_or(text.len())].trim_ascii_end().to_vec());
        }
    }
}
