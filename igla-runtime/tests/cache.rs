//! Entries of caches: what comes back is what was kept, and anything else is refused.

mod block_formats;
mod gemm_support;

use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use block_formats::*;
use gemm_support::noise;
use igla_runtime::blocks::{AnyAffine, BlockMat, Int8Rows, Strips};
use igla_runtime::cache::entry::VERSION;
use igla_runtime::cache::{Cache, Content, Entry, EntryError, Label};
use igla_runtime::weights::{self, Encode, Format, Source};
use igla_runtime::{Ctx, Level, LoadError, Mat, MatMut};
use xxhash_rust::xxh3::xxh3_64;

const KEY: u128 = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;
/// Bytes of a header.
const HEADER: usize = 192;

fn written(strips: &Strips, key: u128) -> Vec<u8> {
    let mut bytes = Vec::new();
    strips.content(|content| content.write(key, &mut bytes)).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Entry, EntryError> {
    Entry::read(&mut &*bytes, bytes.len() as u64, KEY)
}

fn strips<F: IntOracle>(rows: usize, cols: usize) -> Strips {
    let bytes = random::<F>(rows * cols / F::NUMBERS, 7);
    Strips::new(&BlockMat::<F>::new(&bytes, rows, cols).unwrap()).unwrap()
}

fn product(level: Level, m: usize, w: &Strips) -> Vec<f32> {
    let (n, k) = (w.rows(), w.cols());
    let x = noise(m * k, 3);
    let mut ctx = Ctx::with(level, 2);
    let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(m, k));
    let rows = par.int8_rows(Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap(), &mut scratch);
    let mut c = vec![f32::NAN; m * n];
    par.gemm_int8(&rows, AnyAffine::from(w), MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
    c
}

fn comes_back<F: IntOracle>() {
    let folder = tempfile(F::NAME);
    for (rows, blocks) in [(0, 1), (1, 0), (1, 1), (8, 2), (37, 3)] {
        let cols = blocks * F::NUMBERS;
        let made = strips::<F>(rows, cols);
        let bytes = written(&made, KEY);
        assert_eq!(bytes.len() - HEADER, {
            let codes = made.content(|content| content.parts[0].len());
            codes.next_multiple_of(64) + made.bytes() - codes
        });
        fs::write(&folder, &bytes).unwrap();
        let mut entries = vec![read(&bytes).unwrap(), Entry::open(&folder, KEY).unwrap()];
        readonly(&folder);
        entries.push(Entry::open(&folder, KEY).unwrap());
        fs::remove_file(&folder).unwrap();
        for entry in entries {
            let kept = Strips::kept::<F>(&entry, [rows, cols]).unwrap();
            drop(entry);
            assert_eq!((kept.rows(), kept.cols(), kept.bytes()), (rows, cols, made.bytes()));
            assert_eq!(written(&kept, KEY), bytes, "{}", F::NAME);
            for &level in Level::available() {
                for m in [1, 5] {
                    let bits = |c: Vec<f32>| c.iter().map(|c| c.to_bits()).collect::<Vec<_>>();
                    let (made, kept) = (product(level, m, &made), product(level, m, &kept));
                    assert_eq!(bits(made), bits(kept), "{} {level} {rows} × {cols}", F::NAME);
                }
            }
        }
    }
}

#[test]
fn strips_come_back_and_multiply_alike() {
    comes_back::<Q8_0>();
    comes_back::<Q4_0>();
    comes_back::<Q4_1>();
    comes_back::<Q5_0>();
    comes_back::<Ternary2>();
    comes_back::<Three>();
}

/// A path of this process.
fn tempfile(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("igla-runtime-cache-{}-{name}", std::process::id()))
}

/// As an application makes entries, so that they are mapped.
fn readonly(path: &std::path::Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
}

