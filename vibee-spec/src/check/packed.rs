//! Operands that are stored in a format: how they are declared, and how a number of them is read.
//!
//! In the language such an operand is a tensor of `f32`. In terms it is an input of bytes, and a
//! read is the format's decoding with its own positions put in, so nothing behind this knows
//! formats. What a format decodes to is its own business ([`super::formats`]).

use std::collections::HashMap;
use std::sync::Arc;

use super::builder::Builder;
use super::facts::split_multiples;
use super::hir::Place;
use crate::diag::Diagnostic;
use crate::term::{
    Check, Cmp, DType, DefId, DimBind, ExprId, Format, IndexId, Input, InputId, InputKind, Int, Kernel, Node,
    Packed, Pos, Source,
};

/// What the elements of a packed operand are in the language.
pub(super) static NUMBER: DType = DType::F32;

impl Builder<'_, '_> {
    /// Declares an operand of numbers in a format: an input of bytes, whose last axis holds whole
    /// blocks. `shape` is not empty.
    pub fn declare_packed(&mut self, name: &str, shape: Vec<Int>, format: Arc<Format>) -> InputId {
        let kind = InputKind::Argument;
        self.declare_stored(Input { name: name.to_string(), dtype: NUMBER.clone(), shape, kind }, format)
    }

    /// As [`Builder::declare_packed`], for an input of numbers.
    pub fn declare_stored(&mut self, numbers: Input, format: Arc<Format>) -> InputId {
        let id = InputId(u32::try_from(self.k.inputs.len()).unwrap_or(u32::MAX));
        let mut stored = Input { dtype: DType::U8, ..numbers };
        let shape = stored.shape.clone();
        if let Some(last) = stored.shape.last_mut() {
            *last = format.bytes_of(last);
        }
        self.k.inputs.push(stored);
        self.k.packed.push(Packed { input: id, shape, format });
        id
    }

    /// Whole blocks are a condition at entry, and a fact.
    pub fn whole_blocks(&mut self) {
        for at in 0..self.k.packed.len() {
            let p = &self.k.packed[at];
            let (last, block) = (p.shape[p.shape.len() - 1].clone(), p.format.block);
            self.whole(&last, block);
        }
    }

    /// An extent is a multiple of `block`: a condition, and a fact.
    pub fn whole(&mut self, extent: &Int, block: i64) {
        let rest = extent.floor_mod(&Int::constant(block));
        if rest == Int::default() {
            return;
        }
        let text = format!("{} == 0", self.show(&rest));
        self.facts.assume(&rest, Cmp::Eq, &Int::default());
        self.add_check(Check::Where { text, lhs: rest, cmp: Cmp::Eq, rhs: Int::default() });
    }

    /// The packed operand that a source is.
    pub fn packed_source(&self, s: Source) -> Option<&Packed> {
        match s {
            Source::Input(i) => self.k.packed(i),
            Source::Def(_) => None,
        }
    }

    /// The number at `at` of a packed operand, decoded.
    pub fn read_packed(&mut self, from: InputId, at: Vec<Pos>, place: Place) -> Option<ExprId> {
        let format = self.k.packed(from)?.format.clone();
        let mut lead = at;
        let Some(Pos::At(last)) = lead.pop() else {
            let name = self.k.input(from).name.clone();
            let d = Diagnostic::error(
                "V1009",
                place.span,
                format!("a position in the blocks of `{name}` depends on data"),
            )
            .label(format!("the last axis is stored in blocks of {}", format.block))
            .hint("data may select rows, the axes before the last one");
            self.err(place, d);
            return None;
        };
        let (block, j) = self.block_and_rest(&last, format.block);
        let bytes = Bytes { from: Source::Input(from), lead, first: block.scale(format.bytes) };
        self.inline_format(&format, &bytes, &j, place)
    }

