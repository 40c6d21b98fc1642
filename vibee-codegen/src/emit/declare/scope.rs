//! Which name means what in a generated module: declared types come first, and everything else
//! steps aside.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use vibee_spec::declare::{Declarations, Type, TypeRef, Unit, names};

use crate::emit::{module_ident, names as kernel_names};

/// Names of a module's declarations.
pub struct Scope<'d> {
    /// What is declared.
    pub declarations: &'d Declarations,
    /// Rust names of the types of every unit.
    types: Vec<Vec<String>>,
    /// Rust paths of imported units' modules, `crate::nn::shapes::`.
    paths: Vec<String>,
    /// Names of this module's own types.
    own: HashSet<String>,
    /// Paths that the module uses by their last name.
    used: RefCell<BTreeSet<&'static str>>,
}

/// Paths of names that are in scope everywhere.
const PRELUDE: &[(&str, &str)] = &[
    ("Box", "std::boxed::Box"),
    ("Default", "std::default::Default"),
    ("FnMut", "std::ops::FnMut"),
    ("Option", "std::option::Option"),
    ("Result", "std::result::Result"),
    ("String", "std::string::String"),
    ("Vec", "std::vec::Vec"),
];

impl<'d> Scope<'d> {
    /// The names of a module that stands at `path` below the root.
    pub fn new(declarations: &'d Declarations, path: &str) -> Self {
        let types: Vec<Vec<String>> = declarations.units.iter().map(unit_names).collect();
        let folder: Vec<&str> = path.split('/').collect();
        let paths =
            declarations.units.iter().map(|u| module_path(&folder[..folder.len() - 1], &u.path)).collect();
        let own = types.first().into_iter().flatten().cloned().collect();
        Scope { declarations, types, paths, own, used: RefCell::default() }
    }

    /// The Rust name of one of this module's types.
    pub fn name(&self, index: usize) -> &str {
        &self.types[0][index]
    }

    /// Takes a name for the trait of a module: the module's own, unless a type has it.
    pub fn trait_name(&mut self, module: &str) -> String {
        let mut base = names::camel(module);
        let computes = self.declarations.units.first().is_some_and(|u| u.computes);
        let means_more = |name: &str| PRELUDE.iter().any(|row| row.0 == name) || name == "Self";
        if self.own.contains(&base)
            || means_more(&base)
            || computes && kernel_names::is_runtime_type(&base)
            || self.used.borrow().iter().any(|path| path.ends_with(&format!("::{base}")))
        {
            base.push_str("Behaviors");
        }
        unused(&base, &mut self.own)
    }

    /// Names of all types of this module.
    pub fn taken(&self) -> impl Iterator<Item = &String> {
        self.own.iter()
    }

    /// A declared type.
    pub fn named(&self, at: TypeRef) -> String {
        if at.unit == 0 {
            return self.types[0][at.index].clone();
        }
        format!("{}{}", self.paths[at.unit], self.types[at.unit][at.index])
    }

