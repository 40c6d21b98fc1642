//! Matrix products: operands as matrix views, the epilogue as an item of its own.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{Atom, DType, DefId, IndexId, InputKind, Int, Node, Source};

use super::body::{Body, LaneLoop, Rows};
use super::formats::StandIn;
use super::ints::Mode;
use super::names::camel;
use crate::loops::{BufferKind, Gemm, Operand, OperandAxis, Rounding};
use crate::passes::substitute_int;

/// A product inside a task.
pub fn in_task(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    body.uses_isa = true;
    let a = operand(body, &g.a, &g.m, is_whole(body, g));
    let b = right(body, g);
    let c = target(body, g);
    if let Some((lo, hi)) = &g.terms {
        let range = range_of_row(body, g, lo, hi);
        return quote!(gemm_within(isa, #a, #b, #c, #range, &mut scratch.reborrow()););
    }
    let epilogue = epilogue(body, g);
    match columns(body, g) {
        Some((ends, columns)) => {
            let product = name(body, g, "gemm_columns");
            quote!(#ends #product(isa, #a, #b, #c, #columns, #epilogue, &mut scratch.reborrow());)
        }
        None => {
            let product = name(body, g, "gemm");
            quote!(#product(isa, #a, #b, #c, #epilogue, &mut scratch.reborrow());)
        }
    }
}

/// Whether a product's sums are whole numbers.
fn is_whole(body: &Body<'_>, g: &Gemm) -> bool {
    body.p.program.def(g.def).dtype == DType::I32
}

/// A function of the runtime's products, or the one of that name for products of bytes.
pub fn name(body: &Body<'_>, g: &Gemm, of: &str) -> Ident {
    if is_whole(body, g) {
        format_ident!("{}", of.replacen("gemm", "gemm_i8", 1))
    } else {
        format_ident!("{of}")
    }
}

/// The columns that some row of the task needs, if that is known to be a range from the first row's to the last's.
fn columns(body: &mut Body<'_>, g: &Gemm) -> Option<(TokenStream, TokenStream)> {
    let (lo, hi) = g.columns.as_ref()?;
    let mentioned = |i: &&IndexId| lo.mentions(**i) || hi.mentions(**i);
    let rows: Vec<IndexId> = g.m.iter().filter(mentioned).copied().collect();
    if !rows.iter().all(|i| is_rising(lo, *i) && is_rising(hi, *i)) {
        return None;
    }
    let at = |e: &Int, value: &dyn Fn(IndexId) -> Int| {
        let map: BTreeMap<IndexId, Int> = rows.iter().map(|i| (*i, value(*i))).collect();
        substitute_int(e, &map)
    };
    let first = at(lo, &|i| body.first(i));
    let last = at(hi, &|i| body.first(i).add(&body.extent(i)).sub(&Int::constant(1)));
    let (ends, first, last) = body.range(g.n[0], &first, &last);
    Some((ends, quote!(#first..#last)))
}

/// Whether an integer never falls when an index rises.
fn is_rising(e: &Int, i: IndexId) -> bool {
    e.terms().all(|(factors, count)| match factors {
        _ if !factors.iter().any(|a| Int::atom(a.clone()).mentions(i)) => true,
        [Atom::Index(_)] => count > 0,
        [Atom::Min(x, y) | Atom::Max(x, y)] => count > 0 && is_rising(x, i) && is_rising(y, i),
        _ => false,
    })
}

/// A closure from a row of the product to its terms.
fn range_of_row(body: &mut Body<'_>, g: &Gemm, lo: &Int, hi: &Int) -> TokenStream {
    let (scoped, ends_known) = (body.scoped.clone(), body.ends.clone());
    let (row, lets) = row_letters(body, &g.m);
    let (ends, lo, hi) = body.range(g.k[0], lo, hi);
    let range = quote!(#ends #lo..#hi);
    let lets: TokenStream =
        lets.into_iter().filter(|(n, _)| super::kernel::mentions(&range, n)).map(|(_, code)| code).collect();
    let row = super::kernel::unused(&row, &quote!(#lets #range));
    (body.scoped, body.ends) = (scoped, ends_known);
    quote!(|#row| { #lets #range })
}

/// Names for the indices that a product's rows count, and for the row: its name, and a statement for each index
/// that is something else.
fn row_letters(body: &mut Body<'_>, m: &[IndexId]) -> (Ident, Vec<(Ident, TokenStream)>) {
    let names: Vec<Ident> = m.iter().map(|i| body.scope(*i)).collect();
    if let ([only], [i]) = (&names[..], m)
        && !body.is_row(*i)
    {
        return (only.clone(), vec![]);
    }
    let r = body.fresh("r");
    body.scoped.insert(Rows::ROW, r.clone());
    let mut rest = Int::index(Rows::ROW);
    let mut lets = Vec::new();
    for (n, (name, i)) in names.iter().zip(m).enumerate().rev() {
        let extent = body.extent(*i);
        let digit = if n == 0 { rest.clone() } else { rest.floor_mod(&extent) };
        let value = body.int(&body.first(*i).add(&digit), Mode::Exact);
        lets.push((name.clone(), quote!(let #name = #value;)));
        rest = rest.floor_div(&extent);
    }
    (r, lets)
}

/// A product as a stage of its own.
pub fn as_stage(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    let a = operand(body, &g.a, &g.m, is_whole(body, g));
    let b = right(body, g);
    let rounded = super::bytes::rows(body.p, g).map(|rows| rounded(body, g, rows, &a));
    let c = target(body, g);
    let epilogue = epilogue(body, g);
    match rounded {
        Some((make, bytes)) => quote!(#make par.gemm_int8(&#bytes, #b, #c, #epilogue);),
        None => {
            let product = name(body, g, "gemm");
            quote!(par.#product(#a, #b, #c, #epilogue);)
        }
    }
}

/// The variable of a left operand rounded to bytes, and what makes it if no product before did.
fn rounded(body: &mut Body<'_>, g: &Gemm, rows: super::bytes::Rows, a: &TokenStream) -> (TokenStream, Ident) {
    if let Some((_, known)) = body.rounded.iter().find(|(r, _)| *r == rows) {
        return (quote!(), known.clone());
    }
    let Node::Load { from, .. } = body.p.program.kernel.exprs.node(g.a.load) else {
        unreachable!("operands are loads")
    };
    let of = match from {
        Source::Input(i) => body.names.input(*i),
        Source::Def(d) => body.names.buffer(*d),
    };
    let name = body.fresh(&format!("{of}_bytes"));
    body.rounded.push((rows, name.clone()));
    (quote!(let #name = par.int8_rows(#a, scratch.by_ref());), name)
}

/// `(m, n, k)` extents of a product, for sizing scratch.
pub fn extents(body: &mut Body<'_>, g: &Gemm) -> [TokenStream; 3] {
    [&g.m, &g.n, &g.k].map(|indices| {
        let extent = indices.iter().fold(Int::constant(1), |p, i| p.mul(&body.most_of(*i)));
        body.int(&extent, Mode::Exact)
    })
}

/// Whether the right operand is a weight that can be stored packed.
pub fn packs(body: &Body<'_>, g: &Gemm) -> Option<vibee_spec::term::InputId> {
    packed_weight(&body.p.program, g)
}

/// A weight used whole, with plain rows and columns.
pub fn packed_weight(program: &crate::passes::Program, g: &Gemm) -> Option<vibee_spec::term::InputId> {
    let Node::Load { from: Source::Input(i), .. } = program.kernel.exprs.node(g.b.load) else { return None };
    let whole = matches!(g.b.axes.as_slice(),
        [OperandAxis::Rows(r, _), OperandAxis::Cols(c, _)] if *r == Int::default() && *c == Int::default());
    (whole && program.kernel.input(*i).kind == InputKind::Weight).then_some(*i)
}

/// A weight of that type, packed for products, as an argument.
pub fn packed_type(dtype: &DType, life: &TokenStream) -> TokenStream {
    let packed = packed_struct(dtype);
    quote!(&#life #packed)
}

/// What holds a weight of that type, packed for products.
pub fn packed_struct(dtype: &DType) -> Ident {
    format_ident!("{}", if *dtype == DType::BF16 { "PackedBf16" } else { "PackedB" })
}

fn right(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    if let Node::Load { from: Source::Input(i), .. } = body.p.program.kernel.exprs.node(g.b.load)
        && let Some(StandIn { bytes, decoder }) = body.decoded.get(i).cloned()
    {
        if body.strips.contains(&bytes) {
            body.used.inputs.insert(bytes);
            let name = body.names.input(bytes);
            return quote!(#name);
        }
        let (code, blocks) = (part(body, &g.b, &g.n).code, decoder.name);
        // What a caller gives was checked, and the function can say so; a task cannot.
        let across = if g.b.is_across() { quote!(.across()) } else { quote!() };
        return if body.top {
            quote!(&BlockMat::<#blocks>::of(#code)? #across)
        } else {
            quote!(&BlockMat::<#blocks>::of_whole(#code) #across)
        };
    }
    match packs(body, g).filter(|i| body.packed.contains(i)) {
        Some(i) => {
            body.used.inputs.insert(i);
            let name = body.names.input(i);
            if g.rounding == Some(Rounding::Bf16) { quote!(#name.rounding()) } else { quote!(#name) }
        }
        None if g.rounding == Some(Rounding::Bf16) => {
            let halves = narrow(body, &g.b, &g.n);
            quote!(&#halves.rounding())
        }
        None => operand(body, &g.b, &g.n, is_whole(body, g)),
    }
}

/// An operand as a matrix; of `whole` numbers, which are bytes, as it is.
fn operand(body: &mut Body<'_>, o: &Operand, rows: &[IndexId], whole: bool) -> TokenStream {
    if is_narrow(body, o) && !whole {
        let halves = narrow(body, o, rows);
        return quote!(&#halves);
    }
    let Part { code, rows, cols } = part(body, o, rows);
    quote!(#code.mat([#(#rows),*], [#(#cols),*]))
}

/// Whether an operand is kept in 16 bits.
fn is_narrow(body: &Body<'_>, o: &Operand) -> bool {
    let kernel = &body.p.program.kernel;
    matches!(kernel.exprs.node(o.load), Node::Load { from: Source::Input(i), .. }
        if kernel.input(*i).dtype != DType::F32)
}

/// An operand kept in 16 bits as a matrix.
fn narrow(body: &mut Body<'_>, o: &Operand, rows: &[IndexId]) -> TokenStream {
    let code = part(body, o, rows).code;
    let across = if o.is_across() { quote!(.across()) } else { quote!() };
    quote!(HalfMat::new(#code) #across)
}

/// What of a tensor is an operand: its view, and the axes of that which are rows and columns.
struct Part {
    code: TokenStream,
    rows: Vec<Literal>,
    cols: Vec<Literal>,
}

/// A view narrowed to an operand.
fn part(body: &mut Body<'_>, o: &Operand, rows: &[IndexId]) -> Part {
    let Node::Load { from, .. } = body.p.program.kernel.exprs.node(o.load).clone() else {
        unreachable!("operands are loads")
    };
    let (name, stored, shared) = match from {
        Source::Input(i) => {
            // Rows of blocks are where rows of numbers would be.
            let i = body.decoded.get(&i).map_or(i, |stand_in| stand_in.bytes);
            body.used.inputs.insert(i);
            (body.names.input(i), (0..o.axes.len()).collect::<Vec<_>>(), true)
        }
        Source::Def(d) => body.operand_place(d),
    };
    // What the task makes has the rows of its block only.
    let of_block = matches!(from, Source::Def(d) if body.is_made_here(d));
    let is_view = shared && (!body.top || matches!(from, Source::Input(_)));
    let mut code = if is_view { quote!(#name) } else { quote!(#name.view()) };
    // Narrow first, while axes have their numbers; then fix from the last axis on.
    let axes: Vec<OperandAxis> = stored.iter().map(|a| o.axes[*a].clone()).collect();
    let rank_of = |n: usize| Literal::usize_unsuffixed(n);
    for (n, axis) in axes.iter().enumerate() {
        if let OperandAxis::Rows(start, _) | OperandAxis::Cols(start, _) | OperandAxis::Mixed(start, ..) =
            axis
        {
            let digits = [axis.rows(), axis.cols()].concat();
            let rows = digits.iter().any(|i| body.is_row(*i));
            let extent = body.extent_of(&digits);
            let whole = *start == Int::default() && body.array_extent(from, stored[n]) == extent;
            if !(whole || rows && of_block) {
                let start = if rows { start.add(&body.first(digits[0])) } else { start.clone() };
                let (start, len) = (body.int(&start, Mode::Exact), body.int(&extent, Mode::Exact));
                let n = rank_of(n);
                code = quote!(#code.narrow(#n, #start, #len));
            }
        }
    }
    let mut rank = axes.len();
    for (n, axis) in axes.iter().enumerate().rev() {
        let at = rank_of(n);
        match axis {
            OperandAxis::At(p) => {
                rank -= 1;
                let (p, rank) = (body.int(p, Mode::Exact), rank_of(rank));
                code = quote!(#code.fix::<#rank>(#at, #p));
            }
            OperandAxis::Mixed(_, rows, cols) => {
                rank += 1;
                let (rows, cols) = (body.extent_of(rows), body.extent_of(cols));
                let (rows, cols) = (body.int(&rows, Mode::Exact), body.int(&cols, Mode::Exact));
                let rank = rank_of(rank);
                code = quote!(#code.split_axis::<#rank>(#at, #rows, #cols));
            }
            _ => {}
        }
    }
    // The matrix's axes that are left, by what they are: rows in the product's order, columns in memory's.
    let (mut row_axes, mut cols) = (BTreeMap::new(), Vec::new());
    let mut left = 0;
    for (n, axis) in axes.iter().enumerate() {
        match axis {
            OperandAxis::At(_) => continue,
            OperandAxis::Rows(..) | OperandAxis::RowsPart(_) => {
                row_axes.insert(stored[n], rank_of(left));
            }
            OperandAxis::Cols(..) | OperandAxis::ColsPart(_) => cols.push(rank_of(left)),
            OperandAxis::Mixed(..) => {
                row_axes.insert(stored[n], rank_of(left));
                left += 1;
                cols.push(rank_of(left));
            }
        }
        left += 1;
    }
    let order = o.row_order(rows).unwrap_or_else(|| row_axes.keys().copied().collect());
    let rows = order.iter().map(|axis| &row_axes[axis]);
    Part { code, rows: rows.cloned().collect(), cols }
}

/// The output as a matrix: batch axes outside the grid are fixed.
fn target(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    let d = g.target();
    let Some(b) = body.p.place(d).buffer else { unreachable!("products are stored") };
    let def = body.p.program.def(d).clone();
    let name = body.names.buffer(d);
    let buffer = body.p.buffer(b).clone();
    let axes: Vec<usize> = if buffer.kind == BufferKind::Local {
        buffer.axes
    } else {
        (0..def.free.len()).filter(|a| !body.stage.grid.contains(&def.free[*a])).collect()
    };
    let mut code = quote!(#name);
    let mut rank = axes.len();
    for (n, a) in axes.iter().enumerate().rev() {
        let i = def.free[*a];
        if !g.m.contains(&i) && !g.n.contains(&i) {
            rank -= 1;
            let (i, n, r) = (body.index(i), Literal::usize_unsuffixed(n), Literal::usize_unsuffixed(rank));
            code = quote!(#code.fix_mut::<#r>(#n, #i));
        }
    }
    // Columns counted by several indices are the last axes, adjacent in memory.
    for _ in 1..g.n.len() {
        rank -= 1;
        let r = Literal::usize_unsuffixed(rank);
        code = quote!(#code.merge_last::<#r>());
    }
    let rows: Vec<Literal> = (0..rank - 1).map(Literal::usize_unsuffixed).collect();
    quote!(#code.mat_mut([#(#rows),*]))
}

/// The epilogue as a struct with what it reads, or `&()`.
fn epilogue(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    let Some(e) = g.epilogue else { return quote!(&()) };
    let value = body.p.program.def(e).value;
    let name = format_ident!("{}{}Rows", body.base, camel(&body.p.program.def(e).name));
    let mut inner = Body::new(body.p, body.names.clone(), body.stage);
    inner.written.clear();
    inner.packed = body.packed.clone();
    // Row r stands for the merged row indices; columns run in lanes from j0.
    inner.scoped = body.scoped.clone();
    let outer: Vec<Ident> = body.scoped.values().cloned().collect();
    inner.rows_of_task = body.rows_of_task.clone();
    let (r, rows) = row_letters(&mut inner, &g.m);
    let lane = g.n[0];
    let j = inner.scope(lane);
    // The finished sums are the row itself, but for whole ones.
    let whole = is_whole(body, g);
    inner.tile = Some((g.def, if whole { format_ident!("sums") } else { format_ident!("row") }));
    inner.offset = Some((lane, format_ident!("j0")));
    // Epilogues are short chains over long rows.
    let unroll = 2u32;
    let u = Literal::u32_unsuffixed(unroll);
    let hoisted = inner.hoist_value(e, value, &[lane]);
    inner.lanes = Some(LaneLoop { index: lane, block: quote!(#j), rows: Vec::new(), inner: vec![lane] });
    inner.share(value);
    let v = inner.lanes_of(value).code;
    let pending = std::mem::take(&mut inner.pending);
    let lane_rows = inner.lanes.take().map_or(Vec::new(), |l| l.rows);
    let lane_rows = lane_rows.into_iter().map(|(_, name, take)| quote!(let #name = #take;));
    let constants = std::mem::take(&mut inner.constants);
    let code = quote! {
        #constants
        #hoisted
        #(#lane_rows)*
        for part in isa.parts::<#u>(0, row.len()) {
            for #j in part {
                #(#pending)*
                row.store(#j, #v);
            }
        }
    };
    let rows = rows.into_iter().filter(|(name, _)| super::kernel::mentions(&code, name));
    let rows: TokenStream = rows.map(|(_, code)| code).collect();
    let code = quote!(#rows #code);
    let mut fields = super::kernel::fields(&inner);
    outer.into_iter().for_each(|i| fields.index(i));
    let fields = fields.retain(&code);
    let (struct_fields, generics, elided) = (&fields.declarations, &fields.generics, &fields.elided);
    let values = fields.values(!body.top);
    let destructure = fields.open(&code);
    let text = body.p.program.def(e).text.clone();
    let doc = if text.is_empty() {
        " What happens to each finished row of the product.".to_owned()
    } else {
        format!(" Turns finished rows of sums into `{text}`.")
    };
    let r = super::kernel::unused(&r, &code);
    let j0 = super::kernel::unused(&format_ident!("j0"), &code);
    let word = if body.p.program.def(e).dtype == DType::I32 { quote!(i32) } else { quote!(f32) };
    let (of, sums) =
        if whole { (quote!(EpilogueI8<#word>), quote!(sums: &[i32],)) } else { (quote!(Epilogue), quote!()) };
    body.used.inputs.extend(inner.used.inputs.iter().copied());
    body.used.dims.extend(inner.used.dims.iter().copied());
    body.used.buffers.extend(inner.used.buffers.iter().copied().filter(|b| !body.written.contains(b)));
    body.items.push(quote! {
        #[doc = #doc]
        struct #name #generics { #(#struct_fields),* }
        impl #of for #name #elided {
            #[inline(always)]
            fn row<S: Isa>(&self, isa: S, #r: usize, #j0: usize, #sums row: &mut [#word]) {
                #destructure
                #code
            }
        }
    });
    body.names.adopt(&inner.names);
    quote!(&#name { #(#values),* })
}

impl Body<'_> {
    /// Where a definition read as an operand is: name, stored axes, and whether it is a shared view.
    fn operand_place(&mut self, d: DefId) -> (Ident, Vec<usize>, bool) {
        let Some(b) = self.p.place(d).buffer else { unreachable!("operands are stored") };
        let buffer = self.p.buffer(b).clone();
        let def = self.p.program.def(d);
        let name = self.names.buffer(d);
        if buffer.kind == BufferKind::Local {
            return (name, buffer.axes, false);
        }
        if self.written.contains(&b) {
            let axes = (0..def.free.len()).filter(|a| !self.stage.grid.contains(&def.free[*a])).collect();
            return (name, axes, false);
        }
        self.used.buffers.insert(b);
        (name, (0..def.free.len()).collect(), true)
    }

    /// Whether a definition is made by this task, so that what is in memory is the task's part of it.
    fn is_made_here(&self, d: DefId) -> bool {
        self.p.place(d).buffer.is_some_and(|b| self.written.contains(&b))
    }

    fn array_extent(&self, from: Source, axis: usize) -> Int {
        match from {
            Source::Input(i) => self.p.program.kernel.input(i).shape[axis].clone(),
            Source::Def(d) => self.p.program.extent(self.p.program.def(d).free[axis]).clone(),
        }
    }
}
