//! What all commands share: colours, progress, diagnostics, loading specs.
//!
//! Must not know what any command does.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use vibee_codegen::compile;
use vibee_codegen::project::{Checked, Project};
use vibee_spec::diag::{Diagnostic, Diags, Severity};
use vibee_spec::lint::{Level, Levels, UnknownLint};
use vibee_spec::parse::Mode;
use vibee_spec::render::{Renderer, Sarif};
use vibee_spec::span::Source;

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to complain about.
    Clean,
    /// Errors in specs, stale files, failing tests.
    Findings,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Colour the output: auto means on a terminal without NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Print errors only.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Findings for people (stderr), or on stdout: one JSON object a line, one SARIF 2.1.0 log, or
    /// workflow commands of GitHub.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    message_format: Format,
    /// Do not show this warning.
    #[arg(short = 'A', long, global = true, value_name = "LINT", help_heading = "Lints")]
    allow: Vec<String>,
    /// Show this warning.
    #[arg(short = 'W', long, global = true, value_name = "LINT", help_heading = "Lints")]
    warn: Vec<String>,
    /// Make this warning an error. LINT is a code, a name, or `warnings` for all.
    #[arg(short = 'D', long, global = true, value_name = "LINT", help_heading = "Lints")]
    deny: Vec<String>,
    /// Read damage met in published specs as it was meant, with warnings: lines of a lone 0, text in
    /// triple quotes, values that go on as text, bytes that are no characters.
    #[arg(long, global = true)]
    lenient: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Sarif,
    Github,
}

/// How to talk to the user.
#[derive(Debug)]
pub struct Ui {
    /// Colour on stdout.
    pub color: bool,
    /// What was asked for, to be handed on.
    pub wanted_color: Color,
    color_errors: bool,
    /// Errors only.
    pub quiet: bool,
    format: Format,
    /// What becomes of warnings.
    levels: Levels,
    /// Findings so far, for [`Format::Sarif`].
    sarif: Mutex<Sarif>,
    /// How malformed lines of specs are read.
    pub mode: Mode,
}

