//! One run at a time for each output folder.
//!
//! The lock is beside the cache, not in the project: nothing appears there that would have to be
//! ignored, and a folder that cannot be written can still be checked. Where the cache's folder
//! cannot be written there is no lock; files are still whole, because each is put in place by a
//! rename.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Held until dropped.
#[derive(Debug)]
pub struct Lock(Option<File>);

impl Lock {
    /// Waits for the lock at a path; shared with other readers unless `alone`. `waiting` is called
    /// if somebody has it.
    #[must_use]
    pub fn take(path: &Path, alone: bool, waiting: &dyn Fn()) -> Lock {
        let Ok(file) = OpenOptions::new().create(true).truncate(false).write(true).open(path) else {
            return Lock(None);
        };
        let tried = if alone { file.try_lock() } else { file.try_lock_shared() };
        if let Err(TryLockError::WouldBlock) = tried {
            waiting();
            // An error means that the file system has no locks.
            let _ = if alone { file.lock() } else { file.lock_shared() };
        }
        Lock(Some(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            let _ = file.unlock();
        }
    }
}
