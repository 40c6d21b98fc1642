//! Numbers as `scale · whole + minimum` or `scale · table[code] + minimum`, where scale and minimum are the
//! same for a group of neighbours.

use vibee_spec::term::{DType, Format, Op};

use super::tree::{Tree, tree};
use super::{CHUNK, CHUNKS};

/// A format in this form. One entry a number in the lists that are not empty.
#[derive(Clone, Debug)]
pub struct Affine {
    /// Neighbours with one scale and minimum: 4, 8, 16 or all of whole chunks.
    pub group: usize,
    /// Codes, each from 0 to 255.
    pub codes: Vec<Tree>,
    /// What codes mean.
    pub meaning: Meaning,
    /// The factors of each group's scale.
    pub scales: Vec<Vec<Tree>>,
    /// The factors of each group's minimum, if there are any.
    pub mins: Vec<Vec<Tree>>,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// `code + low`, at most `high`.
    Whole {
        /// The least.
        low: i64,
        /// The largest.
        high: i64,
    },
    /// A float of a table.
    Table(Vec<f64>),
}

/// The form of a format, if it has this form.
pub fn affine(format: &Format) -> Option<Affine> {
    let count = usize::try_from(format.block).ok()?;
    if count % CHUNK != 0 || count > CHUNK * CHUNKS {
        return None;
    }
    let trees: Vec<Tree> = (0..format.block).map(|j| tree(&format.decode, j)).collect::<Option<_>>()?;
    // Which side of a sum is the product shows in what varies.
    [false, true].into_iter().find_map(|swapped| {
        let sums: Vec<Sum> = trees.iter().map(|t| Sum::of(t.clone(), swapped)).collect::<Option<_>>()?;
        [count, CHUNK, 16, 8, 4].into_iter().find_map(|group| grouped(&sums, group))
    })
}

/// A product of factors, plus something.
struct Sum {
    factors: Vec<Tree>,
    rest: Option<Tree>,
}

impl Sum {
    /// The product is the left side of a sum or difference, or the right one.
    fn of(t: Tree, swapped: bool) -> Option<Sum> {
        let mut factors = Vec::new();
        let (product, rest) = match (plain(t), swapped) {
            (Tree::Op(Op::Add, mut args), _) => {
                let (b, a) = (args.pop()?, args.pop()?);
                if swapped { (b, Some(a)) } else { (a, Some(b)) }
            }
            (Tree::Op(Op::Sub, mut args), false) => {
                let (b, a) = (args.pop()?, args.pop()?);
                (a, Some(Tree::Op(Op::Neg, vec![b])))
            }
            (Tree::Op(Op::Sub, mut args), true) => {
                let (b, a) = (args.pop()?, args.pop()?);
                factors.push(Tree::Float(-1.0));
                (b, Some(a))
            }
            (product, _) => (product, None),
        };
        flatten(product, &mut factors);
        Some(Sum { factors, rest })
    }
}

/// Without conversions of a float to what it is.
fn plain(t: Tree) -> Tree {
    match t {
        Tree::Cast(DType::F32, inner) if is_float(&inner) => plain(*inner),
        other => other,
    }
}

/// Whether a value is a float.
pub fn is_float(t: &Tree) -> bool {
    match t {
        Tree::Float(_) => true,
        Tree::Cast(t, _) => t.is_float(),
        Tree::Op(Op::F16From | Op::Bf16From | Op::F32From | Op::E4m3From | Op::Div, _) => true,
        Tree::Op(_, args) => args.last().is_some_and(is_float),
        Tree::Byte(_) | Tree::Int(_) => false,
    }
}

fn flatten(t: Tree, out: &mut Vec<Tree>) {
    match plain(t) {
        Tree::Op(Op::Mul, args) if args.iter().all(is_float) => {
            args.into_iter().for_each(|a| flatten(a, out))
        }
        other => out.push(other),
    }
}

