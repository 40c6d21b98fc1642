//! The scratch package: generated modules, the driver and the runtime, built by cargo.
//!
//! It lives in a cache that all runs share, so the runtime is compiled once. The runtime's source is
//! part of this program ([`RUNTIME`]); nothing but cargo and its registry cache is needed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use vibee_spec::term::{Kernel, Layer, Model, Module};

use super::driver;
use crate::generate::tree::{Emitted, files, rust_path};
use crate::generate::write::replace;
use crate::project::stamp::Digest;
use crate::{compile, emit};

/// Paths and texts of igla-runtime's sources.
const RUNTIME: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runtime.rs"));

/// igla-runtime's manifest as a package of its own.
const RUNTIME_MANIFEST: &str = include_str!(concat!(env!("OUT_DIR"), "/runtime.toml"));

/// Versions that the compiler itself was built and tested with.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// A kernel that the driver can call.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Its meaning.
    pub kernel: &'a Kernel,
    /// Its function's path in the scratch crate, `nn::rmsnorm::rmsnorm`.
    pub path: String,
}

/// A layer or model that the driver can load and call.
#[derive(Clone, Debug)]
pub struct LayerTarget<'a> {
    /// Its meaning.
    pub layer: &'a Layer,
    /// The model whose layer it is, if it is one's.
    pub model: Option<&'a Model>,
    /// Its type's path in the scratch crate, `models::bert::BertLayer`.
    pub path: String,
}

/// Specs to build: module path, shown path and meaning of each.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// Below its root, `/`-separated.
    pub module: &'a str,
    /// As generated code names it.
    pub shown: &'a str,
    /// Kernels, layers and models.
    pub terms: &'a Module,
}

/// The generated code is not accepted by rustc: a bug of the compiler.
#[derive(Debug)]
pub struct DoesNotBuild {
    /// The package.
    pub folder: PathBuf,
    /// What cargo said.
    pub errors: String,
}

impl DoesNotBuild {
    /// The first error in a module, given as its path below `src` without extension: message and place.
    #[must_use]
    pub fn first_error(&self, file: &str) -> Option<String> {
        // rustc names a place as ` --> src/nn/rope.rs:93:33`, below the message.
        let place = format!("--> src/{file}.rs:");
        let is_error = |b: &&str| b.trim_start().starts_with("error") && b.contains(&place);
        let block = self.errors.split("\n\n").find(is_error)?;
        let mut lines = block.trim_start().lines();
        let message = lines.next().unwrap_or("error");
        let at = block.lines().find_map(|l| l.trim().strip_prefix("--> "));
        Some(format!("{message} at {}/{}", self.folder.display(), at.unwrap_or("src")))
    }
}

impl std::fmt::Display for DoesNotBuild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the generated code does not build in {}:\n{}", self.folder.display(), self.errors)
    }
}

impl std::error::Error for DoesNotBuild {}

/// A built driver. Holds the package's lock: equal packages are used one after the other.
#[derive(Debug)]
pub struct Build {
    /// The driver's program.
    pub program: PathBuf,
    _lock: File,
}

/// All kernels of some specs, in the order in which the driver numbers them.
#[must_use]
pub fn targets<'a>(specs: &[Spec<'a>]) -> Vec<Target<'a>> {
    let one = |s: &Spec<'a>| {
        let module = rust_path(s.module);
        let path = move |k: &Kernel| format!("{module}::{}", emit::function_name(k));
        s.terms.kernels.iter().map(move |kernel| Target { kernel, path: path(kernel) })
    };
    specs.iter().flat_map(one).collect()
}

/// All layers, then models, of each spec; the driver numbers them after all kernels.
#[must_use]
pub fn layer_targets<'a>(specs: &[Spec<'a>]) -> Vec<LayerTarget<'a>> {
    let one = |s: &Spec<'a>| {
        let module = rust_path(s.module);
        let path = move |l: &Layer| format!("{module}::{}", emit::type_name(l));
        let layers = s.terms.layers.iter().map(|l| (l, None));
        let models = s.terms.models.iter().map(|m| (&m.layer, Some(m)));
        layers.chain(models).map(move |(layer, model)| LayerTarget { layer, model, path: path(layer) })
    };
    specs.iter().flat_map(one).collect()
}

