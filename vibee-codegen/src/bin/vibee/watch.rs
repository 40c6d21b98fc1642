//! `vibee gen --watch`: generates again whenever a spec changes.
//!
//! Each round is a whole run of `vibee gen`, which compiles only what has to be: there is no second
//! notion of what has changed. Errors end a round, not the watch.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecursiveMode, Watcher};

use crate::generate::Job;
use crate::ui::{Outcome, Ui};

/// A round begins when nothing has happened for this long: editors and checkouts write in steps.
const QUIET: Duration = Duration::from_millis(60);

/// It begins after this long in any case.
const PATIENCE: Duration = Duration::from_secs(2);

/// What ends the wait.
enum Signal {
    Changed(Vec<PathBuf>),
    Stop,
}

/// Watches until Ctrl-C.
pub fn run(job: &Job<'_>, ui: &Ui) -> Result<Outcome> {
    let (send, receive) = channel();
    let stop = send.clone();
    // Between rounds Ctrl-C ends at once, within one when the files are whole again.
    ctrlc::set_handler(move || drop(stop.send(Signal::Stop))).context("cannot listen for Ctrl-C")?;
    let handler = move |event: notify::Result<Event>| match event {
        Ok(event) if matters(&event) => drop(send.send(Signal::Changed(event.paths))),
        Ok(_) => {}
        // Events may be lost when there are very many; a round finds out by itself what changed.
        Err(_) => drop(send.send(Signal::Changed(vec![]))),
    };
    let mut watcher = notify::recommended_watcher(handler).context("cannot watch files")?;
    for path in &job.paths {
        let how = if path.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(path, how).with_context(|| format!("cannot watch {}", path.display()))?;
    }
    let mut outcome = round(job, ui);
    loop {
        ui.note("watching; Ctrl-C ends");
        let Some(changed) = wait(&receive) else { return Ok(outcome) };
        tell(ui, &changed);
        outcome = round(job, ui);
    }
}

fn round(job: &Job<'_>, ui: &Ui) -> Outcome {
    job.run().unwrap_or_else(|error| {
        ui.error(&format!("{error:#}"));
        Outcome::Findings
    })
}

/// Paths that changed, once it is quiet again; `None` to stop.
fn wait(receive: &Receiver<Signal>) -> Option<Vec<PathBuf>> {
    let mut changed = match receive.recv() {
        Ok(Signal::Changed(paths)) => paths,
        Ok(Signal::Stop) | Err(_) => return None,
    };
    let began = std::time::Instant::now();
    while began.elapsed() < PATIENCE {
        match receive.recv_timeout(QUIET) {
            Ok(Signal::Changed(paths)) => changed.extend(paths),
            Ok(Signal::Stop) => return None,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    changed.sort();
    changed.dedup();
    Some(changed)
}

/// Whether an event may be about a spec. Reading files, as a round does, is none.
fn matters(event: &Event) -> bool {
    let spec = |p: &PathBuf| p.extension().is_some_and(|e| e == "vibee");
    match event.kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => false,
        // A folder that came, went or got another name may hold specs, and what went may have been one.
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
            event.paths.iter().any(|p| spec(p) || !p.is_file())
        }
        _ => event.paths.is_empty() || event.paths.iter().any(spec),
    }
}

/// Names of changed files that are listed.
const SHOWN: usize = 8;

fn tell(ui: &Ui, changed: &[PathBuf]) {
    let here = std::env::current_dir().unwrap_or_default();
    let specs = || changed.iter().filter(|p| p.extension().is_some_and(|e| e == "vibee"));
    for path in specs().take(SHOWN) {
        let what = if path.exists() { "changed" } else { "gone" };
        ui.note(&format!("{what}: {}", short(path, &here)));
    }
    if specs().count() > SHOWN {
        ui.note(&format!("and {} more", specs().count() - SHOWN));
    }
}

fn short(path: &Path, here: &Path) -> String {
    path.strip_prefix(here).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