    /// `p // n` and `p % n`, simpler where the position shows them.
    pub fn block_and_rest(&mut self, p: &Int, n: i64) -> (Int, Int) {
        let n = Int::constant(n);
        if let Some((quotient, rest)) = split_multiples(p, &n)
            && rest != Int::default()
        {
            let mut prover = self.prover();
            if prover.nonneg(&rest) && prover.positive(&n.sub(&rest)) {
                return (quotient, rest);
            }
        }
        (p.floor_div(&n), p.floor_mod(&n))
    }

    /// Number `j` of the block whose bytes are given.
    pub fn inline_format(&mut self, format: &Format, bytes: &Bytes, j: &Int, place: Place) -> Option<ExprId> {
        let mut inline = Inline { from: &format.decode, to: &mut self.k, bytes, done: HashMap::new() };
        let decode = format.decode.outputs[0].def;
        let read = inline.number(decode, std::slice::from_ref(j));
        let at = self.index_letter.len();
        self.index_letter.resize(self.k.indices.len().max(at), None);
        self.nodes += format.decode.exprs.len();
        if self.nodes > super::builder::MAX_NODES {
            self.too_large(place, "too large");
            return None;
        }
        match read {
            Ok(e) => Some(e),
            Err(what) => {
                let d = Diagnostic::error("V1009", place.span, format!("`{}` {what}", format.name))
                    .hint("positions in a block follow from the number's place in it; a table maps data");
                self.err(place, d);
                None
            }
        }
    }
}

/// Notes what axes count in the bindings and checks of a kernel whose sizes were solved in numbers.
pub(super) fn count_bytes(k: &mut Kernel) {
    for p in k.packed.clone() {
        let last = p.shape.len() - 1;
        for d in &mut k.dims {
            if let DimBind::Axis { input, axis, blocks, .. } = &mut d.bind
                && (*input, *axis) == (p.input, last)
            {
                *blocks = Some(p.format.blocks());
            }
        }
        for c in &mut k.checks {
            if let Check::Axis { input, axis, expect } = c
                && (*input, *axis) == (p.input, last)
            {
                *expect = p.format.bytes_of(expect);
            }
        }
    }
}

/// The inputs of a kernel as the language sees them: packed ones are tensors of numbers.
pub(super) fn logical_inputs(k: &Kernel) -> Vec<Input> {
    let mut inputs = k.inputs.clone();
    for p in &k.packed {
        let input = &mut inputs[p.input.index()];
        (input.dtype, input.shape) = (NUMBER.clone(), p.shape.clone());
    }
    inputs
}

/// Where the bytes of a block are.
pub(super) struct Bytes {
    /// The array.
    pub from: Source,
    /// Positions of the axes before the last.
    pub lead: Vec<Pos>,
    /// Position of the first byte in the last axis.
    pub first: Int,
}

/// A format's definitions put in at a read.
struct Inline<'x> {
    from: &'x Kernel,
    to: &'x mut Kernel,
    bytes: &'x Bytes,
    done: HashMap<(DefId, Vec<Int>), ExprId>,
}

type Letters = HashMap<IndexId, Int>;
type Read<T> = Result<T, &'static str>;

