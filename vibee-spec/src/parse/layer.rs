//! Entries of `layers:` and `models:`: weights, state, configuration, methods.

use super::header::Clauses;
use super::kernel;
use super::line::Line;
use super::literal;
use super::statement::{missing_body, no_children};
use super::tree::Entry;
use crate::ast::{ConfigEntry, Ident, Layer, Model, TyElem, Weight, WeightKind};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::scan::Sink;
use crate::span::Span;
use pest::iterators::Pair;
use std::collections::HashMap;

/// Parts of a layer that are not methods.
const LAYER_PARTS: &[&str] = &["weights", "state"];

/// Parts of a model that are not methods.
const MODEL_PARTS: &[&str] = &["config", "weights", "state"];

/// One layer.
pub(super) fn layer(entry: &Entry, sink: &mut Sink) -> Option<Layer> {
    read(entry, LAYER_PARTS, sink).map(|(layer, _)| layer)
}

/// One model: a layer with a configuration.
pub(super) fn model(entry: &Entry, sink: &mut Sink) -> Option<Model> {
    read(entry, MODEL_PARTS, sink).map(|(layer, config)| Model { config, layer })
}

fn read(entry: &Entry, parts: &[&str], sink: &mut Sink) -> Option<(Layer, Vec<ConfigEntry>)> {
    let header = header(entry, sink);
    // The parts below a broken header are still read, for their own errors.
    let mut layer =
        header.unwrap_or_else(|| empty(Ident { name: String::new(), span: entry.line.span }, entry));
    let mut config = Vec::new();
    let mut seen = HashMap::new();
    for child in &entry.children {
        let Some((name, rest)) = part_name(child) else {
            layer.methods.extend(kernel::kernel(child, sink));
            continue;
        };
        if !parts.contains(&name.name.as_str()) {
            sink.push(unknown(&name, parts));
            continue;
        }
        if let Some(first) = seen.insert(name.name.clone(), name.span) {
            sink.push(
                Diagnostic::error("V0013", name.span, format!("`{}` is written twice", name.name))
                    .label("second time")
                    .also(first, "first time")
                    .hint("merge the two, or rename one"),
            );
        }
        if child.line.broken {
            continue;
        }
        match name.name.as_str() {
            "config" => config = configuration(child, rest, sink),
            "state" => {
                for line in lines(child, rest, sink) {
                    layer.state.extend(one(Rule::state_line, line, sink, |cx, pair| {
                        cx.param(pair.into_inner().next()?)
                    }));
                }
            }
            _ => {
                for line in lines(child, rest, sink) {
                    let generics = &layer.generics;
                    layer.weights.extend(one(Rule::weight, line, sink, |cx, pair| cx.weight(pair, generics)));
                }
            }
        }
    }
    if layer.name.name.is_empty() {
        return None;
    }
    if entry.children.is_empty() {
        sink.push(missing_body(entry.line.span));
        return None;
    }
    Some((layer, config))
}

fn empty(name: Ident, entry: &Entry) -> Layer {
    Layer {
        name,
        generics: Vec::new(),
        dims: Vec::new(),
        instances: Vec::new(),
        constraints: Vec::new(),
        weights: Vec::new(),
        state: Vec::new(),
        methods: Vec::new(),
        doc: entry.docs(),
        span: entry.span(),
    }
}

fn header(entry: &Entry, sink: &mut Sink) -> Option<Layer> {
    let line = &entry.line;
    if line.broken {
        return None;
    }
    let (mut cx, pair) = Line::parse(Rule::layer_header, &line.text, line.span, sink)?;
    let mut parts = pair.into_inner();
    let mut layer = empty(cx.new_name(&parts.next()?), entry);
    let mut clauses = Clauses::default();
    for part in parts {
        match part.as_rule() {
            Rule::generics => layer.generics = cx.names(part),
            Rule::index_params => layer.dims = cx.names(part),
            Rule::where_clause | Rule::for_clause => cx.clause(part, &mut clauses)?,
            Rule::allow_clause => {
                let span = cx.span(&part);
                let d = Diagnostic::error("V0226", span, "a layer computes nothing itself")
                    .label("`allow` belongs to what does")
                    .hint("move it to the header of `forward`");
                cx.sink.push(d);
                return None;
            }
            _ => {}
        }
    }
    layer.constraints = clauses.constraints;
    layer.instances = clauses.instances;
    Some(layer)
}

/// The word before the colon of a line `word: …`, and the offset behind the colon. Methods have
/// parameters before their colon.
pub(super) fn part_name(entry: &Entry) -> Option<(Ident, usize)> {
    let text = &entry.line.text;
    let colon = text.find(':')?;
    let name = text[..colon].trim_end();
    let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let start = entry.line.span.start as usize;
    is_word.then(|| (Ident { name: name.to_owned(), span: Span::new(start, start + name.len()) }, colon + 1))
}

fn unknown(name: &Ident, parts: &[&str]) -> Diagnostic {
    let listed: Vec<_> = parts.iter().map(|part| format!("`{part}:`")).collect();
    Diagnostic::error("V0126", name.span, format!("there is no part `{}` here", name.name))
        .label("unknown part")
        .hint(format!(
            "parts are {} and methods such as `forward(x: f32[T, D]) -> y: f32[T, D]:`",
            listed.join(", ")
        ))
}

