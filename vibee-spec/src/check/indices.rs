//! Ranges of letters: written (`p in K`) or taken from whole positions of tensors.
//!
//! One letter has one range in a scope; two uses that disagree are shown together.

use super::builder::{Builder, Range, has_index, has_scalar};
use super::frame::Env;
use super::hir::{Hir, Kind, LetterId, Place};
use crate::ast::{Binder, Expr};
use crate::diag::Diagnostic;
use crate::term::{DType, IndexId, Int, Node, Source};

impl<'a> Builder<'_, 'a> {
    /// Shape and element type of a tensor, as the language sees them.
    pub fn shape(&self, s: Source) -> (&[Int], &DType) {
        match s {
            Source::Input(i) => match self.k.packed(i) {
                Some(packed) => (&packed.shape, &super::packed::NUMBER),
                None => (&self.k.input(i).shape, &self.k.input(i).dtype),
            },
            Source::Def(d) => {
                let def = self.k.def(d);
                (&def.shape, &def.dtype)
            }
        }
    }

    /// The name of a tensor.
    pub fn source_name(&self, s: Source) -> &str {
        match s {
            Source::Input(i) => &self.k.input(i).name,
            Source::Def(d) => &self.k.def(d).name,
        }
    }

    /// The range written at a binder.
    pub fn written_range(&mut self, letter: LetterId, b: &'a Binder, env: &Env<'a>) -> Option<()> {
        let Some(range) = &b.range else { return Some(()) };
        let extent = self.size(range, env)?;
        self.fact(letter, extent, env.place(range.span), "its written range".into())
    }

    /// An expression over sizes alone.
    pub fn size(&mut self, e: &'a Expr, env: &Env<'a>) -> Option<Int> {
        let hir = self.expand(e, env)?;
        let (domain, guards) = (std::mem::take(&mut self.domain), std::mem::take(&mut self.guards));
        let value = self.lower_position(&hir);
        (self.domain, self.guards) = (domain, guards);
        let value = value?;
        match self.k.exprs.node(value) {
            Node::Int(v) if !has_index(v) && !has_scalar(v) => Some(v.clone()),
            _ => {
                let place = env.place(e.span);
                let text = self.text(place);
                self.err(
                    place,
                    Diagnostic::error("V0205", place.span, format!("`{text}` is not a size"))
                        .label("sizes are integers made of dims and constants"),
                );
                None
            }
        }
    }

    /// Records or compares a letter's range.
    pub fn fact(&mut self, letter: LetterId, extent: Int, place: Place, why: String) -> Option<()> {
        let l = &self.letters[letter.0];
        if l.poisoned {
            return None;
        }
        let Some(known) = l.range.clone() else {
            for (k, owner) in self.index_letter.iter().enumerate() {
                if *owner == Some(letter) {
                    self.k.indices[k].extent = extent.clone();
                }
            }
            self.letters[letter.0].range = Some(Range { extent, place, why });
            return Some(());
        };
        let Err(example) = self.require_same(&known.extent, &extent) else { return Some(()) };
        let name = l_name(self, letter);
        let (old, new) = (self.show(&known.extent), self.show(&extent));
        let d = Diagnostic::error("V0301", place.span, format!("the index `{name}` has two ranges, {old} and {new}"))
            .label(format!("{new}, {why}"))
            .note(example)
            .hint("one letter has one range in a kernel: use another letter, or state the sizes' equality with `where`");
        let d = self.also(d, known.place, format!("{old}, {}", known.why));
        self.err(place, d);
        self.letters[letter.0].poisoned = true;
        None
    }

    /// Infers the ranges of all letters of an expression; afterwards all its indices have extents.
    pub fn settle(&mut self, h: &Hir) -> Option<()> {
        let collected = self.collect(h);
        let complete = self.complete(h);
        collected.and(complete)
    }

    fn collect(&mut self, h: &Hir) -> Option<()> {
        let mut fine = Some(());
        if let Kind::Load { from, at, .. } = &h.kind {
            let shape = self.shape(*from).0.to_vec();
            if shape.len() == at.len() {
                let name = self.source_name(*from).to_string();
                for (axis, (p, extent)) in at.iter().zip(shape).enumerate() {
                    if let Kind::Index(i) = p.kind
                        && let Some(letter) = self.index_letter.get(i.index()).copied().flatten()
                    {
                        let why = format!("axis {axis} of `{name}`");
                        fine = fine.and(self.fact(letter, extent, p.place, why));
                    }
                }
            }
        }
        for c in h.children() {
            let c = self.collect(c);
            fine = fine.and(c);
        }
        fine
    }

    fn complete(&mut self, h: &Hir) -> Option<()> {
        let mut fine = Some(());
        match &h.kind {
            Kind::Index(i) => fine = self.has_range(*i, h.place),
            Kind::Fold { over, .. } => {
                for i in over {
                    fine = fine.and(self.has_range(*i, h.place));
                }
            }
            Kind::Len(letter) => fine = self.letter_has_range(*letter, h.place),
            _ => {}
        }
        for c in h.children() {
            let c = self.complete(c);
            fine = fine.and(c);
        }
        fine
    }

    /// An index's letter must have a range.
    pub fn has_range(&mut self, i: IndexId, place: Place) -> Option<()> {
        match self.index_letter.get(i.index()).copied().flatten() {
            Some(letter) => self.letter_has_range(letter, place),
            None => Some(()),
        }
    }

    fn letter_has_range(&mut self, letter: LetterId, place: Place) -> Option<()> {
        let l = &mut self.letters[letter.0];
        if l.poisoned {
            return None;
        }
        if l.range.is_some() {
            return Some(());
        }
        l.poisoned = true;
        let (name, in_sum) = (l.name.clone(), l.in_sum);
        // A range can be written beside a letter, not inside of a sum.
        let hint = if in_sum {
            format!(
                "define the parts on axes of their own first, `parts[{name} in N, …] = …`, and read them here"
            )
        } else {
            format!("write it where the index is bound: `{name} in N`")
        };
        self.err(
            place,
            Diagnostic::error("V0302", place.span, format!("the range of the index `{name}` is not known"))
                .label("no tensor is indexed by it alone")
                .hint(hint),
        );
        None
    }
}

fn l_name(b: &Builder<'_, '_>, letter: LetterId) -> String {
    b.letters[letter.0].name.clone()
}
