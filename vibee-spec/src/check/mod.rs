//! Meaning: syntax trees become terms, or diagnostics that say why not.
//!
//! | step | file |
//! |---|---|
//! | names of files and imports | `globals`, `cycles`, `spelling` |
//! | headers: sizes, inputs, constraints | `header`, `solve` |
//! | names and functions in expressions | `expand`, `callee`, `folds`, `functions`, `frame` |
//! | ranges of letters | `seed`, `indices` |
//! | types | `lower`, `types`, `bits`, `alpha` |
//! | positions inside their arrays | `access`, `facts`, `prove`, `search`; for later stages `known` |
//! | definitions and left sides | `defs`, `left`, `split`, `whole` |
//! | storage formats, operands in them | `formats`, `rows`, `packed`, `range` |
//! | operands that may be rounded | `allow` |
//! | kernel calls | `calls`, `bind`, `inherit`, `graft` |
//! | layers and models | `layers`, `forward`, `segment`, `subcall`, `liveness` |
//! | test cases and laws | `cases`, `values`, `laws`, `drawn` |
//!
//! One run shows every finding of a file: what has an error is poisoned, and uses of it stay
//! silent. Nothing here depends on what a kernel, function or size is called, and nothing knows
//! loops, layouts or instruction sets.

mod access;
mod allow;
mod alpha;
mod bind;
mod bits;
mod builder;
mod builtins;
mod callee;
mod calls;
mod cases;
mod cycles;
mod defs;
mod drawn;
mod expand;
mod facts;
mod folds;
mod formats;
mod forward;
mod frame;
mod functions;
mod globals;
mod graft;
mod header;
mod hir;
mod indices;
mod inherit;
mod kernel;
mod known;
mod laws;
mod layers;
mod left;
mod liveness;
mod lower;
mod packed;
mod prove;
mod range;
mod rows;
mod search;
mod seed;
mod segment;
mod solve;
mod spelling;
mod split;
mod subcall;
pub mod suggest;
mod types;
mod values;
mod visit;
mod whole;

pub use cases::{Case, Expected, Tests, cases};
pub use globals::Imports;
pub use known::Known;
pub use laws::{Law, LawVar};
pub use packed::decoded_at;
pub use values::Data;

use crate::ast;
use crate::diag::{Diagnostic, Diags};
use crate::span::Source;
use crate::term::{DType, Layer, Module};
use globals::{Cx, Global, executable};
use types::Elem;

/// Checks a file. Kernels, layers and models with errors are left out of the module; the errors
/// are in `diags`.
pub fn check<'a>(
    file: &'a ast::File,
    source: &'a Source,
    imports: &Imports<'a>,
    diags: &mut Diags,
) -> Module {
    let mut module = Module {
        name: module_name(file, source),
        doc: file.description.clone().unwrap_or_default(),
        declarations: crate::declare::declare(file, source, imports, diags),
        ..Module::default()
    };
    if !executable(file) {
        return module;
    }
    let mut cx = Cx::new(file, source, imports, std::mem::take(diags));
    cycles::report(&mut cx);
    check_formats(&mut cx, file, &mut module);
    check_kernels(&mut cx, file, &mut module);
    check_layers(&mut cx, file, &mut module);
    *diags = cx.diags;
    module
}

fn check_layers(cx: &mut Cx<'_>, file: &ast::File, module: &mut Module) {
    for l in &file.layers {
        spelling::members(cx, l, &[]);
    }
    for m in &file.models {
        spelling::members(cx, &m.layer, &m.config);
    }
    for (at, l) in file.layers.iter().enumerate() {
        if l.generics.is_empty() {
            module.layers.extend(layers::instance(cx, 0, at, vec![]).map(|l| (*l).clone()));
        } else if let Some(instances) = instances(cx, &l.generics, &l.instances) {
            for types in instances {
                module.layers.extend(layers::instance(cx, 0, at, types).map(|l| (*l).clone()));
            }
        }
    }
    for (at, m) in file.models.iter().enumerate() {
        if m.layer.generics.is_empty() {
            module.models.extend(layers::model(cx, at, &[]));
        } else if let Some(instances) = instances(cx, &m.layer.generics, &m.layer.instances) {
            if instances.is_empty() {
                no_instances(cx, &m.layer.name, &m.layer.generics);
            }
            for types in instances {
                module.models.extend(layers::model(cx, at, &types));
            }
        }
    }
    // Instances that only the file's own sublayers asked for.
    let mut extra: Vec<Layer> = vec![];
    for ((of, _, types), layer) in &cx.layers {
        if let Some(layer) = layer
            && *of == 0
            && !types.is_empty()
            && !module.layers.iter().any(|l| l.name == layer.name)
        {
            extra.push((**layer).clone());
        }
    }
    extra.sort_by(|a, b| a.name.cmp(&b.name));
    module.layers.extend(extra);
}

