//! Whole tensors: `y = c * x` element by element, and shapes that must agree.

use super::builder::Builder;
use super::hir::{Hir, Kind, Place};
use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::term::{DType, Def, DefId, IndexId, Int, Source};

impl Builder<'_, '_> {
    /// `y = c * x` over whole tensors of one shape.
    pub fn define_whole(
        &mut self,
        name: &str,
        value: &Hir,
        dtype: Option<&DType>,
        text: &str,
    ) -> Option<DefId> {
        let (first, first_place) = value.first_whole()?;
        let shape = self.shape(first).0.to_vec();
        let mut names: Vec<String> = vec![];
        let mut indices = vec![];
        for (axis, extent) in shape.iter().enumerate() {
            let own = self.show(extent).to_ascii_lowercase();
            let plain = own.len() <= 2 && own.chars().all(|c| c.is_ascii_lowercase());
            let fallback = ["i", "j", "k", "l", "m", "n", "p", "q"][axis % 8].to_string();
            let free = |n: &String| !names.contains(n) && !self.locals.contains_key(n);
            let letter = [own.clone(), fallback.clone()]
                .into_iter()
                .find(|n| (plain || *n == fallback) && free(n))
                .unwrap_or_else(|| format!("i{axis}"));
            indices.push(self.k.fresh_index(letter.clone(), extent.clone()));
            names.push(letter);
        }
        let indexed = self.with_positions(value, &indices, &shape, (first, first_place))?;
        let outer = std::mem::replace(&mut self.domain, indices.clone());
        let body = self.lower(&indexed);
        self.domain = outer;
        let (body, dtype) = self.typed(body?, dtype, value.place)?;
        let store = indices.iter().map(|i| Int::index(*i)).collect();
        Some(self.push_def(Def {
            name: name.to_string(),
            indices,
            dtype,
            shape,
            store,
            body,
            text: text.to_string(),
        }))
    }

    /// Gives every whole tensor (outside folds) the positions of the definition.
    fn with_positions(
        &mut self,
        h: &Hir,
        indices: &[IndexId],
        shape: &[Int],
        first: (Source, Place),
    ) -> Option<Hir> {
        let kind = match &h.kind {
            Kind::Whole(s) => {
                let own = self.shape(*s).0.to_vec();
                self.whole_shapes_agree(*s, &own, shape, first, h.place)?;
                let at = indices.iter().map(|i| Hir { kind: Kind::Index(*i), place: h.place }).collect();
                Kind::Load { from: *s, at, outside: None }
            }
            Kind::Unary(op, a) => Kind::Unary(*op, Box::new(self.with_positions(a, indices, shape, first)?)),
            Kind::Cast(t, a) => {
                Kind::Cast(t.clone(), Box::new(self.with_positions(a, indices, shape, first)?))
            }
            Kind::Binary(op, a, b) => {
                let a = self.with_positions(a, indices, shape, first);
                let b = self.with_positions(b, indices, shape, first);
                Kind::Binary(*op, Box::new(a?), Box::new(b?))
            }
            Kind::If(c, a, b) => {
                let c = self.with_positions(c, indices, shape, first);
                let a = self.with_positions(a, indices, shape, first);
                let b = self.with_positions(b, indices, shape, first);
                Kind::If(Box::new(c?), Box::new(a?), Box::new(b?))
            }
            Kind::Builtin(b, args) => {
                let args: Vec<Option<Hir>> =
                    args.iter().map(|a| self.with_positions(a, indices, shape, first)).collect();
                Kind::Builtin(b, args.into_iter().collect::<Option<_>>()?)
            }
            other => other.clone(),
        };
        Some(Hir { kind, place: h.place })
    }

    fn whole_shapes_agree(
        &mut self,
        s: Source,
        own: &[Int],
        shape: &[Int],
        (first, first_place): (Source, Place),
        place: Place,
    ) -> Option<()> {
        let mut note = None;
        if own.len() == shape.len() {
            for (a, b) in own.iter().zip(shape) {
                if let Err(example) = self.require_same(a, b) {
                    note = Some(example);
                    break;
                }
            }
            if note.is_none() {
                return Some(());
            }
        }
        let (a, b) = (self.source_name(first).to_string(), self.source_name(s).to_string());
        let (sa, sb) = (self.names().list(shape), self.names().list(own));
        let mut d = Diagnostic::error("V0311", place.span, format!("`{a}` and `{b}` have different shapes"))
            .label(format!("[{sb}]"))
            .hint("whole tensors need one shape; write the indices to say how they meet");
        d.notes.extend(note);
        let d = self.also(d, first_place, format!("[{sa}]"));
        self.err(place, d);
        None
    }

    /// A definition's shape must be the declared one.
    pub fn same_shape(&mut self, name: &Ident, have: &[Int], declared: &[Int], place: Place) -> Option<()> {
        let mut note = None;
        if have.len() == declared.len() {
            for (a, b) in have.iter().zip(declared) {
                if let Err(example) = self.require_same(a, b) {
                    note = Some(example);
                    break;
                }
            }
            if note.is_none() {
                return Some(());
            }
        }
        let (h, d) = (self.names().list(have), self.names().list(declared));
        let declared_at = self.outputs.iter().find(|o| o.name == name.name).map(|o| o.span);
        let mut e = Diagnostic::error(
            "V0313",
            place.span,
            format!("`{}` is declared with shape [{d}], its definition has [{h}]", name.name),
        );
        e.notes.extend(note);
        if let Some(at) = declared_at {
            e = e.also(at, "declared here");
        }
        if have.is_empty() {
            e = e.hint(format!("one value for all elements is written with indices: `{}[…] = …`", name.name));
        }
        self.err(place, e);
        None
    }
}
