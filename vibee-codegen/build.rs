//! Puts igla-runtime's sources into the compiler, so that `vibee test` works in any folder, and the
//! identity of the compiler, so that `vibee gen` knows which results are its own.
//!
//! Writes `runtime.rs` (a list of paths and texts) and the manifest of the runtime as a package of
//! its own, with the workspace's versions filled in. Sets `VIBEE_BUILD`.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = here.join("..");
    let runtime = root.join("igla-runtime");
    let mut sources = Vec::new();
    collect(&runtime.join("src"), &mut sources)?;
    sources.sort();
    let mut list = String::from("&[\n");
    for path in sources {
        let below = path.strip_prefix(&runtime).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let _ = writeln!(list, "    ({below:?}, include_str!({:?})),", path.to_string_lossy());
    }
    list += "]\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("runtime.rs"), list)?;
    fs::write(out.join("runtime.toml"), manifest(&root, &runtime)?)?;
    for watched in [runtime.join("src"), runtime.join("Cargo.toml"), root.join("Cargo.toml")] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    println!("cargo::rustc-env=VIBEE_BUILD={}", identity(&root)?);
    Ok(())
}

/// A hash of everything that decides what the compiler writes: the sources of the language and of the
/// compiler, and the versions that they are built with. Commands are left out, they decide nothing.
fn identity(root: &Path) -> io::Result<String> {
    let mut sources = vec![root.join("Cargo.lock"), root.join("vibee-spec/src/grammar.pest")];
    collect(&root.join("vibee-spec/src"), &mut sources)?;
    collect(&root.join("vibee-codegen/src"), &mut sources)?;
    let commands = root.join("vibee-codegen/src/bin");
    sources.retain(|path| !path.starts_with(&commands));
    sources.sort();
    let mut hash = DefaultHasher::new();
    for path in sources {
        path.strip_prefix(root).unwrap_or(&path).hash(&mut hash);
        fs::read(&path)?.hash(&mut hash);
        // Each file by itself: a change of a command must not build the compiler again.
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    Ok(format!("{version}-{:016x}", hash.finish()))
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    Ok(())
}

/// The runtime's manifest without its workspace: `half.workspace = true` becomes the workspace's line.
fn manifest(root: &Path, runtime: &Path) -> io::Result<String> {
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    let own = fs::read_to_string(runtime.join("Cargo.toml"))?;
    let mut out = format!(
        "[package]\nname = \"igla-runtime\"\nversion = \"{}\"\nedition = \"2024\"\n\n[dependencies]\n",
        env::var("CARGO_PKG_VERSION").unwrap_or_default()
    );
    let lines = own.lines().skip_while(|l| *l != "[dependencies]").skip(1);
    // Kernels need none of the optional ones.
    let needed = |l: &&str| !l.trim().is_empty() && !l.contains("optional = true");
    for line in lines.take_while(|l| !l.starts_with('[')).filter(needed) {
        let shared = line.split_once(".workspace").map(|(name, _)| format!("{} =", name.trim()));
        let full = match &shared {
            Some(head) => workspace.lines().find(|l| l.starts_with(head.as_str())),
            None => Some(line),
        };
        let full = full.ok_or_else(|| io::Error::other(format!("no version for `{line}`")))?;
        out += full;
        out.push('\n');
    }
    // Named, so that code for them is known to be left out; `vibee runtime` puts them in.
    out += "\n[features]\nmap = []\nserde = []\n";
    for (name, variable) in [("memmap2", "VIBEE_MEMMAP2"), ("serde", "VIBEE_SERDE")] {
        let head = format!("{name} = ");
        let version = workspace.lines().find_map(|l| l.strip_prefix(&head));
        let version = version.ok_or_else(|| io::Error::other(format!("no version for {name}")))?;
        let table = match version.strip_prefix("{ ") {
            Some(table) => table.trim_end_matches(" }").to_owned(),
            None => format!("version = {version}"),
        };
        println!("cargo::rustc-env={variable}={name} = {{ {table}, optional = true }}");
    }
    Ok(out)
}
