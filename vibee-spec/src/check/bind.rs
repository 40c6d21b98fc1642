//! Sizes of a callee from the shapes of its arguments, and its entry checks at the call.
//!
//! Serves kernel calls and sublayer calls alike: it knows shapes, not what is called.

use super::builder::{Builder, Same};
use super::hir::Place;
use super::search::{Example, divides};
use crate::diag::Diagnostic;
use crate::term::{Atom, Check, Cmp, DType, Dim, DimBind, DimId, Input, InputId, Int, Names};

/// What is called.
pub(super) struct Callee<'k> {
    pub name: &'k str,
    pub dims: &'k [Dim],
    pub inputs: &'k [Input],
    pub checks: &'k [Check],
}

/// Shape and type of an argument.
#[derive(Clone)]
pub(super) struct ArgShape {
    pub shape: Vec<Int>,
    pub dtype: DType,
}

/// The value of a callee's dim.
pub(super) fn dim_of(a: &Atom, dims: &[Int]) -> Option<Int> {
    match a {
        Atom::Dim(d) => dims.get(d.index()).cloned(),
        _ => None,
    }
}

pub(super) fn at_call(e: &Int, dims: &[Int]) -> Int {
    e.substitute(&|a| dim_of(a, dims))
}

impl Builder<'_, '_> {
    /// The callee's sizes in the caller's terms; argument shapes and types are checked on the way.
    /// `given` are sizes passed as such.
    pub fn bind_dims(
        &mut self,
        callee: &Callee<'_>,
        given: &[(DimId, Int)],
        args: &[(ArgShape, Place)],
        call: Place,
    ) -> Option<Vec<Int>> {
        for (input, (arg, place)) in callee.inputs.iter().zip(args) {
            if input.shape.len() != arg.shape.len() {
                self.wrong_shape(callee, input, arg, *place, None);
                return None;
            }
        }
        let mut dims: Vec<Int> = vec![];
        for (d, dim) in (0u32..).zip(callee.dims) {
            let value = match &dim.bind {
                DimBind::Argument | DimBind::Layer => given.iter().find(|(id, _)| id.0 == d)?.1.clone(),
                DimBind::Axis { input, axis, offset, factor, .. } => {
                    let (arg, place) = &args[input.index()];
                    let rest = arg.shape[*axis].sub(&at_call(offset, &dims));
                    let factor = at_call(factor, &dims);
                    self.solved(callee, (*input, *axis), dim, &rest, &factor, *place)?
                }
            };
            dims.push(value);
        }
        let mut fine = Some(());
        for (input, (arg, place)) in callee.inputs.iter().zip(args) {
            let ok = self.argument_type(callee, input, arg, &dims, *place, call);
            fine = fine.and(ok);
        }
        fine?;
        Some(dims)
    }

    fn solved(
        &mut self,
        callee: &Callee<'_>,
        (input, axis): (InputId, usize),
        dim: &Dim,
        rest: &Int,
        factor: &Int,
        place: Place,
    ) -> Option<Int> {
        if let Some(q) = self.facts.exact_quotient(rest, factor)
            && super::facts::Facts::is_plain(&q)
        {
            if factor.as_const() == Some(1) {
                self.not_negative(rest);
                return Some(rest.clone());
            }
            return Some(q);
        }
        let (shown, by) = (self.show(rest), self.show(factor));
        // A quotient the constraints make exact keeps its name, `D // H`.
        if self.facts.exact_quotient(rest, factor).is_some() {
            return Some(rest.floor_div(factor));
        }
        let bad = |e: &Example| divides(e, rest, factor) == Some(false);
        if let Some(e) = self.find_size(&[rest, factor], &bad) {
            let example = e.sizes(&self.names());
            let (name, callee) = (callee.inputs[input.index()].name.clone(), callee.name);
            let d = Diagnostic::error(
                "V0315",
                place.span,
                format!("`{}` of `{callee}` is {shown} / {by}, which need not be whole", dim.name),
            )
            .label(format!("axis {axis} of `{name}`"))
            .note(format!("for example with {example}"))
            .hint(format!("say so in the header: `where {shown} % {by} == 0`"));
            self.err(place, d);
            return None;
        }
        let text = format!("{shown} % {by} == 0");
        self.add_check(Check::Where { text, lhs: rest.floor_mod(factor), cmp: Cmp::Eq, rhs: Int::default() });
        Some(rest.floor_div(factor))
    }

