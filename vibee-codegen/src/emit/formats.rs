//! What a format is in Rust besides the functions that encode and decode: sizes, in a module of its
//! own.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::Format;

use super::docs::prose;
use super::names::{ident, snake};

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
    let uses = if f.encode.is_some() {
        let encode = format_ident!("encode_{own}");
        quote!(pub use super::{#decode as decode, #encode as encode};)
    } else {
        quote!(pub use super::#decode as decode;)
    };
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
        }
    }
}
