//! Layers and models: sizes, weights, sublayers and configuration around a forward.

use std::rc::Rc;

use super::builder::{Builder, Entry, Local};
use super::forward::{self, Member};
use super::globals::{Cx, Global};
use super::packed::NUMBER;
use super::types::{self, Elem};
use crate::ast::{self, ExprKind, UnOp, WeightKind};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{
    Arg, Atom, Check, DType, Dim, DimBind, DimId, Input, InputKind, Int, Layer, Model, ModelConfig, Stored,
    Sublayer, WeightTensor,
};

/// The instance of a layer; `None` if it has errors.
pub(super) fn instance(cx: &mut Cx<'_>, file: usize, at: usize, types: Vec<Elem>) -> Option<Rc<Layer>> {
    let key = (file, at, types);
    if let Some(known) = cx.layers.get(&key) {
        return known.clone();
    }
    let global = Global::Layer(file, at);
    let unit: &ast::File = cx.units[file].file;
    let ast = &unit.layers[at];
    if cx.active.contains(&global) {
        let d = Diagnostic::error(
            "V0507",
            ast.name.span,
            format!("the layer `{}` contains itself", ast.name.name),
        )
        .hint("a layer is made of smaller ones; repeat with `* L` and `for`");
        cx.report(file, d);
        return None;
    }
    cx.active.push(global);
    let layer = build(cx, file, ast, &[], &key.2).map(Rc::new);
    cx.active.pop();
    cx.layers.insert(key, layer.clone());
    layer
}

/// A model of the file being checked, for the types of its generics.
pub(super) fn model(cx: &mut Cx<'_>, at: usize, types: &[Elem]) -> Option<Model> {
    let unit: &ast::File = cx.units[0].file;
    let ast = &unit.models[at];
    let config = config(cx, &ast.config);
    let mut layer = build(cx, 0, &ast.layer, &ast.config, types)?;
    // A model has no caller: what its sizes decide is decided when it is loaded.
    let own = layer.dims.len();
    let (early, late) = layer.forward.checks.drain(..).partition(|c| decided_by(c, own));
    layer.forward.checks = late;
    layer.checks.extend::<Vec<Check>>(early);
    Some(Model { layer, config: config? })
}

/// Whether a condition is about the first `own` sizes alone.
fn decided_by(c: &Check, own: usize) -> bool {
    let mut alone = true;
    let mut note = |i: &Int| {
        i.visit_leaves(&mut |a| alone &= matches!(a, Atom::Dim(d) if d.index() < own));
    };
    match c {
        Check::Axis { .. } => return false,
        Check::Where { lhs, rhs, .. } => [lhs, rhs].into_iter().for_each(&mut note),
        Check::InRange { domain, low, high, extent, .. } => {
            domain.iter().chain([low, high, extent]).for_each(&mut note);
        }
    }
    alone
}

/// `BertLayerBf16`, `BertLayerQ8_0`.
fn instance_name(cx: &Cx<'_>, base: &str, generics: &[Elem]) -> String {
    generics.iter().fold(base.to_string(), |mut name, t| {
        let word = types::ending(cx, t);
        let mut letters = word.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.extend(letters);
        name
    })
}

