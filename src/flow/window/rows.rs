//! The memory of all open windows: small chunks that windows take as readings come and give back when they close.
//!
//! One vector a window would grow by doubling and keep what it grew to: at 100,000 entities that copied every reading
//! twice and held twice the memory. Chunks are never moved.
//!
//! ```text
//! window a ─▶ chunk 0 ─▶ chunk 2        slab 0: [chunk 0][chunk 1][chunk 2] …
//! window b ─▶ chunk 1                   slab 1: …
//! ```

/// The number of a chunk.
type Chunk = u32;

/// Rows in a chunk.
const CHUNK_ROWS: usize = 4;
/// Chunks that are allocated at a time.
const SLAB_CHUNKS: usize = 512;
/// No chunk.
const NONE: Chunk = Chunk::MAX;

/// All rows of all open windows.
#[derive(Debug)]
pub(super) struct RowStore {
    /// Words in a row.
    width: usize,
    slabs: Vec<Box<[u64]>>,
    /// By chunk, the one after it in its window.
    next: Vec<Chunk>,
    free: Vec<Chunk>,
}

/// The rows of one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    first: Chunk,
    last: Chunk,
    count: u32,
}

impl Rows {
    /// No rows yet.
    pub(super) const EMPTY: Rows = Rows { first: NONE, last: NONE, count: 0 };

    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.count as usize
    }
}

impl RowStore {
    /// A store of rows of so many words.
    pub(super) fn of_width(width: usize) -> RowStore {
        RowStore { width, slabs: Vec::new(), next: Vec::new(), free: Vec::new() }
    }

    /// Words in a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Appends a row to a window's and hands it over to be filled.
    pub(super) fn push(&mut self, rows: &mut Rows) -> &mut [u64] {
        let place = rows.count as usize % CHUNK_ROWS;
        if place == 0 {
            let chunk = self.take();
            match rows.last {
                NONE => rows.first = chunk,
                last => self.next[last as usize] = chunk,
            }
            rows.last = chunk;
        }
        rows.count += 1;
        let (slab, from) = self.place(rows.last, place);
        &mut self.slabs[slab][from..from + self.width]
    }

    /// Gives a window's rows to `each`, the first to come first, and takes their memory back.
    pub(super) fn release(&mut self, rows: Rows, mut each: impl FnMut(usize, &[u64])) {
        let mut chunk = rows.first;
        for row in 0..rows.len() {
            if row > 0 && row % CHUNK_ROWS == 0 {
                self.free.push(chunk);
                chunk = self.next[chunk as usize];
            }
            let (slab, from) = self.place(chunk, row % CHUNK_ROWS);
            each(row, &self.slabs[slab][from..from + self.width]);
        }
        if chunk != NONE {
            self.free.push(chunk);
        }
    }

    fn place(&self, chunk: Chunk, row: usize) -> (usize, usize) {
        let chunk = chunk as usize;
        (chunk / SLAB_CHUNKS, (chunk % SLAB_CHUNKS * CHUNK_ROWS + row) * self.width)
    }

    fn take(&mut self) -> Chunk {
        if let Some(chunk) = self.free.pop() {
            return chunk;
        }
        let chunk = self.next.len() as Chunk;
        if self.next.len().is_multiple_of(SLAB_CHUNKS) {
            self.slabs.push(vec![0; SLAB_CHUNKS * CHUNK_ROWS * self.width].into());
        }
        self.next.push(NONE);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_grow_in_turn_keep_their_own_rows() {
        let mut store = RowStore::of_width(2);
        for round in 0..3 {
            let mut windows = [Rows::EMPTY; 5];
            for row in 0..3000_u64 {
                let at = (row % 5) as usize;
                store.push(&mut windows[at]).copy_from_slice(&[row, round]);
            }
            for (at, rows) in windows.into_iter().enumerate() {
                let mut seen = Vec::new();
                store.release(rows, |_, row| seen.push((row[0], row[1])));
                let expected: Vec<(u64, u64)> = (0..600).map(|row| (row * 5 + at as u64, round)).collect();
                assert_eq!(seen, expected);
            }
            assert_eq!(store.free.len(), store.next.len(), "everything was given back");
        }
        assert_eq!(store.next.len(), 750, "and used again");
    }
}
