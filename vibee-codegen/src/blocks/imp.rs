//! A format's implementation of the runtime's traits.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{DType, Format, Op};

use super::CHUNK;
use super::affine::{Affine, Meaning, affine, is_float};
use super::choice::choose;
use super::codes::{codes, wrapped};
use super::tree::Tree;

/// A type that decodes blocks of a format.
pub struct Implementation {
    /// The type and its traits.
    pub items: Vec<TokenStream>,
    /// Whether its numbers are affine in small whole numbers.
    pub is_affine: bool,
    /// Whether weights of it can be rearranged into strips.
    pub has_strips: bool,
}

/// Whether a format's numbers are decoded many at a time.
#[must_use]
pub fn has_form(format: &Format) -> bool {
    implementation(format, &quote::format_ident!("Any")).is_some()
}

/// The type `name`, which decodes blocks of a format; `None` if the format has no such form.
#[must_use]
pub fn implementation(format: &Format, name: &Ident) -> Option<Implementation> {
    let form = affine(format)?;
    let bytes = usize::try_from(format.bytes).ok()?;
    let chunks: Vec<Vec<&Tree>> = form.codes.chunks(CHUNK).map(|c| c.iter().collect()).collect();
    let codes: Vec<TokenStream> = chunks.iter().map(|c| codes(c, bytes)).collect::<Option<_>>()?;
    let scales = per_chunk(&form, &form.scales)?;
    let mins = if form.mins.is_empty() { None } else { Some(per_chunk(&form, &form.mins)?) };
    let (size, numbers) = (Literal::usize_unsuffixed(bytes), Literal::i64_unsuffixed(format.block));
    let doc = format!(" Blocks of the format `{}`.", format.name);
    let (codes, scales) = (choose(&codes), choose(&scales));
    let mins = mins.map(|m| choose(&m));
    let head = |decode: TokenStream| {
        let of_type = quote!(#[doc = #doc] struct #name;);
        let of_blocks = quote! {
            impl Blocks for #name {
                type Block = [u8; #size];
                const NUMBERS: usize = #numbers;
                #[inline(always)]
                #decode
            }
        };
        vec![of_type, of_blocks]
    };
    match &form.meaning {
        Meaning::Whole { low, high } => {
            let mut items = head(quote! {
                fn decode<S: Isa>(s: S, block: &Self::Block, chunk: usize) -> Floats<S> {
                    affine::<Self, S>(s, block, chunk)
                }
            });
            let (low, high) = (signed(*low), signed(*high));
            let group = Literal::usize_unsuffixed(form.group);
            let codes = function("codes", &quote!(Bytes<S>), &codes);
            let scales = function("scales", &quote!(Scales<S>), &scales);
            let has_min = mins.as_ref().map(|_| {
                quote!(
                    const HAS_MIN: bool = true;
                )
            });
            let mins = mins.map(|m| {
                let m = function("mins", &quote!(Scales<S>), &m);
                quote!(#[inline(always)] #m)
            });
            items.push(quote! {
                impl Affine for #name {
                    const LOW: i32 = #low;
                    const HIGH: i32 = #high;
                    const GROUP: usize = #group;
                    #has_min
                    #[inline(always)]
                    #codes
                    #[inline(always)]
                    #scales
                    #mins
                }
            });
            Some(Implementation { items, is_affine: true, has_strips: form.group >= CHUNK })
        }
        // Larger tables are gathered number by number, which plain loops do as well.
        Meaning::Table(table) if table.len() <= 16 => {
            let values = table.iter().copied().chain(std::iter::repeat(0.0)).take(16).map(float);
            let spread = if form.group >= CHUNK { quote!(same) } else { quote!(spread) };
            let scales = wrapped(scales);
            let mins = mins.map(wrapped).map(|m| quote!(+ #m.#spread()));
            let decode = quote! {
                const TABLE: [f32; 16] = [#(#values),*];
                let codes = #codes;
                Floats::lookup(codes, &TABLE) * #scales.#spread() #mins
            };
            let items = head(function("decode", &quote!(Floats<S>), &decode));
            Some(Implementation { items, is_affine: false, has_strips: false })
        }
        Meaning::Table(_) => None,
    }
}

/// A function of the traits, whose unused parameters have an underscore.
fn function(name: &str, out: &TokenStream, body: &TokenStream) -> TokenStream {
    let name = quote::format_ident!("{name}");
    let uses = |word: &str| mentions(body, word);
    let block = if uses("block") { quote!(block) } else { quote!(_block) };
    let chunk = if uses("chunk") { quote!(chunk) } else { quote!(_chunk) };
    quote!(fn #name<S: Isa>(s: S, #block: &Self::Block, #chunk: usize) -> #out { #body })
}

fn mentions(code: &TokenStream, name: &str) -> bool {
    code.clone().into_iter().any(|t| match t {
        proc_macro2::TokenTree::Ident(i) => i == name,
        proc_macro2::TokenTree::Group(g) => mentions(&g.stream(), name),
        _ => false,
    })
}

/// The scales or minima of each chunk, each a product of factors.
fn per_chunk(form: &Affine, of: &[Vec<Tree>]) -> Option<Vec<TokenStream>> {
    let chunks = form.codes.len() / CHUNK;
    let each = (CHUNK / form.group).max(1);
    (0..chunks)
        .map(|c| {
            let first = c * CHUNK / form.group;
            product(&of[first..first + each])
        })
        .collect()
}

/// One or several neighbouring groups: what is stored as a float is decoded by the runtime, other factors
/// that all share come next, then those that differ.
fn product(groups: &[Vec<Tree>]) -> Option<TokenStream> {
    let (mut out, mut shared, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for k in 0..groups[0].len() {
        let factor = &groups[0][k];
        if groups.iter().any(|g| g.get(k) != Some(factor)) {
            own.push(k);
        } else if let Some(code) = stored(factor) {
            out.push(code);
        } else {
            shared.push(factor);
        }
    }
    if !shared.is_empty() {
        let value = scalars(&shared)?;
        out.push(quote!(Scales::splat(s, #value)));
    }
    if !own.is_empty() {
        let values: Vec<TokenStream> = groups
            .iter()
            .map(|g| scalars(&own.iter().map(|k| &g[*k]).collect::<Vec<_>>()))
            .collect::<Option<_>>()?;
        out.push(match values.len() {
            2 => quote!(Scales::halves(s, #(#values),*)),
            4 => quote!(Scales::quarters(s, [#(#values),*])),
            _ => quote!(Scales::load(s, &[#(#values),*])),
        });
    }
    let mut out = out.into_iter();
    let first = out.next().unwrap_or_else(|| quote!(Scales::splat(s, 1.0)));
    Some(out.fold(first, |a, b| quote!(#a * #b)))
}

/// The product of some factors as one value.
fn scalars(factors: &[&Tree]) -> Option<TokenStream> {
    let negative = factors.iter().filter(|f| ***f == Tree::Float(-1.0)).count() % 2 == 1;
    let rest = factors.iter().filter(|f| ***f != Tree::Float(-1.0));
    let values: Vec<TokenStream> = rest.map(|f| scalar(f)).collect::<Option<_>>()?;
    let product = match values.len() {
        0 => quote!(1.0),
        1 => values.into_iter().next()?,
        _ => values.into_iter().map(wrapped).reduce(|a, b| quote!(#a * #b))?,
    };
    if !negative {
        return Some(product);
    }
    let product = wrapped(product);
    Some(quote!(-#product))
}

/// A float whose bytes are neighbours, lowest first.
fn stored(t: &Tree) -> Option<TokenStream> {
    let Tree::Op(op, args) = t else { return None };
    let make = match op {
        Op::F16From => quote!(f16),
        Op::Bf16From => quote!(bf16),
        Op::F32From => quote!(f32),
        _ => return None,
    };
    let count = if *op == Op::F32From { 4 } else { 2 };
    let mut bytes = Vec::new();
    joined(&args[0], count, &mut bytes)?;
    let neighbours = bytes.windows(2).all(|w| w[1] == w[0] + 1);
    let at = Literal::usize_unsuffixed(*bytes.first()?);
    neighbours.then(|| quote!(Scales::#make(s, *part(block, #at))))
}

/// The bytes that make an integer of `count` bytes.
fn joined(t: &Tree, count: i64, out: &mut Vec<usize>) -> Option<()> {
    match t {
        Tree::Byte(p) if count == 1 => out.push(*p),
        Tree::Op(Op::Join, args) if args[2] == Tree::Int(4 * count) => {
            joined(&args[0], count / 2, out)?;
            joined(&args[1], count / 2, out)?;
        }
        _ => return None,
    }
    Some(())
}

/// A value over the bytes of `block`, as plain Rust.
fn scalar(t: &Tree) -> Option<TokenStream> {
    Some(match t {
        Tree::Byte(p) => {
            let p = Literal::usize_unsuffixed(*p);
            quote!(i32::from(block[#p]))
        }
        Tree::Int(v) => signed(*v),
        Tree::Float(v) => float(*v),
        Tree::Cast(DType::F32, a) => {
            let a = wrapped(scalar(a)?);
            quote!(#a as f32)
        }
        Tree::Cast(..) => return None,
        Tree::Op(op, args) => {
            if !is_float(t) && size(t)? > f64::from(i32::MAX) {
                return None;
            }
            let a: Vec<TokenStream> = args.iter().map(scalar).collect::<Option<_>>()?;
            match op {
                Op::Bits => quote!(bits::field(#(#a),*)),
                Op::Signed | Op::Join | Op::F16From | Op::Bf16From | Op::F32From | Op::E4m3From => {
                    let name = quote::format_ident!("{}", op.info().name);
                    quote!(bits::#name(#(#a),*))
                }
                Op::Select => {
                    let (c, x, y) = (&a[0], &a[1], &a[2]);
                    quote!(if #c { #x } else { #y })
                }
                Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne => {
                    let sign = match op {
                        Op::Lt => quote!(<),
                        Op::Le => quote!(<=),
                        Op::Gt => quote!(>),
                        Op::Ge => quote!(>=),
                        Op::Eq => quote!(==),
                        _ => quote!(!=),
                    };
                    let mut a = a.into_iter().map(wrapped);
                    let (a, b) = (a.next()?, a.next()?);
                    quote!(#a #sign #b)
                }
                Op::Neg => {
                    let a = wrapped(a.into_iter().next()?);
                    quote!(-#a)
                }
                Op::Add | Op::Sub | Op::Mul => {
                    let sign = match op {
                        Op::Add => quote!(+),
                        Op::Sub => quote!(-),
                        _ => quote!(*),
                    };
                    let mut a = a.into_iter().map(wrapped);
                    let (a, b) = (a.next()?, a.next()?);
                    quote!(#a #sign #b)
                }
                _ => return None,
            }
        }
    })
}

/// The largest size of an integer, all bytes being as they like; a condition has none.
fn size(t: &Tree) -> Option<f64> {
    let power = |bits: &Tree| if let Tree::Int(n) = bits { Some(f64::from(*n as i32).exp2()) } else { None };
    Some(match t {
        Tree::Byte(_) => 255.0,
        Tree::Int(v) => v.unsigned_abs() as f64,
        Tree::Op(Op::Neg, args) => size(&args[0])?,
        Tree::Op(Op::Add | Op::Sub, args) => size(&args[0])? + size(&args[1])?,
        Tree::Op(Op::Mul, args) => size(&args[0])? * size(&args[1])?,
        Tree::Op(Op::Bits, args) => power(&args[2])? - 1.0,
        Tree::Op(Op::Signed, args) => power(&args[1])? / 2.0 - 1.0,
        // They wrap, as they are defined to.
        Tree::Op(Op::Join, _) => f64::from(i32::MAX),
        Tree::Op(Op::Select, args) => size(&args[1])?.max(size(&args[2])?),
        Tree::Op(Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne, _) => 0.0,
        _ => return None,
    })
}

fn signed(v: i64) -> TokenStream {
    let n = Literal::i64_unsuffixed(v.abs());
    if v < 0 { quote!(-#n) } else { quote!(#n) }
}

fn float(v: f64) -> TokenStream {
    let n = Literal::f32_unsuffixed(v.abs() as f32);
    if v.is_sign_negative() { quote!(-#n) } else { quote!(#n) }
}
