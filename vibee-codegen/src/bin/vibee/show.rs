//! `vibee show`: the stages between a spec and its Rust.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::{compile, loops, passes, schedule};
use vibee_spec::ast::text as tree;
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
            let project = ui.load(std::slice::from_ref(&args.spec))?;
            ui.parsed(&project);
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
        let Some(name) = &args.kernel else {
            print(&tree::file(&spec.file));
            continue;
        };
        let shown = tree::named(&spec.file, name);
        if shown.is_empty() {
            bail!("{} has no function, kernel, layer or model {name}", spec.path.display());
        }
        print(&shown);
    }
    Ok(Outcome::Clean)
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
        Stage::Rust | Stage::Ast => match compile::rust(&project.specs[c.spec], m, project.shown(c.spec)) {
            Ok(code) => code.into_iter().collect(),
            Err(why) => bail!("a bug in vibee: {why}"),
        },
    };
    Ok(parts.join("\n"))
}
