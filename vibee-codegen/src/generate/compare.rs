//! What has changed since the last run: found specs against known ones, files against digests.
//!
//! A spec is current if its own contents, the contents at every place where an import was looked
//! for, and its Rust are what they were: then compiling it again would change nothing. Nothing is
//! opened as long as stamps agree.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use rayon::prelude::*;

use super::cache::{Cache, Seen};
use crate::project::find::Found;
use crate::project::stamp::{self, Stamps};

/// What is believed of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// An equal stamp means equal contents.
    Stamps,
    /// Contents only: every file is read.
    Contents,
}

/// What was found out.
#[derive(Debug, Default)]
pub struct Comparison {
    /// For each found spec its position in the cache, if it is known.
    pub known: Vec<Option<usize>>,
    /// For each found spec its position in the cache, if it is current.
    pub current: Vec<Option<usize>>,
    /// For each found spec, how it was seen, if it is known and has not changed.
    pub specs: Vec<Option<Seen>>,
    /// For each known import, how it was seen, if it has not changed.
    pub imports: Vec<Option<Seen>>,
    /// For each known file, how it was seen, if it has not changed.
    pub files: Vec<Option<Seen>>,
    /// How the manifest was seen, if it has not changed.
    pub manifest: Option<Seen>,
    /// How many known specs are gone.
    pub removed: usize,
    /// Whether a stamp differs from the one in the cache.
    pub restamped: bool,
    /// How many files were opened.
    pub opened: usize,
}

/// How to look at files.
#[derive(Debug)]
struct Look {
    trust: Trust,
    now: SystemTime,
    opened: AtomicUsize,
}

impl Look {
    /// How a file is seen now if its contents are the same.
    fn same(&self, stamps: &mut Stamps<'_>, path: &Path, was: &Seen) -> Option<Seen> {
        let stamp = stamps.of(path).ok()?;
        if self.trust == Trust::Stamps && was.stamp == Some(stamp) {
            return Some(*was);
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        let digest = stamp::read(&stamps.path(path)).ok()?.1.digest;
        (digest == was.digest).then(|| Seen { digest, stamp: stamp.settled(self.now) })
    }

    /// The same for a place where there may have been nothing.
    fn same_probe(&self, stamps: &mut Stamps<'_>, path: &Path, was: Option<&Seen>) -> Option<Option<Seen>> {
        match was {
            Some(was) => self.same(stamps, path, was).map(Some),
            None => match fs::metadata(path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Some(None),
                _ => stamp::read(path).is_err().then_some(None),
            },
        }
    }
}

/// Compares found specs and the files on disk with the cache.
#[must_use]
pub fn compare(found: &[Found], cache: &Cache<'_>, out: &Path, manifest: &Path, trust: Trust) -> Comparison {
    // Read before any stamp is taken.
    let look = Look { trust, now: SystemTime::now(), opened: AtomicUsize::new(0) };
    let (known, removed) = pair(found, cache);
    let here = || Stamps::below(Path::new(""));
    let specs: Vec<Option<Seen>> = found
        .par_iter()
        .zip(&known)
        .with_min_len(64)
        .map_init(here, |stamps, (f, known)| look.same(stamps, &f.path, &cache.specs[(*known)?].seen))
        .collect();
    let imports: Vec<Option<Option<Seen>>> = cache
        .imports
        .par_iter()
        .with_min_len(64)
        .map_init(here, |stamps, i| look.same_probe(stamps, Path::new(i.path), i.seen.as_ref()))
        .collect();
    let files: Vec<Option<Seen>> = cache
        .files
        .par_iter()
        .with_min_len(64)
        .map_init(|| Stamps::below(out), |stamps, f| look.same(stamps, Path::new(f.path), &f.seen))
        .collect();
    let manifest = look.same(&mut here(), manifest, &cache.manifest);
    let current = |(n, seen): (usize, &Option<Seen>)| {
        let at = seen.and(known[n])?;
        let known = &cache.specs[at];
        let imports = known.imports.iter().all(|i| imports[*i as usize].is_some());
        (imports && known.file.is_none_or(|f| files[f as usize].is_some())).then_some(at)
    };
    let current: Vec<Option<usize>> = specs.iter().enumerate().map(current).collect();
    let restamped = specs.iter().zip(&known).any(|(s, k)| *s != k.map(|k| cache.specs[k].seen))
        || files.iter().zip(&cache.files).any(|(s, f)| *s != Some(f.seen))
        || imports.iter().zip(&cache.imports).any(|(s, i)| *s != Some(i.seen))
        || manifest != Some(cache.manifest);
    Comparison {
        known,
        current,
        specs,
        imports: imports.into_iter().map(Option::flatten).collect(),
        files,
        manifest,
        removed,
        restamped,
        opened: look.opened.into_inner(),
    }
}

/// For each found spec its position in the cache, and how many others there are.
fn pair(found: &[Found], cache: &Cache<'_>) -> (Vec<Option<usize>>, usize) {
    let equal = |(f, k): (&Found, &super::cache::Known<'_>)| f.root == k.root && f.module == k.module;
    // As a rule no spec has come or gone.
    if found.len() == cache.specs.len() && found.iter().zip(&cache.specs).all(equal) {
        return ((0..found.len()).map(Some).collect(), 0);
    }
    let mut left: HashMap<(u32, &str), usize> =
        cache.specs.iter().enumerate().map(|(n, k)| ((k.root, k.module), n)).collect();
    let known = found.iter().map(|f| left.remove(&(f.root, f.module.as_str()))).collect();
    (known, left.len())
}