/// What [`Ui::report`] counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Ui {
    /// Settles colours from flags, environment and terminal. Flags change the `levels` of settings.
    ///
    /// # Errors
    /// When a flag names no lint.
    pub fn new(flags: &Flags, mut levels: Levels) -> Result<Ui, UnknownLint> {
        let asked = [(&flags.allow, Level::Allow), (&flags.warn, Level::Warn), (&flags.deny, Level::Deny)];
        for (names, level) in asked {
            for name in names.iter().flat_map(|names| names.split(',')) {
                levels.set(name.trim(), level)?;
            }
        }
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let wanted = |terminal: bool| match flags.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        Ok(Ui {
            wanted_color: flags.color,
            color: wanted(std::io::stdout().is_terminal()),
            color_errors: wanted(std::io::stderr().is_terminal()),
            quiet: flags.quiet,
            format: flags.message_format,
            levels,
            sarif: Mutex::default(),
            mode: if flags.lenient { Mode::Lenient } else { Mode::Strict },
        })
    }

    /// Prints an error that is not about a place in a spec.
    pub fn error(&self, text: &str) {
        let head = if self.color_errors { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
        tell(&format!("{head}: {text}"));
    }

    /// Prints a remark on stderr unless quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }

    /// Prints a line of results for people, unless quiet or talking to a program.
    pub fn data(&self, text: &str) {
        if !self.quiet && !self.is_for_programs() {
            print(&format!("{text}\n"));
        }
    }

    /// A progress bar, visible on a terminal only.
    pub fn progress(&self, steps: u64, what: &str) -> ProgressBar {
        if self.quiet || self.is_for_programs() || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        ProgressBar::new(steps).with_style(style).with_message(what.to_owned())
    }

    /// Reads specs.
    ///
    /// # Errors
    /// When a path does not exist or cannot be read.
    pub fn load(&self, paths: &[PathBuf]) -> Result<Project> {
        Project::load_as(paths, self.mode)
            .map_err(|e| anyhow::Error::new(e.why).context(format!("cannot read {}", e.path.display())))
    }

    /// Reads and checks specs, shows all findings. `None` after errors.
    ///
    /// # Errors
    /// As [`Ui::load`].
    pub fn checked(&self, paths: &[PathBuf]) -> Result<Option<(Project, Vec<Checked>)>> {
        let project = self.load(paths)?;
        let bar = self.progress(project.asked as u64, "checking");
        let checked = compile::check_all(&project, &|| bar.inc(1));
        bar.finish_and_clear();
        let counts = self.report(&project, &checked, false);
        Ok((counts.errors == 0).then_some((project, checked)))
    }

    /// Shows all findings, in spec order. `linted` says whether those of all lints are among them, for
    /// specs without errors.
    pub fn report(&self, project: &Project, checked: &[Checked], linted: bool) -> Counts {
        let mut counts = Counts::default();
        for c in checked {
            let linted = linted && !c.diags.has_errors();
            let found = self.settled(&project.specs[c.spec].source, &c.diags, linted);
            counts.errors += found.errors;
            counts.warnings += found.warnings;
        }
        counts
    }

    /// Whether findings go to standard output for a program to read.
    pub fn is_for_programs(&self) -> bool {
        self.format != Format::Human
    }

    /// Shows the findings of one source.
    pub fn findings(&self, source: &Source, diags: &Diags) -> Counts {
        self.settled(source, diags, false)
    }

    /// Whether there are errors among the findings of one source, as levels have it.
    pub fn has_errors(&self, source: &Source, diags: &Diags) -> bool {
        let mut diags = diags.clone();
        self.levels.apply(source, &mut diags, false);
        diags.has_errors()
    }

    /// Everything that decides which findings are errors, as text.
    pub fn options(&self) -> String {
        format!("{:?}", self.levels)
    }

    /// Shows what levels leave of findings. `linted` says whether those of all lints are among them.
    pub fn settled(&self, source: &Source, diags: &Diags, linted: bool) -> Counts {
        let mut counts = Counts::default();
        let renderer = Renderer::new(source);
        let mut diags = diags.clone();
        self.levels.apply(source, &mut diags, linted);
        for d in &diags.list {
            match d.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
            }
            if d.severity == Severity::Error || !self.quiet {
                self.diagnostic(&renderer, d);
            }
        }
        counts
    }

    /// Shows the findings of the parser alone.
    pub fn parsed(&self, project: &Project) {
        for spec in &project.specs[..project.asked] {
            let renderer = Renderer::new(&spec.source);
            spec.diags.list.iter().for_each(|d| self.diagnostic(&renderer, d));
        }
    }

    fn diagnostic(&self, renderer: &Renderer<'_>, d: &Diagnostic) {
        match self.format {
            Format::Human => tell(&format!("{}\n", renderer.text(d, self.color_errors))),
            Format::Json => print(&format!("{}\n", renderer.json(d))),
            Format::Github => print(&format!("{}\n", renderer.github(d))),
            Format::Sarif => self.sarif().add(renderer, d),
        }
    }

    fn sarif(&self) -> MutexGuard<'_, Sarif> {
        self.sarif.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what could only be written as a whole. Commands that have no findings write nothing
    /// else to standard output in these formats.
    pub fn finish(&self) {
        if self.format == Format::Sarif {
            print(&format!("{:#}\n", self.sarif().log()));
        }
    }
}

/// Writes to stdout; ends the process quietly if nobody reads any more (`vibee … | head`).
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        let code = if e.kind() == std::io::ErrorKind::BrokenPipe { 0 } else { 2 };
        std::process::exit(code);
    }
}

/// Writes a line to stderr. That nobody reads it changes neither the work nor the exit code.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// `1 spec`, `2 specs`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
