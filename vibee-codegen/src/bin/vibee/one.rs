//! One kernel of one spec with values from a file: what `eval` and `run` have in common.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use vibee_codegen::compile;
use vibee_codegen::project::Project;
use vibee_spec::term::{Kernel, Module};

use crate::ui::Ui;

/// Which kernel, which values.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The kernel (an instance of a generic one is named like linear_bf16).
    pub kernel: String,
    /// The spec.
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// Arguments as JSON, - for stdin.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
}

impl Which {
    /// The text of the input.
    pub fn input(&self) -> Result<String> {
        let shown = self.input.display();
        if self.input.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
            return Ok(text);
        }
        std::fs::read_to_string(&self.input).with_context(|| format!("cannot read {shown}"))
    }
}

/// A kernel with the place it comes from.
#[derive(Debug)]
pub struct One {
    /// Its meaning.
    pub kernel: Kernel,
    /// Its spec's module path.
    pub module: String,
    /// Its spec as generated code names it.
    pub shown: String,
}

impl One {
    /// Reads and checks the spec and finds the kernel; `None` after errors.
    pub fn load(which: &Which, ui: &Ui) -> Result<Option<One>> {
        let Some((project, mut checked)) = ui.checked(std::slice::from_ref(&which.spec))? else {
            return Ok(None);
        };
        let Some(c) = checked.pop() else { bail!("{} is no spec", which.spec.display()) };
        let names: Vec<&str> = c.module.kernels.iter().map(|k| k.name.as_str()).collect();
        let Some(kernel) = c.module.kernels.iter().find(|k| k.name == which.kernel) else {
            let known =
                if names.is_empty() { "it has none".into() } else { format!("it has {}", names.join(", ")) };
            bail!("{} has no kernel {}; {known}", which.spec.display(), which.kernel);
        };
        let (module, shown) = place(&project, c.spec);
        Ok(Some(One { kernel: kernel.clone(), module, shown }))
    }

    /// A module of this kernel alone.
    pub fn alone(&self) -> Module {
        Module { kernels: vec![self.kernel.clone()], ..Module::default() }
    }
}

/// A spec's module path and the way generated code names it.
pub fn place(project: &Project, n: usize) -> (String, String) {
    (project.specs[n].module.clone(), compile::shown_path(project, n))
}
