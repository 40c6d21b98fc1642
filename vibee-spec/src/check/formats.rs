//! Storage formats: their bytes, what a number of a block decodes to, and how whole tensors are
//! encoded.
//!
//! `decode` and `encode` are bodies in the language of kernels, over one block. Fields become
//! definitions over the block's bytes, so the rest of the checker applies as it is. How an operand
//! in a format is read is in [`super::packed`].

use std::rc::Rc;
use std::sync::Arc;

use super::builder::{Builder, Entry, Local};
use super::globals::{Cx, Global};
use super::header::OutputDecl;
use super::packed::Bytes;
use crate::ast::{self, Stmt, TyElem};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{
    DType, Def, DefId, ExprId, Field, Format, Input, InputId, InputKind, Int, Kernel, Node, Op, Output,
    ParamRef, Pos, Source,
};

/// Most numbers and most bytes of a block.
const LARGEST: i64 = 1 << 20;

/// How the bytes of a field make a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Unsigned,
    Signed,
    /// By the operator that makes a float of bits, and the one that makes bits of a float.
    Float(Op, Op),
}

/// An element type of fields.
struct FieldType {
    word: &'static str,
    bytes: i64,
    code: Code,
    /// The type that an encoder's definition is stored as.
    stored: DType,
}

const fn field(word: &'static str, bytes: i64, code: Code, stored: DType) -> FieldType {
    FieldType { word, bytes, code, stored }
}

const FIELD_TYPES: &[FieldType] = &[
    field("u8", 1, Code::Unsigned, DType::U8),
    field("i8", 1, Code::Signed, DType::I8),
    field("u16", 2, Code::Unsigned, DType::I32),
    field("i16", 2, Code::Signed, DType::I32),
    field("i32", 4, Code::Signed, DType::I32),
    field("f16", 2, Code::Float(Op::F16From, Op::F16Bits), DType::F16),
    field("bf16", 2, Code::Float(Op::Bf16From, Op::Bf16Bits), DType::BF16),
    field("f32", 4, Code::Float(Op::F32From, Op::F32Bits), DType::F32),
    field("e4m3", 1, Code::Float(Op::E4m3From, Op::E4m3Bits), DType::F32),
];

/// What one element of a field is.
#[derive(Clone)]
enum Element {
    Plain(&'static FieldType),
    /// Numbers in another format.
    Nested(Arc<Format>),
}

/// A field with its place.
struct Layout<'a> {
    ast: &'a ast::Param,
    element: Element,
    /// `None` for a single value.
    count: Option<i64>,
    offset: i64,
    bytes: i64,
}

/// The format of a place in a file; `None` if it has errors.
pub(super) fn format(cx: &mut Cx<'_>, file: usize, at: usize) -> Option<Arc<Format>> {
    if let Some(known) = cx.formats.get(&(file, at)) {
        return known.clone();
    }
    let global = Global::Format(file, at);
    if cx.active.contains(&global) {
        let name = &cx.units[file].file.formats[at].name;
        let d = Diagnostic::error("V1010", name.span, format!("the format `{}` contains itself", name.name))
            .hint("a field may hold numbers of another format, which is smaller");
        cx.report(file, d);
        return None;
    }
    cx.active.push(global);
    let format = build(cx, file, at).map(Arc::new);
    cx.active.pop();
    cx.formats.insert((file, at), format.clone());
    format
}

/// The kernels that decode and encode whole tensors.
pub(super) fn kernels(cx: &mut Cx<'_>, file: usize, at: usize) -> Vec<Kernel> {
    let Some(format) = format(cx, file, at) else { return vec![] };
    let ast = &cx.units[file].file.formats[at];
    let texts: Vec<String> = ast.body.iter().map(|s| statement_text(cx, file, s)).collect();
    let mut out = vec![];
    out.extend(decode_rows(cx, file, &format, &texts.join("\n")));
    out.extend(format.encode.clone());
    out
}

fn statement_text(cx: &Cx<'_>, file: usize, s: &Stmt) -> String {
    match s {
        Stmt::Define(d) => cx.text(file, d.span),
        Stmt::For { span, .. } => cx.text(file, *span),
    }
}