/// Where scratch packages and compiled code go: `$VIBEE_CACHE`, else the user's cache folder.
#[must_use]
pub fn cache() -> PathBuf {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let user = || var("XDG_CACHE_HOME").or_else(|| Some(var("HOME")?.join(".cache")));
    var("VIBEE_CACHE")
        .or_else(|| Some(user()?.join("vibee")))
        .unwrap_or_else(|| std::env::temp_dir().join("vibee"))
}

/// Builds the driver of some specs below [`cache`]. `key` names the package: equal keys share a folder.
///
/// # Errors
/// When files cannot be written, cargo cannot run, or the generated code does not compile.
pub fn build(key: &str, specs: &[Spec<'_>]) -> Result<Build> {
    build_in(&cache(), key, specs)
}

/// As [`build`], below another folder.
///
/// # Errors
/// As [`build`].
pub fn build_in(cache: &Path, key: &str, specs: &[Spec<'_>]) -> Result<Build> {
    let cache = std::path::absolute(cache)?;
    let name = format!("vibee-{}", &Digest::of(key.as_bytes()).to_string()[..16]);
    let folder = cache.join("packages").join(&name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock = File::create(folder.join(".lock")).context("cannot create the package's lock")?;
    lock.lock().context("cannot lock the package")?;

    let runtime = write_runtime(&cache)?;
    write_new(&folder.join("Cargo.toml"), &manifest(&name, &runtime))?;
    if !folder.join("Cargo.lock").exists() {
        replace(&folder.join("Cargo.lock"), LOCK)?;
    }
    let mut emitted = Vec::new();
    for s in specs {
        let code = compile::module(s.terms, s.shown, s.module);
        let code = code.map_err(|why| anyhow::anyhow!("{}: a bug in vibee: {why}", s.shown))?;
        emitted.push(Emitted::new(s.module, s.shown, code));
    }
    for (path, file) in files(emitted).map_err(|clashes| anyhow::anyhow!(clashes.join("\n")))? {
        if let Some(text) = file.body.text() {
            write_new(&folder.join("src").join(path), text)?;
        }
    }
    write_new(&folder.join("driver/main.rs"), &driver::source(&targets(specs), &layer_targets(specs)))?;
    let target = cache.join("target");
    cargo(&folder, &target)?;
    Ok(Build { program: target.join("release").join(&name), _lock: lock })
}

fn manifest(name: &str, runtime: &Path) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [lib]\nname = \"kernels\"\n\n[[bin]]\nname = \"{name}\"\npath = \"driver/main.rs\"\n\n\
         [dependencies]\nigla-runtime = {{ path = {runtime:?} }}\n\n\
         [profile.release]\nopt-level = 3\ncodegen-units = 16\ndebug = false\nincremental = false\n\n\
         [lints.rust]\nwarnings = \"allow\"\n\n[workspace]\n"
    )
}

/// Paths and texts of the runtime as a package of its own.
pub fn runtime_crate() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(("Cargo.toml", RUNTIME_MANIFEST)).chain(RUNTIME.iter().copied())
}

/// Writes the runtime's sources into a folder named after their contents.
fn write_runtime(cache: &Path) -> Result<PathBuf> {
    let all: String = RUNTIME.iter().flat_map(|(path, text)| [*path, *text]).collect();
    let folder =
        cache.join("runtime").join(&Digest::of((all + RUNTIME_MANIFEST).as_bytes()).to_string()[..16]);
    for (path, text) in RUNTIME {
        write_new(&folder.join(path), text)?;
    }
    write_new(&folder.join("Cargo.toml"), RUNTIME_MANIFEST)?;
    Ok(folder)
}

/// Writes a file unless it has that text: cargo rebuilds what is newer.
fn write_new(path: &Path, text: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        Ok(())
    } else {
        replace(path, text.as_bytes())
    }
}

/// Builds without the network, and with it only if a package is missing.
fn cargo(folder: &Path, target: &Path) -> Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |offline: bool| {
        let mut command = Command::new(&program);
        command.args(["build", "--release", "--quiet", "--color=never", "--bins"]);
        command.args(offline.then_some("--offline"));
        command.current_dir(folder).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
        command.output().context("cannot run cargo; it is needed to compile kernels")
    };
    let mut output = run(true)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !output.status.success() && text(&output.stderr).contains("--offline") {
        output = run(false)?;
    }
    if output.status.success() {
        return Ok(());
    }
    let errors = text(&output.stderr);
    Err(DoesNotBuild { folder: folder.to_owned(), errors }.into())
}
