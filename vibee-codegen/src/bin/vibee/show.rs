//! `vibee show`: the stages between a spec and its Rust.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::{compile, loops, passes, schedule};
use vibee_spec::term::text;

use crate::ui::{Outcome, Ui, print};

/// Show what the compiler makes of a spec: its tree, terms, loops or Rust.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee show term --spec specs/nn/rmsnorm.vibee
  vibee show loops rmsnorm --spec specs/nn/rmsnorm.vibee
  vibee show rust --spec specs/nn/rmsnorm.vibee | less")]
pub struct Args {
    /// The stage.
    #[arg(value_enum)]
    stage: Stage,
    /// One kernel, layer or model of the spec [default: all].
    kernel: Option<String>,
    /// The spec.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stage {
    /// The tree as written.
    Ast,
    /// Names resolved, typed, sizes symbolic.
    Term,
    /// Loops, lanes and buffers.
    Loops,
    /// The generated module.
    Rust,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(Some(1), || {
        if let Stage::Ast = args.stage {
            // A tree exists even if it means nothing.
            let Some(project) = ui.load(std::slice::from_ref(&args.spec))? else {
                return Ok(Outcome::Findings);
            };
            return ast(args, &project);
        }
        let Some((project, checked)) = ui.checked(std::slice::from_ref(&args.spec))? else {
            return Ok(Outcome::Findings);
        };
        for c in checked {
            print(&stage(args, &project, c)?);
        }
        Ok(Outcome::Clean)
    })?
}

fn ast(args: &Args, project: &Project) -> Result<Outcome> {
    for spec in &project.specs[..project.asked] {
        let mut file = spec.file.clone();
        // Sections hold the raw text of what follows as trees.
        file.sections.clear();
        if let Some(name) = &args.kernel {
            let Some(k) = file.kernels.iter().find(|k| k.name.name == *name) else {
                bail!("{} has no kernel {name}", spec.path.display());
            };
            print(&format!("{}\n", short_spans(&format!("{k:#?}"))));
        } else {
            print(&format!("{}\n", short_spans(&format!("{file:#?}"))));
        }
    }
    Ok(Outcome::Clean)
}

/// `span: Span { start: 3, end: 9, }` over four lines becomes `span: 3..9,`.
fn short_spans(debug: &str) -> String {
    let mut out = String::new();
    let mut lines = debug.lines();
    while let Some(line) = lines.next() {
        match line.strip_suffix("Span {") {
            Some(head) => {
                let mut number = || {
                    let text = lines.next().unwrap_or("");
                    text.trim_matches(|c: char| !c.is_ascii_digit()).to_owned()
                };
                let (start, end) = (number(), number());
                lines.next();
                out += &format!("{head}{start}..{end},\n");
            }
            None => {
                out += line;
                out.push('\n');
            }
        }
    }
    out
}

fn stage(args: &Args, project: &Project, mut c: Checked) -> Result<String> {
    if let Some(name) = &args.kernel {
        c.module.kernels.retain(|k| k.name == *name);
        c.module.layers.retain(|l| l.name == *name);
        c.module.models.retain(|m| m.layer.name == *name);
        if c.module.kernels.is_empty() && c.module.layers.is_empty() && c.module.models.is_empty() {
            bail!("{} has no kernel, layer or model {name}", args.spec.display());
        }
    }
    let m = &c.module;
    let parts: Vec<String> = match args.stage {
        Stage::Term => (m.kernels.iter().map(text::kernel))
            .chain(m.layers.iter().map(text::layer))
            .chain(m.models.iter().map(text::model))
            .collect(),
        Stage::Loops => {
            m.kernels.iter().map(|k| loops::text(&schedule::run(passes::run(k.clone())))).collect()
        }
        Stage::Rust | Stage::Ast => match compile::rust(project, &c) {
            Ok(code) => code.into_iter().collect(),
            Err(why) => bail!("a bug in vibee: {why}"),
        },
    };
    Ok(parts.join("\n"))
}