fn build(cx: &mut Cx<'_>, file: usize, at: usize) -> Option<Format> {
    let ast = &cx.units[file].file.formats[at];
    let (block, layout, bytes) = layout(cx, file, ast)?;
    let decode = decode(cx, file, ast, block, bytes, &layout);
    let encode = match &ast.encode {
        None => Some(None),
        Some(body) => encode(cx, file, ast, body, (block, bytes), &layout).map(Some),
    };
    let fields = layout.iter().map(|f| Field {
        name: f.ast.name.name.clone(),
        ty: cx.text(file, f.ast.ty.span),
        offset: f.offset,
        bytes: f.bytes,
    });
    let fields = fields.collect();
    Some(Format {
        name: ast.name.name.clone(),
        doc: ast.doc.clone().unwrap_or_default(),
        block,
        bytes,
        fields,
        decode: decode?,
        encode: encode?,
    })
}

/// The size of a block, and where its fields are.
fn layout<'a>(cx: &mut Cx<'a>, file: usize, ast: &'a ast::Format) -> Option<(i64, Vec<Layout<'a>>, i64)> {
    let block = count(cx, file, &ast.block, "a block");
    let mut fields: Vec<Layout<'a>> = vec![];
    let mut offset = 0;
    let mut fine = Some(());
    for f in &ast.fields {
        if let Some(first) = fields.iter().find(|o| o.ast.name.name == f.name.name) {
            let d = Diagnostic::error("V0202", f.name.span, format!("`{}` is defined twice", f.name.name))
                .label("again here")
                .also(first.ast.name.span, "first here")
                .hint("every field has a name of its own; rename one");
            cx.report(file, d);
            fine = None;
            continue;
        }
        let element = element(cx, file, f);
        let count = match f.ty.shape.as_slice() {
            [] => Some(None),
            [n] => count(cx, file, n, "a field").map(Some),
            _ => {
                let d = Diagnostic::error("V1006", f.ty.span, "a field has at most one axis")
                    .hint("count its elements in one axis: `qs[16*h + l]`");
                cx.report(file, d);
                None
            }
        };
        let (Some(element), Some(count)) = (element, count) else {
            fine = None;
            continue;
        };
        let numbers = count.unwrap_or(1);
        let bytes = match &element {
            Element::Plain(t) => t.bytes * numbers,
            Element::Nested(inner) if numbers % inner.block == 0 && count.is_some() => {
                numbers / inner.block * inner.bytes
            }
            Element::Nested(inner) => {
                let d = Diagnostic::error(
                    "V1006",
                    f.ty.span,
                    format!("`{}` holds blocks of {} numbers, this is {numbers}", inner.name, inner.block),
                )
                .hint(format!("give it a whole number of blocks: `{}[{}]`", inner.name, inner.block));
                cx.report(file, d);
                fine = None;
                continue;
            }
        };
        fields.push(Layout { ast: f, element, count, offset, bytes });
        offset += bytes;
    }
    fine?;
    if offset == 0 {
        let d =
            Diagnostic::error("V1005", ast.name.span, format!("a block of `{}` has no bytes", ast.name.name))
                .label("no fields")
                .hint("say what the bytes are: `fields:`, and below it `d: f32`");
        cx.report(file, d);
        return None;
    }
    if offset > LARGEST {
        let d = Diagnostic::error(
            "V1005",
            ast.name.span,
            format!("a block of `{}` has {offset} bytes", ast.name.name),
        )
        .label(format!("the limit is {LARGEST}"));
        cx.report(file, d);
        return None;
    }
    Some((block?, fields, offset))
}

/// A size that must be a number.
fn count<'a>(cx: &mut Cx<'a>, file: usize, e: &'a ast::Expr, of: &str) -> Option<i64> {
    let mut b = Builder::new(cx, file, String::new());
    let env = super::frame::Env::bare(file, super::frame::ROOT, None);
    let size = b.size(e, &env)?.as_const();
    match size.filter(|n| (1..=LARGEST).contains(n)) {
        Some(n) => Some(n),
        None => {
            let text = cx.text(file, e.span);
            let d = Diagnostic::error("V1005", e.span, format!("`{text}` is no size of {of}"))
                .label(format!("must be a number from 1 to {LARGEST}"));
            cx.report(file, d);
            None
        }
    }
}