    /// A name of Rust's prelude, by its path where a declared type has that name.
    pub fn std(&self, name: &'static str) -> &'static str {
        match PRELUDE.iter().find(|row| row.0 == name) {
            Some((_, path)) if self.own.contains(name) => path,
            _ => name,
        }
    }

    /// The last name of a path, which the module will import; the path where that name is taken.
    pub fn import(&self, path: &'static str) -> &'static str {
        let name = path.rsplit("::").next().unwrap_or(path);
        if self.own.contains(name) {
            return path;
        }
        self.used.borrow_mut().insert(path);
        name
    }

    /// `use` lines of everything imported so far, by crate.
    pub fn imports(&self) -> String {
        let used = self.used.borrow();
        let mut out = String::new();
        let mut crates: Vec<&str> = vec![];
        for path in used.iter() {
            let module = path.rsplit_once("::").map_or("", |(module, _)| module);
            if !crates.contains(&module) {
                crates.push(module);
            }
        }
        // The standard library first, then the others.
        crates.sort_by_key(|module| (!module.starts_with("std"), *module));
        let mut std_open = false;
        for module in crates {
            let of = |p: &&&'static str| p.rsplit_once("::").is_some_and(|(m, _)| m == module);
            let mut names: Vec<&str> = used.iter().filter(of).filter_map(|p| p.rsplit("::").next()).collect();
            // A module that is itself named stands before its items.
            names.retain(|name| !crates_of(&used).contains(&format!("{module}::{name}")));
            if used.contains(module) {
                names.insert(0, "self");
            }
            if names.is_empty() {
                continue;
            }
            let is_std = module.starts_with("std");
            if std_open && !is_std {
                out.push('\n');
            }
            std_open = is_std;
            match &names[..] {
                [only] => out.push_str(&format!("use {module}::{only};\n")),
                names => out.push_str(&format!("use {module}::{{{}}};\n", names.join(", "))),
            }
        }
        out
    }

    /// A type as Rust that owns its value.
    pub fn ty(&self, ty: &Type) -> String {
        let one = |name: &'static str, t: &Type| format!("{}<{}>", self.std(name), self.ty(t));
        match ty {
            Type::Bool => "bool".into(),
            Type::Int => "i64".into(),
            Type::Float => "f64".into(),
            Type::Number(n) => n.word().into(),
            Type::Text => self.std("String").into(),
            Type::Bytes => format!("{}<u8>", self.std("Vec")),
            Type::Timestamp => self.import("igla_runtime::declared::Timestamp").into(),
            Type::Any => self.import("igla_runtime::declared::Value").into(),
            Type::Tensor => self.import("igla_runtime::declared::DynTensor").into(),
            Type::Complex => self.import("igla_runtime::declared::Complex").into(),
            Type::Named(at) => self.named(*at),
            Type::List(t) => one("Vec", t),
            Type::Array(t, n) if is_long(*n) => one("Vec", t),
            Type::Array(t, n) => format!("[{}; {n}]", self.ty(t)),
            Type::Set(t) => format!("{}<{}>", self.import("std::collections::BTreeSet"), self.ty(t)),
            Type::Map(k, v) => {
                format!("{}<{}, {}>", self.import("std::collections::BTreeMap"), self.ty(k), self.ty(v))
            }
            Type::Option(t) => one("Option", t),
            Type::Result(t, e) => format!("{}<{}, {}>", self.std("Result"), self.ty(t), self.ty(e)),
            Type::Tuple(items) => match &items[..] {
                [only] => format!("({},)", self.ty(only)),
                items => format!("({})", items.iter().map(|t| self.ty(t)).collect::<Vec<_>>().join(", ")),
            },
            Type::Boxed(t) => one("Box", t),
        }
    }
}

/// Modules that something is imported from.
fn crates_of(used: &BTreeSet<&'static str>) -> BTreeSet<String> {
    used.iter().filter_map(|path| path.rsplit_once("::")).map(|(module, _)| module.to_owned()).collect()
}

/// Arrays that the traits of the standard library and serde do not reach are vectors.
pub fn is_long(n: usize) -> bool {
    n > 32
}

/// Rust names of a unit's types, in their order.
fn unit_names(unit: &Unit) -> Vec<String> {
    let mut taken: HashSet<String> =
        unit.layers.iter().map(|l| kernel_names::type_ident(l).to_string()).collect();
    let one = |t: &vibee_spec::declare::TypeDef| {
        let mut name = names::camel(&t.name);
        if name == "Self" {
            name.push('_');
        } else if unit.computes && (kernel_names::is_runtime_type(&name) || taken.contains(&name)) {
            // Kernels of the module name these.
            name.push_str("Type");
        }
        unused(&name, &mut taken)
    };
    unit.types.iter().map(one).collect()
}

fn unused(base: &str, taken: &mut HashSet<String>) -> String {
    let mut name = base.to_owned();
    let mut n = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}{n}");
        n += 1;
    }
    name
}

/// `crate::nn::shapes::` for `../nn/shapes` seen from the folder `db`.
fn module_path(folder: &[&str], relative: &str) -> String {
    let mut parts = folder.to_vec();
    for part in relative.split('/').filter(|p| !p.is_empty()) {
        match part {
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let parts: Vec<String> = parts.into_iter().map(module_ident).collect();
    format!("crate::{}::", parts.join("::"))
}
