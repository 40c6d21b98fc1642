//! Files of the user: replaced as a whole, shown as diffs. Nothing here knows what is in them.

use std::io::{self, Write};
use std::path::Path;

use similar::TextDiff;

/// Replaces a file by renaming a new one over it, so that it is never half written. Links are
/// followed; permissions stay.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let permissions = std::fs::metadata(&path)?.permissions();
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(permissions)?;
    file.persist(&path).map_err(|e| e.error)?;
    Ok(())
}

/// Writes a file that may be new, by a rename.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Scratch files are private; sources are not.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// A change as a unified diff, the way version control shows it.
#[must_use]
pub fn diff(old: &str, new: &str, shown: &str) -> String {
    let shown = shown.trim_start_matches('/');
    let diff = TextDiff::from_lines(old, new);
    let (from, to) = (format!("a/{shown}"), format!("b/{shown}"));
    diff.unified_diff().context_radius(3).header(&from, &to).to_string()
}
