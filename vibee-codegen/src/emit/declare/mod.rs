//! Declarations → Rust: structs, enums, aliases and constants, before the kernels of the module.
//!
//! Specs that only declare are many and small, so their items are written as text: quoting, parsing
//! and printing tokens takes a hundred times as long. The text is what prettyplease prints for it
//! (a test says so); an item with a line that does not fit goes through prettyplease itself.

mod idents;
mod interface;
mod law;
mod scope;
mod suite;
mod text;
mod traits;
mod types;
mod values;

use vibee_spec::term::Module;

use scope::Scope;
use traits::Traits;

/// Columns of a line, as prettyplease counts them.
const WIDTH: usize = 89;

/// What the declarations of a module become.
pub struct Declared {
    /// `use` lines.
    pub imports: String,
    /// Items in order.
    pub items: Vec<String>,
    /// Rust names of types, which kernels' own types must not have.
    pub types: Vec<String>,
}

/// Writes the documentation of a module.
pub fn document(out: &mut String, doc: &str) {
    text::module(out, doc);
}

/// Emits the declarations of a module that stands at `path` below the root.
pub fn declarations(module: &Module, path: &str) -> Declared {
    let d = &module.declarations;
    let scope = Scope::new(d, path);
    let traits = Traits::new(d);
    if !(module.kernels.is_empty() && module.layers.is_empty() && module.models.is_empty()) {
        scope.import("igla_runtime::prelude::*");
    }
    let mut items = vec![];
    let mut constants: Vec<String> = vec![];
    for c in &d.constants {
        let mut name = values::constant_name(&c.name);
        let mut n = 2;
        while constants.contains(&name) {
            name = format!("{}_{n}", values::constant_name(&c.name));
            n += 1;
        }
        items.push(types::constant(c, &name));
        constants.push(name);
    }
    for (index, def) in d.types().iter().enumerate() {
        items.extend(types::type_def(&scope, &traits, index, def));
    }
    let mut scope = scope;
    if !d.interface.methods.is_empty() {
        let name = scope.trait_name(&d.interface.name);
        items.push(interface::interface(&scope, &traits, &d.interface, &name, &module.doc));
        let taken: Vec<String> = module.kernels.iter().map(super::function_name).collect();
        items.extend(suite::suite(&scope, &traits, &name, &taken));
    }
    let items = items.into_iter().map(fit).map(spaced).collect();
    Declared { imports: scope.imports(), items, types: scope.taken().cloned().collect() }
}

/// Breaks the lines of an item that are too long, and those of implementations and functions: where
/// expressions break follows from more than their length. Few specs have any.
fn fit(item: String) -> String {
    let computes = |l: &str| ["impl ", "fn ", "pub fn "].iter().any(|head| l.starts_with(head));
    let mut code = item.lines().filter(|l| !l.trim_start().starts_with("//"));
    if !code.any(|l| l.len() > WIDTH || computes(l)) {
        return item;
    }
    match syn::parse_file(&item) {
        Ok(file) => prettyplease::unparse(&file),
        Err(e) => panic!("the emitter wrote something that is not Rust ({e}): {item}"),
    }
}

/// Sets the methods of a trait or an implementation apart.
fn spaced(item: String) -> String {
    if !item.contains("\n    fn ") && !item.contains("\n    ///")
        || item.contains("pub struct ")
        || item.contains("pub enum ")
    {
        return item;
    }
    let mut out = String::with_capacity(item.len() + 16);
    let mut before = "";
    for line in item.lines() {
        let ends = before.starts_with("    ") && (before.ends_with(';') || before == "    }");
        if ends && (line.starts_with("    ///") || line.starts_with("    fn ")) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        before = line;
    }
    out
}
