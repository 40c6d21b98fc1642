//! A run as a file: for programs, and for a later run to be compared with.
//!
//! Times of another hour say little, so what is kept is the program: a later run takes turns with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::stats::Median;
use super::{Row, Run};

/// Of the file, and of how drivers are asked: another version's program would not understand.
const VERSION: u64 = 2;

/// A run for programs; `program` is where its driver is kept.
#[must_use]
pub fn json(run: &Run, program: Option<&Path>) -> Value {
    json!({
        "version": VERSION,
        "level": run.level,
        "threads": run.threads,
        "program": program.map(|p| p.to_string_lossy()),
        "rows": run.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let (m, work) = (&row.measured, &row.point.work);
    let median = |m: &Median| json!({ "median": m.value, "low": m.low, "high": m.high });
    let dims: serde_json::Map<String, Value> =
        row.names.iter().cloned().zip(row.point.dims.iter().map(|d| json!(d))).collect();
    json!({
        "spec": row.spec,
        "kind": row.kind,
        "name": row.name,
        "number": row.number,
        "dims": dims,
        "work": {
            "flops": work.flops,
            "functions": work.functions,
            "bytes": work.bytes,
            "at_most": work.at_most,
        },
        "nanoseconds": median(&m.ns),
        "itself": median(&m.control),
        "against": m.against.as_ref().map(median),
        "flops_per_second": row.flops(),
        "bytes_per_second": row.bytes(),
        "peak_flops_per_second": m.peak,
        "read_bytes_per_second": m.reading,
        "share_of_roof": row.share(),
    })
}

/// What was measured in an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its spec.
    pub spec: String,
    /// Its name.
    pub name: String,
    /// Its number in the program.
    pub number: u32,
}

/// An earlier run: its program, and what that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The driver.
    pub program: PathBuf,
    /// What was measured, in the order of rows.
    pub measured: Vec<Earlier>,
}

impl Saved {
    /// Reads a file that [`json`] made.
    ///
    /// # Errors
    /// When it is none, of another version, or its program is gone.
    pub fn read(file: &Path) -> Result<Saved> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let shown = file.display();
        let value: Value = serde_json::from_str(&text).with_context(|| format!("{shown} is no saved run"))?;
        match value["version"].as_u64() {
            Some(VERSION) => {}
            Some(other) => bail!("{shown} is of version {other}, this program's is {VERSION}: save it again"),
            None => bail!("{shown} is no saved run"),
        }
        let Some(program) = value["program"].as_str().map(PathBuf::from) else {
            bail!("{shown} was not saved with --save, so it has no program to take turns with");
        };
        if !program.is_file() {
            bail!("{}, which {shown} was measured with, is gone: save a run again", program.display());
        }
        let mut measured = Vec::new();
        for row in value["rows"].as_array().into_iter().flatten() {
            let number = row["number"].as_u64().and_then(|n| u32::try_from(n).ok());
            let (Some(spec), Some(name), Some(number)) = (row["spec"].as_str(), row["name"].as_str(), number)
            else {
                bail!("{shown} has a row that does not say what was measured");
            };
            measured.push(Earlier { spec: spec.to_owned(), name: name.to_owned(), number });
        }
        Ok(Saved { program, measured })
    }

    /// The number in the saved program of what has this name.
    #[must_use]
    pub fn number(&self, spec: &str, name: &str) -> Option<u32> {
        self.measured.iter().find(|e| e.spec == spec && e.name == name).map(|e| e.number)
    }
}
