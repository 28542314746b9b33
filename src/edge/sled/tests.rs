//! Rows that come back, and stores that cannot.

use super::*;
use crate::edge::scratch::Scratch;

type Rows = Vec<(u8, Vec<u8>, Vec<u8>)>;

fn rows(store: &Sled) -> Rows {
    let mut rows = Rows::new();
    store.rows(&mut |table, key, row| rows.push((table, key.into(), row.into()))).unwrap();
    rows
}

fn change(table: u8, key: &str, row: Option<&str>) -> Change {
    Change { table, key: key.into(), row: row.map(Into::into) }
}

#[test]
fn rows_and_footer_come_back_in_order() {
    let scratch = Scratch::new();
    let dir = scratch.path().join("state");
    let mut store = Sled::open(&dir).unwrap().store;
    assert_eq!(store.footer().unwrap(), None);
    let changes = [change(255, "", Some("z")), change(0, "b", Some("x")), change(0, "a", Some("y"))];
    store.apply(&changes, b"1").unwrap();
    store.apply(&[change(0, "b", None), change(0, "none", None)], b"2").unwrap();
    drop(store);

    let opened = Sled::open(&dir).unwrap();
    assert_eq!(opened.set_aside, None);
    let expected: Rows = vec![(0, b"a".into(), b"y".into()), (255, b"".into(), b"z".into())];
    assert_eq!(rows(&opened.store), expected);
    assert_eq!(opened.store.footer().unwrap().unwrap(), b"2");
}

#[test]
fn a_dropped_store_can_be_opened_at_once() {
    let scratch = Scratch::new();
    for round in 0..40_u8 {
        let mut store = Sled::open(scratch.path()).unwrap().store;
        assert_eq!(store.footer().unwrap(), round.checked_sub(1).map(|before| vec![before]));
        store.apply(&[change(1, "key", Some(&"row".repeat(2000)))], &[round]).unwrap();
    }
}

#[test]
fn a_store_is_open_once_only() {
    let scratch = Scratch::new();
    let _first = Sled::open(scratch.path()).unwrap();
    let refused = Sled::open(scratch.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    assert!(refused.to_string().ends_with(": locked by another process"), "{refused}");
}

#[test]
fn a_newer_format_is_refused_by_number() {
    let scratch = Scratch::new();
    scratch.file("format", b"7\n");
    let refused = Sled::open(scratch.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 7, known: 2, .. }), "{refused}");
}

/// Makes a store of some size, damages it, and expects it set aside and an empty one in its place.
fn check_damaged(damage: impl Fn(&Path)) {
    let scratch = Scratch::new();
    let dir = scratch.path().join("state");
    for round in 0..3 {
        let aside = scratch.path().join(format!("state.damaged-{round}"));
        let mut opened = Sled::open(&dir).unwrap();
        assert_eq!(opened.set_aside, (round > 0).then_some(aside));
        assert!(rows(&opened.store).is_empty() && opened.store.footer().unwrap().is_none());
        for page in 0..20 {
            let row = Some("row".repeat(3000));
            opened.store.apply(&[change(1, &format!("{page}"), row.as_deref())], b"footer").unwrap();
        }
        drop(opened);
        damage(&dir);
    }
}

fn overwrite(dir: &Path, bytes: impl Fn(Vec<u8>) -> Vec<u8>) {
    for entry in std::fs::read_dir(dir.join("rows")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::write(&path, bytes(std::fs::read(&path).unwrap())).unwrap();
        }
    }
}

#[test]
fn a_damaged_store_holds_whole_epochs_or_is_set_aside() {
    for seed in 0..24_usize {
        let scratch = Scratch::new();
        let dir = scratch.path().join("state");
        let mut opened = Sled::open(&dir).unwrap();
        for epoch in 0..40 {
            let row = Some("row".repeat(1500));
            opened.store.apply(&[change(1, &format!("{epoch}"), row.as_deref())], &[epoch]).unwrap();
        }
        drop(opened);
        overwrite(&dir, |mut bytes| {
            let at = seed * 7919 % bytes.len();
            match seed % 3 {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 0xFF,
                _ => bytes[at..].fill(0),
            }
            bytes
        });
        let opened = Sled::open(&dir).unwrap();
        let epochs = opened.store.footer().unwrap().map_or(0, |footer| usize::from(footer[0]) + 1);
        assert_eq!(rows(&opened.store).len(), epochs, "{seed}");
        assert!(opened.set_aside.is_none() || epochs == 0, "{seed}");
    }
}

#[test]
fn a_cache_whose_rows_cannot_be_read_back_says_so_and_is_set_aside_next_time() {
    let scratch = Scratch::new();
    let dir = scratch.path().join("state");
    let mut store = Sled::open_as_cache(&dir).unwrap().store;
    for epoch in 0..100 {
        let row = Some("row".repeat(7000));
        store.apply(&[change(1, &format!("{epoch}"), row.as_deref())], &[epoch]).unwrap();
    }
    drop(store);
    let mut store = Sled::open_as_cache(&dir).unwrap().store;
    // Opening has read the log, and forgets most of it until somebody asks for a row.
    overwrite(&dir, |mut bytes| {
        for byte in &mut bytes {
            *byte ^= 0x5A;
        }
        bytes
    });
    let read = store.rows(&mut |_, _, _| {});
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
    for again in [store.apply(&[], b"footer"), store.clear(), store.footer().map(|_| ())] {
        assert!(matches!(again, Err(StoreError::Damaged { .. })), "{again:?}");
    }
    drop(store);
    let opened = Sled::open_as_cache(&dir).unwrap();
    assert!(opened.set_aside.is_some());
    assert!(rows(&opened.store).is_empty());
}

#[test]
fn a_store_of_garbage_is_set_aside() {
    check_damaged(|dir| overwrite(dir, |bytes| vec![0xAB; bytes.len()]));
}

#[test]
fn a_store_without_its_format_is_set_aside() {
    check_damaged(|dir| std::fs::remove_file(dir.join("format")).unwrap());
}
