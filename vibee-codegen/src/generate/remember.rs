//! What the next run will know: this run's findings about files, as a cache.

use std::collections::HashMap;

use super::cache::{Cache, Import, Known, Made, Seen};
use super::plan::Plan;
use super::run::{Work, Written};
use crate::project::stamp::Digest;

/// The old cache with the stamps of today. Only right if nothing else has changed.
pub(super) fn stamps<'c>(work: &'c Work<'_>, key: &'c str) -> Cache<'c> {
    let compared = &work.compared;
    let old = work.old.as_ref();
    let specs = old.iter().flat_map(|old| &old.specs).zip(&compared.specs).map(|(k, seen)| Known {
        seen: seen.unwrap_or(k.seen),
        imports: k.imports.clone(),
        ..*k
    });
    let imports = old.iter().flat_map(|old| &old.imports).zip(&compared.imports);
    let files = old.iter().flat_map(|old| &old.files).zip(&compared.files);
    Cache {
        key,
        specs: specs.collect(),
        imports: imports.map(|(i, seen)| Import { path: i.path, seen: *seen }).collect(),
        files: files.map(|(f, seen)| Made { path: f.path, seen: seen.unwrap_or(f.seen) }).collect(),
        manifest: compared.manifest.unwrap_or(Seen { digest: Digest::of(b""), stamp: None }),
    }
}

/// Everything, after a plan was carried out.
pub(super) fn all<'c>(work: &'c Work<'_>, key: &'c str, plan: &'c Plan, written: &Written<'_>) -> Cache<'c> {
    let made = |w: &'c super::plan::Wanted| {
        let now = written.files.get(w.path.as_str()).copied();
        let read = || w.stamp.and_then(|s| s.settled(work.start));
        let kept = || work.on_disk(&w.path).and_then(|s| s.stamp);
        Made { path: &w.path, seen: Seen { digest: w.digest, stamp: now.or_else(read).or_else(kept) } }
    };
    let files: Vec<Made<'c>> = plan.files.iter().map(made).collect();
    // Mostly files are where they were; all are in path order.
    let position = |path: &str, was: Option<u32>| {
        was.filter(|n| files.get(*n as usize).is_some_and(|f| f.path == path))
            .or_else(|| Some(files.binary_search_by(|f| f.path.cmp(path)).ok()? as u32))
    };
    let mut imports = Imports::default();
    let mut specs = Vec::with_capacity(work.found.len());
    for (n, found) in work.found.iter().enumerate() {
        let (root, module) = (found.root, found.module.as_str());
        if let Some(done) = work.done.get(&n) {
            let probes = done.probes.iter().map(|(path, seen)| imports.position(path, *seen));
            let file = done.file.as_ref().and_then(|f| position(&format!("{f}.rs"), None));
            specs.push(Known {
                root,
                module,
                seen: done.seen,
                imports: probes.collect(),
                warnings: done.warnings,
                file,
            });
        } else if let (Some(old), Some(at)) = (&work.old, work.compared.current[n]) {
            let known = &old.specs[at];
            let probes = known.imports.iter().map(|i| {
                let i = *i as usize;
                imports.position(old.imports[i].path, work.compared.imports[i])
            });
            specs.push(Known {
                root,
                module,
                seen: work.compared.specs[n].unwrap_or(known.seen),
                imports: probes.collect(),
                warnings: known.warnings,
                file: known.file.and_then(|f| position(old.files[f as usize].path, Some(f))),
            });
        }
    }
    let manifest = Seen { digest: Digest::of(plan.manifest.new.as_bytes()), stamp: None };
    Cache { key, specs, imports: imports.list, files, manifest }
}

/// Places where imports were looked for. One that changed during the run is listed as it was seen
/// by each spec: the next run finds that one of them is outdated.
#[derive(Default)]
struct Imports<'c> {
    list: Vec<Import<'c>>,
    known: HashMap<(&'c str, Option<Digest>), u32>,
}

impl<'c> Imports<'c> {
    fn position(&mut self, path: &'c str, seen: Option<Seen>) -> u32 {
        *self.known.entry((path, seen.map(|s| s.digest))).or_insert_with(|| {
            self.list.push(Import { path, seen });
            self.list.len() as u32 - 1
        })
    }
}
