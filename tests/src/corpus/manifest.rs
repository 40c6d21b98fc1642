//! A corpus on disk, with what a reader must say to each file.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::{Entry, Plan, entry};

/// Name of the manifest in the corpus's folder.
pub const MANIFEST: &str = "expected.json";

/// Figures of a corpus that was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files, without the manifest.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Writes `count` files of the plan and the manifest below `dir`, which may exist.
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write(plan: &Plan, count: u64, dir: &Path) -> io::Result<Written> {
    let mut written = Written::default();
    let mut rows = Vec::new();
    for n in 0..count {
        let entry = entry(plan, n);
        let path = dir.join(&entry.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, &entry.bytes)?;
        written.files += 1;
        written.bytes += entry.bytes.len() as u64;
        rows.push(row(&entry));
    }
    let manifest = json!({ "seed": plan.seed, "files": rows });
    std::fs::write(dir.join(MANIFEST), format!("{manifest:#}\n"))?;
    Ok(written)
}

fn row(entry: &Entry) -> Value {
    json!({
        "path": entry.path,
        "class": entry.class,
        "strict": entry.strict.name(),
        "lenient": entry.lenient.name(),
        "forms": entry.forms.iter().map(|f| f.name()).collect::<Vec<_>>(),
        "undefined": entry.undefined,
    })
}