/// The lines below a part; nothing may stand behind its colon.
pub(super) fn lines<'e>(part: &'e Entry, rest: usize, sink: &mut Sink) -> &'e [Entry] {
    let text = &part.line.text[rest..];
    if !text.trim().is_empty() {
        let at = part.line.span.end as usize - text.trim_start().len();
        sink.push(
            Diagnostic::error(
                "V0016",
                Span::new(at, part.line.span.end as usize),
                "this section takes indented lines",
            )
            .label("not on the line of its key")
            .hint("move it to the next line, indented by two spaces"),
        );
    } else if part.children.is_empty() {
        sink.push(missing_body(part.line.span));
    }
    &part.children
}

/// Reads one line that has none below it.
pub(super) fn one<T>(
    rule: Rule,
    entry: &Entry,
    sink: &mut Sink,
    read: impl FnOnce(&mut Line, Pair<Rule>) -> Option<T>,
) -> Option<T> {
    no_children(entry, sink);
    if entry.line.broken {
        return None;
    }
    let (mut cx, pair) = Line::parse(rule, &entry.line.text, entry.line.span, sink)?;
    read(&mut cx, pair)
}

/// `config: { … }` or lines below.
fn configuration(part: &Entry, rest: usize, sink: &mut Sink) -> Vec<ConfigEntry> {
    let text = part.line.text[rest..].trim_start();
    let mut found = Vec::new();
    if text.is_empty() {
        for line in lines(part, rest, sink) {
            found.extend(one(Rule::config_line, line, sink, |cx, pair| cx.config(pair.into_inner().next()?)));
        }
        return found;
    }
    no_children(part, sink);
    let span = Span { start: part.line.span.end - text.len() as u32, ..part.line.span };
    if let Some((mut cx, pair)) = Line::parse(Rule::config_map, text, span, sink) {
        let entries = pair.into_inner().filter(|p| p.as_rule() == Rule::config_entry);
        found.extend(entries.filter_map(|entry| cx.config(entry)));
    }
    found
}

impl Line<'_, '_> {
    /// `D: hidden_size`, `eps: layer_norm_eps = 1e-12`, `V: 32000`.
    fn config(&mut self, pair: Pair<Rule>) -> Option<ConfigEntry> {
        let mut parts = pair.into_inner();
        let mut entry = ConfigEntry { name: self.new_name(&parts.next()?), key: None, value: None };
        for part in parts {
            match part.as_rule() {
                Rule::string => entry.key = Some(self.string(&part)),
                Rule::config_key => entry.key = Some(self.ident(&part)),
                Rule::signed => {
                    let span = self.span(&part);
                    entry.value = literal::constant(part.as_str().trim_end(), span);
                    if entry.value.is_none() {
                        self.sink.push(literal::too_large(span));
                        return None;
                    }
                }
                _ => {}
            }
        }
        Some(entry)
    }

    /// `q: f32[D, D] = "name"`, `enc: BertLayer<f32>[D, H, F] * L = "prefix."`.
    fn weight(&mut self, pair: Pair<Rule>, generics: &[Ident]) -> Option<Weight> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let name = self.new_name(&parts.next()?);
        let (mut kind, mut tensor) = (None, None);
        for part in parts {
            match part.as_rule() {
                Rule::weight_type => kind = Some(self.weight_kind(part, generics)?),
                Rule::count => kind = Some(self.repeated(kind?, part)?),
                Rule::string => tensor = Some(self.string(&part)),
                _ => {}
            }
        }
        Some(Weight { name, kind: kind?, tensor, span })
    }

    /// A layer's name is capitalised and no generic of the layer around it; the rest are tensors.
    fn weight_kind(&mut self, pair: Pair<Rule>, generics: &[Ident]) -> Option<WeightKind> {
        let mut parts = pair.clone().into_inner();
        let first = parts.next()?;
        let name = self.ident(&first);
        let is_generic = generics.iter().any(|generic| generic.name == name.name);
        let next = parts.next();
        let has_generics = next.as_ref().is_some_and(|p| p.as_rule() == Rule::generics);
        let is_layer = first.as_rule() == Rule::ident
            && (has_generics || name.name.starts_with(|c: char| c.is_ascii_uppercase()) && !is_generic);
        if !is_layer {
            let ty = self.ty(pair)?;
            if matches!(ty.elem, TyElem::Dim) {
                self.sink.push(
                    Diagnostic::error("V0128", ty.span, "a weight cannot be a dim")
                        .label("dims come from shapes and `config:`")
                        .hint("write a tensor type, `f32[D]`"),
                );
                return None;
            }
            return Some(WeightKind::Tensor(ty));
        }
        let mut layer =
            WeightKind::Layer { layer: name, generics: Vec::new(), dims: Vec::new(), count: None };
        let WeightKind::Layer { generics, dims, .. } = &mut layer else { return None };
        for part in next.into_iter().chain(parts) {
            if part.as_rule() == Rule::generics {
                // Types given to a sublayer, not new names: `f32` is welcome here.
                let names = part.into_inner().filter(|p| p.as_rule() == Rule::ident);
                generics.extend(names.map(|name| self.ident(&name)));
            } else {
                *dims = self.shape(part)?;
            }
        }
        Some(layer)
    }

    /// `* L` behind a sublayer.
    fn repeated(&mut self, kind: WeightKind, count: Pair<Rule>) -> Option<WeightKind> {
        let span = self.span(&count);
        let WeightKind::Layer { layer, generics, dims, .. } = kind else {
            self.sink.push(
                Diagnostic::error("V0127", span, "only sublayers repeat")
                    .label("a tensor does not")
                    .hint("give the tensor one more axis"),
            );
            return None;
        };
        let count = Some(self.expr(count.into_inner().next()?)?);
        Some(WeightKind::Layer { layer, generics, dims, count })
    }

    fn string(&self, pair: &Pair<Rule>) -> Ident {
        Ident { name: literal::unquoted(pair.as_str()), span: self.span(pair) }
    }
}
