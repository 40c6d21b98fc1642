//! `vibee.toml`: what a project wants without being told each time.
//!
//! It is looked for in the current folder and those above it; paths in it are relative to its own
//! folder. Flags win over it. A key that is not known is an error: a setting with a slip in it must
//! not look as if it worked.
//!
//! | key | meaning |
//! |---|---|
//! | `specs` | specs or folders of specs |
//! | `out` | where `vibee gen` puts the module tree |
//! | `jobs` | threads |
//! | `[lints]` | a level, `allow`, `warn` or `deny`, for a code, a lint's name, or `warnings` |

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use vibee_spec::check::suggest;
use vibee_spec::lint::{Level, Levels, UnknownLint};

/// Name of the file.
pub const NAME: &str = "vibee.toml";

/// A project's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Specs or folders of specs, as they are reached from the current folder.
    pub specs: Option<Vec<PathBuf>>,
    /// Where the module tree goes.
    pub out: Option<PathBuf>,
    /// Threads.
    pub jobs: Option<usize>,
    /// What becomes of warnings.
    pub lints: Levels,
}

const LEVELS: [(&str, Level); 3] = [("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)];

const KEYS: [&str; 4] = ["specs", "out", "jobs", "lints"];

impl Config {
    /// The settings for the current folder; none if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or says what it must not.
    pub fn here() -> Result<Config> {
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        for (up, folder) in here.ancestors().enumerate() {
            let path = folder.join(NAME);
            if path.is_file() {
                let prefix: PathBuf = std::iter::repeat_n("..", up).collect();
                let shown = prefix.join(NAME).to_string_lossy().replace('\\', "/");
                let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
                return Config::read(&text, &shown, &prefix);
            }
        }
        Ok(Config::default())
    }

    /// Reads the text of a file that people see as `shown`; `folder` is put before its paths.
    ///
    /// # Errors
    /// When it is no TOML, a key is unknown or a value is of another kind.
    pub fn read(text: &str, shown: &str, folder: &Path) -> Result<Config> {
        let table = DeTable::parse(text).map_err(|e| {
            let at = e.span().map_or(0, |s| s.start);
            anyhow::anyhow!("{shown}:{}: {}", line(text, at), e.message())
        })?;
        let file = File { text, shown, folder };
        let mut config = Config::default();
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "specs" => config.specs = Some(file.paths(value)?),
                "out" => config.out = Some(file.path(value)?),
                "jobs" => config.jobs = Some(file.count(value)?),
                "lints" => config.lints = file.lints(value)?,
                other => return file.unknown(key.span().start, "key", other, &KEYS),
            }
        }
        Ok(config)
    }

    /// Paths from the command line, else from the file, else `specs`.
    #[must_use]
    pub fn specs(&self, given: &[PathBuf]) -> Vec<PathBuf> {
        match (given, &self.specs) {
            ([], Some(specs)) => specs.clone(),
            ([], None) => vec!["specs".into()],
            _ => given.to_vec(),
        }
    }
}