    /// A size found by subtraction must not be negative.
    fn not_negative(&mut self, e: &Int) {
        if !self.prover().nonneg(e) {
            let text = format!("{} >= 0", self.show(e));
            self.add_check(Check::Where { text, lhs: Int::default(), cmp: Cmp::Le, rhs: e.clone() });
            self.facts.assume(&Int::default(), Cmp::Le, e);
        }
    }

    fn argument_type(
        &mut self,
        callee: &Callee<'_>,
        input: &Input,
        arg: &ArgShape,
        dims: &[Int],
        place: Place,
        call: Place,
    ) -> Option<()> {
        // Scalars are converted like definitions, by the caller of this.
        if input.shape.is_empty() {
            return Some(());
        }
        for (axis, (have, want)) in arg.shape.iter().zip(&input.shape).enumerate() {
            let want = at_call(want, dims);
            if let Same::No(example) = self.same(have, &want) {
                self.wrong_shape(callee, input, arg, place, Some((axis, want, example)));
                return None;
            }
            // Open questions become checks once, with the callee's own checks.
            let _ = call;
        }
        let accepts = match (&input.dtype, &arg.dtype) {
            (DType::Idx(n), DType::Idx(m)) => {
                let n = at_call(n, dims);
                return match self.require_same(m, &n) {
                    Ok(()) => Some(()),
                    Err(example) => {
                        let want = DType::Idx(n);
                        self.wrong_type(callee, input, &want, arg, place, Some(example));
                        None
                    }
                };
            }
            (DType::F32, DType::F16 | DType::BF16) | (DType::I32, DType::I8 | DType::U8) => true,
            (a, b) => a == b,
        };
        if accepts {
            return Some(());
        }
        self.wrong_type(callee, input, &input.dtype.clone(), arg, place, None);
        None
    }

    fn wrong_type(
        &mut self,
        callee: &Callee<'_>,
        input: &Input,
        want: &DType,
        arg: &ArgShape,
        place: Place,
        note: Option<String>,
    ) {
        let text = self.text(place);
        let (have, want) = (self.show_type(&arg.dtype), self.show_type(want));
        let mut d = Diagnostic::error(
            "V0316",
            place.span,
            format!("`{}` of `{}` has elements of type {want}", input.name, callee.name),
        )
        .label(format!("`{text}` has elements of type {have}"))
        .hint("give the argument a definition with that type; storing converts");
        d.notes.extend(note);
        self.err(place, d);
    }

    pub fn wrong_shape(
        &mut self,
        callee: &Callee<'_>,
        input: &Input,
        arg: &ArgShape,
        place: Place,
        axis: Option<(usize, Int, String)>,
    ) {
        let own = Names { dims: callee.dims, indices: &[], inputs: callee.inputs, renamed: &[] };
        let (want, have) = (own.list(&input.shape), self.names().list(&arg.shape));
        let text = self.text(place);
        let (name, callee_name) = (&input.name, callee.name);
        let d = match axis {
            None => Diagnostic::error(
                "V0315",
                place.span,
                format!("`{name}` of `{callee_name}` has shape [{want}], this has [{have}]"),
            )
            .label(format!("`{text}` is [{have}]")),
            Some((axis, want_here, example)) => Diagnostic::error(
                "V0315",
                place.span,
                format!(
                    "axis {axis} of `{name}` of `{callee_name}` is {} here, this has {}",
                    self.show(&want_here),
                    self.show(&arg.shape[axis])
                ),
            )
            .label(format!("`{text}` is [{have}], `{name}` is [{want}]"))
            .note(example)
            .hint("if the sizes are always equal, say so in the header with `where`"),
        };
        self.err(place, d);
    }
}
