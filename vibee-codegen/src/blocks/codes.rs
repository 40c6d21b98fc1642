//! The codes of a chunk, 32 at a time, with operations on bytes.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::quote;
use vibee_spec::term::Op;

use super::CHUNK;
use super::affine::most;
use super::tree::Tree;

/// The codes of a chunk as `Bytes`; `None` if they mix forms. `block` is the number of bytes.
pub fn codes(trees: &[&Tree], block: usize) -> Option<TokenStream> {
    debug_assert_eq!(trees.len(), CHUNK, "a chunk has so many numbers");
    match trees[0] {
        Tree::Byte(_) => {
            let places: Vec<usize> = all(trees, |t| if let Tree::Byte(p) = t { Some(*p) } else { None })?;
            bytes(&places, block)
        }
        Tree::Op(Op::Signed, _) => {
            let x = codes(&operands(trees, Op::Signed, 0)?, block)?;
            let x = wrapped(x);
            Some(quote!(#x ^ Bytes::splat(s, 128)))
        }
        Tree::Op(Op::Join, _) => {
            let width = *same(&ints(trees, Op::Join, 2)?)?;
            let (low, high) = (operands(trees, Op::Join, 0)?, operands(trees, Op::Join, 1)?);
            let fits = low.iter().all(|t| most(t).is_some_and(|m| m < 1 << width));
            let (low, high) = (codes(&low, block)?, codes(&high, block)?);
            let low = wrapped(if fits { low } else { masked(low, width) });
            let (high, width) = (wrapped(high), Literal::i64_unsuffixed(width));
            Some(quote!(#low | #high.shl::<#width>()))
        }
        Tree::Op(Op::Bits, _) => fields(trees, block),
        Tree::Op(Op::Mul, _) => {
            let (x, factors) = factors(trees)?;
            let (x, factors) = (wrapped(codes(&x, block)?), list(&factors));
            Some(quote!(#x.mul_low(&#factors)))
        }
        // No sum exceeds a byte, or it were no code.
        Tree::Op(Op::Add, _) => {
            let (a, b) = (operands(trees, Op::Add, 0)?, operands(trees, Op::Add, 1)?);
            let (a, b) = (wrapped(codes(&a, block)?), wrapped(codes(&b, block)?));
            Some(quote!(#a + #b))
        }
        _ => None,
    }
}

/// `bits(x, from, count)` of each.
fn fields(trees: &[&Tree], block: usize) -> Option<TokenStream> {
    let count = *same(&ints(trees, Op::Bits, 2)?)?;
    let from = ints(trees, Op::Bits, 1)?;
    let x = operands(trees, Op::Bits, 0)?;
    // Low and high byte of a product.
    if matches!(x[0], Tree::Op(Op::Mul, _)) {
        let (x, factors) = factors(&x)?;
        let (x, factors) = (wrapped(codes(&x, block)?), list(&factors));
        return match *same(&from)? {
            0 if count == 8 => Some(quote!(#x.mul_low(&#factors))),
            8 => Some(masked(quote!(#x.mul_high(&#factors)), count)),
            _ => None,
        };
    }
    if from.iter().any(|f| !(0..8).contains(f) || f + count > 8) {
        return None;
    }
    let x = wrapped(codes(&x, block)?);
    let half = CHUNK / 2;
    let shifted = |by: i64| {
        let k = Literal::i64_unsuffixed(by);
        if by == 0 { quote!(x) } else { quote!(x.shr::<#k>()) }
    };
    let (low, high) = (same(&from[..half]), same(&from[half..]));
    let moved = match (low, high) {
        (Some(0), Some(0)) => return Some(masked(x, count)),
        (Some(a), Some(b)) if a == b => {
            let k = Literal::i64_unsuffixed(*a);
            quote!(#x.shr::<#k>())
        }
        (Some(a), Some(b)) => {
            let (a, b) = (shifted(*a), shifted(*b));
            quote!({ let x = #x; #a.low_high(#b) })
        }
        _ => {
            let from = list(&from);
            quote!(#x.shr_each(&#from))
        }
    };
    // Zeros come in from above.
    let clean = same(&from).is_some_and(|f| f + count == 8);
    Some(if clean { moved } else { masked(moved, count) })
}

fn masked(x: TokenStream, count: i64) -> TokenStream {
    if count >= 8 {
        return x;
    }
    let (x, mask) = (wrapped(x), Literal::i64_unsuffixed((1 << count) - 1));
    quote!(#x & Bytes::splat(s, #mask))
}

/// In parentheses, unless it is a chain of calls.
pub fn wrapped(x: TokenStream) -> TokenStream {
    let loose = x.clone().into_iter().enumerate().any(|(n, t)| match t {
        TokenTree::Punct(p) => n > 0 && "+-*&|^".contains(p.as_char()),
        TokenTree::Ident(i) => i == "as" || i == "if",
        TokenTree::Group(g) => n == 0 && g.delimiter() == Delimiter::Brace,
        TokenTree::Literal(_) => false,
    });
    if loose { quote!((#x)) } else { x }
}

/// The bytes at 32 places of a block.
fn bytes(places: &[usize], block: usize) -> Option<TokenStream> {
    let half = CHUNK / 2;
    let runs = |places: &[usize]| places.windows(2).all(|w| w[1] == w[0] + 1);
    let part = |at: usize| {
        let at = Literal::usize_unsuffixed(at);
        quote!(part(block, #at))
    };
    let (low, high) = places.split_at(half);
    if places.iter().all(|p| *p == places[0]) {
        let at = Literal::usize_unsuffixed(places[0]);
        return Some(quote!(Bytes::splat(s, block[#at])));
    }
    if runs(places) {
        let at = part(places[0]);
        return Some(quote!(Bytes::load(s, #at)));
    }
    if runs(low) && runs(high) {
        let (a, b) = (part(low[0]), part(high[0]));
        return Some(if low[0] == high[0] {
            quote!(Bytes::twice(s, #a))
        } else {
            quote!(Bytes::halves(s, #a, #b))
        });
    }
    if places.iter().enumerate().all(|(i, p)| *p == places[0] + i % 4) {
        let at = part(places[0]);
        return Some(quote!(Bytes::four(s, #at)));
    }
    // Any four neighbours for all.
    let (least, largest) = (*places.iter().min()?, *places.iter().max()?);
    if block >= 4 && largest - least.min(block - 4) < 4 {
        let start = least.min(block - 4);
        let picks: Vec<i64> = places.iter().map(|p| (p - start) as i64).collect();
        let (at, picks) = (part(start), list(&picks));
        return Some(quote!(Bytes::four(s, #at).pick(&#picks)));
    }
    // Any sixteen neighbours for each half.
    let window = |places: &[usize]| {
        let (least, largest) = (*places.iter().min()?, *places.iter().max()?);
        let start = least.min(block.saturating_sub(half));
        (largest - start < half).then_some(start)
    };
    let (a, b) = (window(low)?, window(high)?);
    let picks: Vec<i64> =
        low.iter().map(|p| p - a).chain(high.iter().map(|p| p - b)).map(|p| p as i64).collect();
    let picks = list(&picks);
    let loaded = match (block < half, a == b) {
        (true, _) => quote!(Bytes::short(s, block)),
        (false, true) => {
            let at = part(a);
            quote!(Bytes::twice(s, #at))
        }
        (false, false) => {
            let (a, b) = (part(a), part(b));
            quote!(Bytes::halves(s, #a, #b))
        }
    };
    Some(quote!(#loaded.pick(&#picks)))
}

fn all<T>(trees: &[&Tree], f: impl Fn(&Tree) -> Option<T>) -> Option<Vec<T>> {
    trees.iter().map(|t| f(t)).collect()
}

/// Argument `k` of each, which is the same operator everywhere.
fn operands<'t>(trees: &[&'t Tree], op: Op, k: usize) -> Option<Vec<&'t Tree>> {
    trees
        .iter()
        .map(|t| match t {
            Tree::Op(o, args) if *o == op => args.get(k),
            _ => None,
        })
        .collect()
}

fn ints(trees: &[&Tree], op: Op, k: usize) -> Option<Vec<i64>> {
    let args = operands(trees, op, k)?;
    all(&args, |t| if let Tree::Int(v) = t { Some(*v) } else { None })
}

/// The value that all have.
fn same(values: &[i64]) -> Option<&i64> {
    values.first().filter(|first| values.iter().all(|v| v == *first))
}

/// Products with known factors below 256.
fn factors<'t>(trees: &[&'t Tree]) -> Option<(Vec<&'t Tree>, Vec<i64>)> {
    let mut out = (Vec::new(), Vec::new());
    for t in trees {
        let Tree::Op(Op::Mul, args) = t else { return None };
        let (x, k) = match &args[..] {
            [Tree::Int(k), x] | [x, Tree::Int(k)] => (x, *k),
            _ => return None,
        };
        if !(0..256).contains(&k) || most(x).is_none() {
            return None;
        }
        out.0.push(x);
        out.1.push(k);
    }
    Some(out)
}

fn list(values: &[i64]) -> TokenStream {
    let items = values.iter().map(|v| Literal::i64_unsuffixed(*v));
    if let Some(first) = same(values) {
        let (first, n) = (Literal::i64_unsuffixed(*first), Literal::usize_unsuffixed(values.len()));
        return quote!([#first; #n]);
    }
    quote!([#(#items),*])
}