fn build<'a>(
    cx: &mut Cx<'a>,
    file: usize,
    ast: &'a ast::Layer,
    config: &'a [ast::ConfigEntry],
    generics: &[Elem],
) -> Option<Layer> {
    let is_dim = |n: &str| n.starts_with(|c: char| c.is_ascii_uppercase());
    let dims: Vec<(String, Span)> = ast
        .dims
        .iter()
        .chain(config.iter().map(|c| &c.name).filter(|n| is_dim(&n.name)))
        .map(|n| (n.name.clone(), n.span))
        .collect();
    let name = instance_name(cx, &ast.name.name, generics);
    let mut b = Builder::new(cx, file, String::new());
    for (g, t) in ast.generics.iter().zip(generics) {
        b.generics.insert(g.name.clone(), t.clone());
    }
    let mut fine = Some(());
    for (k, (name, span)) in (0u32..).zip(&dims) {
        if let Some(first) = b.locals.get(name).map(|e| e.span) {
            b.defined_twice(name, *span, first);
            fine = None;
        }
        b.k.dims.push(Dim { name: name.clone(), bind: DimBind::Layer });
        b.locals.insert(name.clone(), Entry { local: Local::Dim(DimId(k)), span: *span });
    }
    let constrained = b.declare_constraints(&ast.constraints);
    fine = fine.and(constrained);
    let mut layer = Layer {
        name,
        doc: ast.doc.clone().unwrap_or_default(),
        dims: dims.iter().map(|(n, _)| n.clone()).collect(),
        checks: b.k.checks.clone(),
        weights: vec![],
        sublayers: vec![],
        scalars: vec![],
        forward: forward::empty(),
    };
    for c in config.iter().filter(|c| !is_dim(&c.name.name)) {
        let input =
            Input { name: c.name.name.clone(), dtype: DType::F32, shape: vec![], kind: InputKind::Argument };
        let local = Local::Outer(Arg::Scalar(layer.scalars.len()), Box::new(input));
        layer.scalars.push(c.name.name.clone());
        fine = fine.and(b.declare_member(&c.name, local));
    }
    let mut members = vec![];
    for w in &ast.weights {
        fine = fine.and(b.weight(w, &mut layer, &mut members));
    }
    let checks = std::mem::take(&mut b.k.checks);
    layer.checks = checks;
    for s in &ast.state {
        let d = Diagnostic::error("V0530", s.name.span, "state is not generated yet")
            .hint("pass what must be remembered as an argument and return it as an output");
        b.err(b.here(s.name.span), d);
        fine = None;
    }
    let method = method(&mut b, ast);
    let locals = std::mem::take(&mut b.locals);
    let generics_map = std::mem::take(&mut b.generics);
    let forward = method.and_then(|m| {
        forward::build(
            cx,
            forward::Surroundings {
                file,
                dims: &dims,
                generics: generics_map,
                locals,
                members,
                layer: &layer,
            },
            ast,
            m,
        )
    });
    fine?;
    layer.forward = forward?;
    Some(layer)
}

/// The one method there must be.
fn method<'a>(b: &mut Builder<'_, 'a>, ast: &'a ast::Layer) -> Option<&'a ast::Kernel> {
    for m in ast.methods.iter().filter(|m| m.name.name != "forward") {
        let d = Diagnostic::error(
            "V0530",
            m.name.span,
            format!("the method `{}` is not generated yet", m.name.name),
        )
        .hint("a layer has one method, `forward`; make another layer for the rest");
        b.err(b.here(m.name.span), d);
    }
    let found = ast.methods.iter().find(|m| m.name.name == "forward");
    if found.is_none() && !b.cx.incomplete(b.file, ast.span) {
        let d = Diagnostic::error("V0501", ast.name.span, format!("`{}` has no `forward`", ast.name.name))
            .hint("say what it computes: `forward(x: f32[T, D]) -> y: f32[T, D]:`");
        b.err(b.here(ast.name.span), d);
    }
    found
}

