//! What a number of a block is, with its place put in: a tree over bytes and constants.

use std::collections::HashMap;

use vibee_spec::term::{Atom, DType, DefId, ExprId, IndexId, Int, Kernel, Node, Op, Pos, Source};

/// A value over the bytes of one block.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// The byte at a position, as an integer.
    Byte(usize),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// An operator.
    Op(Op, Vec<Tree>),
    /// A conversion of a number.
    Cast(DType, Box<Tree>),
}

/// Nodes of one tree; more is no format to unpack in registers.
const MOST: usize = 4096;

/// The tree of number `j`; `None` if it has a form that is not looked at here, such as a fold.
pub fn tree(decode: &Kernel, j: i64) -> Option<Tree> {
    let mut at = Reader { k: decode, left: MOST };
    at.number(decode.outputs.first()?.def, &[j])
}

struct Reader<'k> {
    k: &'k Kernel,
    left: usize,
}

type Letters = HashMap<IndexId, i64>;

impl Reader<'_> {
    fn number(&mut self, d: DefId, at: &[i64]) -> Option<Tree> {
        let def = self.k.def(d);
        let mut letters = Letters::new();
        for (store, p) in def.store.iter().zip(at) {
            letters.insert(store.as_index()?, *p);
        }
        let value = self.expr(def.body, &letters)?;
        if def.dtype == def.dtype.computed() { Some(value) } else { None }
    }

    fn int(&self, i: &Int, letters: &Letters) -> Option<i64> {
        i.eval(&|a| if let Atom::Index(i) = a { letters.get(i).copied() } else { None })
    }

    fn expr(&mut self, e: ExprId, letters: &Letters) -> Option<Tree> {
        self.left = self.left.checked_sub(1)?;
        Some(match self.k.exprs.node(e) {
            Node::Float(bits, _) => Tree::Float(f64::from_bits(*bits)),
            Node::Int(i) => Tree::Int(self.int(i, letters)?),
            Node::Load { from, at, outside: None } => {
                let mut places = Vec::new();
                for p in at {
                    let Pos::At(i) = p else { return None };
                    places.push(self.int(i, letters)?);
                }
                match from {
                    Source::Input(_) => Tree::Byte(usize::try_from(*places.first()?).ok()?),
                    Source::Def(d) => self.number(*d, &places)?,
                }
            }
            Node::Op(Op::Select, args) => match self.condition(args[0], letters)? {
                Ok(taken) => self.expr(args[if taken { 1 } else { 2 }], letters)?,
                Err(condition) => {
                    let sides = [self.expr(args[1], letters)?, self.expr(args[2], letters)?];
                    Tree::Op(Op::Select, [vec![condition], sides.to_vec()].concat())
                }
            },
            Node::Op(Op::Pick, args) => match self.expr(args[0], letters)? {
                Tree::Int(n) => self.expr(*args.get(1 + usize::try_from(n).ok()?)?, letters)?,
                at => {
                    let rest: Option<Vec<Tree>> = args[1..].iter().map(|a| self.expr(*a, letters)).collect();
                    Tree::Op(Op::Pick, [vec![at], rest?].concat())
                }
            },
            Node::Op(op, args) => {
                let args: Option<Vec<Tree>> = args.iter().map(|a| self.expr(*a, letters)).collect();
                folded(*op, args?)
            }
            Node::Cast(t, a) => match (t, self.expr(*a, letters)?) {
                (DType::I32, inner) if self.k.exprs.dtype(*a).is_int() => inner,
                (DType::F32, Tree::Int(v)) => Tree::Float(v as f64),
                (t, inner) => Tree::Cast(t.clone(), Box::new(inner)),
            },
            _ => return None,
        })
    }

    /// Whether a condition on places holds; one on bytes is left as it is.
    fn condition(&mut self, e: ExprId, letters: &Letters) -> Option<Result<bool, Tree>> {
        let Node::Op(op, args) = self.k.exprs.node(e) else { return None };
        if !matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne) {
            return None;
        }
        let sides = [self.expr(*args.first()?, letters)?, self.expr(*args.get(1)?, letters)?];
        let [Tree::Int(a), Tree::Int(b)] = &sides else {
            return Some(Err(Tree::Op(*op, sides.to_vec())));
        };
        Some(Ok(match op {
            Op::Lt => a < b,
            Op::Le => a <= b,
            Op::Gt => a > b,
            Op::Ge => a >= b,
            Op::Eq => a == b,
            _ => a != b,
        }))
    }
}

/// An operator, carried out where its integer arguments are known.
fn folded(op: Op, args: Vec<Tree>) -> Tree {
    let known: Option<Vec<i64>> =
        args.iter().map(|a| if let Tree::Int(v) = a { Some(*v) } else { None }).collect();
    let value = match (op, known.as_deref()) {
        (Op::Add, Some([a, b])) => Some(a + b),
        (Op::Sub, Some([a, b])) => Some(a - b),
        (Op::Mul, Some([a, b])) => Some(a * b),
        (Op::Min, Some([a, b])) => Some(*a.min(b)),
        (Op::Max, Some([a, b])) => Some(*a.max(b)),
        _ => None,
    };
    // Places of a block are small; sums of a few of them stay in 32 bits.
    if let Some(v) = value.filter(|v| i32::try_from(*v).is_ok()) {
        return Tree::Int(v);
    }
    match (op, &args[..]) {
        (Op::Bits, [x, Tree::Int(from), Tree::Int(count)]) if *from >= 0 && *count > 0 => {
            field(x, *from, *count).unwrap_or(Tree::Op(op, args))
        }
        _ => Tree::Op(op, args),
    }
}

/// Bits of something joined, as those of its parts: a word of several bytes is never needed whole then.
fn field(x: &Tree, from: i64, count: i64) -> Option<Tree> {
    let bits = |x: &Tree, from: i64, count: i64| {
        let whole = Tree::Op(Op::Bits, vec![x.clone(), Tree::Int(from), Tree::Int(count)]);
        match x {
            Tree::Byte(_) if from == 0 && count == 8 => x.clone(),
            _ => field(x, from, count).unwrap_or(whole),
        }
    };
    match x {
        Tree::Op(Op::Join, args) => match &args[..] {
            [low, _, Tree::Int(width)] if from + count <= *width => Some(bits(low, from, count)),
            [_, high, Tree::Int(width)] if from >= *width => Some(bits(high, from - width, count)),
            [low, high, Tree::Int(width)] => {
                let below = width - from;
                let parts = [bits(low, from, below), bits(high, 0, count - below), Tree::Int(below)];
                Some(Tree::Op(Op::Join, parts.to_vec()))
            }
            _ => None,
        },
        Tree::Op(Op::Signed, args) => match &args[..] {
            [x, Tree::Int(width)] if from + count <= *width => Some(bits(x, from, count)),
            _ => None,
        },
        _ => None,
    }
}
