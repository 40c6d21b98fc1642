//! Names that differ only in how their words are set apart, like `fooBar` and `foo_bar`: generated code
//! has one style, in which they are one name. So they must not stand beside each other.

use std::collections::HashMap;

use super::globals::Cx;
use crate::ast;
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::Module;

/// Reports kernels of the file that meet, instances of generic ones included.
pub(super) fn kernels(cx: &mut Cx<'_>, file: &ast::File, module: &Module) {
    let generated = |name: &str| module.kernels.iter().any(|k| k.name == name);
    let mut names: Vec<(String, Span)> = cx
        .kernels
        .iter()
        .filter(|((of, _, _), _)| *of == 0)
        .filter_map(|((_, at, _), k)| Some((k.as_ref()?.name.clone(), file.kernels[*at].name.span)))
        .filter(|(name, _)| generated(name))
        .collect();
    names.sort_by_key(|(name, span)| (*span, name.clone()));
    report(cx, &names, "kernels");
}

/// Reports members of a layer or model that meet.
pub(super) fn members(cx: &mut Cx<'_>, layer: &ast::Layer, config: &[ast::ConfigEntry]) {
    let scalars = config.iter().map(|c| &c.name).filter(|n| !n.name.starts_with(|c: char| c.is_uppercase()));
    let weights = layer.weights.iter().map(|w| &w.name);
    let names: Vec<(String, Span)> = scalars.chain(weights).map(|n| (n.name.clone(), n.span)).collect();
    report(cx, &names, "members of one layer");
}

fn report(cx: &mut Cx<'_>, names: &[(String, Span)], what: &str) {
    let mut seen: HashMap<String, &(String, Span)> = HashMap::new();
    for entry in names {
        let (name, span) = entry;
        match seen.get(&words(name)) {
            // The same name twice is another finding.
            Some((first, at)) if first != name => {
                let d = Diagnostic::error(
                    "V0225",
                    *span,
                    format!("`{name}` and `{first}` are one name in generated code"),
                )
                .label(format!("{what} need names that differ in their words"))
                .also(*at, format!("`{first}` is here"))
                .hint("rename one of the two");
                cx.report(0, d);
            }
            Some(_) => {}
            None => drop(seen.insert(words(name), entry)),
        }
    }
}

/// A name's words in small letters, `foo_bar` for `fooBar`.
fn words(name: &str) -> String {
    let mut out = String::new();
    let mut small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && small {
            out.push('_');
        }
        small = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    out
}