struct File<'a> {
    text: &'a str,
    shown: &'a str,
    folder: &'a Path,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl File<'_> {
    fn fail<T>(&self, at: usize, what: &str) -> Result<T> {
        bail!("{}:{}: {what}", self.shown, line(self.text, at))
    }

    fn unknown<T>(&self, at: usize, sort: &str, name: &str, known: &[&str]) -> Result<T> {
        let hint = suggest::hint(name, known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("known are {}", known.join(", ")));
        self.fail(at, &format!("unknown {sort} `{name}`; {hint}"))
    }

    fn path(&self, value: &Value<'_>) -> Result<PathBuf> {
        match value.get_ref() {
            DeValue::String(path) if !path.is_empty() => Ok(self.folder.join(path.as_ref())),
            _ => self.fail(value.span().start, "expected a path in quotes"),
        }
    }

    fn paths(&self, value: &Value<'_>) -> Result<Vec<PathBuf>> {
        match value.get_ref() {
            DeValue::Array(paths) if !paths.is_empty() => paths.iter().map(|p| self.path(p)).collect(),
            _ => self.fail(value.span().start, "expected a list of paths, like [\"specs\"]"),
        }
    }

    fn count(&self, value: &Value<'_>) -> Result<usize> {
        let number = match value.get_ref() {
            DeValue::Integer(n) => n.as_str().parse().ok().filter(|n| (1..=4096).contains(n)),
            _ => None,
        };
        match number {
            Some(n) => Ok(n),
            None => self.fail(value.span().start, "expected a number from 1 to 4096"),
        }
    }

    fn lints(&self, value: &Value<'_>) -> Result<Levels> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.fail(value.span().start, "expected a table of lints, like [lints]");
        };
        let mut lints = Levels::default();
        for (name, level) in table {
            let wanted = match level.get_ref() {
                DeValue::String(wanted) => wanted.as_ref(),
                _ => return self.fail(level.span().start, "expected \"allow\", \"warn\" or \"deny\""),
            };
            let Some((_, known)) = LEVELS.iter().find(|(word, _)| *word == wanted) else {
                return self.unknown(level.span().start, "level", wanted, &LEVELS.map(|(w, _)| w));
            };
            if let Err(UnknownLint(unknown)) = lints.set(name.get_ref(), *known) {
                let what = format!("there is no lint `{unknown}`; `vibee explain` lists all codes");
                return self.fail(name.span().start, &what);
            }
        }
        Ok(lints)
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        Config::read(text, "../vibee.toml", Path::new("..")).map_err(|e| e.to_string())
    }

    #[test]
    fn everything_can_be_said() {
        let text =
            "specs = [\"a\", \"b/c.vibee\"]\nout = \"src/gen\"\njobs = 3\n\n[lints]\nV0005 = \"deny\"\n";
        let mut lints = Levels::default();
        lints.set("V0005", Level::Deny).expect("a code");
        let wanted = Config {
            specs: Some(vec!["../a".into(), "../b/c.vibee".into()]),
            out: Some("../src/gen".into()),
            jobs: Some(3),
            lints,
        };
        assert_eq!(read(text), Ok(wanted));
        assert_eq!(read(""), Ok(Config::default()));
    }

    #[test]
    fn slips_are_errors_with_their_line() {
        let cases = [
            ("\nspec = [\"a\"]\n", "../vibee.toml:2: unknown key `spec`; did you mean `specs`?"),
            ("color = 1", "../vibee.toml:1: unknown key `color`; known are specs, out, jobs, lints"),
            ("specs = \"a\"", "../vibee.toml:1: expected a list of paths, like [\"specs\"]"),
            ("specs = []", "../vibee.toml:1: expected a list of paths, like [\"specs\"]"),
            ("specs = [1]", "../vibee.toml:1: expected a path in quotes"),
            ("out = \"\"", "../vibee.toml:1: expected a path in quotes"),
            ("jobs = 0", "../vibee.toml:1: expected a number from 1 to 4096"),
            ("jobs = 1e3", "../vibee.toml:1: expected a number from 1 to 4096"),
            ("lints = 1", "../vibee.toml:1: expected a table of lints, like [lints]"),
            (
                "[lints]\nV9999 = \"warn\"",
                "../vibee.toml:2: there is no lint `V9999`; `vibee explain` lists all codes",
            ),
            ("[lints]\nV0005 = \"dény\"", "../vibee.toml:2: unknown level `dény`; did you mean `deny`?"),
            ("[lints]\nV0005 = 2", "../vibee.toml:2: expected \"allow\", \"warn\" or \"deny\""),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text), Err(wanted.to_owned()), "{text}");
        }
        let broken = read("a = 1\nout = [\n").expect_err("no TOML");
        assert!(broken.starts_with("../vibee.toml:"), "{broken}");
        assert!(read("out = \"a\"\nout = \"b\"\n").is_err_and(|e| e.starts_with("../vibee.toml:2: ")));
    }
}
