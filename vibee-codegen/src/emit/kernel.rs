//! A kernel as Rust items: its function, its scratch size, one task per stage.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{Check, Cmp, DType, DimBind, InputId, Int, ParamRef};

use super::body::{Body, storage};
use super::ints::{Leaves, Mode, int};
use super::names::{Names, camel};
use crate::loops::{BufferId, BufferKind, LoopProgram, Stage, Stmt};

/// The fields of a task or epilogue: what its body reads from outside.
pub struct Fields {
    /// `x: View<'a, f32, 2>`.
    pub declarations: Vec<TokenStream>,
    names: Vec<Ident>,
    /// For each field, whether it is a buffer (a view has to be taken of it).
    buffers: Vec<bool>,
    /// `<'a>` or nothing.
    pub generics: TokenStream,
    /// `<'_>` or nothing.
    pub elided: TokenStream,
}

impl Fields {
    /// Adds the value of an index that is bound outside.
    pub fn index(&mut self, name: Ident) {
        self.declarations.push(quote!(#name: usize));
        self.names.push(name);
        self.buffers.push(false);
    }

    /// Values for a struct literal; in a task all fields are variables of the same name.
    pub fn values(&self, in_task: bool) -> Vec<TokenStream> {
        self.names
            .iter()
            .zip(&self.buffers)
            .map(|(n, b)| if *b && !in_task { quote!(#n: #n.view()) } else { quote!(#n) })
            .collect()
    }

    /// Only the fields that some code mentions.
    pub fn retain(mut self, code: &TokenStream) -> Self {
        let keep: Vec<bool> = self.names.iter().map(|n| mentions(code, n)).collect();
        let mut it = keep.iter();
        self.declarations.retain(|_| *it.next().unwrap_or(&true));
        let mut it = keep.iter();
        self.names.retain(|_| *it.next().unwrap_or(&true));
        let mut it = keep.iter();
        self.buffers.retain(|_| *it.next().unwrap_or(&true));
        if !self.declarations.iter().any(|d| d.to_string().contains("'a")) {
            (self.generics, self.elided) = (quote!(), quote!());
        }
        self
    }

    /// Makes the fields that some code mentions variables.
    pub fn open(&self, code: &TokenStream) -> TokenStream {
        let used = self.used_names(code);
        match used.len() {
            0 => quote!(),
            n if n == self.names.len() => quote!(let Self { #(#used),* } = *self;),
            _ => quote!(let Self { #(#used,)* .. } = *self;),
        }
    }

    /// The fields that some code mentions.
    fn used_names(&self, code: &TokenStream) -> Vec<Ident> {
        self.names.iter().filter(|n| mentions(code, n)).cloned().collect()
    }
}

/// Whether an identifier occurs in some code.
pub fn mentions(code: &TokenStream, name: &Ident) -> bool {
    code.clone().into_iter().any(|t| match t {
        proc_macro2::TokenTree::Ident(i) => i == *name,
        proc_macro2::TokenTree::Group(g) => mentions(&g.stream(), name),
        _ => false,
    })
}

/// The name, with an underscore if the code does not use it.
pub fn unused(name: &Ident, code: &TokenStream) -> Ident {
    if mentions(code, name) { name.clone() } else { format_ident!("_{}", name) }
}

/// The type of an argument.
pub fn input_type(body: &Body<'_>, i: InputId, life: &TokenStream) -> TokenStream {
    if body.packed.contains(&i) {
        return quote!(&#life PackedB);
    }
    let input = body.p.program.kernel.input(i);
    argument_type(&input.dtype, input.shape.len(), life)
}

/// The type of a tensor or scalar argument.
pub fn argument_type(dtype: &DType, rank: usize, life: &TokenStream) -> TokenStream {
    let ty = storage(dtype);
    match (rank, dtype) {
        (0, DType::Idx(_) | DType::Len(_)) => quote!(usize),
        (0, _) => quote!(#ty),
        (rank, _) => {
            let rank = Literal::usize_unsuffixed(rank);
            quote!(View<#life, #ty, #rank>)
        }
    }
}

/// The fields for what a body used.
pub fn fields(body: &Body<'_>) -> Fields {
    let mut out =
        Fields { declarations: vec![], names: vec![], buffers: vec![], generics: quote!(), elided: quote!() };
    let mut borrowed = false;
    for i in &body.used.inputs {
        let name = body.names.input(*i);
        let ty = input_type(body, *i, &quote!('a));
        borrowed |= !body.p.program.kernel.input(*i).shape.is_empty();
        out.declarations.push(quote!(#name: #ty));
        out.names.push(name);
        out.buffers.push(false);
    }
    for b in &body.used.buffers {
        let buffer = body.p.buffer(*b);
        let def = body.p.program.def(buffer.def);
        let (name, ty) = (body.names.buffer(buffer.def), storage(&def.dtype));
        let rank = Literal::usize_unsuffixed(buffer.dims.len());
        borrowed = true;
        out.declarations.push(quote!(#name: View<'a, #ty, #rank>));
        out.names.push(name);
        out.buffers.push(true);
    }
    for d in &body.used.dims {
        let name = body.names.dim(*d);
        out.declarations.push(quote!(#name: usize));
        out.names.push(name);
        out.buffers.push(false);
    }
    if borrowed {
        out.generics = quote!(<'a>);
        out.elided = quote!(<'_>);
    }
    out
}

/// The Rust of one kernel.
pub struct KernelCode {
    /// Items, in reading order.
    pub items: Vec<TokenStream>,
}

/// Leaves named at the level of the kernel's own function.
pub struct Top<'a> {
    /// Names.
    pub names: &'a Names,
    /// The kernel.
    pub loops: &'a LoopProgram,
}

impl Leaves for Top<'_> {
    fn leaf(&self, a: &vibee_spec::term::Atom) -> TokenStream {
        use vibee_spec::term::Atom;
        match a {
            Atom::Dim(d) => {
                let name = self.names.dim(*d);
                quote!(#name)
            }
            Atom::Scalar(i) => {
                let name = self.names.input(*i);
                match self.loops.program.kernel.input(*i).dtype {
                    DType::Idx(_) | DType::Len(_) => quote!(#name),
                    _ => quote!((#name as usize)),
                }
            }
            _ => unreachable!("no index is bound outside of loops"),
        }
    }
}

/// How a kernel's function is made: a public one with checks, or a step of a layer.
pub struct Style<'a> {
    /// The function's name.
    pub name: Ident,
    /// What its task types are named after.
    pub base: String,
    /// Checks and binds sizes itself.
    pub public: bool,
    /// Weights given in packed form.
    pub packed: &'a BTreeSet<InputId>,
}

impl KernelCode {
    /// Names of the types among the items.
    pub fn types(&self) -> BTreeSet<String> {
        let name = |t: &TokenStream| {
            let mut it = t.clone().into_iter().skip_while(|t| t.to_string() != "struct");
            it.nth(1).map(|n| n.to_string())
        };
        self.items.iter().filter_map(name).collect()
    }
}

/// A kernel for fixed sizes.
pub struct Variant {
    /// The sizes.
    pub sizes: Vec<(vibee_spec::term::DimId, i64)>,
    /// Its own schedule.
    pub loops: LoopProgram,
}

/// Emits a kernel, and what it runs instead for the sizes it is specialised for.
pub fn kernel(loops: &LoopProgram, style: &Style<'_>, variants: &[Variant]) -> KernelCode {
    let base = &style.base;
    let general = calls(loops, style, base);
    let mut items = Vec::new();
    let mut special = TokenStream::new();
    for v in variants {
        let suffix: String = v
            .sizes
            .iter()
            .map(|(d, n)| format!("{}{n}", camel(&loops.program.kernel.dims[d.index()].name)))
            .collect();
        let calls = calls(&v.loops, style, &format!("{base}{suffix}"));
        let names = Names::new(&v.loops);
        let conditions = v.sizes.iter().map(|(d, n)| {
            let (d, n) = (names.dim(*d), Literal::i64_unsuffixed(*n));
            quote!(#d == #n)
        });
        let body = framed(&v.loops, &calls.names, style, &calls.code);
        special.extend(quote!(if #(#conditions)&&* { #body return Ok(()); }));
        items.extend(calls.items);
    }
    let function = function(loops, &general.names, style, &special, &general.code);
    items.splice(0..0, general.items);
    items.insert(0, function);
    KernelCode { items }
}

/// The stages of a kernel: what runs them, and the items they are.
struct Calls {
    items: Vec<TokenStream>,
    names: Names,
    code: TokenStream,
}

fn calls(loops: &LoopProgram, style: &Style<'_>, base: &str) -> Calls {
    let mut names = Names::new(loops);
    let mut items = Vec::new();
    let mut code = TokenStream::new();
    for stage in &loops.stages {
        let mut body = Body::new(loops, names.clone(), stage);
        body.packed = style.packed.clone();
        body.base = base.to_owned();
        let call = match stage.body.as_slice() {
            [Stmt::Gemm(g)] if stage.grid.is_empty() => {
                body.top = true;
                let text = &loops.program.def(g.target()).text;
                let comment = if text.is_empty() { quote!() } else { quote!(__comment!(#text);) };
                let call = super::gemm::as_stage(&mut body, g);
                quote!(#comment #call)
            }
            _ => task(&mut body, stage, &style.name, loops.stages.len() > 1, &mut items),
        };
        items.append(&mut body.items);
        names.adopt(&body.names);
        code.extend(call);
    }
    Calls { items, names, code }
}

/// A stage as a task type; returns the call that runs it.
fn task(
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
    let fields = fields(body);
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
    let (out, pattern) = match (parts.as_slice(), patterns.as_slice()) {
        ([p], [n]) => (quote!(#p), quote!(#n)),
        (ps, ns) => (quote!((#(#ps),*)), quote!((#(#ns),*))),
    };
    let n = Literal::usize_unsuffixed(stage.grid.len());
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
    let letters: Vec<String> = grid.iter().map(|g| format!("`{g}`")).collect();
    let doc = if letters.is_empty() {
        format!(" The single task of [`{function}`].")
    } else {
        format!(" What [`{function}`] does for one {}.", letters.join(", "))
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
    let extents: Vec<TokenStream> = stage
        .grid
        .iter()
        .map(|i| {
            let extent = loops.program.extent(*i).clone();
            body.int(&extent, Mode::Exact)
        })
        .collect();
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
            quote!(#n.reborrow().cut([#(#axes),*]))
        })
        .collect();
    let cuts = if let [one] = cuts.as_slice() { quote!(#one) } else { quote!((#(#cuts),*)) };
    let values = fields.values(false);
    quote!(par.run([#(#extents),*], #cuts, &#name { #(#values),* });)
}

/// Bytes of scratch that a task takes, as an expression over its fields.
fn scratch_bytes(body: &mut Body<'_>, stage: &Stage) -> TokenStream {
    let mut terms: Vec<TokenStream> = Vec::new();
    for b in body.written.clone() {
        let buffer = body.p.buffer(b).clone();
        if buffer.kind == BufferKind::Local {
            let ty = storage(&body.p.program.def(buffer.def).dtype);
            let len = product(body, &buffer.dims);
            terms.push(quote!(Scratch::bytes_of::<#ty>(#len)));
        }
    }
    let mut products = Vec::new();
    gemms(&stage.body, &mut products);
    if !products.is_empty() {
        let mut sizes = Vec::new();
        for g in products {
            let [m, n, k] = super::gemm::extents(body, g);
            let packed = super::gemm::packs(body, g).is_some_and(|i| body.packed.contains(&i));
            sizes.push(quote!(gemm_scratch(#m, #n, #k, #packed)));
        }
        let mut it = sizes.into_iter();
        let first = it.next().unwrap_or_default();
        terms.push(it.fold(first, |a, b| quote!(#a.max(#b))));
    }
    let mut it = terms.into_iter();
    let first = it.next().unwrap_or_default();
    it.fold(first, |a, b| quote!(#a + #b))
}

fn gemms<'a>(stmts: &'a [Stmt], out: &mut Vec<&'a crate::loops::Gemm>) {
    for s in stmts {
        match s {
            Stmt::Gemm(g) => out.push(g),
            Stmt::Loop { body, .. } => gemms(body, out),
            _ => {}
        }
    }
}

/// Roughly the elements one task call touches: the largest definition inside.
fn cost(body: &mut Body<'_>, stage: &Stage) -> TokenStream {
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
    let extents: Vec<Int> = largest.iter().map(|i| program.extent(*i).clone()).collect();
    if extents.is_empty() { quote!() } else { product(body, &extents) }
}

/// The number of elements of a shape, saturating.
fn product(body: &mut Body<'_>, extents: &[Int]) -> TokenStream {
    let alone = extents.len() == 1;
    let mut factors = extents.iter().map(|e| match e.as_const().and_then(|c| usize::try_from(c).ok()) {
        // A method needs to know the type of the number it is called on.
        Some(c) if !alone => {
            let c = Literal::usize_suffixed(c);
            quote!(#c)
        }
        _ => {
            let code = body.int(e, Mode::Exact);
            if alone || e.as_atom().is_some() { code } else { quote!((#code)) }
        }
    });
    let first = factors.next().unwrap_or_else(|| quote!(1));
    factors.fold(first, |a, b| quote!(#a.saturating_mul(#b)))
}

fn statements(stmts: &[Stmt], out: &mut Vec<vibee_spec::term::DefId>) {
    for s in stmts {
        match s {
            Stmt::Start { def, .. } | Stmt::Update { def } | Stmt::Finish { def, .. } => out.push(*def),
            Stmt::Let { def } | Stmt::Store { def } => out.push(*def),
            Stmt::Loop { body, .. } => statements(body, out),
            Stmt::Gemm(g) => out.push(g.def),
        }
    }
}

/// The kernel's function.
fn function(
    loops: &LoopProgram,
    names: &Names,
    style: &Style<'_>,
    special: &TokenStream,
    calls: &TokenStream,
) -> TokenStream {
    let k = &loops.program.kernel;
    let top = Top { names, loops };
    let name = &style.name;
    let mut params = Vec::new();
    for p in &k.params {
        match p {
            ParamRef::Input(i) => {
                let (n, input) = (names.input(*i), k.input(*i));
                let ty = if style.packed.contains(i) {
                    quote!(&PackedB)
                } else {
                    argument_type(&input.dtype, input.shape.len(), &quote!('_))
                };
                params.push(quote!(#n: #ty));
            }
            ParamRef::Dim(d) => {
                let n = names.dim(*d);
                params.push(quote!(#n: usize));
            }
        }
    }
    if !style.public {
        for d in step_dims(loops) {
            let n = names.dim(d);
            params.push(quote!(#n: usize));
        }
    }
    let mut splits = TokenStream::new();
    for o in &loops.program.outputs {
        let def = loops.program.def(o.def);
        let (n, ty) = (names.buffer(o.def), storage(&def.dtype));
        let rank = Literal::usize_unsuffixed(o.shape.len());
        let split = split_output(&top, loops, o, &n);
        params.push(if split.is_empty() {
            quote!(mut #n: ViewMut<'_, #ty, #rank>)
        } else {
            quote!(#n: ViewMut<'_, #ty, #rank>)
        });
        splits.extend(split);
    }
    let checks = if style.public { checks(&top, loops) } else { quote!() };
    let framed = framed(loops, names, style, calls);
    let body = quote! { #checks #splits #special #framed };
    let docs = if style.public { super::docs::kernel(loops) } else { super::docs::step(loops) };
    let docs = docs.iter().map(|l| quote!(#[doc = #l]));
    // Parameters that only shape checks of the caller would use.
    let params: Vec<TokenStream> = params
        .into_iter()
        .map(|p| {
            let mut tokens = p.clone().into_iter();
            let first = tokens.next();
            match first {
                Some(proc_macro2::TokenTree::Ident(i)) if i != "mut" && !mentions(&body, &i) => {
                    let n = format_ident!("_{}", i);
                    let rest: TokenStream = tokens.collect();
                    quote!(#n #rest)
                }
                _ => p,
            }
        })
        .collect();
    if !style.public {
        let scratch = unused(&format_ident!("scratch"), &body);
        return quote! {
            #(#docs)*
            fn #name(#scratch: &mut Scratch<'_>, par: &mut Par<'_>, #(#params),*) { #body }
        };
    }
    quote! {
        #(#docs)*
        pub fn #name(ctx: &mut Ctx, #(#params),*) -> Result<(), ShapeError> { #body Ok(()) }
    }
}

/// The stages with the scratch they share.
fn framed(loops: &LoopProgram, names: &Names, style: &Style<'_>, calls: &TokenStream) -> TokenStream {
    let top = Top { names, loops };
    let arena = arena(&top, loops);
    let bytes = arena_bytes(&top, loops, &style.name.to_string());
    let frame = match (style.public, arena.is_empty()) {
        (false, _) => quote!(),
        (true, true) => quote!(let (_, mut par) = ctx.frame(0);),
        (true, false) => quote!(let (mut scratch, mut par) = ctx.frame(#bytes);),
    };
    quote! { #frame #arena #calls }
}

/// Sizes that a step's function takes as arguments: those its code can mention.
pub fn step_dims(loops: &LoopProgram) -> Vec<vibee_spec::term::DimId> {
    let mut used = BTreeSet::new();
    let mut visit = |i: &Int| {
        i.visit_leaves(&mut |a| {
            if let vibee_spec::term::Atom::Dim(d) = a {
                used.insert(*d);
            }
        });
    };
    for stage in &loops.stages {
        stage.grid.iter().for_each(|i| visit(loops.program.extent(*i)));
    }
    for (id, d) in loops.program.live() {
        d.all_indices().iter().for_each(|i| visit(loops.program.extent(*i)));
        for root in loops.program.roots(id) {
            crate::passes::visit(&loops.program.kernel.exprs, root, &mut |_, node| match node {
                vibee_spec::term::Node::Int(i) => visit(i),
                vibee_spec::term::Node::Cast(DType::Idx(i) | DType::Len(i), _) => visit(i),
                vibee_spec::term::Node::Load { from, at, outside } => {
                    for p in at {
                        if let vibee_spec::term::Pos::At(i) = p {
                            visit(i);
                        }
                    }
                    if let (Some(_), vibee_spec::term::Source::Input(i)) = (outside, from) {
                        loops.program.kernel.input(*i).shape.iter().for_each(&mut visit);
                    }
                }
                _ => {}
            });
        }
    }
    used.into_iter().collect()
}

/// Writes an output's merged axes as the axes its definition has.
fn split_output(top: &Top<'_>, loops: &LoopProgram, o: &crate::passes::Target, name: &Ident) -> TokenStream {
    let mut parts = Vec::new();
    let def = loops.program.def(o.def);
    let (mut axis, mut rank) = (0usize, o.shape.len());
    for digits in &o.digits {
        for n in 0..digits.saturating_sub(1) {
            let extents: Vec<Int> =
                (0..*digits - n).map(|d| loops.program.extent(def.free[axis + d]).clone()).collect();
            let inner = extents[1..].iter().fold(Int::constant(1), |p, e| p.mul(e));
            rank += 1;
            let (a, r) = (Literal::usize_unsuffixed(axis), Literal::usize_unsuffixed(rank));
            let (outer, inner) = (int(top, &extents[0], Mode::Exact), int(top, &inner, Mode::Exact));
            parts.push(quote!(#name.split_axis::<#r>(#a, #outer, #inner)));
            axis += 1;
        }
        axis += 1;
    }
    let last = parts.len().saturating_sub(1);
    let lets = parts.into_iter().enumerate().map(|(n, split)| {
        let mutable = if n == last { quote!(mut) } else { quote!() };
        quote!(let #mutable #name = #split;)
    });
    lets.collect()
}

/// Buffers that live as long as the call.
fn arena(top: &Top<'_>, loops: &LoopProgram) -> TokenStream {
    let mut buffers = TokenStream::new();
    for b in loops.buffers.iter().filter(|b| b.kind == BufferKind::Arena) {
        let n = top.names.buffer(b.def);
        let ty = storage(&loops.program.def(b.def).dtype);
        let rank = Literal::usize_unsuffixed(b.dims.len());
        let dims: Vec<TokenStream> = b.dims.iter().map(|d| int(top, d, Mode::Exact)).collect();
        buffers.extend(quote!(let mut #n = scratch.tensor::<#ty, #rank>([#(#dims),*]);));
    }
    buffers
}

/// The size of those buffers as an expression that may return an error; nothing if there are none.
pub fn arena_bytes(leaves: &dyn Leaves, loops: &LoopProgram, kernel: &str) -> TokenStream {
    let mut bytes = Vec::new();
    for b in loops.buffers.iter().filter(|b| b.kind == BufferKind::Arena) {
        let ty = storage(&loops.program.def(b.def).dtype);
        let dims: Vec<TokenStream> = b.dims.iter().map(|d| int(leaves, d, Mode::Exact)).collect();
        bytes.push(quote!(check::bytes::<#ty>(#kernel, &[#(#dims),*])?));
    }
    let mut it = bytes.into_iter();
    let first = it.next().unwrap_or_default();
    it.fold(first, |a, b| quote!(#a + #b))
}

/// Binds sizes and checks the arguments.
pub fn checks(top: &Top<'_>, loops: &LoopProgram) -> TokenStream {
    let k = &loops.program.kernel;
    let kernel = &k.name;
    let mut out = TokenStream::new();
    let wide = |i: &Int| int(top, i, Mode::Wide);
    for (n, d) in k.dims.iter().enumerate() {
        let name = top.names.dim(vibee_spec::term::DimId(n as u32));
        match &d.bind {
            DimBind::Argument => {
                let text = &d.name;
                out.extend(quote!(check::size(#kernel, #text, #name)?;));
            }
            DimBind::Layer => {}
            DimBind::Axis { input, axis, offset, factor } => {
                let (x, a) = (top.names.input(*input), Literal::usize_unsuffixed(*axis));
                if *offset == Int::default() && factor.as_const() == Some(1) {
                    out.extend(quote!(let #name = #x.dim(#a);));
                } else {
                    let what = format!("axis {axis} of {}", k.input(*input).name);
                    let (offset, factor) = (wide(offset), wide(factor));
                    out.extend(
                        quote!(let #name = check::solve(#kernel, #what, #x.dim(#a), #offset, #factor)?;),
                    );
                }
            }
        }
    }
    for c in &k.checks {
        out.extend(check(top, loops, c));
    }
    for (n, i) in k.inputs.iter().enumerate() {
        let name = top.names.input(InputId(n as u32));
        let text = &i.name;
        match (&i.dtype, i.shape.len()) {
            (DType::Idx(bound), 0) => {
                let most = wide(&bound.sub(&Int::constant(1)));
                out.extend(quote!(check::at_most(#kernel, #text, #name, #most)?;));
            }
            (DType::Len(bound), 0) => {
                let most = wide(bound);
                out.extend(quote!(check::at_most(#kernel, #text, #name, #most)?;));
            }
            (DType::Idx(bound), _) => {
                let bound = wide(bound);
                out.extend(quote!(check::indices(#kernel, #text, #name, #bound)?;));
            }
            _ => {}
        }
    }
    for o in &loops.program.outputs {
        let name = top.names.buffer(o.def);
        let text = &o.name;
        for (axis, extent) in o.shape.iter().enumerate() {
            let (want, expected, a) =
                (super::docs::int(k, extent), wide(extent), Literal::usize_unsuffixed(axis));
            out.extend(quote!(check::dim(#kernel, #text, #a, #want, #expected, #name.dim(#a))?;));
        }
    }
    out
}

fn check(top: &Top<'_>, loops: &LoopProgram, c: &Check) -> TokenStream {
    let k = &loops.program.kernel;
    let kernel = &k.name;
    let wide = |i: &Int| int(top, i, Mode::Wide);
    match c {
        Check::Axis { input, axis, expect } => {
            let (name, text) = (top.names.input(*input), &k.input(*input).name);
            let (want, expected, a) =
                (super::docs::int(k, expect), wide(expect), Literal::usize_unsuffixed(*axis));
            quote!(check::dim(#kernel, #text, #a, #want, #expected, #name.dim(#a))?;)
        }
        Check::Where { text, lhs, cmp, rhs } => {
            let (l, r) = (wide(lhs), wide(rhs));
            let cmp = match cmp {
                Cmp::Eq => quote!(==),
                Cmp::Ne => quote!(!=),
                Cmp::Lt => quote!(<),
                Cmp::Le => quote!(<=),
            };
            let mut dims = BTreeSet::new();
            for side in [lhs, rhs] {
                side.visit_leaves(&mut |a| {
                    if let vibee_spec::term::Atom::Dim(d) = a {
                        dims.insert(*d);
                    }
                });
            }
            let format: Vec<String> =
                dims.iter().map(|d| format!("{} = {{}}", k.dims[d.index()].name)).collect();
            let format = format.join(", ");
            let values = dims.iter().map(|d| top.names.dim(*d));
            // A divisor of 0 is refused by the constraint that guards it, evaluated first.
            quote!(check::holds(#kernel, #text, (#l) #cmp #r, || format!(#format, #(#values),*))?;)
        }
        Check::InRange { text, domain, low, high, extent } => {
            let empty = domain.iter().map(|d| {
                let d = wide(d);
                quote!(#d == 0)
            });
            let mut empty = empty.collect::<Vec<_>>().into_iter();
            let first = empty.next().unwrap_or_else(|| quote!(false));
            let empty = empty.fold(first, |a, b| quote!(#a || #b));
            let (low, high, extent) = (wide(low), wide(high), wide(extent));
            quote!(check::in_range(#kernel, #text, #empty, #low, #high, #extent)?;)
        }
    }
}
