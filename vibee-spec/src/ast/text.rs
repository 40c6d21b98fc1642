//! Trees as short text, for people and snapshots: every grouping is shown by parentheses, places are
//! left out. Two trees with the same text mean the same.

use std::fmt::Write;

use super::{
    BinOp, CreationPattern, DefineOp, Expect, Expr, ExprKind, Field, File, Format, Function, Ident, Kernel,
    Law, Layer, Model, Node, NodeKind, Param, Stmt, TestCase, Ty, TyElem, TypeDecl, UnOp, Value, ValueKind,
    WeightKind,
};

/// Writing to a string cannot fail.
fn put(_: std::fmt::Result) {}

/// Everything of a file that the parser gives meaning to.
#[must_use]
pub fn file(file: &File) -> String {
    let mut out = String::new();
    let name = |ident: &Option<Ident>| ident.as_ref().map_or("-".to_owned(), |i| i.name.clone());
    let _ = writeln!(
        out,
        "name {} module {} language {}",
        name(&file.name),
        name(&file.module),
        name(&file.language)
    );
    if let Some(description) = &file.description {
        let _ = writeln!(out, "description {description:?}");
    }
    for section in &file.sections {
        // What was read as trees follows as trees.
        let value = match section.key.name.as_str() {
            "formats" if !file.formats.is_empty() => String::new(),
            "functions" if !file.functions.is_empty() => String::new(),
            "kernels" if !file.kernels.is_empty() => String::new(),
            "layers" if !file.layers.is_empty() => String::new(),
            "models" if !file.models.is_empty() => String::new(),
            _ => format!(" = {}", node(&section.value)),
        };
        let _ = writeln!(out, "section {}{value}", section.key.name);
    }
    if !file.imports.is_empty() {
        let _ = writeln!(out, "imports {}", names(&file.imports));
    }
    for c in &file.constants {
        let _ = writeln!(out, "constant {} = {}{}", c.name.name, expr(&c.value), doc(&c.doc));
    }
    for c in &file.text_constants {
        let _ = writeln!(out, "text {} = {:?}{}", c.name.name, c.value.name, doc(&c.doc));
    }
    for c in &file.sacred_constants {
        let _ = writeln!(out, "sacred {} = {}{}", c.name.name, expr(&c.value), doc(&c.doc));
    }
    file.creation_patterns.iter().for_each(|p| creation(&mut out, p));
    file.types.iter().for_each(|t| type_decl(&mut out, t));
    for b in &file.behaviors {
        let _ = writeln!(
            out,
            "behavior {}: given {:?} when {:?} then {:?}",
            b.name.name, b.given, b.when, b.then
        );
        b.other.iter().for_each(|(key, value)| put(writeln!(out, "  {} = {}", key.name, node(value))));
        b.test_cases.iter().for_each(|c| case(&mut out, c));
        b.laws.iter().for_each(|l| law(&mut out, l));
    }
    file.test_cases.iter().for_each(|c| case(&mut out, c));
    file.formats.iter().for_each(|f| format_(&mut out, f));
    file.functions.iter().for_each(|f| function(&mut out, f));
    file.kernels.iter().for_each(|k| kernel(&mut out, k, ""));
    file.layers.iter().for_each(|l| layer(&mut out, l));
    file.models.iter().for_each(|m| model(&mut out, m));
    out
}

/// Everything that is defined under one name: formats, functions, kernels, layers and models. Empty if nothing is.
#[must_use]
pub fn named(file: &File, name: &str) -> String {
    let mut out = String::new();
    file.formats.iter().filter(|f| f.name.name == name).for_each(|f| format_(&mut out, f));
    file.functions.iter().filter(|f| f.name.name == name).for_each(|f| function(&mut out, f));
    file.kernels.iter().filter(|k| k.name.name == name).for_each(|k| kernel(&mut out, k, ""));
    file.layers.iter().filter(|l| l.name.name == name).for_each(|l| layer(&mut out, l));
    file.models.iter().filter(|m| m.layer.name.name == name).for_each(|m| model(&mut out, m));
    out
}

