//! The steps of a forward: straight-line segments, sublayer calls and loops, over planned values.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{Arg, InputId, Layer, ParamRef, Step, ValueId};

use super::collect::{collect_carried, collect_indexed};
use super::{Compute, Cx};
use crate::emit::kernel::{Style, kernel};
use crate::emit::names::{camel, ident, snake};
use crate::{passes, schedule};

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

    pub(super) fn steps(&self, plan: &Plan, steps: &[Step], next: &mut usize, out: &mut TokenStream) {
        for s in steps {
            match s {
                Step::Compute { outs, .. } => {
                    let c = &self.steps[*next];
                    *next += 1;
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
                    out.extend(quote!(#name(&mut scratch.reborrow(), par, #(#args),*);));
                }
                Step::Call { sublayer, indexed, args, outs } => {
                    let field = ident(&snake(&self.layer.sublayers[*sublayer].name));
                    let receiver = if *indexed { quote!(#field) } else { quote!(self.#field) };
                    let mut values: Vec<TokenStream> =
                        args.iter().map(|a| self.argument(plan, *a, self.is_array(*a))).collect();
                    values.extend(outs.iter().map(|o| self.target(plan, *o)));
                    out.extend(quote!(#receiver.forward_in(scratch.reborrow(), par, #(#values),*)?;));
                }
                Step::Loop { count, body, carried } => {
                    let mut inside = TokenStream::new();
                    self.steps(plan, body, next, &mut inside);
                    for (a, b) in carried {
                        let (a, b) = (plan.name(self, *a), plan.name(self, *b));
                        inside.extend(quote!(std::mem::swap(&mut #a, &mut #b);));
                    }
                    let mut indexed = Vec::new();
                    collect_indexed(body, &mut indexed);
                    let count = self.exact(count);
                    let fields: Vec<Ident> =
                        indexed.iter().map(|s| ident(&snake(&self.layer.sublayers[*s].name))).collect();
                    out.extend(match fields.as_slice() {
                        [] => quote!(for _ in 0..#count { #inside }),
                        [one] => quote!(for #one in self.#one.iter().take(#count) { #inside }),
                        [first, rest @ ..] => {
                            let pattern = rest.iter().fold(quote!(#first), |p, f| quote!((#p, #f)));
                            let zip =
                                rest.iter().fold(quote!(self.#first.iter()), |z, f| quote!(#z.zip(&self.#f)));
                            quote!(for #pattern in #zip.take(#count) { #inside })
                        }
                    });
                }
            }
        }
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
                match (self.packed.contains_key(&w), array) {
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

    pub(super) fn step_items(&self) -> Vec<TokenStream> {
        let mut items = Vec::new();
        for c in &self.steps {
            let packed: BTreeSet<InputId> = c
                .args
                .iter()
                .enumerate()
                .filter(|(_, a)| matches!(a, Arg::Weight(w) if self.packed.contains_key(w)))
                .map(|(n, _)| InputId(n as u32))
                .collect();
            let base = camel(&c.name.to_string());
            let style = Style { name: c.name.clone(), base, public: false, packed: &packed };
            items.extend(kernel(&c.loops, &style, &[]).items);
        }
        items
    }
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

pub(super) fn collect_steps(layer: &Layer, steps: &[Step], out: &mut Vec<Compute>) {
    for s in steps {
        match s {
            Step::Compute { kernel, args, outs } => {
                let result = outs.last().map_or("step", |v| layer.forward.values[v.index()].name.as_str());
                let base = format!("{}_{}", snake(&layer.name), snake(result));
                let mut name = base.clone();
                let mut n = 2;
                while out.iter().any(|c| c.name == name) {
                    name = format!("{base}{n}");
                    n += 1;
                }
                let loops = schedule::run(passes::run((**kernel).clone()));
                out.push(Compute { name: ident(&name), loops, args: args.clone() });
            }
            Step::Loop { body, .. } => collect_steps(layer, body, out),
            Step::Call { .. } => {}
        }
    }
}
