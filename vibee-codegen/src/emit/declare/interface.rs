//! Behaviours as a trait: one documented method each.
//!
//! Methods take `&mut self`: an implementation may keep state (caches, generators, counters), and
//! a trait that forbids it would have to change when one does. Arguments are borrowed, results are
//! owned.

use vibee_spec::declare::{Interface, Method, Type, names};

use super::scope::Scope;
use super::traits::Traits;
use super::{idents, text};

/// The trait of an interface.
pub fn interface(scope: &Scope<'_>, traits: &Traits, interface: &Interface, name: &str, doc: &str) -> String {
    let mut out = String::new();
    let mut lines = format!("What `{}` does", interface.name);
    let doc = doc.lines().next().unwrap_or("").trim();
    lines.push_str(&if doc.is_empty() { ".".to_owned() } else { format!(": {}", text::sentence(doc)) });
    text::doc(&mut out, 0, &lines);
    out.push_str(&format!("pub trait {name} {{\n"));
    for (method, ident) in interface.methods.iter().zip(idents(interface)) {
        document(&mut out, method);
        let mut params = vec!["&mut self".to_owned()];
        for (name, ty) in arguments(method).into_iter().zip(&method.params) {
            params.push(format!("{name}: {}", argument(scope, traits, &ty.ty)));
        }
        let result = result(scope, method);
        let arrow = if result == "()" { String::new() } else { format!(" -> {result}") };
        out.push_str(&format!("    fn {ident}({}){arrow};\n", params.join(", ")));
    }
    out.push_str("}\n");
    out
}

/// Names of the methods, all different.
pub fn idents(interface: &Interface) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for m in &interface.methods {
        let ident = super::types::unique(idents::field(&m.name), &out);
        out.push(ident);
    }
    out
}

/// Names of a method's arguments, all different.
pub fn arguments(method: &Method) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for p in &method.params {
        let ident = super::types::unique(idents::field(&p.name), &out);
        out.push(ident);
    }
    out
}

fn document(out: &mut String, method: &Method) {
    let said = method.doc.as_deref().map(str::trim).filter(|d| !d.is_empty());
    text::doc(out, 4, &text::sentence(said.unwrap_or(&names::sentence(&method.name))));
    let mut listed = false;
    for (word, fact) in &method.facts {
        if !listed {
            out.push_str("    ///\n");
            listed = true;
        }
        out.push_str(&format!("    /// * {word}: {}\n", text::sentence(&text::inner(fact))));
    }
    if method.fallible {
        out.push_str("    ///\n    /// # Errors\n    /// As the implementation says.\n");
    }
}

/// What a method gives.
pub fn result(scope: &Scope<'_>, method: &Method) -> String {
    let value = scope.ty(&method.result);
    if method.fallible {
        let failure = scope.import("igla_runtime::conformance::Failure");
        format!("{}<{value}, {failure}>", scope.std("Result"))
    } else {
        value
    }
}

/// A type as an argument: plain values as they are, others borrowed.
pub fn argument(scope: &Scope<'_>, traits: &Traits, ty: &Type) -> String {
    if traits.is_copy(ty) {
        return scope.ty(ty);
    }
    match scope.declarations.plain(ty) {
        Type::Text => "&str".into(),
        Type::Bytes => "&[u8]".into(),
        Type::List(t) => format!("&[{}]", scope.ty(t)),
        Type::Array(t, n) if super::scope::is_long(*n) => format!("&[{}]", scope.ty(t)),
        Type::Option(t) => format!("{}<{}>", scope.std("Option"), argument(scope, traits, t)),
        Type::Tuple(items) if items.is_empty() => "()".into(),
        // A box is how a type holds itself, not how it is passed.
        _ => match ty {
            Type::Boxed(inner) => format!("&{}", scope.ty(inner)),
            _ => format!("&{}", scope.ty(ty)),
        },
    }
}