fn model(out: &mut String, model: &Model) {
    for entry in &model.config {
        let key = entry.key.as_ref().map_or("-", |key| &key.name);
        let value = entry.value.as_ref().map_or("-".to_owned(), expr);
        let _ = writeln!(out, "config {} from {key} or {value}", entry.name.name);
    }
    layer(out, &model.layer);
}

fn format_(out: &mut String, f: &Format) {
    let _ = writeln!(out, "format {} of {}{}", f.name.name, expr(&f.block), doc(&f.doc));
    for t in &f.tables {
        let values: Vec<String> = t.values.iter().map(expr).collect();
        let _ = writeln!(out, "  table {} = {}", t.name.name, values.join(", "));
    }
    f.fields.iter().for_each(|p| put(writeln!(out, "  field {}: {}", p.name.name, ty(&p.ty))));
    f.body.iter().for_each(|s| stmt(out, s, "  "));
    for s in f.encode.iter().flatten() {
        stmt(out, s, "  encode ");
    }
}

fn function(out: &mut String, f: &Function) {
    let _ =
        writeln!(out, "function {}[{}]({}){}", f.name.name, names(&f.indices), names(&f.params), doc(&f.doc));
    f.lets.iter().for_each(|(name, value)| put(writeln!(out, "  {} = {}", name.name, expr(value))));
    let _ = writeln!(out, "  {}", expr(&f.body));
}

fn creation(out: &mut String, p: &CreationPattern) {
    let text = |part: &Option<Ident>| part.as_ref().map_or("-".to_owned(), |i| i.name.clone());
    let _ = writeln!(
        out,
        "creation {}: {} -> {} -> {}",
        text(&p.name),
        text(&p.source),
        text(&p.transformer),
        text(&p.result)
    );
    p.other.iter().for_each(|(key, value)| put(writeln!(out, "  {} = {}", key.name, node(value))));
}

fn type_decl(out: &mut String, t: &TypeDecl) {
    let alias = t.alias.as_ref().map_or(String::new(), |a| format!(" alias {}", a.name));
    let generics = if t.generics.is_empty() { String::new() } else { format!("<{}>", names(&t.generics)) };
    let _ = writeln!(out, "type {}{generics}{alias}{}", t.name.name, doc(&t.doc));
    for (key, value) in [("kind", &t.kind), ("base", &t.base), ("width", &t.width)] {
        if let Some(value) = value {
            let _ = writeln!(out, "  ({key} {})", value.name);
        }
    }
    t.fields.iter().for_each(|f| field(out, "  ", f));
    for v in &t.variants {
        let value = v.value.as_ref().map_or(String::new(), |d| format!(" = {}", d.name));
        let payload = v.payload.as_ref().map_or(String::new(), |d| format!("({})", d.name));
        let _ = writeln!(out, "  | {}{payload}{value}{}", v.name.name, doc(&v.doc));
        v.fields.iter().for_each(|f| field(out, "    ", f));
        v.other.iter().for_each(|(key, value)| put(writeln!(out, "    {} = {}", key.name, node(value))));
    }
    t.other.iter().for_each(|(key, value)| put(writeln!(out, "  {} = {}", key.name, node(value))));
}

fn field(out: &mut String, margin: &str, f: &Field) {
    let default = f.default.as_ref().map_or(String::new(), |d| format!(" = {}", d.name));
    let _ = writeln!(out, "{margin}{}: {}{default}{}", f.name.name, f.ty.name, doc(&f.doc));
    f.other.iter().for_each(|(key, value)| put(writeln!(out, "{margin}  {} = {}", key.name, node(value))));
}

fn case(out: &mut String, case: &TestCase) {
    let _ = writeln!(out, "  case {}", case.name.name);
    if let Some(call) = &case.call {
        let args: Vec<_> = call.args.iter().map(|(name, v)| format!("{}: {}", name.name, value(v))).collect();
        let _ = writeln!(out, "    {}({})", call.kernel.name, args.join(", "));
    }
    for expect in &case.expect {
        let _ = match expect {
            Expect::Near { output, value: v, tol } => {
                writeln!(out, "    {} ~ {} within {tol}", output.name, value(v))
            }
            Expect::Equal { output, value: v } => writeln!(out, "    {} == {}", output.name, value(v)),
            Expect::Error(_) => writeln!(out, "    error"),
        };
    }
    case.other.iter().for_each(|(key, value)| put(writeln!(out, "    {} = {}", key.name, node(value))));
}