#[test]
fn whatever_is_cut_flipped_or_added_is_refused() {
    let bytes = written(&strips::<Q4_0>(9, 32), KEY);
    assert!(read(&bytes).is_ok());
    for len in 0..bytes.len() {
        let error = read(&bytes[..len]).unwrap_err();
        assert!(matches!(error, EntryError::Length { found, .. } if found == len as u64), "{len}: {error}");
        // A file that is shorter than its system says.
        assert!(Entry::read(&mut &bytes[..len], bytes.len() as u64, KEY).is_err(), "{len}");
    }
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = read(&flipped).unwrap_err();
        let expected = match bit / 64 {
            0 => matches!(error, EntryError::Foreign),
            1 => matches!(error, EntryError::Other { what: "version", .. }),
            2 => matches!(error, EntryError::ByteOrder),
            3..24 => matches!(error, EntryError::Damaged { what: "header" }),
            _ => matches!(error, EntryError::Damaged { what: "content" }),
        };
        assert!(expected, "bit {bit}: {error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(read(&longer), Err(EntryError::Length { .. })));
    let moved = [&[0], &bytes[..]].concat();
    assert!(matches!(read(&moved), Err(EntryError::Foreign)));
    assert!(matches!(Entry::read(&mut &bytes[..], bytes.len() as u64, KEY + 1), Err(EntryError::Key)));
    assert!(matches!(Entry::open(&tempfile("none"), KEY), Err(EntryError::Io(_))));
    assert!(matches!(read(&[b'x'; 1000]), Err(EntryError::Foreign)));
}

/// The entry with one word of its header replaced, and checksums that fit.
fn forged(bytes: &[u8], word: usize, value: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[8 * word..8 * word + 8].copy_from_slice(&value.to_le_bytes());
    let sum = xxh3_64(&bytes[..HEADER - 8]);
    bytes[HEADER - 8..HEADER].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn headers_that_fit_their_checksum_lead_nowhere_either() {
    let bytes = written(&strips::<Q4_0>(9, 64), KEY);
    let word = |n: usize| u64::from_le_bytes(bytes[8 * n..][..8].try_into().unwrap());
    assert_eq!((word(6), word(7)), (9, 64), "rows and columns");
    let values = [0, 1, 2, 31, 63, 64, 65, 1 << 31, 1 << 32, u64::MAX / 2, u64::MAX - 63, u64::MAX];
    for n in 0..23 {
        for value in values.into_iter().chain([word(n) ^ 1, word(n) + 64, word(n).wrapping_sub(64)]) {
            if value == word(n) {
                continue;
            }
            let found = read(&forged(&bytes, n, value)).map(|entry| Strips::kept::<Q4_0>(&entry, [9, 64]));
            // Words from 16 on mean nothing, yet.
            assert_eq!(matches!(found, Ok(Ok(_))), n >= 16, "word {n} is {value}: {found:?}");
        }
    }
    // Parts that together have the right size.
    let mut moved = forged(&bytes, 13, word(13) - 64);
    moved = forged(&moved, 14, word(14) + 64);
    assert!(Strips::kept::<Q4_0>(&read(&moved).unwrap(), [9, 64]).is_err());
}

#[test]
fn strips_of_something_else_are_refused() {
    let entry = |bytes: Vec<u8>| read(&bytes).unwrap();
    let q4 = entry(written(&strips::<Q4_0>(9, 64), KEY));
    let message = |strips: Result<Strips, EntryError>| strips.unwrap_err().to_string();
    for (dims, expected) in [
        ([8, 64], "its rows should be 8, but is 9"),
        ([9, 32], "its numbers in a row should be 32, but is 64"),
        ([9, 33], "its numbers in a row should be 64, but is 33"),
        ([usize::MAX, 64], "its rows should be 18446744073709551615, but is 9"),
    ] {
        assert_eq!(message(Strips::kept::<Q4_0>(&q4, dims)), expected);
    }
    let dims = [9, 64];
    assert_eq!(message(Strips::kept::<Q8_0>(&q4, dims)), "its bits of a code should be 8, but is 4");
    assert_eq!(
        message(Strips::kept::<Q4_1>(&q4, dims)),
        "its offset of codes should be 0, but is 18446744073709551608"
    );
    assert_eq!(message(Strips::kept::<Q6K>(&q4, dims)), "its groups in a chunk should be 1, but is 2");
    let mut bytes = Vec::new();
    Content { description: &[], parts: [&[1, 2, 3], &[]] }.write(KEY, &mut bytes).unwrap();
    assert!(message(Strips::kept::<Q4_0>(&entry(bytes), dims)).starts_with("its form should be"));
}

/// Entries in memory, with the number of times that one was found.
#[derive(Default)]
struct Shelf {
    entries: Mutex<HashMap<u128, Vec<u8>>>,
    found: AtomicUsize,
}

impl Cache for Shelf {
    fn find(&self, label: &Label<'_>) -> Option<Entry> {
        let entries = self.entries.lock().unwrap();
        let bytes = entries.get(&label.key(0))?;
        let entry = Entry::read(&mut &bytes[..], bytes.len() as u64, label.key(0)).ok()?;
        self.found.fetch_add(1, Ordering::Relaxed);
        Some(entry)
    }

    fn keep(&self, label: &Label<'_>, content: &Content<'_>) {
        let mut bytes = Vec::new();
        content.write(label.key(0), &mut bytes).unwrap();
        self.entries.lock().unwrap().insert(label.key(0), bytes);
    }
}

/// Floats, or blocks where the name says so; the number of reads; and a cache, or none.
struct Model<'a> {
    reads: AtomicUsize,
    shelf: Option<&'a Shelf>,
}

impl Source for Model<'_> {
    fn f32_tensor(&self, _: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(noise(dims.iter().product(), 5))
    }

    fn blocks(&self, name: &str, dims: &[usize], format: &Format) -> Result<Option<Vec<u8>>, LoadError> {
        if name != "stored" {
            return Ok(None);
        }
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(Some(random::<Q8_0>(dims.iter().product::<usize>() / format.numbers, 6)))
    }

    fn cache(&self) -> Option<&dyn Cache> {
        self.shelf.map(|shelf| shelf as &dyn Cache)
    }
}