fn element(cx: &mut Cx<'_>, file: usize, f: &ast::Param) -> Option<Element> {
    let name = match &f.ty.elem {
        TyElem::Named(n) => Some(n),
        _ => None,
    };
    if let Some(t) = name.and_then(|n| FIELD_TYPES.iter().find(|t| t.word == n.name)) {
        return Some(Element::Plain(t));
    }
    if let Some(n) = name
        && let Some(Global::Format(f, at)) = cx.find(file, &n.name)
    {
        return format(cx, f, at).map(Element::Nested);
    }
    let words: Vec<&str> = FIELD_TYPES.iter().map(|t| t.word).collect();
    let text = cx.text(file, f.ty.span);
    let mut d = Diagnostic::error("V1006", f.ty.span, format!("`{text}` is no type of a field"));
    d.hint = name
        .and_then(|n| super::suggest::hint(&n.name, words.iter().copied()))
        .or_else(|| Some(format!("fields are {}, or numbers of another format", words.join(" "))));
    cx.report(file, d);
    None
}

/// A builder whose names are a format's tables.
fn with_tables<'c, 'a>(cx: &'c mut Cx<'a>, file: usize, ast: &'a ast::Format, name: &str) -> Builder<'c, 'a> {
    let mut b = Builder::new(cx, file, name.to_string());
    b.incomplete = b.cx.incomplete(file, ast.span);
    for t in &ast.tables {
        let entry = Entry { local: Local::Table(Rc::new(t.values.clone())), span: t.name.span };
        if let Some(first) = b.locals.insert(t.name.name.clone(), entry) {
            b.defined_twice(&t.name.name, t.name.span, first.span);
        }
    }
    b
}

fn bytes_input(name: &str, dtype: DType, shape: Vec<Int>) -> Input {
    Input { name: name.to_string(), dtype, shape, kind: InputKind::Argument }
}

/// Bytes of a block to its numbers.
fn decode<'a>(
    cx: &mut Cx<'a>,
    file: usize,
    ast: &'a ast::Format,
    block: i64,
    bytes: i64,
    layout: &[Layout<'a>],
) -> Option<Kernel> {
    let mut b = with_tables(cx, file, ast, &format!("decode_{}", ast.name.name));
    b.k.inputs.push(bytes_input("bytes", DType::U8, vec![Int::constant(bytes)]));
    b.k.params.push(ParamRef::Input(InputId(0)));
    b.reserve_names(&ast.body);
    let mut fine = Some(());
    for f in layout {
        if let Some(first) = b.locals.get(&f.ast.name.name).map(|e| e.span) {
            b.defined_twice(&f.ast.name.name, f.ast.name.span, first);
            fine = None;
            continue;
        }
        let source = Source::Input(InputId(0));
        let def = b.field_of_bytes(f, source, &[])?;
        b.locals.insert(f.ast.name.name.clone(), Entry { local: Local::Def(def), span: f.ast.name.span });
        // A field may be there for others.
        b.used.insert(f.ast.name.name.clone());
    }
    let Some(Stmt::Define(last)) = ast.body.last() else { return None };
    let name = &last.names[0];
    b.outputs.push(OutputDecl {
        name: name.name.clone(),
        span: name.span,
        dtype: DType::F32,
        shape: vec![Int::constant(block)],
        def: None,
        failed: false,
    });
    let body = b.body(&ast.body);
    b.unused();
    fine.and(body)?;
    let def = b.outputs[0].def.filter(|_| !b.outputs[0].failed)?;
    b.k.outputs = vec![Output { name: name.name.clone(), def }];
    Some(finished(&b.k))
}

/// A kernel without what nothing needs.
fn finished(k: &Kernel) -> Kernel {
    let kernel = super::graft::tidy(k);
    debug_assert_eq!(crate::term::verify(&kernel), Ok(()), "formats build well-formed kernels");
    kernel
}

/// `name[indices] = body`.
fn plain_def(
    b: &Builder<'_, '_>,
    name: &str,
    indices: Vec<crate::term::IndexId>,
    dtype: DType,
    body: ExprId,
) -> Def {
    let shape = indices.iter().map(|i| b.extent(*i).clone()).collect();
    let store = indices.iter().map(|i| Int::index(*i)).collect();
    Def { name: name.to_string(), indices, dtype, shape, store, body, text: String::new() }
}