impl<'a> Builder<'_, 'a> {
    fn declare_member(&mut self, name: &'a ast::Ident, local: Local) -> Option<()> {
        if let Some(first) = self.locals.get(&name.name).map(|e| e.span) {
            self.defined_twice(&name.name, name.span, first);
            return None;
        }
        self.locals.insert(name.name.clone(), Entry { local, span: name.span });
        Some(())
    }

    fn weight(&mut self, w: &'a ast::Weight, layer: &mut Layer, members: &mut Vec<Member>) -> Option<()> {
        match &w.kind {
            WeightKind::Tensor(ty) => {
                let Some((dtype, shape, stored)) = self.tensor_type(ty) else {
                    let poisoned = Entry { local: Local::Poison, span: w.name.span };
                    self.locals.insert(w.name.name.clone(), poisoned);
                    return None;
                };
                let name = w.name.name.clone();
                let input =
                    Input { name, dtype: dtype.clone(), shape: shape.clone(), kind: InputKind::Weight };
                let local = Local::Outer(Arg::Weight(layer.weights.len()), Box::new(input));
                let tensor = w.tensor.as_ref().map_or_else(|| w.name.name.clone(), |t| t.name.clone());
                layer.weights.push(WeightTensor { name: w.name.name.clone(), dtype, shape, tensor, stored });
                self.declare_member(&w.name, local)
            }
            WeightKind::Layer { layer: used, generics, dims, count } => {
                let made = self.sublayer(w, used, generics, dims, count.as_ref());
                let Some((sub, callee)) = made else {
                    self.locals
                        .insert(w.name.name.clone(), Entry { local: Local::Poison, span: w.name.span });
                    return None;
                };
                let local = Local::Sublayer(layer.sublayers.len());
                layer.sublayers.push(sub);
                members.push(callee);
                self.declare_member(&w.name, local)
            }
        }
    }

    /// Element type, extents and format of a tensor of weights.
    fn tensor_type(&mut self, ty: &'a ast::Ty) -> Option<(DType, Vec<Int>, Option<Stored>)> {
        let env = self.root();
        let stored_in = self.stored_in(ty);
        let dtype = if stored_in.is_some() { Some(NUMBER.clone()) } else { self.dtype(&ty.elem, &env) };
        let shape: Vec<_> = ty.shape.iter().map(|e| self.size(e, &env)).collect();
        let shape: Vec<Int> = shape.into_iter().collect::<Option<_>>()?;
        let dtype = dtype?;
        if !matches!(dtype, DType::F32 | DType::F16 | DType::BF16) {
            let shown = self.show_type(&dtype);
            let d =
                Diagnostic::error("V0530", ty.span, format!("weights of type `{shown}` are not loaded yet"))
                    .hint("weights are f32, f16, bf16 or in a format");
            self.err(self.here(ty.span), d);
            return None;
        }
        let Some((file, at)) = stored_in else { return Some((dtype, shape, None)) };
        let format = super::formats::format(self.cx, file, at)?;
        if let Some(last) = shape.last() {
            self.whole(last, format.block);
        }
        let module = (file != self.file).then(|| self.cx.units[file].stem.clone());
        Some((dtype, shape, Some(Stored { format, module })))
    }

    fn sublayer(
        &mut self,
        w: &'a ast::Weight,
        used: &'a ast::Ident,
        generics: &'a [ast::Ident],
        dims: &'a [ast::Expr],
        count: Option<&'a ast::Expr>,
    ) -> Option<(Sublayer, Member)> {
        let env = self.root();
        let Some(Global::Layer(file, at)) = self.cx.find(self.file, &used.name) else {
            if self.cx.left_out(self.file, &used.name) {
                return None;
            }
            let mut d = Diagnostic::error("V0502", used.span, format!("there is no layer `{}`", used.name));
            d.hint = self.cx.suggest(self.file, &used.name, &|g| matches!(g, Global::Layer(..)));
            self.err(self.here(used.span), d);
            return None;
        };
        let unit: &'a ast::File = self.cx.units[file].file;
        let ast = &unit.layers[at];
        if dims.len() != ast.dims.len() || generics.len() != ast.generics.len() {
            let list: Vec<&str> = ast.dims.iter().map(|d| d.name.as_str()).collect();
            let types: Vec<&str> = ast.generics.iter().map(|d| d.name.as_str()).collect();
            let types = if types.is_empty() { String::new() } else { format!("<{}>", types.join(", ")) };
            let d = Diagnostic::error(
                "V0503",
                w.span,
                format!("`{}` is made with {} sizes, not {}", used.name, ast.dims.len(), dims.len()),
            )
            .hint(format!("its form is `{}{types}[{}]`", used.name, list.join(", ")));
            self.err(self.here(w.span), d);
            return None;
        }
        let mut element_types = vec![];
        for g in generics {
            element_types.push(match self.elem(&g.name) {
                Some(known) => known,
                None => Elem::Type(self.plain_dtype(&ast::TyElem::Named(g.clone()))?),
            });
        }
        let values: Vec<_> = dims.iter().map(|e| self.size(e, &env)).collect();
        let values: Vec<_> = values.into_iter().collect::<Option<_>>()?;
        let count = match count {
            Some(e) => Some(self.size(e, &env)?),
            None => None,
        };
        let prefix = match &w.tensor {
            Some(t) => t.name.clone(),
            None if count.is_some() => format!("{}.{{i}}.", w.name.name),
            None => format!("{}.", w.name.name),
        };
        if prefix.contains("{i}") != count.is_some() {
            let place = w.tensor.as_ref().map_or(w.span, |t| t.span);
            let d = if count.is_some() {
                Diagnostic::error(
                    "V0509",
                    place,
                    format!("the copies of `{}` would share their tensors", w.name.name),
                )
                .hint(format!("say where the number goes: `\"{prefix}{{i}}.\"`"))
            } else {
                Diagnostic::error(
                    "V0509",
                    place,
                    format!("`{{i}}` needs copies, `{}` is a single layer", w.name.name),
                )
                .hint("repeat it with `* L`, or leave `{i}` out")
            };
            self.err(self.here(place), d);
            return None;
        }
        if file != self.file {
            self.listed_instance(w, ast, file, &element_types)?;
        }
        let Some(layer) = instance(self.cx, file, at, element_types.clone()) else {
            if file != self.file {
                let d = Diagnostic::error(
                    "V0218",
                    used.span,
                    format!("the layer `{}` of the imported spec has errors", used.name),
                )
                .hint(format!("run `vibee check` on `{}`", self.cx.units[file].source.path));
                self.err(self.here(used.span), d);
            }
            return None;
        };
        let module = (file != self.file).then(|| self.cx.units[file].stem.clone());
        let sub = Sublayer {
            name: w.name.name.clone(),
            layer: layer.name.clone(),
            module,
            dims: values,
            count,
            prefix,
        };
        Some((sub, Member { layer, file, at }))
    }

    /// Layers of other specs exist in the instances listed there only.
    fn listed_instance(
        &mut self,
        w: &'a ast::Weight,
        ast: &ast::Layer,
        file: usize,
        wanted: &[Elem],
    ) -> Option<()> {
        for (g, t) in ast.generics.iter().zip(wanted) {
            let mut listed =
                ast.instances.iter().filter(|(n, _)| n.name == g.name).flat_map(|(_, list)| list);
            let is_listed = |n: &ast::Ident| match (types::word(&n.name), t) {
                (Some(word), Elem::Type(t)) => word == *t,
                (None, Elem::Format(f, at)) => self.cx.find(file, &n.name) == Some(Global::Format(*f, *at)),
                _ => false,
            };
            if !listed.any(is_listed) {
                let shown = types::ending(self.cx, t);
                let d = Diagnostic::error(
                    "V0208",
                    w.span,
                    format!("`{}` has no instance for `{} = {shown}`", ast.name.name, g.name),
                )
                .hint(format!("list it in the spec that declares the layer: `for {} in …, {shown}`", g.name));
                self.err(self.here(w.span), d);
                return None;
            }
        }
        Some(())
    }
}

