//! What a format is in Rust besides the functions that encode and decode: sizes, in a module of its
//! own.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{format_ident, quote};
use vibee_spec::term::{Format, InputId, Kernel};

use super::bytes;
use super::docs::prose;
use super::names::{camel, ident, snake};
use super::numbers;
use crate::loops::LoopProgram;
use crate::{blocks, passes, schedule};

/// The module of a format.
pub fn module(f: &Format) -> TokenStream {
    let own = snake(&f.name);
    let name = ident(&own);
    let count = |v: i64| Literal::u64_unsuffixed(v.unsigned_abs());
    let (numbers, bytes) = (count(f.block), count(f.bytes));
    let mut docs = prose(&f.doc);
    if docs.is_empty() {
        docs.push(format!(" The storage format `{}`.", f.name));
    }
    let fields: Vec<String> = f.fields.iter().map(|x| format!("`{}: {}`", x.name, x.ty)).collect();
    let layout = format!(" Bytes of a block: {}.", fields.join(", "));
    let decode = format_ident!("decode_{own}");
    let (uses, encode) = if f.encode.is_some() {
        let encode = format_ident!("encode_{own}");
        (quote!(pub use super::{#decode as decode, #encode as encode};), quote!(Some(encode)))
    } else {
        (quote!(pub use super::#decode as decode;), quote!(None))
    };
    let written = &f.name;
    quote! {
        #(#[doc = #docs])*
        pub mod #name {
            #uses
            #[doc = " Numbers of a block."]
            pub const NUMBERS: usize = #numbers;
            #[doc = #layout]
            pub const BYTES: usize = #bytes;
            #[doc = " The bytes of `numbers` numbers; nothing unless they are whole blocks whose size fits."]
            #[must_use]
            pub fn bytes(numbers: usize) -> Option<usize> {
                igla_runtime::check::block_bytes(numbers, NUMBERS, BYTES)
            }
            #[doc = " For loading weights that are kept in it."]
            pub const FORMAT: igla_runtime::weights::Format = igla_runtime::weights::Format {
                name: #written,
                numbers: NUMBERS,
                bytes: BYTES,
                encode: #encode,
            };
        }
    }
}

/// Types that decode blocks for the runtime, made when a kernel first multiplies with a format.
#[derive(Default)]
pub struct Decoders {
    /// By the format's name; nothing for formats that the runtime's form does not fit.
    known: BTreeMap<String, Option<Decoder>>,
    /// Their items.
    pub items: Vec<TokenStream>,
}

/// A type that decodes blocks for the runtime.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Its name.
    pub name: Ident,
    /// Whether products of bytes with it can be made.
    pub is_affine: bool,
    /// Whether weights of it can be rearranged for them.
    pub has_strips: bool,
}

/// What stands for the numbers of an operand in a format.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// The bytes.
    pub bytes: InputId,
    /// What decodes them.
    pub decoder: Decoder,
}

/// Stand-ins of a kernel's operands in a format.
pub type StandIns = BTreeMap<InputId, StandIn>;

impl Decoders {
    /// The loops of a kernel, which multiply with blocks where the runtime can.
    pub fn loops(&mut self, k: &Kernel, taken: &mut BTreeSet<String>) -> (LoopProgram, StandIns) {
        let (mut loops, found) = self
            .products(k, taken)
            .unwrap_or_else(|| (schedule::run(passes::run(k.clone())), StandIns::new()));
        bytes::settle(&mut loops, &found);
        (loops, found)
    }

    fn products(&mut self, k: &Kernel, taken: &mut BTreeSet<String>) -> Option<(LoopProgram, StandIns)> {
        let mut refused = Vec::new();
        loop {
            let (stand_in, made) = blocks::decoded(k, &refused)?;
            let loops = schedule::run(passes::run(stand_in));
            let wrong = blocks::not_only_products(&loops, &made);
            if !wrong.is_empty() {
                refused.extend(wrong);
                continue;
            }
            let mut found = StandIns::new();
            for m in &made {
                let format = &k.packed[m.packed].format;
                // One row is multiplied as fast by loops, which decode any form in lanes.
                if blocks::meets_one_row(&loops, m) && !blocks::has_form(format) {
                    refused.push(m.packed);
                    continue;
                }
                match self.decoder(format, taken) {
                    Some(decoder) => {
                        found.insert(m.numbers, StandIn { bytes: m.bytes, decoder });
                    }
                    None => refused.push(m.packed),
                }
            }
            if found.len() == made.len() {
                return Some((loops, found));
            }
        }
    }

    fn decoder(&mut self, format: &Format, taken: &mut BTreeSet<String>) -> Option<Decoder> {
        if let Some(known) = self.known.get(&format.name) {
            return known.clone();
        }
        let wanted = format!("{}Blocks", camel(&snake(&format.name)));
        let (mut name, mut n) = (wanted.clone(), 2);
        while taken.contains(&name) {
            name = format!("{wanted}{n}");
            n += 1;
        }
        let name = format_ident!("{name}");
        let made = match blocks::implementation(format, &name) {
            Some(found) => Some((found.items, found.is_affine, found.has_strips)),
            None => numbers::implementation(format, &name).map(|items| (items, false, false)),
        };
        let made = made.map(|(items, is_affine, has_strips)| {
            self.items.extend(items);
            taken.insert(name.to_string());
            Decoder { name, is_affine, has_strips }
        });
        self.known.insert(format.name.clone(), made.clone());
        made
    }
}

/// What the runtime's module of blocks offers to generated code.
const OFFERED: &[&str] =
    &["Affine", "BlockMat", "Blocks", "Bytes", "Floats", "Int8Rows", "Scales", "Strips", "affine", "part"];

/// The line that imports what items use of it; empty if they use nothing.
pub fn imports(items: &[TokenStream]) -> String {
    // `part` is also what loops call their parts.
    if !items.iter().any(|i| mentions(i, "BlockMat") || mentions(i, "Strips")) {
        return String::new();
    }
    let decoders: Vec<&TokenStream> = items
        .iter()
        .filter(|i| ["BlockMat", "Bytes", "Floats", "Int8Rows", "Strips"].iter().any(|w| mentions(i, w)))
        .collect();
    let used = OFFERED.iter().copied().filter(|w| decoders.iter().any(|i| mentions(i, w)));
    format!("use igla_runtime::blocks::{{{}}};\n", used.collect::<Vec<_>>().join(", "))
}

fn mentions(code: &TokenStream, name: &str) -> bool {
    code.clone().into_iter().any(|t| match t {
        TokenTree::Ident(i) => i == name,
        TokenTree::Group(g) => mentions(&g.stream(), name),
        _ => false,
    })
}