/// Numbers times 100, rounded, with a scale of 1.
const CODED: Encode = |_, x, mut to| {
    for r in 0..x.dim(0) {
        for (x, block) in x.row([r]).chunks_exact(32).zip(to.row_mut([r]).chunks_exact_mut(34)) {
            block[..2].copy_from_slice(&0x3c00_u16.to_le_bytes());
            x.iter().zip(&mut block[2..]).for_each(|(x, code)| *code = (x * 100.0) as i8 as u8);
        }
    }
    Ok(())
};

/// As `CODED`, with the scale 2.
const DOUBLED: Encode = |ctx, x, mut to| {
    let rows = to.dim(0);
    CODED(ctx, x, to.reborrow())?;
    for r in 0..rows {
        to.row_mut([r]).chunks_exact_mut(34).for_each(|block| block[1] = 0x40);
    }
    Ok(())
};

const FORMAT: Format = Format { name: "q8_0", numbers: 32, bytes: 34, encode: Some(CODED) };

#[test]
fn with_a_cache_weights_are_the_same_and_made_once() {
    let shelf = Shelf::default();
    let model = |shelf| Model { reads: AtomicUsize::new(0), shelf };
    // What is made of a tensor in all ways that there are, as bytes.
    let load = |model: &Model<'_>, format: &Format| {
        let strips = |name, dims| written(&weights::strips::<Q8_0>(model, name, dims, format).unwrap(), KEY);
        [
            strips("floats", [9, 64]),
            strips("floats", [18, 32]),
            strips("others", [9, 64]),
            strips("stored", [9, 64]),
            weights::blocks(model, "floats", [9, 64], format).unwrap().as_slice().to_vec(),
            weights::blocks(model, "floats", [3, 3, 64], format).unwrap().as_slice().to_vec(),
            weights::blocks(model, "stored", [9, 64], format).unwrap().as_slice().to_vec(),
        ]
    };
    let (plain, first, second) = (model(None), model(Some(&shelf)), model(Some(&shelf)));
    let expected = load(&plain, &FORMAT);
    assert_eq!(load(&first, &FORMAT), expected);
    assert_eq!(
        (plain.reads.into_inner(), first.reads.into_inner(), shelf.found.load(Ordering::Relaxed)),
        (7, 7, 0)
    );
    assert_eq!(load(&second, &FORMAT), expected);
    // Only blocks that are stored are read again.
    assert_eq!((second.reads.into_inner(), shelf.found.swap(0, Ordering::Relaxed)), (1, 6));
    assert_eq!(shelf.entries.lock().unwrap().len(), 6);

    // A format with other equations does not find the entries of this one, whatever it is called.
    let other = Format { encode: Some(DOUBLED), ..FORMAT };
    let (plain, cached) = (model(None), model(Some(&shelf)));
    let doubled = load(&plain, &other);
    assert_ne!(doubled[0], expected[0]);
    assert_eq!(load(&cached, &other), doubled);
    assert_eq!(shelf.found.load(Ordering::Relaxed), 0);

    // What was damaged is made again, and then whole.
    shelf.entries.lock().unwrap().values_mut().for_each(|bytes| bytes[HEADER + 3] ^= 1);
    assert_eq!(load(&cached, &FORMAT), expected);
    assert_eq!(shelf.found.load(Ordering::Relaxed), 0);
    assert_eq!(load(&cached, &FORMAT), expected);
    assert_eq!(shelf.found.load(Ordering::Relaxed), 6);
}

#[test]
fn errors_are_those_without_a_cache() {
    let shelf = Shelf::default();
    let message = |shelf| {
        let model = Model { reads: AtomicUsize::new(0), shelf };
        let silent = Format { encode: None, ..FORMAT };
        [
            weights::strips::<Q8_0>(&model, "floats", [9, 33], &FORMAT).unwrap_err(),
            weights::strips::<Q8_0>(&model, "floats", [9, 64], &silent).unwrap_err(),
            weights::strips::<Q6K>(&model, "floats", [9, 64], &FORMAT).unwrap_err(),
            weights::blocks(&model, "floats", [9, 33], &FORMAT).unwrap_err(),
            weights::blocks(&model, "floats", [9, 64], &silent).unwrap_err(),
        ]
    };
    assert_eq!(message(Some(&shelf)), message(None));
    assert!(shelf.entries.lock().unwrap().is_empty());
}

#[test]
fn the_version_is_in_the_second_word() {
    let bytes = written(&strips::<Q8_0>(1, 32), KEY);
    assert_eq!(&bytes[..8], b"IGLAkept");
    let error = read(&forged(&bytes, 1, VERSION + 1)).unwrap_err().to_string();
    assert_eq!(error, format!("its version should be {VERSION}, but is {}", VERSION + 1));
}
