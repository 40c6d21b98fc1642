//! What a spec under construction has: sizes, letters with their ranges, tensors that may be read.

use std::collections::BTreeSet;
use std::fmt::Write;

use vibee_spec::interp::rng::Rng;

use super::{Coverage, Spec};

/// Element types of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ty {
    /// A type that is one word.
    Word(&'static str),
    /// `idx<extent>`.
    Idx(String),
    /// `len<extent>`.
    Len(String),
}

/// What a value is in expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `f32` or `f64`.
    Float,
    /// `i32`.
    Int,
    /// `bool`.
    Bool,
}

impl Ty {
    /// As written.
    pub fn text(&self) -> String {
        match self {
            Ty::Word(w) => (*w).to_owned(),
            Ty::Idx(n) => format!("idx<{n}>"),
            Ty::Len(n) => format!("len<{n}>"),
        }
    }

    /// What a read gives.
    pub fn kind(&self) -> Kind {
        match self {
            Ty::Word("f64" | "f32" | "f16" | "bf16") => Kind::Float,
            Ty::Word("bool") => Kind::Bool,
            _ => Kind::Int,
        }
    }
}

/// An argument or a definition.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<String>,
    pub ty: Ty,
    /// Binary logarithm of the largest value to expect.
    pub size: f64,
    /// Given, not computed.
    pub input: bool,
    /// Times read.
    pub reads: u32,
}

/// A letter and its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub name: String,
    pub extent: String,
}

/// A definition as written.
#[derive(Clone, Debug)]
pub struct Line {
    /// Index of its tensor.
    pub tensor: usize,
    /// Left of `=` without a type.
    pub left: String,
    /// Written type, if any.
    pub ty: Option<Ty>,
    pub right: String,
}

/// The spec under construction.
pub struct State {
    pub rng: Rng,
    /// Symbolic sizes in use.
    pub dims: Vec<&'static str>,
    pub letters: Vec<Letter>,
    pub tensors: Vec<Tensor>,
    pub lines: Vec<Line>,
    /// Functions and helper kernels, as text.
    pub functions: BTreeSet<String>,
    pub kernels: Vec<String>,
    pub constraints: BTreeSet<String>,
    /// Sizes that must be arguments.
    pub dim_arguments: BTreeSet<&'static str>,
    /// Some values are `f64`.
    pub wide: bool,
    /// Floats may be compared, rounded and cast: results that the contract leaves open follow.
    pub decisions: bool,
    pub coverage: Coverage,
}

const DIMS: [&str; 6] = ["T", "D", "S", "H", "C", "N"];