impl<'a> Builder<'_, 'a> {
    fn load(&mut self, from: Source, at: Vec<Int>) -> ExprId {
        let dtype = self.stored(from).computed();
        let at = at.into_iter().map(Pos::At).collect();
        self.exprs().intern(Node::Load { from, at, outside: None }, dtype)
    }

    fn stored(&self, from: Source) -> DType {
        match from {
            Source::Input(i) => self.k.input(i).dtype.clone(),
            Source::Def(d) => self.k.def(d).dtype.clone(),
        }
    }

    /// A letter for the elements of a field, and its position.
    fn element_letter(&mut self, f: &Layout<'_>) -> (Vec<crate::term::IndexId>, Int) {
        match f.count {
            None => (vec![], Int::default()),
            Some(n) => {
                let i = self.k.fresh_index("n", Int::constant(n));
                self.index_letter.resize(self.k.indices.len(), None);
                (vec![i], Int::index(i))
            }
        }
    }

    /// A field as a definition over the bytes it is stored in.
    fn field_of_bytes(&mut self, f: &Layout<'_>, from: Source, lead: &[Int]) -> Option<DefId> {
        let (indices, n) = self.element_letter(f);
        let offset = Int::constant(f.offset);
        let body = match &f.element {
            Element::Nested(inner) => {
                let size = Int::constant(inner.block);
                let first = offset.add(&n.floor_div(&size).scale(inner.bytes));
                let lead = lead.iter().cloned().map(Pos::At).collect();
                let place = self.here(f.ast.ty.span);
                self.inline_format(inner, &Bytes { from, lead, first }, &n.floor_mod(&size), place)?
            }
            Element::Plain(t) => {
                let first = offset.add(&n.scale(t.bytes));
                let mut bytes = vec![];
                for k in 0..t.bytes {
                    let at = lead.iter().cloned().chain([first.add(&Int::constant(k))]).collect();
                    bytes.push(self.load(from, at));
                }
                self.value_of_bytes(t, &bytes)
            }
        };
        let dtype = self.type_of(body).clone();
        let def = plain_def(self, &f.ast.name.name, indices, dtype, body);
        Some(self.push_def(def))
    }

    fn value_of_bytes(&mut self, t: &FieldType, bytes: &[ExprId]) -> ExprId {
        let number = |b: &mut Self, v: i64| b.exprs().int(Int::constant(v));
        // The lowest byte comes first.
        let mut parts: Vec<ExprId> = bytes.to_vec();
        let mut width = 8;
        while parts.len() > 1 {
            let by = number(self, width);
            parts = parts.chunks(2).map(|p| self.op(Op::Join, vec![p[0], p[1], by])).collect();
            width *= 2;
        }
        match t.code {
            Code::Unsigned => parts[0],
            Code::Signed if t.bytes == 4 => parts[0],
            Code::Signed => {
                let bits = number(self, 8 * t.bytes);
                self.op(Op::Signed, vec![parts[0], bits])
            }
            Code::Float(from, _) => self.op(from, vec![parts[0]]),
        }
    }

    /// A byte of an element as it is stored.
    fn byte_of_value(&mut self, t: &FieldType, value: ExprId, byte: &Int) -> ExprId {
        let bits = match t.code {
            Code::Unsigned if t.bytes == 1 => return value,
            Code::Float(_, bits) => self.op(bits, vec![value]),
            _ => value,
        };
        let from = self.exprs().int(byte.scale(8));
        let count = self.exprs().int(Int::constant(8));
        self.op(Op::Bits, vec![bits, from, count])
    }
}

/// A whole tensor's bytes to numbers: what reads of an operand do, for all of them.
fn decode_rows(cx: &mut Cx<'_>, file: usize, format: &Arc<Format>, text: &str) -> Option<Kernel> {
    let mut b = Builder::new(cx, file, format!("decode_{}", format.name));
    let (rows, numbers) = (Int::dim(crate::term::DimId(0)), Int::dim(crate::term::DimId(1)));
    let input = b.declare_packed("bytes", vec![rows.clone(), numbers.clone()], format.clone());
    b.k.params.push(ParamRef::Input(input));
    for (axis, name) in ["R", "N"].iter().enumerate() {
        b.k.dims.push(axis_dim(name, input, axis));
    }
    super::packed::count_bytes(&mut b.k);
    b.whole_blocks();
    let r = b.k.fresh_index("r", rows);
    let n = b.k.fresh_index("n", numbers);
    b.index_letter.resize(b.k.indices.len(), None);
    b.domain = vec![r, n];
    let place = b.here(Span::default());
    let body = b.read_packed(input, vec![Pos::At(Int::index(r)), Pos::At(Int::index(n))], place)?;
    let mut def = plain_def(&b, "x", vec![r, n], DType::F32, body);
    def.text = text.to_string();
    let def = b.push_def(def);
    b.k.outputs = vec![Output { name: "x".into(), def }];
    b.k.doc = format!("The numbers of rows of `{}` blocks.", format.name);
    Some(finished(&b.k))
}