fn check_formats(cx: &mut Cx<'_>, file: &ast::File, module: &mut Module) {
    for at in 0..file.formats.len() {
        module.formats.extend(formats::format(cx, 0, at));
    }
}

fn check_kernels(cx: &mut Cx<'_>, file: &ast::File, module: &mut Module) {
    for (at, k) in file.kernels.iter().enumerate() {
        if k.generics.is_empty() {
            module.kernels.extend(kernel::instance(cx, 0, at, vec![]).map(|k| (*k).clone()));
            continue;
        }
        let Some(instances) = instances(cx, &k.generics, &k.instances) else { continue };
        let none = instances.is_empty();
        for types in instances {
            module.kernels.extend(kernel::instance(cx, 0, at, types).map(|k| (*k).clone()));
        }
        if none && !cx.used.contains(&Global::Kernel(0, at)) {
            // Checked with one type, so that its errors are shown.
            let _ = kernel::instance(cx, 0, at, vec![Elem::Type(DType::F32); k.generics.len()]);
            no_instances(cx, &k.name, &k.generics);
        }
    }
    for at in 0..file.formats.len() {
        module.kernels.extend(formats::kernels(cx, 0, at));
    }
    let mut names: Vec<&str> = module.kernels.iter().map(|k| k.name.as_str()).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|p| p[0] == p[1]) {
        let mut written = file.kernels.iter().filter(|k| k.name.name == pair[0]);
        // One that is written twice has been reported.
        if let (Some(k), None) = (written.next(), written.next()) {
            let d = Diagnostic::error(
                "V0202",
                k.name.span,
                format!("`{}` is also the name of an instance", pair[0]),
            )
            .hint("instances are named `kernel_type`; rename one of the two");
            cx.report(0, d);
        }
    }
    spelling::kernels(cx, file, module);
}

/// Warns about a generic definition of which nothing is made.
fn no_instances(cx: &mut Cx<'_>, name: &ast::Ident, generics: &[ast::Ident]) {
    let text = format!("`{}` is generic and has no instances", name.name);
    let d = Diagnostic::warning("V0208", name.span, text)
        .label("nothing is generated for it")
        .hint(format!("list the types: `for {} in f32, bf16`", generics[0].name));
    cx.report(0, d);
}

/// All combinations of the listed types; `None` after a reported error.
fn instances(
    cx: &mut Cx<'_>,
    generics: &[ast::Ident],
    lists: &[(ast::Ident, Vec<ast::Ident>)],
) -> Option<Vec<Vec<Elem>>> {
    let mut fine = true;
    for (name, _) in lists {
        if !generics.iter().any(|g| g.name == name.name) {
            let mut d =
                Diagnostic::error("V0208", name.span, format!("`{}` is not a generic type here", name.name));
            d.hint = suggest::hint(&name.name, generics.iter().map(|g| g.name.as_str()));
            cx.report(0, d);
            fine = false;
        }
    }
    if lists.is_empty() {
        return Some(vec![]);
    }
    let mut out: Vec<Vec<Elem>> = vec![vec![]];
    for g in generics {
        let Some((_, types)) = lists.iter().find(|(n, _)| n.name == g.name) else {
            let d =
                Diagnostic::error("V0208", g.span, format!("the generic type `{}` has no instances", g.name))
                    .hint(format!("list its types: `for {} in f32, bf16`", g.name));
            cx.report(0, d);
            return None;
        };
        let mut next = vec![];
        for t in types {
            let elem = types::word(&t.name).map(Elem::Type).or_else(|| match cx.find(0, &t.name) {
                Some(Global::Format(file, at)) => Some(Elem::Format(file, at)),
                _ => None,
            });
            let Some(elem) = elem else {
                fine = false;
                if cx.left_out(0, &t.name) {
                    continue;
                }
                let mut d = Diagnostic::error("V0209", t.span, format!("unknown element type `{}`", t.name));
                d.hint = suggest::hint(&t.name, builtins::DTYPES.iter().copied());
                cx.report(0, d);
                continue;
            };
            for head in &out {
                let mut longer = head.clone();
                longer.push(elem.clone());
                if !next.contains(&longer) {
                    next.push(longer);
                }
            }
        }
        out = next;
        if out.len() > 64 {
            let d = Diagnostic::error("V0208", g.span, "more than 64 instances of one definition");
            cx.report(0, d);
            return None;
        }
    }
    fine.then_some(out)
}

/// The module's name as an identifier.
fn module_name(file: &ast::File, source: &Source) -> String {
    let stem = source.path.rsplit('/').next().unwrap_or("").trim_end_matches(".vibee");
    let wanted = file.module.as_ref().or(file.name.as_ref()).map_or(stem, |n| n.name.as_str());
    let mut name: String = wanted
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}
