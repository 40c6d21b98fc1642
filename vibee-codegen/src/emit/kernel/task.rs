//! A stage as a task type: its fields, its outputs, its cost and its body.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{Atom, IndexId, Int};

use super::fields::{fields, mentions, unused};
use crate::emit::body::{Body, storage};
use crate::emit::ints::Mode;
use crate::emit::names::camel;
use crate::loops::{BufferId, BufferKind, Stage, Stmt};

/// A stage as a task type; returns the call that runs it.
pub(super) fn task(
    body: &mut Body<'_>,
    stage: &Stage,
    function: &Ident,
    several: bool,
    items: &mut Vec<TokenStream>,
) -> TokenStream {
    let loops = body.p;
    let base = body.base.clone();
    let (grid, code) = body.emit();
    let last = body.written.iter().rev().find(|b| loops.buffer(**b).kind != BufferKind::Local);
    let name = match last.filter(|_| several) {
        Some(b) => format_ident!("{base}{}Task", camel(&loops.program.def(loops.buffer(*b).def).name)),
        None => format_ident!("{base}Task"),
    };
    let scratch = scratch_bytes(body, stage);
    let cost = cost(body, stage);
    let mut fields = fields(body);
    if let Some(rows) = &body.rows_of_task {
        fields.index(rows.size.clone());
    }
    let block = block_len(body, stage);
    let destructure = fields.open(&code);
    // What the task writes: one part per output, in order.
    let outer: Vec<BufferId> =
        body.written.iter().copied().filter(|b| loops.buffer(*b).kind != BufferKind::Local).collect();
    let part = |b: &BufferId, life: TokenStream| {
        let buffer = loops.buffer(*b);
        let ty = storage(&loops.program.def(buffer.def).dtype);
        let rank = Literal::usize_unsuffixed(buffer.dims.len() - stage.grid.len());
        quote!(ViewMut<#life, #ty, #rank>)
    };
    let parts: Vec<TokenStream> = outer.iter().map(|b| part(b, quote!('o))).collect();
    let patterns: Vec<TokenStream> = outer
        .iter()
        .map(|b| {
            let n = body.names.buffer(loops.buffer(*b).def);
            quote!(mut #n)
        })
        .collect();
    let (out, pattern) = (together(parts), together(patterns));
    let n = Literal::usize_unsuffixed(grid.len());
    let used_grid = grid.iter().any(|g| mentions(&code, g));
    let at: Vec<Ident> = grid.iter().map(|g| unused(g, &code)).collect();
    // prettyplease breaks array patterns in parameters badly.
    let (at_name, open_at) =
        if used_grid { (quote!(at), quote!(let [#(#at),*] = at;)) } else { (quote!(_at), quote!()) };
    let token = unused(&format_ident!("isa"), &code);
    let scratch_name = format_ident!("scratch");
    let scratch_pattern = if mentions(&code, &scratch_name) { quote!(mut scratch) } else { quote!(_scratch) };
    let (declarations, generics, elided) = (&fields.declarations, &fields.generics, &fields.elided);
    let scratch_fn = if scratch.is_empty() {
        quote!()
    } else {
        let open = fields.open(&scratch);
        quote! {
            fn scratch(&self) -> usize {
                #open
                #scratch
            }
        }
    };
    let cost_fn = if cost.is_empty() {
        quote!()
    } else {
        let open = fields.open(&cost);
        quote! {
            fn cost(&self) -> usize {
                #open
                #cost
            }
        }
    };
    let letters: Vec<String> = grid[..stage.grid.len()].iter().map(|g| format!("`{g}`")).collect();
    let rows = match stage.rows.first() {
        None => String::new(),
        Some(i) => format!(" and a block of `{}`", body.names.index(&loops.program, *i)),
    };
    let doc = if letters.is_empty() {
        format!(" The single task of [`{function}`].")
    } else {
        format!(" What [`{function}`] does for one {}{rows}.", letters.join(", "))
    };
    items.push(quote! {
        #[doc = #doc]
        #[derive(Clone, Copy)]
        struct #name #generics { #(#declarations),* }
    });
    items.push(quote! {
        impl Task<#n> for #name #elided {
            type Out<'o> = #out;
            #scratch_fn
            #cost_fn
            #[inline(always)]
            fn run<S: Isa>(&self, #token: S, #at_name: [usize; #n], #pattern: Self::Out<'_>, #scratch_pattern: Scratch<'_>) {
                #destructure
                #open_at
                #code
            }
        }
    });
    let mut extents: Vec<TokenStream> = stage
        .grid
        .iter()
        .map(|i| {
            let extent = loops.program.extent(*i).clone();
            body.int(&extent, Mode::Exact)
        })
        .collect();
    if let (Some(i), Some(rows)) = (stage.rows.first(), body.rows_of_task.clone()) {
        let all = loops.program.extent(*i).clone();
        let (code, size) = (body.int(&all, Mode::Exact), rows.size);
        let bare = matches!(all.as_atom(), Some(Atom::Dim(_)));
        extents.push(if bare { quote!(#code.div_ceil(#size)) } else { quote!((#code).div_ceil(#size)) });
    }
    let cuts: Vec<TokenStream> = outer
        .iter()
        .map(|b| {
            let buffer = loops.buffer(*b);
            let def = loops.program.def(buffer.def);
            let n = body.names.buffer(buffer.def);
            let axes = stage.grid.iter().map(|g| {
                let axis = def.free.iter().position(|i| i == g).unwrap_or(0);
                let axis = Literal::usize_unsuffixed(axis);
                quote!(At(#axis))
            });
            let tile = body.rows_of_task.iter().map(|rows| {
                let axis = def.free.iter().position(|i| rows.letters.contains(i)).unwrap_or(0);
                let (axis, size) = (Literal::usize_unsuffixed(axis), &rows.size);
                quote!(Tile(#axis, #size))
            });
            let axes = axes.chain(tile);
            quote!(#n.reborrow().cut([#(#axes),*]))
        })
        .collect();
    let cuts = together(cuts);
    let values = fields.values(false);
    quote!(#block par.run([#(#extents),*], #cuts, &#name { #(#values),* });)
}

/// One thing alone, several as a tuple, of tuples if there are more than the runtime knows tuples of.
fn together(things: Vec<TokenStream>) -> TokenStream {
    match things.as_slice() {
        [one] => quote!(#one),
        few if few.len() <= 8 => quote!((#(#few),*)),
        many => {
            let size = many.len().div_ceil(8).max(2);
            together(many.chunks(size).map(|c| together(c.to_vec())).collect())
        }
    }
}

/// How many rows a task takes, before the tasks run.
fn block_len(body: &mut Body<'_>, stage: &Stage) -> TokenStream {
    let (Some(i), Some(rows)) = (stage.rows.first(), body.rows_of_task.clone()) else { return quote!() };
    let all = body.p.program.extent(*i).clone();
    let all = body.int(&all, Mode::Exact);
    let mut products = Vec::new();
    gemms(&stage.body, &mut products);
    let each: Vec<Int> = products.first().map_or(vec![], |g| {
        g.m.iter().filter(|i| !body.is_row(**i)).map(|i| body.p.program.extent(*i).clone()).collect()
    });
    let each = product(body, &each);
    let mut bytes = Vec::new();
    for (buffer, letters) in locals(body) {
        if letters.iter().any(|i| body.is_row(*i)) {
            let others = letters.iter().filter(|i| !body.is_row(**i));
            let dims: Vec<Int> = others.map(|i| body.p.program.extent(*i).clone()).collect();
            bytes.push(bytes_of(body, buffer, &dims));
        }
    }
    let bytes = sum(bytes).unwrap_or(quote!(0));
    let size = rows.size;
    quote!(let #size = block_rows(#all, #each, #bytes);)
}

/// The task's own buffers, each with the indices of its axes.
fn locals(body: &Body<'_>) -> Vec<(BufferId, Vec<IndexId>)> {
    let of = |b: &BufferId| {
        let buffer = body.p.buffer(*b);
        let free = &body.p.program.def(buffer.def).free;
        let letters = buffer.axes.iter().map(|a| free[*a]).collect();
        (buffer.kind == BufferKind::Local).then_some((*b, letters))
    };
    body.written.iter().filter_map(of).collect()
}

/// Scratch for so much of a buffer.
fn bytes_of(body: &mut Body<'_>, b: BufferId, dims: &[Int]) -> TokenStream {
    let ty = storage(&body.p.program.def(body.p.buffer(b).def).dtype);
    let len = product(body, dims);
    quote!(Scratch::bytes_of::<#ty>(#len))
}

fn sum(terms: Vec<TokenStream>) -> Option<TokenStream> {
    terms.into_iter().reduce(|a, b| quote!(#a + #b))
}

/// Bytes of scratch that a task takes, as an expression over its fields.
pub(super) fn scratch_bytes(body: &mut Body<'_>, stage: &Stage) -> TokenStream {
    let mut terms: Vec<TokenStream> = Vec::new();
    for (buffer, letters) in locals(body) {
        let dims: Vec<Int> = letters.iter().map(|i| body.most_of(*i)).collect();
        terms.push(bytes_of(body, buffer, &dims));
    }
    let mut products = Vec::new();
    gemms(&stage.body, &mut products);
    if !products.is_empty() {
        let mut sizes = Vec::new();
        for g in products {
            let [m, n, k] = crate::emit::gemm::extents(body, g);
            let packed = crate::emit::gemm::packs(body, g).is_some_and(|i| body.packed.contains(&i));
            let size = crate::emit::gemm::name(body, g, "gemm_scratch");
            sizes.push(quote!(#size(#m, #n, #k, #packed)));
        }
        terms.extend(sizes.into_iter().reduce(|a, b| quote!(#a.max(#b))));
    }
    sum(terms).unwrap_or_default()
}

pub(super) fn gemms<'a>(stmts: &'a [Stmt], out: &mut Vec<&'a crate::loops::Gemm>) {
    for s in stmts {
        match s {
            Stmt::Gemm(g) => out.push(g),
            Stmt::Loop { body, .. } => gemms(body, out),
            _ => {}
        }
    }
}

/// Roughly the elements one task call touches: the largest definition inside.
pub(super) fn cost(body: &mut Body<'_>, stage: &Stage) -> TokenStream {
    let program = &body.p.program;
    let mut defs = Vec::new();
    statements(&stage.body, &mut defs);
    let largest = defs
        .into_iter()
        .map(|d| {
            let all = program.def(d).all_indices();
            all.into_iter().filter(|i| !stage.grid.contains(i)).collect::<Vec<_>>()
        })
        .max_by_key(Vec::len)
        .unwrap_or_default();
    let extents: Vec<Int> = largest.iter().map(|i| body.most_of(*i)).collect();
    if extents.is_empty() { quote!() } else { product(body, &extents) }
}

/// The number of elements of a shape, saturating.
pub(super) fn product(body: &mut Body<'_>, extents: &[Int]) -> TokenStream {
    let alone = extents.len() == 1;
    let mut factors =
        extents.iter().enumerate().map(|(n, e)| match e.as_const().and_then(|c| usize::try_from(c).ok()) {
            // A method needs to know the type of the number it is called on.
            Some(c) if !alone => {
                let c = Literal::usize_suffixed(c);
                quote!(#c)
            }
            _ => {
                let code = body.int(e, Mode::Exact);
                let leaf = matches!(e.as_atom(), Some(Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_)));
                if alone || n > 0 || leaf { code } else { quote!((#code)) }
            }
        });
    let first = factors.next().unwrap_or_else(|| quote!(1));
    factors.fold(first, |a, b| quote!(#a.saturating_mul(#b)))
}

pub(super) fn statements(stmts: &[Stmt], out: &mut Vec<vibee_spec::term::DefId>) {
    for s in stmts {
        match s {
            Stmt::Start { def, .. } | Stmt::Update { def } | Stmt::Finish { def, .. } => out.push(*def),
            Stmt::Let { def } | Stmt::Store { def } => out.push(*def),
            Stmt::Loop { body, .. } => statements(body, out),
            Stmt::Gemm(g) => out.push(g.def),
        }
    }
}