fn axis_dim(name: &str, input: InputId, axis: usize) -> crate::term::Dim {
    let bind = crate::term::DimBind::Axis {
        input,
        axis,
        offset: Int::default(),
        factor: Int::constant(1),
        blocks: None,
    };
    crate::term::Dim { name: name.to_string(), bind }
}

/// A block's numbers to bytes, for all blocks of all rows.
fn encode<'a>(
    cx: &mut Cx<'a>,
    file: usize,
    ast: &'a ast::Format,
    body: &'a [Stmt],
    (block, bytes): (i64, i64),
    layout: &[Layout<'a>],
) -> Option<Kernel> {
    let name = format!("encode_{}", ast.name.name);
    let mut b = with_tables(cx, file, ast, &name);
    b.k.inputs.push(bytes_input("x", DType::F32, vec![Int::constant(block)]));
    b.k.params.push(ParamRef::Input(InputId(0)));
    let x = Entry { local: Local::Input(InputId(0)), span: ast.name.span };
    b.used.insert("x".into());
    b.reserve_names(body);
    b.taken.extend(["x".into(), "bytes".into()]);
    let mut fine = Some(());
    for f in layout {
        if f.ast.name.name == "x" || b.locals.contains_key(&f.ast.name.name) {
            let d = Diagnostic::error(
                "V0202",
                f.ast.name.span,
                format!("`{}` is defined twice", f.ast.name.name),
            )
            .label("as a field")
            .hint("in `encode` the numbers of the block are `x[j]`; rename the field");
            b.err(b.here(f.ast.name.span), d);
            fine = None;
            continue;
        }
        b.outputs.push(OutputDecl {
            name: f.ast.name.name.clone(),
            span: f.ast.name.span,
            dtype: match &f.element {
                Element::Plain(t) => t.stored.clone(),
                Element::Nested(_) => DType::F32,
            },
            shape: f.count.map(Int::constant).into_iter().collect(),
            def: None,
            failed: false,
        });
    }
    b.locals.insert("x".into(), x);
    for s in body {
        if let Stmt::Define(d) = s {
            b.announce(&d.names);
        }
    }
    b.seed_ranges(body);
    // What each field is stored as, in the order of the fields.
    let mut stored: Vec<Option<Stored>> = layout.iter().map(|_| None).collect();
    for s in body {
        let done = b.statement(s);
        fine = fine.and(done);
        let Stmt::Define(d) = s else { continue };
        for n in &d.names {
            let Some(at) = layout.iter().position(|f| f.ast.name.name == n.name) else { continue };
            let Some(def) = b.outputs.iter().find(|o| o.name == n.name).and_then(|o| o.def) else { continue };
            stored[at] = b.store_field(&layout[at], def);
            if let Some(s) = &stored[at] {
                b.locals.insert(n.name.clone(), Entry { local: Local::Def(s.read), span: n.span });
            }
        }
    }
    b.unused();
    b.missing_outputs(body);
    fine?;
    let stored: Vec<Stored> = stored.into_iter().collect::<Option<_>>()?;
    let def = b.bytes_of_fields(layout, &stored, bytes);
    b.k.outputs = vec![Output { name: "bytes".into(), def }];
    let one = finished(&b.k);
    Some(super::rows::over_rows(&one, &ast.name.name, block, bytes))
}

/// A field of an encoder: what reads see, and what is written.
struct Stored {
    /// As it reads back.
    read: DefId,
    /// The value, or for a nested format its bytes in one row.
    write: DefId,
}

impl Builder<'_, '_> {
    /// What an assigned field reads back as.
    fn store_field(&mut self, f: &Layout<'_>, def: DefId) -> Option<Stored> {
        let name = format!("{}_stored", f.ast.name.name);
        let (indices, n) = self.element_letter(f);
        let at: Vec<Int> = f.count.map(|_| n.clone()).into_iter().collect();
        let body = match &f.element {
            Element::Nested(inner) => return self.store_nested(f, inner.clone(), def),
            Element::Plain(t) => {
                let value = self.load(Source::Def(def), at);
                match t.code {
                    // The definition's own type rounds or saturates.
                    _ if t.stored != DType::F32 && t.stored != DType::I32 => {
                        return Some(Stored { read: def, write: def });
                    }
                    Code::Float(..) if t.bytes == 4 => return Some(Stored { read: def, write: def }),
                    Code::Float(from, bits) => {
                        let bits = self.op(bits, vec![value]);
                        self.op(from, vec![bits])
                    }
                    _ if t.bytes == 4 => return Some(Stored { read: def, write: def }),
                    code => {
                        let (low, high) = if code == Code::Signed { (-0x8000, 0x7fff) } else { (0, 0xffff) };
                        let (low, high) = (Int::constant(low), Int::constant(high));
                        let (low, high) = (self.exprs().int(low), self.exprs().int(high));
                        let raised = self.op(Op::Max, vec![value, low]);
                        self.op(Op::Min, vec![raised, high])
                    }
                }
            }
        };
        let name = self.fresh_name(&name);
        let dtype = self.type_of(body).clone();
        let def = plain_def(self, &name, indices, dtype, body);
        let read = self.push_def(def);
        Some(Stored { read, write: read })
    }

