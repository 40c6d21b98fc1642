//! Integer expressions as Rust.
//!
//! Sizes and positions are `usize`: a difference is written "positives minus negatives", which cannot
//! underflow when the whole is known not to be negative. Where it may be, or a part of it on the way, `isize` is used.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{Atom, Int};

/// How leaves are named.
pub trait Leaves {
    /// A dim, an index or an integer scalar, as `usize` (or `isize`/`i64` if `signed` names the type).
    fn leaf(&self, a: &Atom) -> TokenStream;
}

/// What the expression's type and guarantees are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `usize`, known not to be negative.
    Exact,
    /// `usize`, 0 where the value would be negative.
    Saturating,
    /// `isize`.
    Signed,
    /// `i64`.
    Wide,
}

impl Mode {
    fn is_signed(self) -> bool {
        matches!(self, Mode::Signed | Mode::Wide)
    }
}

/// An integer expression in a mode, without parentheses around the whole.
pub fn int(leaves: &dyn Leaves, i: &Int, mode: Mode) -> TokenStream {
    strip(sum(leaves, i, mode))
}

fn sum(leaves: &dyn Leaves, i: &Int, mode: Mode) -> TokenStream {
    if let Some(a) = i.as_atom() {
        return atom(leaves, a, mode);
    }
    if !mode.is_signed() && !i.terms().all(|(m, _)| m.iter().all(is_natural)) {
        // Something on the way may be negative.
        let value = parts(leaves, i, Mode::Signed);
        return if mode == Mode::Exact {
            quote!(((#value) as usize))
        } else {
            quote!(((#value).max(0) as usize))
        };
    }
    parts(leaves, i, mode)
}

/// Positives minus negatives.
fn parts(leaves: &dyn Leaves, i: &Int, mode: Mode) -> TokenStream {
    let mut plus: Option<TokenStream> = None;
    let mut minus: Option<TokenStream> = None;
    // Factors are exact where the whole saturates.
    let inner = if mode == Mode::Saturating { Mode::Exact } else { mode };
    // The constant last: `t + 1` reads better than `1 + t`.
    let mut terms: Vec<_> = i.terms().collect();
    terms.sort_by_key(|(m, _)| m.is_empty());
    for (m, c) in terms {
        let negative = c < 0;
        let target = if negative { &mut minus } else { &mut plus };
        let term = product(leaves, m, c.unsigned_abs(), inner);
        *target = Some(match target.take() {
            Some(sum) => quote!(#sum + #term),
            None => term,
        });
    }
    match (plus, minus) {
        (None, None) => literal(0),
        (Some(p), None) => p,
        (p, Some(m)) => {
            let negatives = i.terms().filter(|(_, c)| *c < 0).count();
            let bare = negatives == 1 && i.as_const().is_some();
            let m = if negatives > 1 { quote!((#m)) } else { m };
            match (p, mode) {
                (None, Mode::Exact | Mode::Saturating) => literal(0),
                (None, _) if bare => quote!(-#m),
                (None, _) => {
                    let m = strip(m);
                    quote!(-(#m))
                }
                (Some(p), Mode::Saturating) => {
                    let positive: Vec<_> = i.terms().filter(|(_, c)| *c > 0).collect();
                    let compound = positive.len() > 1 || !is_simple(i);
                    let m = strip(m);
                    if let [([], c)] = positive[..] {
                        let p = typed(c, mode);
                        quote!(#p.saturating_sub(#m))
                    } else if compound {
                        quote!((#p).saturating_sub(#m))
                    } else {
                        quote!(#p.saturating_sub(#m))
                    }
                }
                (Some(p), _) => quote!(#p - #m),
            }
        }
    }
}

/// The only positive term is one bare leaf.
fn is_simple(i: &Int) -> bool {
    i.terms().filter(|(_, c)| *c > 0).all(|(m, c)| c == 1 && m.len() == 1 && is_leaf(&m[0]))
}

fn is_leaf(a: &Atom) -> bool {
    matches!(a, Atom::Dim(_) | Atom::Index(_))
}

/// Drops one pair of parentheses, for use as a method argument.
fn strip(t: TokenStream) -> TokenStream {
    let mut it = t.clone().into_iter();
    match (it.next(), it.next()) {
        (Some(proc_macro2::TokenTree::Group(g)), None) => g.stream(),
        _ => t,
    }
}

fn literal(v: u64) -> TokenStream {
    let v = Literal::u64_unsuffixed(v);
    quote!(#v)
}

/// A constant that a method is called on: nothing else would say its type.
fn typed(v: i64, mode: Mode) -> TokenStream {
    let digits = v.unsigned_abs();
    let ty = match mode {
        Mode::Exact | Mode::Saturating => "usize",
        Mode::Signed => "isize",
        Mode::Wide => "i64",
    };
    let literal: Literal = format!("{digits}_{ty}").parse().expect("digits and a type are a literal");
    match (v < 0, mode.is_signed()) {
        (false, _) => quote!(#literal),
        (true, true) => quote!((-#literal)),
        (true, false) => typed(0, mode),
    }
}

fn product(leaves: &dyn Leaves, m: &[Atom], c: u64, mode: Mode) -> TokenStream {
    let mut out: Option<TokenStream> = None;
    for a in m {
        let f = atom(leaves, a, mode);
        out = Some(match out {
            Some(p) => quote!(#p * #f),
            None => f,
        });
    }
    match (out, c) {
        (None, c) => literal(c),
        (Some(p), 1) => p,
        (Some(p), c) => {
            let c = literal(c);
            quote!(#c * #p)
        }
    }
}

/// Whether an expression is never negative, whatever its leaves are. Remainders have positive divisors.
pub fn nonnegative(i: &Int) -> bool {
    i.terms().all(|(m, c)| c >= 0 && m.iter().all(is_natural))
}

fn is_natural(a: &Atom) -> bool {
    match a {
        Atom::Div(x, y) | Atom::Min(x, y) => nonnegative(x) && nonnegative(y),
        Atom::Mod(_, y) => nonnegative(y),
        Atom::Max(x, y) => nonnegative(x) || nonnegative(y),
        Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_) => true,
    }
}

fn atom(leaves: &dyn Leaves, a: &Atom, mode: Mode) -> TokenStream {
    match a {
        Atom::Div(x, y) | Atom::Mod(x, y) => {
            let is_div = matches!(a, Atom::Div(..));
            if mode == Mode::Wide {
                // Checks run before anything is known of the divisor.
                let (x, y) = (int(leaves, x, mode), int(leaves, y, mode));
                return if is_div {
                    quote!(check::floor_div(#x, #y))
                } else {
                    quote!(check::floor_mod(#x, #y))
                };
            }
            if nonnegative(x) {
                let (x, y) = (operand(leaves, x, mode), operand(leaves, y, mode));
                return if is_div { quote!((#x / #y)) } else { quote!((#x % #y)) };
            }
            let (x, y) = (receiver(leaves, x, Mode::Signed), int(leaves, y, Mode::Signed));
            let value = if is_div { quote!(#x.div_euclid(#y)) } else { quote!(#x.rem_euclid(#y)) };
            match mode {
                Mode::Exact => quote!((#value as usize)),
                Mode::Saturating => quote!((#value.max(0) as usize)),
                Mode::Signed | Mode::Wide => value,
            }
        }
        Atom::Min(x, y) => {
            let (x, y) = (receiver(leaves, x, mode), strip(int(leaves, y, mode)));
            quote!(#x.min(#y))
        }
        Atom::Max(x, y) => {
            // `max(x, 0)` is what saturation gives.
            let mode = if mode == Mode::Exact { Mode::Saturating } else { mode };
            if mode == Mode::Saturating && y.as_const() == Some(0) {
                return receiver(leaves, x, mode);
            }
            let (x, y) = (receiver(leaves, x, mode), strip(int(leaves, y, mode)));
            quote!(#x.max(#y))
        }
        leaf => {
            let name = leaves.leaf(leaf);
            match mode {
                Mode::Exact | Mode::Saturating => name,
                Mode::Signed => quote!((#name as isize)),
                Mode::Wide => quote!((#name as i64)),
            }
        }
    }
}

/// An operand of `/` or `%`: in parentheses unless it is a single factor.
fn operand(leaves: &dyn Leaves, i: &Int, mode: Mode) -> TokenStream {
    let t = sum(leaves, i, mode);
    let single = i.as_const().is_some() || i.as_atom().is_some();
    if single { t } else { quote!((#t)) }
}

/// The receiver of a method call.
fn receiver(leaves: &dyn Leaves, i: &Int, mode: Mode) -> TokenStream {
    if let Some(c) = i.as_const() {
        return typed(c, mode);
    }
    let t = sum(leaves, i, mode);
    if i.as_atom().is_some() { t } else { quote!((#t)) }
}
