//! Matrix products: operands as matrix views, the epilogue as an item of its own.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{InputKind, Int, Node, Source};

use super::body::{Body, LaneLoop};
use super::ints::Mode;
use super::names::camel;
use crate::loops::{BufferKind, Gemm, Operand, OperandAxis};

/// A product inside a task.
pub fn in_task(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    body.uses_isa = true;
    let a = operand(body, &g.a);
    let b = right(body, g);
    let c = target(body, g);
    let epilogue = epilogue(body, g);
    quote!(gemm(isa, #a, #b, #c, #epilogue, &mut scratch.reborrow());)
}

/// A product as a stage of its own.
pub fn as_stage(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    let a = operand(body, &g.a);
    let b = right(body, g);
    let c = target(body, g);
    let epilogue = epilogue(body, g);
    quote!(par.gemm(#a, #b, #c, #epilogue);)
}

/// `(m, n, k)` extents of a product, for sizing scratch.
pub fn extents(body: &mut Body<'_>, g: &Gemm) -> [TokenStream; 3] {
    [&g.m, &g.n, &g.k].map(|indices| {
        let extent = indices.iter().fold(Int::constant(1), |p, i| p.mul(body.p.program.extent(*i)));
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

fn right(body: &mut Body<'_>, g: &Gemm) -> TokenStream {
    if let Node::Load { from: Source::Input(i), .. } = body.p.program.kernel.exprs.node(g.b.load)
        && let Some((bytes, blocks)) = body.decoded.get(i).cloned()
    {
        body.used.inputs.insert(bytes);
        let name = body.names.input(bytes);
        return quote!(&BlockMat::<#blocks>::of(#name)?);
    }
    match packs(body, g).filter(|i| body.packed.contains(i)) {
        Some(i) => {
            body.used.inputs.insert(i);
            let name = body.names.input(i);
            quote!(#name)
        }
        None => operand(body, &g.b),
    }
}

/// A view narrowed and merged to a matrix.
fn operand(body: &mut Body<'_>, o: &Operand) -> TokenStream {
    let Node::Load { from, .. } = body.p.program.kernel.exprs.node(o.load).clone() else {
        unreachable!("operands are loads")
    };
    let (name, stored, shared) = match from {
        Source::Input(i) => {
            body.used.inputs.insert(i);
            (body.names.input(i), (0..o.axes.len()).collect::<Vec<_>>(), true)
        }
        Source::Def(d) => body.operand_place(d),
    };
    let is_view = shared && (!body.top || matches!(from, Source::Input(_)));
    let mut code = if is_view { quote!(#name) } else { quote!(#name.view()) };
    // Narrow first, while axes have their numbers; then fix from the last axis on.
    let axes: Vec<OperandAxis> = stored.iter().map(|a| o.axes[*a].clone()).collect();
    let rank_of = |n: usize| Literal::usize_unsuffixed(n);
    for (n, axis) in axes.iter().enumerate() {
        if let OperandAxis::Rows(start, digits) | OperandAxis::Cols(start, digits) = axis {
            let extent = digits.iter().fold(Int::constant(1), |p, i| p.mul(body.p.program.extent(*i)));
            let whole = *start == Int::default() && body.array_extent(from, stored[n]) == extent;
            if !whole {
                let (start, len) = (body.int(start, Mode::Exact), body.int(&extent, Mode::Exact));
                let n = rank_of(n);
                code = quote!(#code.narrow(#n, #start, #len));
            }
        }
    }
    let mut rank = axes.len();
    for (n, axis) in axes.iter().enumerate().rev() {
        if let OperandAxis::At(p) = axis {
            rank -= 1;
            let (p, n, rank) = (body.int(p, Mode::Exact), rank_of(n), rank_of(rank));
            code = quote!(#code.fix::<#rank>(#n, #p));
        }
    }
    let kept: Vec<&OperandAxis> = axes.iter().filter(|a| !matches!(a, OperandAxis::At(_))).collect();
    let number = |rows: bool| -> Vec<Literal> {
        kept.iter()
            .enumerate()
            .filter(|(_, a)| matches!(a, OperandAxis::Rows(..) | OperandAxis::RowsPart(_)) == rows)
            .map(|(n, _)| Literal::usize_unsuffixed(n))
            .collect()
    };
    let (rows, cols) = (number(true), number(false));
    quote!(#code.mat([#(#rows),*], [#(#cols),*]))
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
    let mut rows: Vec<(Ident, TokenStream)> = Vec::new();
    let row_names: Vec<Ident> = g.m.iter().map(|i| inner.scope(*i)).collect();
    let r = match row_names.as_slice() {
        [only] => only.clone(),
        names => {
            let r = inner.fresh("r");
            let mut rest = quote!(#r);
            for (name, i) in names.iter().zip(&g.m).skip(1).rev() {
                let extent = inner.p.program.extent(*i).clone();
                let extent = inner.int(&extent, Mode::Exact);
                rows.push((name.clone(), quote!(#rest % #extent)));
                rest = quote!(#rest / #extent);
            }
            rows.push((names[0].clone(), rest));
            r
        }
    };
    let lane = g.n[0];
    let j = inner.scope(lane);
    // The finished sums are the row itself.
    inner.tile = Some((g.def, format_ident!("row")));
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
    let rows: TokenStream = rows.map(|(name, value)| quote!(let #name = #value;)).collect();
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
    body.used.inputs.extend(inner.used.inputs.iter().copied());
    body.used.dims.extend(inner.used.dims.iter().copied());
    body.used.buffers.extend(inner.used.buffers.iter().copied().filter(|b| !body.written.contains(b)));
    body.items.push(quote! {
        #[doc = #doc]
        struct #name #generics { #(#struct_fields),* }
        impl Epilogue for #name #elided {
            #[inline(always)]
            fn row<S: Isa>(&self, isa: S, #r: usize, #j0: usize, row: &mut [f32]) {
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
    fn operand_place(&mut self, d: vibee_spec::term::DefId) -> (Ident, Vec<usize>, bool) {
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

    fn array_extent(&self, from: Source, axis: usize) -> Int {
        match from {
            Source::Input(i) => self.p.program.kernel.input(i).shape[axis].clone(),
            Source::Def(d) => self.p.program.extent(self.p.program.def(d).free[axis]).clone(),
        }
    }
}