fn law(out: &mut String, law: &Law) {
    let vars: Vec<_> = law.vars.iter().map(|v| format!("{} in {}..{}", v.name.name, v.low, v.high)).collect();
    let op = law.tol.map_or("==".to_owned(), |tol| format!("~ within {tol}"));
    let _ = writeln!(out, "  law {} for {}", law.name.name, vars.join(", "));
    let _ = writeln!(out, "    {} {op} {}", expr(&law.lhs), expr(&law.rhs));
}

fn kernel(out: &mut String, k: &Kernel, pad: &str) {
    let params = |params: &[Param]| {
        params.iter().map(|p| format!("{}: {}", p.name.name, ty(&p.ty))).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(
        out,
        "{pad}kernel {}{}({}) -> ({}){}",
        k.name.name,
        generic(&k.generics),
        params(&k.params),
        params(&k.outputs),
        doc(&k.doc)
    );
    k.constraints.iter().for_each(|c| put(writeln!(out, "{pad}  where {}", expr(c))));
    k.instances.iter().for_each(|(name, of)| put(writeln!(out, "{pad}  for {} in {}", name.name, names(of))));
    k.specialise.iter().for_each(|(name, of)| put(writeln!(out, "{pad}  specialise {}: {of:?}", name.name)));
    k.body.iter().for_each(|s| stmt(out, s, &format!("{pad}  ")));
}

fn stmt(out: &mut String, stmt_: &Stmt, pad: &str) {
    match stmt_ {
        Stmt::Define(d) => {
            let indices = d.indices.as_ref().map_or(String::new(), |indices| {
                let shown = indices.iter().map(|i| {
                    let range = i.range.as_ref().map_or(String::new(), |r| format!(" in {}", expr(r)));
                    expr(&i.expr) + &range
                });
                format!("[{}]", shown.collect::<Vec<_>>().join(", "))
            });
            let ty = d.ty.as_ref().map_or(String::new(), |t| format!(": {}", ty(t)));
            let op = if d.op == DefineOp::Assign { ":=" } else { "=" };
            let _ =
                writeln!(out, "{pad}{}{indices}{ty} {op} {}{}", names(&d.names), expr(&d.value), doc(&d.doc));
        }
        Stmt::For { var, count, body, .. } => {
            let _ = writeln!(out, "{pad}for {} in {}", var.name, expr(count));
            body.iter().for_each(|s| stmt(out, s, &format!("{pad}  ")));
        }
    }
}

fn layer(out: &mut String, l: &Layer) {
    let _ = writeln!(out, "layer {}{}[{}]{}", l.name.name, generic(&l.generics), names(&l.dims), doc(&l.doc));
    l.constraints.iter().for_each(|c| put(writeln!(out, "  where {}", expr(c))));
    l.instances.iter().for_each(|(name, of)| put(writeln!(out, "  for {} in {}", name.name, names(of))));
    for w in &l.weights {
        let kind = match &w.kind {
            WeightKind::Tensor(t) => format!("tensor {}", ty(t)),
            WeightKind::Layer { layer, generics, dims, count } => {
                let count = count.as_ref().map_or(String::new(), |c| format!(" * {}", expr(c)));
                format!("layer {}{}[{}]{count}", layer.name, generic(generics), exprs(dims))
            }
        };
        let tensor = w.tensor.as_ref().map_or(String::new(), |t| format!(" from {:?}", t.name));
        let _ = writeln!(out, "  weight {}: {kind}{tensor}", w.name.name);
    }
    l.state.iter().for_each(|p| put(writeln!(out, "  state {}: {}", p.name.name, ty(&p.ty))));
    l.methods.iter().for_each(|m| kernel(out, m, "  "));
}

/// A declarative value; how it was written shows.
fn node(n: &Node) -> String {
    let shown = match &n.kind {
        NodeKind::Empty => "()".to_owned(),
        NodeKind::Raw(text) => format!("raw {text:?}"),
        NodeKind::Quoted(text) => format!("quoted {text:?}"),
        NodeKind::Block(text) => format!("block {text:?}"),
        NodeKind::Map(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{}: {}", key.name, node(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        NodeKind::Seq(items) => format!("[{}]", items.iter().map(node).collect::<Vec<_>>().join(", ")),
    };
    shown + &doc(&n.comment)
}

fn value(v: &Value) -> String {
    match &v.kind {
        ValueKind::Number(n) => format!("{n:?}"),
        ValueKind::Bool(b) => b.to_string(),
        ValueKind::List(list) => format!("[{}]", list.iter().map(value).collect::<Vec<_>>().join(", ")),
    }
}

fn ty(t: &Ty) -> String {
    let elem = match &t.elem {
        TyElem::Dim => "dim".to_owned(),
        TyElem::Named(name) => name.name.clone(),
        TyElem::Idx(bound) => format!("idx<{}>", expr(bound)),
        TyElem::Len(bound) => format!("len<{}>", expr(bound)),
    };
    if t.shape.is_empty() { elem } else { format!("{elem}[{}]", exprs(&t.shape)) }
}

/// An expression with every grouping shown.
#[must_use]
pub fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Float(n) => format!("{n:?}"),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Index { base, indices, outside } => {
            let outside = outside.as_ref().map_or(String::new(), |o| format!("; {}", expr(o)));
            format!("{}[{}{outside}]", expr(base), exprs(indices))
        }
        ExprKind::Call { callee, generic, indices, guard, args } => {
            let mut out = callee.name.clone();
            if let Some(generic) = generic {
                let _ = write!(out, "<{}>", expr(generic));
            }
            if let Some(indices) = indices {
                let indices = indices.iter().map(|b| {
                    b.name.name.clone()
                        + &b.range.as_ref().map_or(String::new(), |r| format!(" in {}", expr(r)))
                });
                let guard = guard.as_ref().map_or(String::new(), |g| format!(" if {}", expr(g)));
                let _ = write!(out, "{{{}{guard}}}", indices.collect::<Vec<_>>().join(", "));
            }
            if let Some(args) = args {
                let args = args.iter().map(|arg| {
                    arg.name.as_ref().map_or(String::new(), |n| format!("{}: ", n.name)) + &expr(&arg.value)
                });
                let _ = write!(out, "({})", args.collect::<Vec<_>>().join(", "));
            }
            out
        }
        ExprKind::Unary(UnOp::Neg, x) => format!("(-{})", expr(x)),
        ExprKind::Unary(UnOp::Not, x) => format!("(not {})", expr(x)),
        ExprKind::Binary(op, a, b) => format!("({} {} {})", expr(a), sign(*op), expr(b)),
        ExprKind::If(c, a, b) => format!("(if {} then {} else {})", expr(c), expr(a), expr(b)),
    }
}

fn sign(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::IDiv => "//",
        BinOp::Mod => "%",
        BinOp::Pow => "^",
        BinOp::Lt => "<",
        BinOp::Le => "<=",
        BinOp::Gt => ">",
        BinOp::Ge => ">=",
        BinOp::Eq => "==",
        BinOp::Ne => "!=",
        BinOp::And => "and",
        BinOp::Or => "or",
    }
}

/// `<A, B>`, nothing if there are none.
fn generic(list: &[Ident]) -> String {
    if list.is_empty() { String::new() } else { format!("<{}>", names(list)) }
}

fn exprs(list: &[Expr]) -> String {
    list.iter().map(expr).collect::<Vec<_>>().join(", ")
}

fn names(list: &[Ident]) -> String {
    list.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn doc(doc: &Option<String>) -> String {
    doc.as_ref().map_or(String::new(), |doc| format!("  # {}", doc.replace('\n', " | ")))
}
