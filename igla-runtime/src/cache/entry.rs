//! An entry as bytes: a header that says everything about it, then up to two parts of numbers.
//!
//! ```text
//! header, 24 words of 64 bits, little-endian
//!    0  "IGLAkept"          3, 4   key                          15  checksum of all bytes behind the header
//!    1  version             5..13  description: form, shape, …  16..23  zero
//!    2  order of bytes     13, 14  bytes of the parts           23  checksum of the words before
//! parts, each from a multiple of 64 on, zeros between them
//! ```
//! Numbers in the parts lie as the machine has them, so that they can be used where they are; the header says in which
//! order. They have the same bits on every level, so nothing says on which they were made.
//!
//! A file is untrusted: it may be cut, damaged, older, of another machine or something else altogether. All of that is
//! an [`EntryError`]. Whoever can compute checksums can forge weights, as in the file that they come from; but
//! not sizes that lead outside of memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytemuck::AnyBitPattern;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::memory::Memory;
use crate::scratch::ALIGNMENT;

/// Changes with every change of the header, or of how anything lies in the parts.
pub const VERSION: u64 = 1;

const MAGIC: u64 = u64::from_le_bytes(*b"IGLAkept");
const ORDER: u64 =
    u64::from_le_bytes(if cfg!(target_endian = "little") { *b"little\0\0" } else { *b"big\0\0\0\0\0" });

const WORDS: usize = 24;
const HEADER: usize = 8 * WORDS;
/// Where the header has what.
const KEY: usize = 3;
const DESCRIPTION: Range<usize> = 5..13;
const PARTS: usize = 13;
const CONTENT_SUM: usize = 15;
const HEADER_SUM: usize = WORDS - 1;

/// A number of a description, with what it is called in messages.
pub type Field = (&'static str, u64);

/// What an entry holds, before it is one.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Its form and shape; up to 8 numbers.
    pub description: &'a [Field],
    /// Its bytes.
    pub parts: [&'a [u8]; 2],
}

impl Content<'_> {
    /// Writes the entry.
    ///
    /// # Errors
    /// Those of writing.
    ///
    /// # Panics
    /// If the description has too many numbers.
    pub fn write(&self, key: u128, to: &mut dyn Write) -> io::Result<()> {
        assert!(
            self.description.len() <= DESCRIPTION.len(),
            "a description of {} numbers",
            self.description.len()
        );
        let gap = |part: &[u8]| &[0; ALIGNMENT][..part.len().next_multiple_of(ALIGNMENT) - part.len()];
        let [first, second] = self.parts;
        let pieces = [first, gap(first), second];
        let mut sum = Xxh3::new();
        pieces.iter().for_each(|piece| sum.update(piece));
        let mut words = [0; WORDS];
        words[..KEY].copy_from_slice(&[MAGIC, VERSION, ORDER]);
        words[KEY..KEY + 2].copy_from_slice(&halves(key));
        for (word, (_, number)) in words[DESCRIPTION].iter_mut().zip(self.description) {
            *word = *number;
        }
        words[PARTS..PARTS + 2].copy_from_slice(&self.parts.map(|part| part.len() as u64));
        words[CONTENT_SUM] = sum.digest();
        words[HEADER_SUM] = header_sum(&words);
        to.write_all(bytemuck::cast_slice(&words.map(u64::to_le)))?;
        pieces.iter().try_for_each(|piece| to.write_all(piece))
    }
}

/// An entry that was found whole.
pub struct Entry {
    memory: Arc<Memory>,
    description: [u64; DESCRIPTION.end - DESCRIPTION.start],
    parts: [Range<usize>; 2],
}

impl Entry {
    /// Opens a file and checks all of it. The file is mapped if nobody may write to it, otherwise read.
    ///
    /// # Errors
    /// When it cannot be read or is no whole entry of this key.
    pub fn open(path: &Path, key: u128) -> Result<Entry, EntryError> {
        Entry::of_file(&mut File::open(path)?, key)
    }

    /// As [`Entry::open`], of a file that is open and stands at its start.
    ///
    /// # Errors
    /// As of [`Entry::open`].
    pub fn of_file(file: &mut File, key: u128) -> Result<Entry, EntryError> {
        let len = file.metadata()?.len();
        let header = Header::read(file, len, key)?;
        let memory = Memory::of(file, header.len)?;
        header.entry(memory, HEADER)
    }

    /// As [`Entry::open`], of `len` bytes that come from anywhere.
    ///
    /// # Errors
    /// As of [`Entry::open`].
    pub fn read(from: &mut impl Read, len: u64, key: u128) -> Result<Entry, EntryError> {
        let header = Header::read(from, len, key)?;
        let memory = Memory::read(from, header.len - HEADER)?;
        header.entry(memory, 0)
    }

    /// Compares the description with what the entry should be.
    pub(crate) fn expect(&self, description: &[Field]) -> Result<(), EntryError> {
        let expected = description.iter().copied().chain(std::iter::repeat(("description", 0)));
        for ((what, expected), &found) in expected.zip(&self.description) {
            if found != expected {
                return Err(EntryError::Other { what, expected, found });
            }
        }
        Ok(())
    }

    /// The bytes of a part.
    pub(crate) fn bytes(&self, part: usize) -> &[u8] {
        &self.memory.bytes()[self.parts[part].clone()]
    }

