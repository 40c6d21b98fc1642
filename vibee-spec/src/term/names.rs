//! Integer expressions and types as people write them, for diagnostics and the text form.
//!
//! Only renders: it resolves nothing and never fails. Terms come in reading order (positive
//! before negative, constants last), which differs from the canonical order of [`Int`].

use super::{Atom, DType, Dim, Index, IndexId, Input, Int, Kernel, WeightTensor};

/// The names behind the ids of an [`Int`].
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// Of dims.
    pub dims: &'a [Dim],
    /// Of indices.
    pub indices: &'a [Index],
    /// Of scalars.
    pub inputs: &'a [Input],
    /// Indices whose own name is ambiguous where they stand, with the name to show instead.
    pub renamed: &'a [(IndexId, String)],
}

impl<'a> Names<'a> {
    /// The names of a kernel.
    #[must_use]
    pub fn of(k: &'a Kernel) -> Self {
        Names { dims: &k.dims, indices: &k.indices, inputs: &k.inputs, renamed: &[] }
    }

    /// The name of an index.
    #[must_use]
    pub fn index(&self, i: IndexId) -> String {
        if let Some((_, name)) = self.renamed.iter().rev().find(|(id, _)| *id == i) {
            return name.clone();
        }
        self.indices.get(i.index()).map_or_else(|| i.to_string(), |x| x.name.clone())
    }

    /// `H*C + c`.
    #[must_use]
    pub fn int(&self, e: &Int) -> String {
        self.sum(e).0
    }

    /// A list of extents, `T, D`.
    #[must_use]
    pub fn list(&self, all: &[Int]) -> String {
        all.iter().map(|e| self.int(e)).collect::<Vec<_>>().join(", ")
    }

    /// `idx<V>`, `f32`.
    #[must_use]
    pub fn dtype(&self, t: &DType) -> String {
        match t {
            DType::F64 => "f64".into(),
            DType::F32 => "f32".into(),
            DType::F16 => "f16".into(),
            DType::BF16 => "bf16".into(),
            DType::I32 => "i32".into(),
            DType::I8 => "i8".into(),
            DType::U8 => "u8".into(),
            DType::Bool => "bool".into(),
            DType::Idx(n) => format!("idx<{}>", self.int(n)),
            DType::Len(n) => format!("len<{}>", self.int(n)),
        }
    }

    /// `f32[T, D]`, `f32` for scalars.
    #[must_use]
    pub fn tensor(&self, t: &DType, shape: &[Int]) -> String {
        if shape.is_empty() { self.dtype(t) } else { format!("{}[{}]", self.dtype(t), self.list(shape)) }
    }

    /// The type of a weight, `q8_0[D, F]`.
    #[must_use]
    pub fn weight(&self, w: &WeightTensor) -> String {
        match &w.stored {
            Some(s) => format!("{}[{}]", s.format.name, self.list(&w.shape)),
            None => self.tensor(&w.dtype, &w.shape),
        }
    }

    /// The text and whether it is a sum (needs parentheses as a factor).
    fn sum(&self, e: &Int) -> (String, bool) {
        let mut terms: Vec<(&[Atom], i64)> = e.terms().collect();
        terms.sort_by_key(|(m, c)| (m.is_empty(), *c < 0));
        let Some(((m, c), rest)) = terms.split_first() else { return ("0".into(), false) };
        let mut out = if *c < 0 {
            format!("-{}", self.product(m, c.unsigned_abs()))
        } else {
            self.product(m, c.unsigned_abs())
        };
        for (m, c) in rest {
            out += if *c < 0 { " - " } else { " + " };
            out += &self.product(m, c.unsigned_abs());
        }
        (out, !rest.is_empty() || *c < 0)
    }

    fn product(&self, m: &[Atom], c: u64) -> String {
        let mut factors: Vec<String> = m.iter().map(|a| self.atom(a, m.len() > 1 || c != 1)).collect();
        if c != 1 || m.is_empty() {
            factors.insert(0, c.to_string());
        }
        factors.join("*")
    }

    fn atom(&self, a: &Atom, tight: bool) -> String {
        let wrap = |s: String| if tight { format!("({s})") } else { s };
        match a {
            Atom::Dim(d) => self.dims.get(d.index()).map_or_else(|| d.to_string(), |x| x.name.clone()),
            Atom::Index(i) => self.index(*i),
            Atom::Scalar(s) => self.inputs.get(s.index()).map_or_else(|| s.to_string(), |x| x.name.clone()),
            Atom::Div(x, y) => wrap(format!("{} // {}", self.factor(x), self.divisor(y))),
            Atom::Mod(x, y) => wrap(format!("{} % {}", self.factor(x), self.divisor(y))),
            Atom::Min(x, y) => format!("min({}, {})", self.int(x), self.int(y)),
            Atom::Max(x, y) => format!("max({}, {})", self.int(x), self.int(y)),
        }
    }

    fn factor(&self, e: &Int) -> String {
        let (text, is_sum) = self.sum(e);
        if is_sum { format!("({text})") } else { text }
    }

    fn divisor(&self, e: &Int) -> String {
        let (text, is_sum) = self.sum(e);
        let plain = e.as_const().is_some()
            || matches!(e.as_atom(), Some(Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_)));
        if plain && !is_sum { text } else { format!("({text})") }
    }
}
