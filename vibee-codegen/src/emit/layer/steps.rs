//! The steps of a forward: straight-line segments, sublayer calls and loops, over planned values.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{Arg, DType, InputId, Layer, ParamRef, Step, ValueId};

use super::collect::{collect_carried, collect_indexed};
use super::{Compute, Cx};
use crate::emit::Taken;
use crate::emit::formats::Decoders;
use crate::emit::kernel::{Style, kernel};
use crate::emit::names::{ident, snake};

impl<'a> Cx<'a> {
    pub(super) fn plan(&self) -> Plan {
        let forward = &self.layer.forward;
        let mut carried = Vec::new();
        collect_carried(&forward.steps, &mut carried);
        let inputs = forward.inputs.len();
        let stored = (0..forward.values.len())
            .map(|n| ValueId(n as u32))
            .filter(|v| {
                let is_input = v.index() < inputs;
                let is_output = forward.outputs.contains(v);
                carried.contains(v) || (!is_input && !is_output)
            })
            .collect();
        let copied = carried.iter().copied().filter(|v| v.index() < inputs).collect();
        Plan { stored, copied }
    }

    pub(super) fn steps(&self, plan: &Plan, walk: &mut Walk, steps: &[Step], out: &mut TokenStream) {
        for s in steps {
            match s {
                Step::Compute { outs, .. } => {
                    let c = &self.steps[walk.computed];
                    walk.computed += 1;
                    let name = &c.name;
                    let k = &c.loops.program.kernel;
                    let mut args: Vec<TokenStream> = Vec::new();
                    for p in &k.params {
                        if let ParamRef::Input(i) = p {
                            args.push(self.argument(plan, c.args[i.index()], !k.input(*i).shape.is_empty()));
                        }
                    }
                    args.extend(c.dims_used().iter().map(|d| {
                        let d = self.names.dim(*d);
                        quote!(#d)
                    }));
                    args.extend(outs.iter().map(|o| self.target(plan, *o)));
                    let checked = if self.is_fallible(c) { quote!(?) } else { quote!() };
                    out.extend(quote!(#name(&mut scratch.reborrow(), par, #(#args),*)#checked;));
                }
                Step::Call { sublayer, copy, args, positions, outs } => {
                    let receiver = match copy {
                        Some(depth) => {
                            let chosen = self.copy_ident(*sublayer, *depth, walk);
                            quote!(#chosen)
                        }
                        None => {
                            let field = self.field(*sublayer);
                            quote!(self.#field)
                        }
                    };
                    let mut values: Vec<TokenStream> =
                        args.iter().map(|a| self.argument(plan, *a, self.is_array(*a))).collect();
                    for n in positions.iter().filter(|n| !self.is_position(args[**n])) {
                        // What is below zero is refused there, as too large.
                        let value = &values[*n];
                        values[*n] = quote!(#value as usize);
                    }
                    values.extend(outs.iter().map(|o| self.target(plan, *o)));
                    out.extend(quote!(#receiver.forward_in(scratch.reborrow(), par, #(#values),*)?;));
                }
                Step::Loop { count, body, carried } => {
                    let depth = walk.loops.len();
                    let mut indexed = Vec::new();
                    collect_indexed(body, depth, &mut indexed);
                    walk.loops.push(indexed.clone());
                    let mut inside = TokenStream::new();
                    self.steps(plan, walk, body, &mut inside);
                    // What an inner loop rebinds is in its place already.
                    for (a, b) in carried.iter().filter(|(a, b)| a != b) {
                        let (a, b) = (plan.name(self, *a), plan.name(self, *b));
                        inside.extend(quote!(std::mem::swap(&mut #a, &mut #b);));
                    }
                    let count = self.exact(count);
                    let copies: Vec<(Ident, Ident)> =
                        indexed.iter().map(|s| (self.copy_ident(*s, depth, walk), self.field(*s))).collect();
                    walk.loops.pop();
                    out.extend(match copies.as_slice() {
                        [] => quote!(for _ in 0..#count { #inside }),
                        [(one, field)] => quote!(for #one in self.#field.iter().take(#count) { #inside }),
                        [(first, field), rest @ ..] => {
                            let pattern = rest.iter().fold(quote!(#first), |p, (f, _)| quote!((#p, #f)));
                            let zip = rest
                                .iter()
                                .fold(quote!(self.#field.iter()), |z, (_, f)| quote!(#z.zip(&self.#f)));
                            quote!(for #pattern in #zip.take(#count) { #inside })
                        }
                    });
                }
            }
        }
    }

    /// Whether a step's function looks at bytes as blocks.
    fn is_fallible(&self, c: &Compute) -> bool {
        c.decoded.values().any(|s| {
            !matches!(c.args.get(s.bytes.index()), Some(Arg::Weight(w)) if self.rearranged.contains_key(w))
        })
    }

    /// The field of a sublayer.
    fn field(&self, sublayer: usize) -> Ident {
        ident(&snake(&self.layer.sublayers[sublayer].name))
    }

    /// The variable of a loop for a sublayer's copy: named like the field, numbered if a loop further
    /// out has one for another copy.
    fn copy_ident(&self, sublayer: usize, depth: usize, walk: &Walk) -> Ident {
        let field = self.field(sublayer);
        let outer = walk.loops[..depth].iter().filter(|l| l.contains(&sublayer)).count();
        if outer == 0 { field } else { format_ident!("{field}{}", outer + 1) }
    }

    /// Whether a variable is a `usize` already.
    fn is_position(&self, a: Arg) -> bool {
        let Arg::Value(v) = a else { return false };
        let input = self.layer.forward.inputs.get(v.index());
        input.is_some_and(|i| i.shape.is_empty() && matches!(i.dtype, DType::Idx(_) | DType::Len(_)))
    }

    pub(super) fn is_array(&self, a: Arg) -> bool {
        match a {
            Arg::Value(v) => !self.layer.forward.values[v.index()].shape.is_empty(),
            Arg::Weight(w) => !self.layer.weights[w].shape.is_empty(),
            Arg::Scalar(_) => false,
        }
    }

    pub(super) fn argument(&self, plan: &Plan, a: Arg, array: bool) -> TokenStream {
        match a {
            Arg::Value(v) => {
                let name = plan.name(self, v);
                let given = v.index() < self.layer.forward.inputs.len() && !plan.stored.contains(&v);
                match (given, array) {
                    (true, _) => quote!(#name),
                    (false, true) => quote!(#name.view()),
                    (false, false) => quote!(#name.at([])),
                }
            }
            Arg::Weight(w) => {
                let field = ident(&snake(&self.layer.weights[w].name));
                match (self.packed.contains_key(&w) || self.rearranged.contains_key(&w), array) {
                    (true, _) => quote!(&self.#field),
                    (false, true) => quote!(self.#field.view()),
                    (false, false) => quote!(self.#field.view().at([])),
                }
            }
            Arg::Scalar(s) => {
                let field = ident(&snake(&self.layer.scalars[s]));
                quote!(self.#field)
            }
        }
    }

    pub(super) fn target(&self, plan: &Plan, v: ValueId) -> TokenStream {
        let name = plan.name(self, v);
        quote!(#name.reborrow())
    }

    pub(super) fn step_items(&self, taken: &mut Taken) -> Vec<TokenStream> {
        let mut items = Vec::new();
        for c in &self.steps {
            let weights = |wanted: &dyn Fn(&usize) -> bool| -> BTreeSet<InputId> {
                let args = c.args.iter().enumerate();
                let wanted = args.filter(|(_, a)| matches!(a, Arg::Weight(w) if wanted(w)));
                wanted.map(|(n, _)| InputId(n as u32)).collect()
            };
            let packed = weights(&|w| self.packed.contains_key(w));
            let strips = weights(&|w| self.rearranged.contains_key(w));
            items.extend(taken.kernel(&c.name, |base| {
                let style = Style {
                    name: c.name.clone(),
                    base,
                    public: false,
                    packed: &packed,
                    strips: &strips,
                    decoded: &c.decoded,
                };
                kernel(&c.loops, &style, &[])
            }));
        }
        items
    }
}

/// Where the emission of steps is.
#[derive(Default)]
pub(super) struct Walk {
    /// Segments passed.
    computed: usize,
    /// Of every loop around the step, outermost first: the sublayers whose copies it chooses.
    loops: Vec<Vec<usize>>,
}

/// Which values have buffers in the arena.
pub(super) struct Plan {
    pub(super) stored: Vec<ValueId>,
    /// Arguments that a loop overwrites: copied first.
    pub(super) copied: Vec<ValueId>,
}

impl Plan {
    /// The variable of a value: its buffer if it has one.
    pub(super) fn name(&self, cx: &Cx<'_>, v: ValueId) -> Ident {
        let name = &cx.values[v.index()];
        let forward = &cx.layer.forward;
        let shadows = v.index() < forward.inputs.len() || forward.outputs.contains(&v);
        if self.stored.contains(&v) && shadows { format_ident!("{name}_now") } else { name.clone() }
    }
}

pub(super) fn collect_steps(
    layer: &Layer,
    steps: &[Step],
    taken: &mut Taken,
    decoders: &mut Decoders,
    out: &mut Vec<Compute>,
) {
    for s in steps {
        match s {
            Step::Compute { kernel, args, outs } => {
                let result = outs.last().map_or("step", |v| layer.forward.values[v.index()].name.as_str());
                let name = taken.function(&format!("{}_{}", snake(&layer.name), snake(result)));
                let (loops, decoded) = decoders.loops(kernel, &mut taken.types);
                out.push(Compute { name: ident(&name), loops, decoded, args: args.clone() });
            }
            Step::Loop { body, .. } => collect_steps(layer, body, taken, decoders, out),
            Step::Call { .. } => {}
        }
    }
}