impl Inline<'_> {
    /// The value of a definition at a position.
    fn number(&mut self, d: DefId, at: &[Int]) -> Read<ExprId> {
        let key = (d, at.to_vec());
        if let Some(e) = self.done.get(&key) {
            return Ok(*e);
        }
        let def = self.from.def(d);
        let mut letters = Letters::new();
        for (store, p) in def.store.iter().zip(at) {
            self.digits(store, p, &mut letters)?;
        }
        let mut e = self.expr(def.body, &mut letters)?;
        // A value that is stored rounded reads back rounded.
        if def.dtype != def.dtype.computed() {
            e = self.to.exprs.intern(Node::Cast(def.dtype.clone(), e), def.dtype.computed());
        }
        self.done.insert(key, e);
        Ok(e)
    }

    /// The letters of a stored position `h*16 + l` at a position.
    fn digits(&self, store: &Int, p: &Int, letters: &mut Letters) -> Read<()> {
        if let Some(i) = store.as_index() {
            letters.insert(i, p.clone());
            return Ok(());
        }
        for (factors, weight) in store.terms() {
            let [crate::term::Atom::Index(i)] = factors else {
                return Err("stores at a position of another form");
            };
            let digit = p.floor_div(&Int::constant(weight)).floor_mod(&self.from.indices[i.index()].extent);
            letters.insert(*i, digit);
        }
        Ok(())
    }

    fn int(&self, i: &Int, letters: &Letters) -> Int {
        let put = i.substitute(&|a| match a {
            crate::term::Atom::Index(i) => letters.get(i).cloned(),
            _ => None,
        });
        shorter(&put)
    }

    fn expr(&mut self, e: ExprId, letters: &mut Letters) -> Read<ExprId> {
        let dtype = self.from.exprs.dtype(e).clone();
        let node = match self.from.exprs.node(e).clone() {
            leaf @ (Node::Float(..) | Node::Bool(_)) => leaf,
            Node::Int(i) => Node::Int(self.int(&i, letters)),
            Node::Load { from, at, outside } => {
                let mut positions = vec![];
                for p in &at {
                    let Pos::At(i) = p else {
                        return Err("reads a field at a position that depends on data");
                    };
                    positions.push(self.int(i, letters));
                }
                if outside.is_some() {
                    return Err("reads outside of its fields");
                }
                match from {
                    Source::Def(d) => return self.number(d, &positions),
                    Source::Input(_) => {
                        let mut at = self.bytes.lead.clone();
                        at.push(Pos::At(self.bytes.first.add(&positions[0])));
                        Node::Load { from: self.bytes.from, at, outside: None }
                    }
                }
            }
            Node::Op(op, args) => {
                let args: Read<Vec<ExprId>> = args.iter().map(|a| self.expr(*a, letters)).collect();
                Node::Op(op, args?)
            }
            Node::Cast(t, a) => Node::Cast(t, self.expr(a, letters)?),
            Node::Fold { op, over, guard, body } => {
                let mut own = vec![];
                for i in over {
                    let index = &self.from.indices[i.index()];
                    let new = self.to.fresh_index(index.name.clone(), index.extent.clone());
                    letters.insert(i, Int::index(new));
                    own.push(new);
                }
                let guard = match guard {
                    Some(g) => Some(self.expr(g, letters)?),
                    None => None,
                };
                let body = self.expr(body, letters)?;
                Node::Fold { op, over: own, guard, body }
            }
        };
        Ok(self.to.exprs.intern(node, dtype))
    }
}

/// `x % 32 % 16` is `x % 16`.
fn shorter(e: &Int) -> Int {
    use crate::term::Atom;
    let mut out = Int::default();
    for (factors, c) in e.terms() {
        let mut product = Int::constant(c);
        for a in factors {
            let factor = match a {
                Atom::Mod(x, n) => match (x.as_atom(), n.as_const()) {
                    (Some(Atom::Mod(inner, m)), Some(n))
                        if n > 0 && m.as_const().is_some_and(|m| m % n == 0) =>
                    {
                        shorter(&inner.floor_mod(&Int::constant(n)))
                    }
                    _ => shorter(x).floor_mod(n),
                },
                Atom::Div(x, n) => shorter(x).floor_div(n),
                other => Int::atom(other.clone()),
            };
            product = product.mul(&factor);
        }
        out = out.add(&product);
    }
    out
}

/// The number at `at` of the packed operand `packed` of a kernel, decoded as reads of it are; `None` if
/// its format cannot be written out.
#[must_use]
pub fn decoded_at(k: &mut Kernel, packed: usize, at: &[Int]) -> Option<ExprId> {
    let Packed { input, format, .. } = k.packed.get(packed)?.clone();
    let (last, lead) = at.split_last()?;
    let n = Int::constant(format.block);
    let bytes = Bytes {
        from: Source::Input(input),
        lead: lead.iter().cloned().map(Pos::At).collect(),
        first: last.floor_div(&n).scale(format.bytes),
    };
    let mut inline = Inline { from: &format.decode, to: k, bytes: &bytes, done: HashMap::new() };
    inline.number(format.decode.outputs[0].def, &[last.floor_mod(&n)]).ok()
}
