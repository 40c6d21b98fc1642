//! Spec text → checked kernels → Rust, with every way that can fail told apart.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vibee_spec::diag::{Diags, Severity};
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;
use vibee_spec::term::{Kernel, Module};

/// Why a text gives no Rust.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Findings of parser or checker.
    Rejected(String),
    /// The checker or compiler panicked.
    Panicked(String),
}

/// Parses and checks a spec that imports nothing.
///
/// # Errors
/// Its first findings, or a panic of the checker.
pub fn check(name: &str, text: &str) -> Result<Module, Refusal> {
    let source = Source { path: format!("{name}.vibee"), text: text.to_owned() };
    let (module, diags) = quietly(|| {
        let mut diags = Diags::default();
        let file = vibee_spec::parse::parse(&source, &mut diags);
        let module = vibee_spec::check::check(&file, &source, &|_, _| None, &mut diags);
        (module, diags)
    })?;
    let errors = diags.list.iter().filter(|d| d.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|d| Renderer::new(&source).text(d, false)).collect();
    if errors.is_empty() { Ok(module) } else { Err(Refusal::Rejected(errors.join("\n"))) }
}

/// The Rust of a module.
///
/// # Errors
/// A panic of the compiler.
pub fn emit(module: &Module) -> Result<String, Refusal> {
    quietly(|| vibee_codegen::emit::module(module, "random", "random.vibee"))
}

/// Runs something that should not panic.
///
/// # Errors
/// The panic's text.
pub fn quietly<T>(f: impl FnOnce() -> T) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|p| {
        let text = p.downcast_ref::<String>().cloned();
        let text = text.or_else(|| p.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Refusal::Panicked(text.unwrap_or_default())
    })
}

/// A spec ready to be built: kernels and the Rust module that holds them.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What to call it in reports.
    pub name: String,
    /// The spec.
    pub text: String,
    /// What the interpreter runs.
    pub kernels: Vec<Kernel>,
    /// What the compiler made.
    pub rust: String,
}

/// Checks and emits a spec.
///
/// # Errors
/// See [`Refusal`].
pub fn unit(name: &str, text: &str) -> Result<Unit, Refusal> {
    let module = check(name, text)?;
    let rust = emit(&module)?;
    Ok(Unit { name: name.to_owned(), text: text.to_owned(), kernels: module.kernels, rust })
}
