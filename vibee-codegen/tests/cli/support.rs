//! A folder to run commands in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An empty folder with the command at hand.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    /// Exit code.
    pub code: i32,
    /// Data.
    pub out: String,
    /// Diagnostics.
    pub err: String,
}

impl Desk {
    /// A folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Desk {
        let desk = Desk { folder: tempfile::tempdir().expect("a temporary folder") };
        files.iter().for_each(|(path, text)| desk.write(path, text));
        desk
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path(path)).expect("a file to remove");
    }

    /// Every file below a folder, sorted.
    pub fn files(&self, below: &str) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, out: &mut Vec<String>) {
            let Ok(entries) = std::fs::read_dir(folder) else { return };
            for path in entries.map(|e| e.expect("an entry").path()) {
                if path.is_dir() {
                    walk(root, &path, out);
                } else {
                    let below = path.strip_prefix(root).expect("a path below");
                    out.push(below.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let (root, mut out) = (self.path(below), vec![]);
        walk(&root, &root, &mut out);
        out.sort();
        out
    }

    /// All commands that help lists.
    pub fn commands(&self) -> Vec<String> {
        let help = self.vibee("--help").out;
        let (_, rest) = help.split_once("\nCommands:\n").expect("a list of commands");
        let (list, _) = rest.split_once("\n\n").expect("an end of the list");
        // Further lines of a description stand deeper.
        let lines = list.lines().filter(|l| l.starts_with("  ") && !l.starts_with("   "));
        let names = lines.filter_map(|l| l.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    }

    /// Runs `vibee` with space-separated arguments.
    pub fn vibee(&self, args: &str) -> Done {
        self.vibee_in("", args, "")
    }

    /// Runs `vibee` with these arguments.
    pub fn vibee_args(&self, args: &[&str]) -> Done {
        self.run("", args, "")
    }

    /// Runs `vibee` in a folder below with something on stdin.
    pub fn vibee_in(&self, below: &str, args: &str, stdin: &str) -> Done {
        self.run(below, &args.split_whitespace().collect::<Vec<_>>(), stdin)
    }

    /// `vibee` with these arguments, to be run in a folder below.
    pub fn command(&self, below: &str, args: &[&str]) -> Command {
        let cache = match args.first() {
            // Compiled kernels are kept between runs of the tests, what `gen` knows is not.
            Some(&"gen") => self.path(".cache"),
            _ => Path::new(env!("CARGO_TARGET_TMPDIR")).join("vibee"),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_vibee"));
        command.args(args).current_dir(self.path(below)).env_remove("NO_COLOR").env("VIBEE_CACHE", cache);
        command
    }

    fn run(&self, below: &str, args: &[&str], stdin: &str) -> Done {
        self.write(".stdin", stdin);
        let output = self
            .command(below, args)
            .stdin(Stdio::from(std::fs::File::open(self.path(".stdin")).expect("stdin")))
            .output()
            .expect("vibee runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        Done { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A spec with one kernel that doubles its input.
pub const DOUBLE: &str = "name: double
language: rust
description: Twice the input

kernels:
  double(x: f32[T]) -> y: f32[T]:
    y[t] = 2 * x[t]
";

/// A spec with an error.
pub const WRONG: &str = "name: wrong
language: rust

kernels:
  wrong(x: f32[T]) -> y: f32[T]:
    y[t] = 2 * z[t]
";