impl State {
    pub fn new(seed: u64) -> State {
        let mut rng = Rng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x1234_5678);
        rng.bits();
        let mut dims = DIMS.to_vec();
        while dims.len() > 2 + (seed % 3) as usize {
            let at = rng.below(dims.len() as u64) as usize;
            dims.remove(at);
        }
        let (wide, decisions) = (rng.once_in(10), rng.once_in(3));
        State {
            rng,
            dims,
            letters: vec![],
            tensors: vec![],
            lines: vec![],
            functions: BTreeSet::new(),
            kernels: vec![],
            constraints: BTreeSet::new(),
            dim_arguments: BTreeSet::new(),
            wide,
            decisions,
            coverage: Coverage::new(),
        }
    }

    pub fn cover(&mut self, what: &'static str) {
        *self.coverage.entry(what).or_default() += 1;
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.rng.below(100) < percent
    }

    pub fn definitions(&self) -> usize {
        self.lines.len()
    }

    pub fn pick_dim(&mut self) -> &'static str {
        let at = self.rng.below(self.dims.len() as u64) as usize;
        self.dims[at]
    }

    /// Mostly one symbolic size; sometimes a product, a sum or a number.
    pub fn pick_extent(&mut self) -> String {
        match self.rng.below(24) {
            0 => self.merged_extent(),
            1 => {
                self.cover("extent: affine");
                let d = self.pick_dim();
                let k = self.rng.between(1, 3);
                format!("{d} + {k}")
            }
            2 => {
                self.cover("extent: number");
                self.rng.between(1, 5).to_string()
            }
            _ => self.pick_dim().to_owned(),
        }
    }

    pub fn merged_extent(&mut self) -> String {
        self.cover("extent: product");
        let a = self.pick_dim();
        let b = self.dims[(self.dims.iter().position(|d| *d == a).unwrap_or(0) + 1) % self.dims.len()];
        format!("{a}*{b}")
    }

    /// A letter over this extent that is not in scope.
    pub fn letter(&mut self, extent: &str, scope: &[Letter]) -> Letter {
        let known: Vec<Letter> =
            self.letters.iter().filter(|l| l.extent == extent && !scope.contains(l)).cloned().collect();
        if !known.is_empty() && !self.chance(15) {
            return self.rng.pick(&known).clone();
        }
        let free = "abcdefghijklmnopqrstuvw".chars().map(String::from);
        let free: Vec<String> = free.filter(|n| !self.letters.iter().any(|l| l.name == *n)).collect();
        let name = match free.as_slice() {
            [] => format!("i{}", self.letters.len()),
            free => self.rng.pick(free).clone(),
        };
        let letter = Letter { name, extent: extent.to_owned() };
        self.letters.push(letter.clone());
        letter
    }

    /// Adds an argument.
    pub fn input(&mut self, ty: Ty, shape: &[String]) -> usize {
        let size = match &ty {
            Ty::Word("bool") => 0.0,
            Ty::Word("i32") if !shape.is_empty() => 31.0,
            Ty::Word(_) if ty.kind() == Kind::Int => 8.0,
            Ty::Idx(_) | Ty::Len(_) => 8.0,
            _ if shape.is_empty() => 1.0,
            _ => 8.0,
        };
        self.cover(match &ty {
            Ty::Word("f32") => "input f32",
            Ty::Word("f64") => "input f64",
            Ty::Word("f16") => "input f16",
            Ty::Word("bf16") => "input bf16",
            Ty::Word("i32") => "input i32",
            Ty::Word("i8") => "input i8",
            Ty::Word("u8") => "input u8",
            Ty::Word(_) => "input bool",
            Ty::Idx(_) => "input idx",
            Ty::Len(_) => "input len",
        });
        if shape.is_empty() {
            self.cover("input: scalar");
        }
        let name = format!("x{}", self.tensors.len());
        self.tensors.push(Tensor { name, shape: shape.to_vec(), ty, size, input: true, reads: 0 });
        self.tensors.len() - 1
    }

    /// Adds a definition and the tensor it makes.
    pub fn define(
        &mut self,
        left: &str,
        shape: Vec<String>,
        ty: Ty,
        written: bool,
        size: f64,
        right: String,
    ) {
        let name = format!("z{}", self.tensors.len());
        let left = if left.is_empty() { name.clone() } else { format!("{name}[{left}]") };
        let written = written.then(|| ty.clone());
        self.lines.push(Line { tensor: self.tensors.len(), left, ty: written, right });
        self.tensors.push(Tensor { name, shape, ty, size, input: false, reads: 0 });
    }

    /// Reads a tensor.
    pub fn read(&mut self, at: usize) -> Tensor {
        self.tensors[at].reads += 1;
        self.tensors[at].clone()
    }

    /// The whole text.
    pub fn finish(mut self, seed: u64) -> Spec {
        // What nobody reads is an output; others are, now and then.
        let mut outputs: Vec<usize> = Vec::new();
        for line in &self.lines {
            let t = &self.tensors[line.tensor];
            let also = self.rng.once_in(5);
            if t.reads == 0 || also {
                outputs.push(line.tensor);
            }
        }
        if outputs.len() > 1 {
            self.cover("several outputs");
        }
        let mut out = format!("name: random_{seed}\nlanguage: rust\ndescription: Random kernel {seed}\n\n");
        if !self.functions.is_empty() {
            out.push_str("functions:\n");
            self.functions.iter().for_each(|f| {
                let _ = writeln!(out, "{f}\n");
            });
        }
        out.push_str("kernels:\n");
        self.kernels.iter().for_each(|k| {
            let _ = writeln!(out, "{k}\n");
        });
        let parameters = self.parameters(&outputs);
        let returned: Vec<String> = outputs
            .iter()
            .map(|o| {
                let t = &self.tensors[*o];
                let (name, ty) = (&t.name, t.ty.text());
                if t.shape.is_empty() {
                    format!("{name}: {ty}")
                } else {
                    format!("{name}: {ty}[{}]", t.shape.join(", "))
                }
            })
            .collect();
        let constraints = self.constraints.iter().cloned().collect::<Vec<_>>().join(", ");
        let constraints = if constraints.is_empty() { constraints } else { format!(" where {constraints}") };
        let _ =
            writeln!(out, "  k{seed}({}) -> ({}){constraints}:", parameters.join(", "), returned.join(", "));
        for line in &self.lines {
            let ty = match &line.ty {
                Some(ty) if !outputs.contains(&line.tensor) => format!(": {}", ty.text()),
                _ => String::new(),
            };
            let _ = writeln!(out, "    {}{ty} = {}", line.left, line.right);
        }
        Spec { seed, text: out, coverage: self.coverage }
    }

    /// Arguments as written; sizes that no argument determines are arguments themselves.
    fn parameters(&mut self, outputs: &[usize]) -> Vec<String> {
        let inputs: Vec<&Tensor> = self.tensors.iter().filter(|t| t.input && t.reads > 0).collect();
        let mut known: BTreeSet<&str> = self.dim_arguments.clone();
        let mentioned = |extent: &str| -> Vec<&'static str> {
            DIMS.into_iter().filter(|d| extent.split(['*', '+', ' ']).any(|w| w == *d)).collect()
        };
        loop {
            let before = known.len();
            for axis in inputs.iter().flat_map(|t| &t.shape) {
                let unknown: Vec<&str> = mentioned(axis).into_iter().filter(|d| !known.contains(d)).collect();
                if let [one] = unknown.as_slice() {
                    known.insert(one);
                }
            }
            if known.len() == before {
                break;
            }
        }
        // Whatever is written anywhere must be known.
        let everything: String = self
            .lines
            .iter()
            .flat_map(|l| [l.left.clone(), l.right.clone()])
            .chain(inputs.iter().flat_map(|t| t.shape.iter().cloned().chain([t.ty.text()])))
            .chain(outputs.iter().flat_map(|o| self.tensors[*o].shape.clone()))
            .chain(self.lines.iter().filter_map(|l| l.ty.as_ref().map(Ty::text)))
            .chain(outputs.iter().map(|o| self.tensors[*o].ty.text()))
            .collect::<Vec<_>>()
            .join(" ");
        let words: BTreeSet<&str> = everything.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let mut out: Vec<String> = inputs
            .iter()
            .map(|t| {
                let shape = t.shape.join(", ");
                let ty = t.ty.text();
                if t.shape.is_empty() {
                    format!("{}: {ty}", t.name)
                } else {
                    format!("{}: {ty}[{shape}]", t.name)
                }
            })
            .collect();
        for d in DIMS {
            let used = words.contains(d);
            if used && !known.contains(d) || self.dim_arguments.contains(d) {
                let at = self.rng.below(out.len() as u64 + 1) as usize;
                out.insert(at, format!("{d}: dim"));
                *self.coverage.entry("dim argument").or_default() += 1;
            }
        }
        out
    }
}