/// The form with groups of a size.
fn grouped(sums: &[Sum], group: usize) -> Option<Affine> {
    let count = sums.first()?.factors.len();
    if sums.iter().any(|s| s.factors.len() != count || s.rest.is_some() != sums[0].rest.is_some()) {
        return None;
    }
    let same =
        |f: &dyn Fn(&Sum) -> Option<Tree>| sums.chunks(group).all(|g| g.iter().all(|s| f(s) == f(&g[0])));
    if !same(&|s| s.rest.clone()) {
        return None;
    }
    let varying: Vec<usize> = (0..count).filter(|k| !same(&|s| s.factors.get(*k).cloned())).collect();
    let [code] = varying[..] else { return None };
    let (codes, meaning) = meaning(sums.iter().map(|s| &s.factors[code]))?;
    let scale = |g: &[Sum]| -> Vec<Tree> {
        g[0].factors.iter().enumerate().filter(|(k, _)| *k != code).map(|(_, f)| f.clone()).collect()
    };
    let min = |g: &[Sum]| -> Option<Vec<Tree>> {
        let mut factors = Vec::new();
        match g[0].rest.clone()? {
            Tree::Op(Op::Neg, args) => {
                factors.push(Tree::Float(-1.0));
                args.into_iter().for_each(|a| flatten(a, &mut factors));
            }
            other => flatten(other, &mut factors),
        }
        Some(factors)
    };
    Some(Affine {
        group,
        codes,
        meaning,
        scales: sums.chunks(group).map(scale).collect(),
        mins: sums.chunks(group).filter_map(min).collect(),
    })
}

/// The codes of the varying factor, and what they mean, the same for all numbers.
fn meaning<'t>(factors: impl Iterator<Item = &'t Tree>) -> Option<(Vec<Tree>, Meaning)> {
    let mut codes = Vec::new();
    let mut found: Option<Meaning> = None;
    for f in factors {
        let (code, m) = match f {
            Tree::Op(Op::Pick, args) => {
                let table: Option<Vec<f64>> =
                    args[1..].iter().map(|v| if let Tree::Float(v) = v { Some(*v) } else { None }).collect();
                let table = table.filter(|t| t.len() <= 256)?;
                most(&args[0]).filter(|m| (*m as usize) < table.len())?;
                (args[0].clone(), Meaning::Table(table))
            }
            Tree::Cast(DType::F32, whole) => {
                let (code, low) = lowered(whole)?;
                let high = low + most(&code)?;
                (code, Meaning::Whole { low, high })
            }
            _ => return None,
        };
        found = match (found, m) {
            (None, m) => Some(m),
            (Some(Meaning::Whole { low: a, high }), Meaning::Whole { low: b, high: other }) if a == b => {
                Some(Meaning::Whole { low: a, high: high.max(other) })
            }
            (Some(a), b) if a == b => Some(a),
            _ => return None,
        };
        codes.push(code);
    }
    Some((codes, found?))
}

/// A whole number as a code and what is added to it.
fn lowered(t: &Tree) -> Option<(Tree, i64)> {
    match t {
        Tree::Op(Op::Sub, args) => match &args[..] {
            [x, Tree::Int(k)] => lowered(x).map(|(c, low)| (c, low - k)),
            _ => None,
        },
        Tree::Op(Op::Add, args) => match &args[..] {
            [x, Tree::Int(k)] | [Tree::Int(k), x] => lowered(x).map(|(c, low)| (c, low + k)),
            _ => None,
        },
        // A signed byte is 128 less than its bits with the highest one turned over.
        Tree::Op(Op::Signed, args) if args.get(1) == Some(&Tree::Int(8)) => Some((t.clone(), -128)),
        _ => most(t).map(|_| (t.clone(), 0)),
    }
}

/// The largest value of a code; `None` if it may be negative or exceed a byte.
pub fn most(t: &Tree) -> Option<i64> {
    let value = match t {
        Tree::Byte(_) => 255,
        Tree::Int(v) if *v >= 0 => *v,
        Tree::Op(Op::Bits, args) => match &args[2] {
            Tree::Int(count @ 1..=8) => (1 << count) - 1,
            _ => return None,
        },
        Tree::Op(Op::Join, args) => match (most(&args[1])?, &args[2]) {
            (high, Tree::Int(width @ 0..=7)) => (high << width) + (1 << width) - 1,
            _ => return None,
        },
        Tree::Op(Op::Mul, args) => match &args[..] {
            [Tree::Int(k), x] | [x, Tree::Int(k)] if *k >= 0 => k * most(x)?,
            _ => return None,
        },
        Tree::Op(Op::Signed, args) if args.get(1) == Some(&Tree::Int(8)) => 255,
        Tree::Op(Op::Add, args) => match &args[..] {
            [a, b] if !is_float(a) => most(a)? + most(b)?,
            _ => return None,
        },
        _ => return None,
    };
    (value <= 255).then_some(value)
}