    /// A part as numbers, which stay where they are.
    pub(crate) fn part<T: AnyBitPattern>(&self, part: usize) -> Result<Part<T>, EntryError> {
        let bytes = self.bytes(part);
        bytemuck::try_cast_slice::<u8, T>(bytes).map_err(|_| EntryError::Other {
            what: "size of a part",
            expected: bytes.len().next_multiple_of(size_of::<T>().max(1)) as u64,
            found: bytes.len() as u64,
        })?;
        Ok(Part { memory: self.memory.clone(), range: self.parts[part].clone(), number: PhantomData })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { description, parts, .. } = self;
        f.debug_struct("Entry")
            .field("description", description)
            .field("parts", parts)
            .finish_non_exhaustive()
    }
}

/// A part of an entry, as numbers.
#[derive(Clone)]
pub(crate) struct Part<T> {
    memory: Arc<Memory>,
    range: Range<usize>,
    number: PhantomData<T>,
}

impl<T: AnyBitPattern> Part<T> {
    /// The numbers; [`Entry::part`] made sure that the bytes are some.
    pub fn as_slice(&self) -> &[T] {
        bytemuck::cast_slice(&self.memory.bytes()[self.range.clone()])
    }
}

/// What a checked header says.
struct Header {
    words: [u64; WORDS],
    /// Bytes of the whole entry.
    len: usize,
    /// Where its parts are, from the end of the header on.
    parts: [Range<usize>; 2],
}

impl Header {
    fn read(from: &mut impl Read, len: u64, key: u128) -> Result<Header, EntryError> {
        if len < HEADER as u64 {
            return Err(EntryError::Length { expected: HEADER as u64, found: len });
        }
        let mut words = [0_u64; WORDS];
        from.read_exact(bytemuck::cast_slice_mut(&mut words))?;
        let words = words.map(u64::from_le);
        if words[0] != MAGIC {
            return Err(EntryError::Foreign);
        }
        if words[1] != VERSION {
            return Err(EntryError::Other { what: "version", expected: VERSION, found: words[1] });
        }
        if words[2] != ORDER {
            return Err(EntryError::ByteOrder);
        }
        if words[HEADER_SUM] != header_sum(&words) {
            return Err(EntryError::Damaged { what: "header" });
        }
        if words[KEY..KEY + 2] != halves(key) {
            return Err(EntryError::Key);
        }
        let overflow = || EntryError::Length { expected: u64::MAX, found: len };
        let [first, second] = [words[PARTS], words[PARTS + 1]];
        let start = first.checked_next_multiple_of(ALIGNMENT as u64).ok_or_else(overflow)?;
        let end = start.checked_add(second).ok_or_else(overflow)?;
        let expected = end.checked_add(HEADER as u64).ok_or_else(overflow)?;
        if len != expected {
            return Err(EntryError::Length { expected, found: len });
        }
        let size = |n: u64| usize::try_from(n).map_err(|_| overflow());
        let parts = [0..size(first)?, size(start)?..size(end)?];
        Ok(Header { words, len: size(len)?, parts })
    }

    /// The entry, whose parts start `at` in the memory.
    fn entry(self, memory: Memory, at: usize) -> Result<Entry, EntryError> {
        let content = memory.bytes().get(at..).unwrap_or_default();
        if xxh3_64(content) != self.words[CONTENT_SUM] {
            return Err(EntryError::Damaged { what: "content" });
        }
        let mut description = [0; DESCRIPTION.end - DESCRIPTION.start];
        description.copy_from_slice(&self.words[DESCRIPTION]);
        let parts = self.parts.map(|part| part.start + at..part.end + at);
        Ok(Entry { memory: Arc::new(memory), description, parts })
    }
}

fn halves(key: u128) -> [u64; 2] {
    [key as u64, (key >> 64) as u64]
}

fn header_sum(words: &[u64; WORDS]) -> u64 {
    xxh3_64(bytemuck::cast_slice(&words.map(u64::to_le)[..HEADER_SUM]))
}

/// Why bytes are not the entry that was looked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum EntryError {
    /// It cannot be read.
    Io(io::Error),
    /// It is no entry at all.
    Foreign,
    /// It was written on a machine that orders bytes in another way.
    ByteOrder,
    /// It belongs to another tensor, source or format.
    Key,
    /// It has more or fewer bytes than its header says, or than a header.
    Length {
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A checksum is wrong.
    Damaged {
        /// Where.
        what: &'static str,
    },
    /// It describes something else.
    Other {
        /// The number that differs.
        what: &'static str,
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
}

impl From<io::Error> for EntryError {
    fn from(error: io::Error) -> Self {
        EntryError::Io(error)
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntryError::Io(error) => error.fmt(f),
            EntryError::Foreign => f.write_str("this is no entry of kept weights"),
            EntryError::ByteOrder => f.write_str("it was written on a machine with another order of bytes"),
            EntryError::Key => f.write_str("it belongs to another tensor, source or format"),
            EntryError::Length { expected, found } => {
                write!(f, "it should have {expected} bytes, but has {found}")
            }
            EntryError::Damaged { what } => write!(f, "its {what} is damaged: the checksum is another one"),
            EntryError::Other { what, expected, found } => {
                write!(f, "its {what} should be {expected}, but is {found}")
            }
        }
    }
}

impl std::error::Error for EntryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            EntryError::Io(error) => Some(error),
            _ => None,
        }
    }
}