/// Configuration entries with their literals evaluated.
fn config(cx: &mut Cx<'_>, entries: &[ast::ConfigEntry]) -> Option<Vec<ModelConfig>> {
    let mut out = vec![];
    let mut fine = Some(());
    for c in entries {
        let is_dim = c.name.name.starts_with(|x: char| x.is_ascii_uppercase());
        let value = match &c.value {
            None => None,
            Some(e) => {
                let v = literal(e).filter(|v| !is_dim || (v.fract() == 0.0 && *v >= 0.0 && *v <= 9e15));
                if v.is_none() {
                    let what = if is_dim { "a size is a whole number" } else { "a scalar is a number" };
                    let d = Diagnostic::error(
                        "V0506",
                        e.span,
                        format!("{what}, known without the configuration"),
                    )
                    .label(format!("the value of `{}`", c.name.name));
                    cx.report(0, d);
                    fine = None;
                }
                v
            }
        };
        if value.is_none() && c.key.is_none() && c.value.is_none() {
            let d = Diagnostic::error(
                "V0506",
                c.name.span,
                format!("`{}` has neither a key nor a value", c.name.name),
            )
            .hint(format!("name its key in the configuration file: `{}: hidden_size`", c.name.name));
            cx.report(0, d);
            fine = None;
        }
        let key = c.key.as_ref().map(|k| k.name.clone());
        out.push(ModelConfig { name: c.name.name.clone(), key, value });
    }
    fine?;
    Some(out)
}

fn literal(e: &ast::Expr) -> Option<f64> {
    match &e.kind {
        // Sizes beyond 2^53 are refused by the caller.
        #[allow(clippy::cast_precision_loss)]
        ExprKind::Int(v) => Some(*v as f64),
        ExprKind::Float(v) => Some(*v),
        ExprKind::Unary(UnOp::Neg, e) => Some(-literal(e)?),
        _ => None,
    }
}
