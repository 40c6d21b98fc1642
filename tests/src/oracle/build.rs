//! A scratch crate of emitted modules, built and run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::compile::Unit;
use super::glue;

/// A folder in which scratch crates are built, one after another, sharing what they depend on.
#[derive(Debug)]
pub struct Workshop {
    dir: PathBuf,
    /// Name of the crate, so that several share a folder of built dependencies.
    name: String,
}

/// A built batch.
#[derive(Debug)]
pub struct Built {
    program: PathBuf,
    dir: PathBuf,
    /// For each unit, the number of its first kernel in the driver's table; `None`: left out.
    pub first: Vec<Option<usize>>,
    /// Units that rustc refuses, with its words.
    pub refused: Vec<(usize, String)>,
    /// How long rustc took.
    pub time: Duration,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Values of all outputs, one after another.
    Values(Vec<f64>),
    /// The kernel's `ShapeError`.
    Refused(String),
    /// A panic.
    Panicked(String),
    /// The process ended, or did not end in time.
    Died(String),
}

/// One call of one compiled kernel.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number in the driver's table.
    pub kernel: usize,
    /// Position in the runtime's list of available levels.
    pub level: u8,
    /// Worker threads.
    pub threads: u8,
    /// 1: misaligned, 2: padded rows.
    pub layout: u8,
    /// Arguments in order, then the outputs' extents.
    pub body: Vec<u8>,
}

const SUPPORT: &str = include_str!("../../data/driver/support.rs");

impl Workshop {
    /// Uses a folder below `shared`, which is made if needed. What crates depend on is built once for
    /// all workshops of one `shared` folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(shared: &Path, name: &str) -> io::Result<Workshop> {
        // Programs are started in another folder than this one.
        let dir = std::path::absolute(shared)?.join(name);
        fs::create_dir_all(dir.join("src"))?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\nigla-runtime = {{ path = {:?} }}\n\n\
             # Index arithmetic that overflows is a defect even where wrapping would hide it.\n\
             [profile.release]\nopt-level = 0\noverflow-checks = true\ncodegen-units = 16\n\n\
             [profile.release.package.\"*\"]\nopt-level = 3\noverflow-checks = false\n",
            root.join("igla-runtime")
        );
        write(&dir.join("Cargo.toml"), &manifest)?;
        // The same versions of dependencies as the workspace, without asking the network.
        fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock"))?;
        write(&dir.join("src/support.rs"), SUPPORT)?;
        Ok(Workshop { dir, name: name.to_owned() })
    }

    fn target(&self) -> PathBuf {
        self.dir.with_file_name("target")
    }

    /// Builds a batch; units that rustc refuses are left out and named.
    ///
    /// # Errors
    /// When cargo cannot run or fails for a reason outside the units.
    pub fn build(&self, units: &[Unit]) -> io::Result<Built> {
        let start = Instant::now();
        for (n, unit) in units.iter().enumerate() {
            write(&self.dir.join(format!("src/m{n}.rs")), &unit.rust)?;
        }
        let mut out = BTreeSet::new();
        let mut refused = Vec::new();
        loop {
            let used: Vec<(usize, &Unit)> =
                units.iter().enumerate().filter(|(n, _)| !out.contains(n)).collect();
            write(&self.dir.join("src/main.rs"), &glue::main_rs(&used))?;
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(["build", "--release", "--quiet", "--offline", "--message-format", "short"]);
            cargo.current_dir(&self.dir).env("CARGO_TARGET_DIR", self.target());
            cargo.env_remove("RUSTFLAGS");
            let result = cargo.output()?;
            if result.status.success() {
                break;
            }
            let words = String::from_utf8_lossy(&result.stderr).into_owned();
            let culprits = culprits(&words);
            if culprits.iter().all(|n| out.contains(n)) {
                return Err(io::Error::other(words));
            }
            for n in culprits {
                if out.insert(n) {
                    let file = format!("src/m{n}.rs:");
                    let lines: Vec<&str> = words.lines().filter(|l| l.contains(&file)).take(3).collect();
                    refused.push((n, lines.join("\n")));
                }
            }
        }
        let mut first = Vec::new();
        let mut next = 0;
        for (n, unit) in units.iter().enumerate() {
            first.push((!out.contains(&n)).then_some(next));
            next += if out.contains(&n) { 0 } else { unit.kernels.len() };
        }
        let program = self.target().join("release").join(&self.name);
        Ok(Built { program, dir: self.dir.clone(), first, refused, time: start.elapsed() })
    }
}

/// Units that rustc's errors are about.
fn culprits(words: &str) -> BTreeSet<usize> {
    let errors = words.lines().filter(|l| l.contains(": error"));
    errors.filter_map(|l| l.split("src/m").nth(1)?.split_once(".rs:")?.0.parse().ok()).collect()
}

/// Writes only what differs, so that cargo rebuilds only what must be.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) { Ok(()) } else { fs::write(path, text) }
}

impl Built {
    /// Runs requests in order; a crash costs only the request that caused it.
    ///
    /// # Errors
    /// When the driver cannot be started.
    pub fn run(&self, requests: &[Request], limit: Duration) -> io::Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let (asked, answered) = (self.dir.join("requests"), self.dir.join("answers"));
        while answers.len() < requests.len() {
            let mut bytes = Vec::new();
            for r in &requests[answers.len()..] {
                bytes.extend((r.kernel as u32).to_le_bytes());
                bytes.extend([r.level, r.threads, r.layout, 0]);
                bytes.extend((r.body.len() as u64).to_le_bytes());
                bytes.extend(&r.body);
            }
            fs::write(&asked, bytes)?;
            let mut child = Command::new(&self.program)
                .args([&asked, &answered])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            let start = Instant::now();
            let mut end = String::new();
            loop {
                if let Some(status) = child.try_wait()? {
                    if !status.success() {
                        let _ = write!(end, "{status}");
                    }
                    break;
                }
                if start.elapsed() > limit {
                    child.kill()?;
                    child.wait()?;
                    let _ = write!(end, "no answer within {} s", limit.as_secs());
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            let before = answers.len();
            parse(&fs::read(&answered).unwrap_or_default(), &mut answers);
            if answers.len() < requests.len() {
                if end.is_empty() && before == answers.len() {
                    return Err(io::Error::other("the driver does not answer"));
                }
                answers.push(Answer::Died(end));
            }
        }
        Ok(answers)
    }
}

fn parse(mut bytes: &[u8], out: &mut Vec<Answer>) {
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let size = u64::from_le_bytes(head[1..9].try_into().expect("8 bytes")) as usize;
        let Some((body, rest)) = rest.split_at_checked(size) else { return };
        bytes = rest;
        let text = || String::from_utf8_lossy(body).into_owned();
        out.push(match head[0] {
            0 => Answer::Values(
                body.chunks_exact(8)
                    .map(|c| f64::from_bits(u64::from_le_bytes(c.try_into().expect("8 bytes"))))
                    .collect(),
            ),
            1 => Answer::Refused(text()),
            _ => Answer::Panicked(text()),
        });
    }
}
