//! Which file weights come from, and in which state, without reading them: they are gigabytes.

use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// What tells an opened model file from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its path, symbolic links followed. It may hold something else tomorrow.
    pub place: u64,
    /// Its size, times and header, and where the system has it. On Unix any write changes it, even by a program that
    /// resets the time of modification: that of the last change of state is nobody's to set. Elsewhere, such a program
    /// has to change the size or the header.
    pub state: u128,
}

impl Identity {
    /// Of a file that was opened under this path, with its header.
    pub(super) fn of(path: &Path, metadata: &Metadata, header: &[u8]) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let place = xxh3_64(path.as_os_str().as_encoded_bytes());
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let mut hash = Xxh3::new();
        hash.update(&place.to_le_bytes());
        hash.update(&metadata.len().to_le_bytes());
        hash.update(&modified.map_or(0, |time| time.as_nanos()).to_le_bytes());
        hash.update(&in_system(metadata));
        hash.update(header);
        Self { place, state: hash.digest128() }
    }
}

/// Which file of its system it is, and when anything about it was changed.
#[cfg(unix)]
fn in_system(metadata: &Metadata) -> [u8; 24] {
    use std::os::unix::fs::MetadataExt;

    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&metadata.ino().to_le_bytes());
    bytes[8..16].copy_from_slice(&metadata.ctime().to_le_bytes());
    bytes[16..].copy_from_slice(&metadata.ctime_nsec().to_le_bytes());
    bytes
}

#[cfg(not(unix))]
fn in_system(_: &Metadata) -> [u8; 0] {
    []
}