    /// Numbers in another format: encoded as one row, and decoded again where they are read.
    fn store_nested(&mut self, f: &Layout<'_>, inner: Arc<Format>, def: DefId) -> Option<Stored> {
        let Some(encode) = &inner.encode else {
            let place = self.here(f.ast.ty.span);
            let d = Diagnostic::error(
                "V1008",
                place.span,
                format!("the format `{}` has no `encode`", inner.name),
            )
            .label("assigned in this format's `encode`")
            .hint(format!("add `encode:` to `{}`", inner.name));
            self.err(place, d);
            return None;
        };
        let count = f.count?;
        let (row, n) =
            (self.k.fresh_index("r", Int::constant(1)), self.k.fresh_index("n", Int::constant(count)));
        self.index_letter.resize(self.k.indices.len(), None);
        let value = self.load(Source::Def(def), vec![Int::index(n)]);
        let name = self.fresh_name(&format!("{}_row", f.ast.name.name));
        let as_row = plain_def(self, &name, vec![row, n], DType::F32, value);
        let as_row = self.push_def(as_row);
        let keep = vec![true; encode.defs.len()];
        let first = self.k.defs.len();
        let feeds = [super::graft::Feed::Source(Source::Def(as_row))];
        let dims = [Int::constant(1), Int::constant(count)];
        let map = super::graft::graft(&mut self.k, encode, &dims, &feeds, &keep).ok()?;
        self.index_letter.resize(self.k.indices.len(), None);
        for at in first..self.k.defs.len() {
            let own = format!("{}_{}", f.ast.name.name, self.k.defs[at].name);
            self.k.defs[at].name = self.fresh_name(&own);
        }
        let write = map[encode.outputs[0].def.index()]?;
        let stored = Layout { ast: f.ast, element: f.element.clone(), offset: 0, ..*f };
        let read = self.field_of_bytes(&stored, Source::Def(write), &[Int::default()])?;
        let name = self.fresh_name(&format!("{}_stored", f.ast.name.name));
        self.k.defs[read.index()].name = name;
        Some(Stored { read, write })
    }

    /// All fields side by side: byte `k` is a byte of the field that it lies in.
    fn bytes_of_fields(&mut self, layout: &[Layout<'_>], stored: &[Stored], bytes: i64) -> DefId {
        let k = self.k.fresh_index("k", Int::constant(bytes));
        self.index_letter.resize(self.k.indices.len(), None);
        let mut body = None;
        for (f, s) in layout.iter().zip(stored).rev() {
            let local = Int::index(k).sub(&Int::constant(f.offset));
            let value = match &f.element {
                Element::Nested(_) => self.load(Source::Def(s.write), vec![Int::default(), local]),
                Element::Plain(t) => {
                    let width = Int::constant(t.bytes);
                    let (at, byte) = match f.count {
                        None => (vec![], local),
                        Some(_) => (vec![local.floor_div(&width)], local.floor_mod(&width)),
                    };
                    let value = self.load(Source::Def(s.write), at);
                    self.byte_of_value(t, value, &byte)
                }
            };
            body = Some(match body {
                None => value,
                Some(rest) => {
                    let (here, end) = (Int::index(k), Int::constant(f.offset + f.bytes));
                    let (here, end) = (self.exprs().int(here), self.exprs().int(end));
                    let inside = self.op(Op::Lt, vec![here, end]);
                    self.op(Op::Select, vec![inside, value, rest])
                }
            });
        }
        let body = body.unwrap_or_else(|| self.exprs().int(Int::default()));
        let def = plain_def(self, "bytes", vec![k], DType::U8, body);
        self.push_def(def)
    }
}
