//! Encoded and rearranged weights in a folder, so that the next run need not make them again.
//!
//! ```text
//! igla/                                the folder: --cache, $IGLA_CACHE or in the user's cache folder
//!   9b3f…/                             a model file, by its path
//!     51c0…-77ab….kept                 a state of that file, and a tensor with what was made of it
//! ```
//! Nothing here is needed for a result: whatever is wrong with the folder, weights are made as without it, and there is
//! a note. Entries are written under another name and renamed, so that processes see all of an entry or none, and the
//! last of several writers wins with the same bytes. Nobody may write to an entry again, which is why the runtime maps it.
//!
//! Space is given back when something is written: entries of other states of the same model file go, and those that
//! nobody used for a month.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use half::{bf16, f16};
use igla_runtime::LoadError;
use igla_runtime::cache::{self, Content, Entry, EntryError, Label};
use igla_runtime::weights::{Format, Source};

use super::Safetensors;

const ENDING: &str = ".kept";
const UNFINISHED: &str = ".new-";
/// What nobody used for so long is removed.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);
/// How exactly it is known when an entry was used last. Also, what is not finished after so long never will be.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder of entries, for any number of model files.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    notes: Mutex<Vec<String>>,
}

impl Cache {
    /// A folder, which is created when something is written.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self { folder, notes: Mutex::default() }
    }

    /// The user's cache: `$IGLA_CACHE`, else `igla` in `$XDG_CACHE_HOME` or `~/.cache`. None if `$IGLA_CACHE` is
    /// `off`, or if there is no such place.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        match var("IGLA_CACHE") {
            Some(place) => Self::named(place),
            None => {
                let whole = |place: OsString| Some(PathBuf::from(place)).filter(|place| place.is_absolute());
                let home = || Some(whole(var("HOME")?)?.join(".cache"));
                let folder = var("XDG_CACHE_HOME").and_then(whole).or_else(home)?;
                Some(Self::at(folder.join("igla")))
            }
        }
    }

    /// The folder of that name, or none if it is `off`.
    #[must_use]
    pub fn named(place: OsString) -> Option<Self> {
        (place != "off").then(|| Self::at(place.into()))
    }

    /// What did not work since this was asked last. Everything was loaded all the same.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, path: &Path, problem: impl std::fmt::Display) {
        let note = format!("{}: {problem}", path.display());
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}

/// A model file whose encoded and rearranged weights are looked for in a cache, and put there.
#[derive(Debug)]
pub struct Cached<'a> {
    file: &'a Safetensors,
    cache: &'a Cache,
    /// Whether this has written before, or could not.
    begun: AtomicBool,
    failed: AtomicBool,
}

impl<'a> Cached<'a> {
    /// The file with the cache.
    #[must_use]
    pub fn new(file: &'a Safetensors, cache: &'a Cache) -> Self {
        Self { file, cache, begun: AtomicBool::new(false), failed: AtomicBool::new(false) }
    }

    /// Where entries of the file are.
    fn folder(&self) -> PathBuf {
        self.cache.folder.join(format!("{:016x}", self.file.identity().place))
    }

    /// How names of entries of the file's state begin.
    fn state(&self) -> String {
        format!("{:016x}-", self.file.identity().state as u64)
    }

    fn path(&self, key: u128) -> PathBuf {
        self.folder().join(format!("{}{key:032x}{ENDING}", self.state()))
    }

    fn open(&self, path: &Path, key: u128) -> Result<Option<Entry>, EntryError> {
        let mut file = match File::open(path) {
            // Also if the folder cannot be one: that is said when something would be written.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            file => file?,
        };
        let entry = Entry::of_file(&mut file, key)?;
        if file.metadata().and_then(|m| m.modified()).is_ok_and(|used| is_older(used, DAY)) {
            // If the time cannot be set, the entry is made again after a month.
            let _ = file.set_modified(SystemTime::now());
        }
        Ok(Some(entry))
    }

    fn write(&self, key: u128, content: &Content<'_>) -> io::Result<()> {
        let folder = self.folder();
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.tidy();
        }
        create(&folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&folder)?;
        content.write(key, file.as_file_mut())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o400))?;
        }
        file.persist(self.path(key)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes what will not be used any more. What cannot be removed stays.
    fn tidy(&self) {
        let (own, state) = (self.folder(), self.state());
        for folder in list(&self.cache.folder).filter(|path| is_hex(&name_of(path))) {
            for path in list(&folder) {
                let name = name_of(&path);
                let unused = |time| age_of(&path).is_some_and(|used| is_older(used, time));
                let remove = if name.starts_with(UNFINISHED) {
                    unused(DAY)
                } else {
                    is_entry(&name) && (unused(UNUSED) || folder == own && !name.starts_with(&state))
                };
                if remove {
                    let _ = fs::remove_file(&path);
                }
            }
            // Not a new one, in which somebody may be about to write; and only an empty one can be removed.
            if age_of(&folder).is_some_and(|used| is_older(used, DAY)) {
                let _ = fs::remove_dir(&folder);
            }
        }
    }
}

impl Source for Cached<'_> {
    fn f32_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError> {
        self.file.f32_tensor(name, dims)
    }

    fn f16_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f16>, LoadError> {
        self.file.f16_tensor(name, dims)
    }

    fn bf16_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<bf16>, LoadError> {
        self.file.bf16_tensor(name, dims)
    }

    fn blocks(&self, name: &str, dims: &[usize], format: &Format) -> Result<Option<Vec<u8>>, LoadError> {
        self.file.blocks(name, dims, format)
    }

    fn cache(&self) -> Option<&dyn cache::Cache> {
        Some(self)
    }
}

impl cache::Cache for Cached<'_> {
    fn find(&self, label: &Label<'_>) -> Option<Entry> {
        let key = label.key(self.file.identity().state);
        let path = self.path(key);
        self.open(&path, key).unwrap_or_else(|problem| {
            self.cache.note(&path, format_args!("{problem}; `{}` is made anew", label.name));
            None
        })
    }

    fn keep(&self, label: &Label<'_>, content: &Content<'_>) {
        // Where one entry could not be written, others will not be either.
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(problem) = self.write(label.key(self.file.identity().state), content) {
            self.failed.store(true, Ordering::Relaxed);
            self.cache
                .note(&self.folder(), format_args!("weights cannot be kept for the next run: {problem}"));
        }
    }
}

/// Creates folders for this user alone.
fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// What is in a folder, as far as it can be read.
fn list(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_hex(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Only what has such a name is ever removed.
fn is_entry(name: &str) -> bool {
    let parts = name.strip_suffix(ENDING).and_then(|name| name.split_once('-'));
    parts.is_some_and(|(state, key)| {
        is_hex(state) && key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn age_of(path: &Path) -> Option<SystemTime> {
    path.symlink_metadata().and_then(|m| m.modified()).ok()
}

fn is_older(time: SystemTime, age: Duration) -> bool {
    time.elapsed().is_ok_and(|elapsed| elapsed > age)
}
