//! What tells an unchanged file from a changed one: a stamp without reading it, a digest after.
//!
//! A digest is the truth. A stamp only says "nothing has touched this since", and only if the file
//! had been left alone for a while when the stamp was taken: two writes within one tick of the
//! file system's clock leave the same times behind.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Hash of a file's contents: XXH3, 128 bits, the same on every machine. It tells edits from
/// untouched files; it is no defence against forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub u128);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Digest(xxhash_rust::xxh3::xxh3_128(bytes))
    }
}

/// 32 hexadecimal digits.
impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A file's size, times and number, as the file system keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
    /// The same for its metadata (0 where there is no such time). No program can set it, so a file
    /// that was changed and given back its old modification time is still seen.
    changed: i64,
    inode: u64,
}

/// Stamps of many files. Of files in one folder after each other, the folder is looked up once.
#[derive(Debug)]
pub struct Stamps<'a> {
    root: &'a Path,
    /// The folder of the last file as it was named, with `/` behind it.
    #[cfg(unix)]
    folder: Option<(Vec<u8>, std::os::fd::OwnedFd)>,
}

impl<'a> Stamps<'a> {
    /// For files below a folder.
    #[must_use]
    pub fn below(root: &'a Path) -> Self {
        Stamps {
            root,
            #[cfg(unix)]
            folder: None,
        }
    }

    /// The whole path of a file.
    #[must_use]
    pub fn path(&self, below: &Path) -> PathBuf {
        self.root.join(below)
    }

    /// The stamp of a file.
    ///
    /// # Errors
    /// When there is none, or one cannot get to it.
    #[cfg(unix)]
    // Types of the fields differ between systems.
    #[allow(clippy::unnecessary_cast)]
    pub fn of(&mut self, below: &Path) -> io::Result<Stamp> {
        use rustix::fs::{AtFlags, Mode, OFlags, open, statat};
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let bytes = below.as_os_str().as_bytes();
        let (folder, name) = bytes.split_at(bytes.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1));
        if self.folder.as_ref().is_none_or(|(last, _)| last != folder) {
            let path = self.root.join(OsStr::from_bytes(folder));
            let path = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
            let opened = open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
            self.folder = opened.ok().map(|opened| (folder.to_vec(), opened));
        }
        let Some((_, folder)) = &self.folder else {
            // It cannot be listed, or it is none.
            return Ok(Stamp::of(&std::fs::metadata(self.path(below))?));
        };
        let stat = statat(folder, OsStr::from_bytes(name), AtFlags::empty())?;
        let time =
            |seconds: i64, rest: u64| seconds.saturating_mul(1_000_000_000).saturating_add(rest as i64);
        Ok(Stamp {
            size: stat.st_size as u64,
            modified: time(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed: time(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
            inode: stat.st_ino as u64,
        })
    }

    /// The stamp of a file.
    ///
    /// # Errors
    /// When there is none, or one cannot get to it.
    #[cfg(not(unix))]
    pub fn of(&mut self, below: &Path) -> io::Result<Stamp> {
        Ok(Stamp::of(&std::fs::metadata(self.path(below))?))
    }
}

/// A file as it was when it was read: the stamp is older than the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its contents.
    pub digest: Digest,
    /// Its stamp.
    pub stamp: Stamp,
}

/// A file's contents, and how it was seen.
///
/// # Errors
/// When it cannot be read, or is no regular file: a pipe would be waited for, a device may not end.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, Seen)> {
    let mut options = File::options();
    options.read(true);
    // Opening a pipe that nobody writes to must not wait either.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let mut file = options.open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() && !meta.is_dir() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).saturating_add(1));
    file.read_to_end(&mut bytes)?;
    let digest = Digest::of(&bytes);
    Ok((bytes, Seen { digest, stamp: Stamp::of(&meta) }))
}

/// A write this recent may be followed by another with the same times. Clocks of file systems with
/// fractions of a second advance with the kernel's tick, 1 to 10 ms.
const TICK: i64 = 20_000_000;

/// The same where times are whole seconds (two on FAT).
const COARSE_TICK: i64 = 2_000_000_000;

impl Stamp {
    /// The stamp of a file.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        let modified = meta.modified().ok().map_or(0, nanoseconds);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let changed = meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec());
            Stamp { size: meta.len(), modified, changed, inode: meta.ino() }
        }
        #[cfg(not(unix))]
        Stamp { size: meta.len(), modified, changed: 0, inode: 0 }
    }

    /// This stamp, if it can be trusted later: the file was left alone for a while before `now`,
    /// which must have been read before the stamp was taken.
    #[must_use]
    pub fn settled(self, now: SystemTime) -> Option<Self> {
        let last = self.modified.max(self.changed);
        let fine = if self.changed == 0 { self.modified } else { self.changed } % 1_000_000_000 != 0;
        let window = if fine { TICK } else { COARSE_TICK };
        (last < nanoseconds(now) - window).then_some(self)
    }
}

fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(nanoseconds: i64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(nanoseconds as u64)
    }

    #[test]
    fn digests_are_those_of_xxh3() {
        assert_eq!(Digest::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
        assert_eq!(Digest::of(b"a").to_string(), "a96faf705af16834e6c632b61e964e1f");
    }

    #[test]
    fn a_file_written_just_now_has_no_stamp() {
        let t = 1_700_000_000_123_000_000;
        let fine = Stamp { size: 1, modified: t, changed: t, inode: 1 };
        assert_eq!(fine.settled(at(t + TICK)), None);
        assert_eq!(fine.settled(at(t + TICK + 1)), Some(fine));
        // A clock set back, a file from the future.
        assert_eq!(fine.settled(at(t - 1)), None);
        // An old modification time does not hide a recent change.
        let restored = Stamp { modified: t - 3600 * 1_000_000_000, ..fine };
        assert_eq!(restored.settled(at(t)), None);
    }

    #[test]
    fn both_ways_to_a_stamp_agree() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        let mut stamps = Stamps::below(root);
        for name in ["x", "a/x", "a/y", "a/b/x", "a/z"] {
            std::fs::write(root.join(name), name).expect("a file");
            let meta = std::fs::metadata(root.join(name)).expect("a file");
            assert_eq!(stamps.of(Path::new(name)).expect("a stamp"), Stamp::of(&meta), "{name}");
        }
        for name in ["w", "a/w", "b/x"] {
            let error = stamps.of(Path::new(name)).expect_err("nothing is there");
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{name}");
        }
    }

    #[test]
    fn whole_seconds_need_a_longer_rest() {
        let t = 1_700_000_000_000_000_000;
        let coarse = Stamp { size: 1, modified: t, changed: 0, inode: 1 };
        assert_eq!(coarse.settled(at(t + TICK + 1)), None);
        assert_eq!(coarse.settled(at(t + COARSE_TICK + 1)), Some(coarse));
    }
}
