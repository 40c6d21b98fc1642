//! Expressions as Rust: one value at a time, or a block of lanes at a time.
//!
//! Parentheses are placed by precedence, never by text. What has no lane form is computed lane by lane
//! in a closure ([`Body::per_lane`]).

mod cast;
mod operators;
mod value;
mod whole;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::DType;

/// How tightly a piece of Rust binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prec {
    /// `if`, closures, `||`, `&&`, comparisons.
    Low,
    /// `|` on masks.
    Either,
    /// `&` on masks.
    Both,
    /// `+ -`.
    Add,
    /// `* / %`.
    Mul,
    /// `as`.
    Cast,
    /// Unary.
    Unary,
    /// Calls, names, literals.
    Post,
}

/// A piece of Rust with its precedence and whether it is in lanes.
#[derive(Clone, Debug)]
pub struct Val {
    /// The code.
    pub code: TokenStream,
    /// How it binds.
    pub prec: Prec,
    /// One value per lane.
    pub lanes: bool,
}

impl Val {
    /// A single value.
    pub fn one(code: TokenStream, prec: Prec) -> Self {
        Val { code, prec, lanes: false }
    }

    /// A block of lanes.
    pub fn lanes(code: TokenStream, prec: Prec) -> Self {
        Val { code, prec, lanes: true }
    }

    /// In parentheses unless it binds at least this tightly.
    pub fn at(&self, prec: Prec) -> TokenStream {
        let code = &self.code;
        if self.prec >= prec { quote!(#code) } else { quote!((#code)) }
    }

    /// What a minus may stand in front of: in Rust `--x` only looks like something else.
    pub fn negatable(&self) -> TokenStream {
        let first = self.code.clone().into_iter().next();
        let negative = matches!(first, Some(proc_macro2::TokenTree::Punct(p)) if p.as_char() == '-');
        self.at(if negative { Prec::Post } else { Prec::Unary })
    }
}

/// `if c { a } else { b }`, and `else if` where `b` is such a choice itself.
pub fn choice(c: &TokenStream, a: &TokenStream, b: &TokenStream) -> TokenStream {
    // Whatever else begins with `if` was put in parentheses by what is around it.
    let chained =
        matches!(b.clone().into_iter().next(), Some(proc_macro2::TokenTree::Ident(word)) if word == "if");
    let (a, branch) = (tail(a), tail(b));
    if chained { quote!(if #c { #a } else #b) } else { quote!(if #c { #a } else { #branch }) }
}

/// An expression as the last one of a block, where `{ … } / y` would be a statement and nonsense.
fn tail(code: &TokenStream) -> TokenStream {
    use proc_macro2::{Delimiter, TokenTree};
    let mut tokens = code.clone().into_iter();
    let block = matches!(tokens.next(), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace);
    if block && tokens.next().is_some() { quote!((#code)) } else { code.clone() }
}

/// The four types of computed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    F32,
    F64,
    I32,
    Bool,
}

impl Class {
    /// The class of a computed dtype.
    pub fn of(t: &DType) -> Self {
        match t {
            DType::F64 => Class::F64,
            DType::F32 | DType::F16 | DType::BF16 => Class::F32,
            DType::Bool => Class::Bool,
            DType::I32 | DType::I8 | DType::U8 | DType::Idx(_) | DType::Len(_) => Class::I32,
        }
    }
}

/// A float literal of a class.
pub fn float(v: f64, class: Class, suffixed: bool) -> Val {
    let ty = if class == Class::F64 { format_ident!("f64") } else { format_ident!("f32") };
    let single = v as f32;
    let finite = if class == Class::F64 { v.is_finite() } else { single.is_finite() };
    if !finite {
        let name = match (v.is_nan(), v > 0.0) {
            (true, _) => quote!(#ty::NAN),
            (false, true) => quote!(#ty::INFINITY),
            (false, false) => quote!(#ty::NEG_INFINITY),
        };
        return Val::one(name, Prec::Post);
    }
    if let Some(name) = known(v.abs(), class) {
        let name = format_ident!("{name}");
        let code = quote!(std::#ty::consts::#name);
        return if v.is_sign_negative() {
            Val::one(quote!(-#code), Prec::Unary)
        } else {
            Val::one(code, Prec::Post)
        };
    }
    let text = match (class, suffixed) {
        (Class::F64, true) => format!("{:?}_f64", v.abs()),
        (Class::F64, false) => format!("{:?}", v.abs()),
        (_, true) => format!("{:?}_f32", single.abs()),
        (_, false) => format!("{:?}", single.abs()),
    };
    let literal: Literal = text.parse().expect("a finite float prints as a literal");
    if v.is_sign_negative() {
        Val::one(quote!(-#literal), Prec::Unary)
    } else {
        Val::one(quote!(#literal), Prec::Post)
    }
}

/// Constants that have a name in Rust.
const KNOWN: &[(&str, f64)] = {
    use std::f64::consts::*;
    &[
        ("E", E),
        ("EULER_GAMMA", EULER_GAMMA),
        ("FRAC_1_PI", FRAC_1_PI),
        ("FRAC_1_SQRT_2", FRAC_1_SQRT_2),
        ("FRAC_2_PI", FRAC_2_PI),
        ("FRAC_2_SQRT_PI", FRAC_2_SQRT_PI),
        ("FRAC_PI_2", FRAC_PI_2),
        ("FRAC_PI_3", FRAC_PI_3),
        ("FRAC_PI_4", FRAC_PI_4),
        ("FRAC_PI_6", FRAC_PI_6),
        ("FRAC_PI_8", FRAC_PI_8),
        ("GOLDEN_RATIO", GOLDEN_RATIO),
        ("LN_10", LN_10),
        ("LN_2", LN_2),
        ("LOG10_2", LOG10_2),
        ("LOG10_E", LOG10_E),
        ("LOG2_10", LOG2_10),
        ("LOG2_E", LOG2_E),
        ("PI", PI),
        ("SQRT_2", SQRT_2),
        ("TAU", TAU),
    ]
};

/// The name of a constant that has this value and would be printed with its very digits: clippy asks
/// for the name then.
fn known(v: f64, class: Class) -> Option<&'static str> {
    let text = if class == Class::F64 { format!("{v:?}") } else { format!("{:?}", v as f32) };
    let digits = text.split_once('.')?.1.len();
    let is = |c: f64| {
        let equal = if class == Class::F64 { c == v } else { c as f32 == v as f32 };
        equal && format!("{c:.digits$}") == text
    };
    KNOWN.iter().find(|(_, c)| is(*c)).map(|(name, _)| *name)
}

impl quote::ToTokens for Val {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.code.to_tokens(tokens);
    }
}

/// Whether an expression ends with the name of a type, which `<` would make generic.
pub fn ends_with_cast(t: &TokenStream) -> bool {
    let all: Vec<String> = t.clone().into_iter().map(|t| t.to_string()).collect();
    all.len() >= 2 && all[all.len() - 2] == "as"
}

fn is_name(t: &TokenStream) -> bool {
    syn::parse2::<Ident>(t.clone()).is_ok()
}
