//! Lints about names and types of fields.

use super::finding;
use crate::ast::{File, Ident};
use crate::diag::Diags;

pub(super) fn lint(file: &File, diags: &mut Diags) {
    for ty in &file.types {
        style(&ty.name, "type", pascal, "UpperCamelCase", diags);
        for field in &ty.fields {
            style(&field.name, "field", snake, "snake_case", diags);
            if let Some(doc) = field.doc.as_ref().filter(|doc| field.default.is_none() && is_value(doc)) {
                diags.push(
                    finding(
                        "default-in-comment",
                        field.ty.span,
                        format!("the comment of `{}` looks like its default", field.name.name),
                    )
                    .label(format!("has no default, and the comment `{doc}`"))
                    .hint(format!("write `{}: {} = {doc}`", field.name.name, field.ty.name)),
                );
            }
            if matches!(field.ty.name.trim(), "Object" | "Any" | "List" | "Map" | "Option") {
                diags.push(
                    finding(
                        "untyped-field",
                        field.ty.span,
                        format!("`{}` does not say what `{}` holds", field.ty.name, field.name.name),
                    )
                    .label("anything goes")
                    .hint("name a type: `Tensor`, `List<Float>`, one declared here"),
                );
            }
        }
    }
    file.kernels.iter().for_each(|k| style(&k.name, "kernel", snake, "snake_case", diags));
    file.functions.iter().for_each(|f| style(&f.name, "function", snake, "snake_case", diags));
    file.behaviors.iter().for_each(|b| style(&b.name, "behaviour", snake, "snake_case", diags));
    file.layers.iter().for_each(|l| style(&l.name, "layer", pascal, "UpperCamelCase", diags));
    file.models.iter().for_each(|m| style(&m.layer.name, "model", pascal, "UpperCamelCase", diags));
}

fn style(name: &Ident, what: &str, is: fn(&str) -> bool, wanted: &str, diags: &mut Diags) {
    if !is(&name.name) {
        diags.push(
            finding("name-style", name.span, format!("the {what} `{}` is not in {wanted}", name.name))
                .label("generated code will look odd")
                .hint("rename it, or allow this with `# vibee: allow name-style` above it"),
        );
    }
}

/// Letters of scripts without case, and digits, are in both styles.
fn snake(name: &str) -> bool {
    !name.chars().any(char::is_uppercase)
}

fn pascal(name: &str) -> bool {
    !name.contains('_') && !name.starts_with(char::is_lowercase)
}

/// Whether a comment is nothing but a number or a truth value.
fn is_value(text: &str) -> bool {
    let text = text.trim();
    matches!(text, "true" | "false")
        || text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok()
}
