//! Rust identifiers for what a kernel names: readable, unique, never keywords.

use std::collections::{BTreeMap, HashSet};

use proc_macro2::{Ident, Span};
use vibee_spec::term::{DefId, DimId, IndexId, InputId};

use crate::loops::LoopProgram;
use crate::passes::Program;

/// An identifier from a spec's name: keywords get an underscore.
#[must_use]
pub fn ident(name: &str) -> Ident {
    if syn::parse_str::<Ident>(name).is_ok() {
        Ident::new(name, Span::call_site())
    } else {
        Ident::new(&format!("{name}_"), Span::call_site())
    }
}

/// Types that generated modules name and a layer must not hide.
const TYPES: &[&str] = &[
    "ArgMax",
    "ArgMin",
    "At",
    "Block",
    "Ctx",
    "Element",
    "Epilogue",
    "Err",
    "F32",
    "I32",
    "Isa",
    "Kernel",
    "Lane",
    "Lanes",
    "Level",
    "LoadError",
    "Mask",
    "Mat",
    "MatMut",
    "None",
    "Ok",
    "Option",
    "PackedB",
    "PackedBf16",
    "Par",
    "Result",
    "Rhs",
    "Row",
    "RowMut",
    "Scratch",
    "Self",
    "ShapeError",
    "Some",
    "String",
    "Task",
    "Tensor",
    "Tile",
    "Vec",
    "View",
    "ViewMut",
];

/// Whether kernels of a module may name the runtime's or the standard library's type of this name.
#[must_use]
pub fn is_runtime_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// The type that a layer or model becomes: its name, with `Layer` behind it where that means something else.
#[must_use]
pub fn type_ident(name: &str) -> Ident {
    if TYPES.contains(&name) { ident(&format!("{name}Layer")) } else { ident(name) }
}

/// `RmsNorm` for `rms_norm`.
#[must_use]
pub fn camel(name: &str) -> String {
    name.split('_')
        .filter(|w| !w.is_empty())
        .map(|w| {
            let mut c = w.chars();
            c.next().map_or(String::new(), |f| f.to_ascii_uppercase().to_string() + c.as_str())
        })
        .collect()
}

/// `rms_norm` for `RmsNorm` or `rmsNorm`; other names are only lower-cased.
#[must_use]
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut previous_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && previous_lower {
            out.push('_');
        }
        previous_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Names of one kernel.
#[derive(Clone, Debug)]
pub struct Names {
    taken: HashSet<String>,
    dims: BTreeMap<DimId, String>,
    inputs: BTreeMap<InputId, String>,
    variables: BTreeMap<DefId, String>,
    buffers: BTreeMap<DefId, String>,
    letters: BTreeMap<String, String>,
}

/// Names that generated bodies use themselves.
const RESERVED: &[&str] =
    &["isa", "ctx", "par", "scratch", "part", "self", "row", "sums", "math", "check", "at"];

impl Names {
    /// Names everything a kernel mentions.
    #[must_use]
    pub fn new(loops: &LoopProgram) -> Self {
        let program = &loops.program;
        let mut names = Names {
            taken: RESERVED.iter().map(|s| (*s).to_owned()).collect(),
            dims: BTreeMap::new(),
            inputs: BTreeMap::new(),
            variables: BTreeMap::new(),
            buffers: BTreeMap::new(),
            letters: BTreeMap::new(),
        };
        let k = &program.kernel;
        for (n, i) in k.inputs.iter().enumerate() {
            let name = names.fresh(&snake(&i.name));
            names.inputs.insert(InputId(n as u32), name);
        }
        for o in &program.outputs {
            let name = names.fresh(&snake(&o.name));
            names.buffers.insert(o.def, name);
        }
        for (n, d) in k.dims.iter().enumerate() {
            let lower = snake(&d.name);
            let base = if lower.len() <= 2 { format!("{lower}_len") } else { lower };
            let name = names.fresh(&base);
            names.dims.insert(DimId(n as u32), name);
        }
        for (id, d) in program.live() {
            let place = loops.place(id);
            if place.buffer.is_some() && !names.buffers.contains_key(&id) {
                let name = names.fresh(&snake(&d.name));
                names.buffers.insert(id, name);
            }
            // One element of what is also stored is `y_td` for `y[t, d]`.
            let letters: String =
                d.free.iter().map(|i| program.kernel.indices[i.index()].name.as_str()).collect();
            let base = match (place.buffer, letters.is_empty()) {
                (None, _) => snake(&d.name),
                (Some(_), true) => format!("{}_value", snake(&d.name).trim_end_matches('_')),
                (Some(_), false) => format!("{}_{}", snake(&d.name).trim_end_matches('_'), snake(&letters)),
            };
            if place.variable || d.fold.is_some() {
                let name = names.fresh(&base);
                names.variables.insert(id, name);
            }
        }
        for i in &k.indices {
            if !names.letters.contains_key(&i.name) {
                let name = names.fresh(&snake(&i.name));
                names.letters.insert(i.name.clone(), name);
            }
        }
        names
    }

    /// An unused name starting with `base`.
    pub fn fresh(&mut self, base: &str) -> String {
        let base = if base.is_empty() { "value" } else { base };
        let mut name = ident(base).to_string();
        let mut n = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}{n}");
            n += 1;
        }
        name
    }

    /// A size.
    #[must_use]
    pub fn dim(&self, d: DimId) -> Ident {
        ident(&self.dims[&d])
    }

    /// An argument.
    #[must_use]
    pub fn input(&self, i: InputId) -> Ident {
        ident(&self.inputs[&i])
    }

    /// A definition's value at the current indices.
    #[must_use]
    pub fn variable(&self, d: DefId) -> Ident {
        ident(&self.variables[&d])
    }

    /// A definition's array.
    #[must_use]
    pub fn buffer(&self, d: DefId) -> Ident {
        ident(&self.buffers[&d])
    }

    /// Keeps names that another body of the kernel has used from being used again.
    pub fn adopt(&mut self, other: &Names) {
        self.taken.extend(other.taken.iter().cloned());
    }

    /// An index. Equal letters share a name; [`super::body::Body::scope`] keeps them apart on a path.
    #[must_use]
    pub fn index(&self, program: &Program, i: IndexId) -> Ident {
        ident(&self.letters[&program.kernel.indices[i.index()].name])
    }
}
