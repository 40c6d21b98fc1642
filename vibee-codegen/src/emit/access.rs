//! Reads and writes: positions, rows, and which buffer a definition is found in.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DType, DefId, ExprId, IndexId, Int, Pos, Source};

use super::body::{Body, splat_of, zero};
use super::expr::{Class, Prec, Val, choice};
use super::ints::Mode;
use crate::loops::{BufferId, BufferKind};

/// Where an array is and which of its logical axes are there.
struct Place {
    name: Ident,
    /// A slice rather than a view.
    slice: bool,
    axes: Vec<usize>,
    /// Whether elements along the last of them are adjacent: not if a cut took the array's last axis.
    adjacent: bool,
    /// Axes that start at the first row of the task's block.
    from_first: Vec<usize>,
    dtype: DType,
}

impl Body<'_> {
    fn place(&mut self, from: Source, rank: usize) -> Place {
        match from {
            Source::Input(i) => {
                self.used.inputs.insert(i);
                let dtype = self.p.program.kernel.input(i).dtype.clone();
                let (name, axes) = (self.names.input(i), (0..rank).collect());
                Place { name, slice: self.slices, axes, adjacent: true, from_first: vec![], dtype }
            }
            Source::Def(d) => {
                let Some(b) = self.p.place(d).buffer else {
                    unreachable!("a definition read out of scope has a buffer")
                };
                self.buffer_place(d, b)
            }
        }
    }

    fn buffer_place(&mut self, d: DefId, b: BufferId) -> Place {
        let buffer = self.p.buffer(b).clone();
        let def = self.p.program.def(d);
        let name = self.names.buffer(d);
        let dtype = def.dtype.clone();
        let mut from_first: Vec<usize> = (0..def.free.len()).filter(|a| self.is_row(def.free[*a])).collect();
        if buffer.kind == BufferKind::Local {
            let (slice, axes) = (buffer.dims.len() == 1, buffer.axes);
            return Place { name, slice, axes, adjacent: true, from_first, dtype };
        }
        let here = self.written.contains(&b);
        if !here {
            from_first.clear();
            self.used.buffers.insert(b);
        }
        let axes: Vec<usize> =
            (0..def.free.len()).filter(|a| !here || !self.stage.grid.contains(&def.free[*a])).collect();
        let adjacent = axes.last().is_none_or(|last| last + 1 == def.free.len());
        Place { name, slice: false, axes, adjacent, from_first, dtype }
    }

    /// A position along an axis of an array, as the array counts it here.
    fn position_in(&mut self, place: &Place, axis: usize, p: &Pos) -> TokenStream {
        match (p, &self.rows_of_task) {
            (Pos::At(i), Some(rows)) if place.from_first.contains(&axis) => {
                let i = i.sub(&self.first(rows.letters[0]));
                self.int(&i, Mode::Exact)
            }
            _ => self.position(p),
        }
    }

    /// A position as `usize`.
    fn position(&mut self, p: &Pos) -> TokenStream {
        match p {
            Pos::At(i) => self.int(i, Mode::Exact),
            Pos::Data(e) => {
                let v = self.scalar(*e).at(Prec::Cast);
                // A stored index goes straight to `usize`.
                let mut tokens: Vec<_> = v.clone().into_iter().collect();
                let widened = tokens.len() > 2
                    && tokens[tokens.len() - 2].to_string() == "as"
                    && tokens[tokens.len() - 1].to_string() == "i32";
                if widened {
                    tokens.truncate(tokens.len() - 2);
                    let v: TokenStream = tokens.into_iter().collect();
                    return quote!(#v as usize);
                }
                quote!(#v as usize)
            }
        }
    }

    /// One element.
    pub fn load_one(&mut self, from: Source, at: &[Pos], outside: Option<ExprId>) -> Val {
        if let Some((row, j)) = self.tile_of(from) {
            return Val::one(quote!(#row[#j]), Prec::Post);
        }
        if let Source::Def(d) = from
            && let Some(shape) = self.variables.get(&d).copied()
        {
            let name = self.names.variable(d);
            return self.variable(&name, shape);
        }
        if let (Source::Input(i), []) = (from, at) {
            self.used.inputs.insert(i);
            let name = self.names.input(i);
            let dtype = self.p.program.kernel.input(i).dtype.clone();
            return match dtype {
                DType::Idx(_) | DType::Len(_) => Val::one(quote!(#name as i32), Prec::Cast),
                other => widen(&other, quote!(#name)),
            };
        }
        let place = self.place(from, at.len());
        let positions: Vec<TokenStream> =
            place.axes.iter().map(|a| self.position_in(&place, *a, &at[*a])).collect();
        let name = &place.name;
        let element = match (place.slice, positions.as_slice()) {
            (true, [p]) => quote!(#name[#p]),
            (_, positions) => quote!(#name.at([#(#positions),*])),
        };
        let value = widen(&place.dtype, element);
        match outside {
            None if self.masked => match self.inside(from, at) {
                None => value,
                Some(inside) => {
                    let zero = zero(Class::of(&place.dtype));
                    Val::one(choice(&inside, &value.code, &zero), Prec::Low)
                }
            },
            None => value,
            Some(o) => {
                let inside = self.inside(from, at);
                let (v, o) = (value.code, self.scalar(o).code);
                match inside {
                    Some(inside) => Val::one(choice(&inside, &v, &o), Prec::Low),
                    None => Val::one(v, value.prec),
                }
            }
        }
    }

    /// The condition that all positions are inside the array; `None` if they always are.
    fn inside(&mut self, from: Source, at: &[Pos]) -> Option<TokenStream> {
        let shape = self.shape(from);
        let mut all: Option<TokenStream> = None;
        for (p, extent) in at.iter().zip(shape) {
            let one = match p {
                Pos::At(i) if self.always_inside(i, &extent) => continue,
                Pos::At(i) => {
                    let (code, extent) = (self.int(i, Mode::Signed), self.int(&extent, Mode::Signed));
                    quote!((0..#extent).contains(&(#code)))
                }
                Pos::Data(_) if extent.as_const().is_some_and(|c| c > 0) => continue,
                // An index is below its bound, but 0 where nothing is.
                Pos::Data(_) => {
                    let extent = self.int(&extent, Mode::Signed);
                    quote!(#extent > 0)
                }
            };
            all = Some(match all {
                Some(all) => quote!(#all && #one),
                None => one,
            });
        }
        all
    }

    /// Logical extents of an array.
    fn shape(&self, from: Source) -> Vec<Int> {
        let program = &self.p.program;
        match from {
            Source::Input(i) => program.kernel.input(i).shape.clone(),
            Source::Def(d) => program.def(d).free.iter().map(|i| program.extent(*i).clone()).collect(),
        }
    }

    /// A block of lanes read at positions that differ between lanes.
    pub fn load_lanes(&mut self, e: ExprId, from: Source, at: &[Pos], outside: Option<ExprId>) -> Val {
        if let Source::Def(d) = from
            && let Some(shape) = self.variables.get(&d).copied()
        {
            let name = self.names.variable(d);
            return self.variable(&name, shape);
        }
        let Some(l) = self.lanes.clone() else { unreachable!("lanes values need lanes") };
        if let Some((row, _)) = self.tile_of(from) {
            let block = &l.block;
            return Val::lanes(quote!(#row.load(#block)), Prec::Post);
        }
        let place = self.place(from, at.len());
        let Some((last, leading)) = place.axes.split_last() else { return self.per_lane(e) };
        let step = match &at[*last] {
            Pos::At(i) => i.linear_in(l.index).filter(|(c, _)| *c == Int::constant(1)),
            Pos::Data(_) => None,
        };
        let leading: Vec<Pos> = leading.iter().map(|a| at[*a].clone()).collect();
        let uniform = leading.iter().all(|p| match p {
            Pos::At(i) => !i.mentions(l.index),
            Pos::Data(d) => !self.varies(*d),
        });
        let Some((_, offset)) = step.filter(|_| uniform && place.adjacent) else { return self.per_lane(e) };
        // A row chosen by data that not all lanes may read.
        let risky = |p: &Pos| matches!(p, Pos::Data(d) if self.is_risky(*d));
        if self.masked && leading.iter().any(risky) {
            return self.per_lane(e);
        }
        let block = &l.block;
        let shift = self.shift(l.index);
        let Some(o) = outside else {
            let conditional = if self.masked { self.inside(from, &at[..at.len() - 1]) } else { None };
            let row = self.row(from, &place, &leading, conditional.is_some());
            let read = if offset == Int::default() && shift.is_none() {
                quote!(#row.load(#block))
            } else {
                let offset = self.signed_offset(&offset, shift);
                quote!(#row.load_at(#block, #offset))
            };
            let Some(inside) = conditional else { return Val::lanes(read, Prec::Post) };
            let class = Class::of(&place.dtype);
            let (splat, zero) = (splat_of(class), zero(class));
            self.uses_isa = true;
            return Val::lanes(choice(&inside, &read, &quote!(isa.#splat(#zero))), Prec::Low);
        };
        let o = self.lanes_of(o).code;
        let offset = self.signed_offset(&offset, shift);
        let conditional = self.inside(from, &at[..at.len() - 1]);
        let row = self.row(from, &place, &leading, conditional.is_some());
        let read = quote!(#row.load_or(#block, #offset, #o));
        match conditional {
            None => Val::lanes(read, Prec::Post),
            Some(inside) => Val::lanes(choice(&inside, &read, &quote!(#o)), Prec::Low),
        }
    }

    /// The offset of lanes in a row, where blocks count from a tile's first column.
    fn signed_offset(&mut self, offset: &Int, shift: Option<Ident>) -> TokenStream {
        match shift {
            None => self.int(offset, Mode::Signed),
            Some(j0) if *offset == Int::default() => quote!(#j0 as isize),
            Some(j0) => {
                let offset = self.int(offset, Mode::Signed);
                quote!(#offset + #j0 as isize)
            }
        }
    }

    /// What is added to a lanes index that counts from a tile's first column.
    pub fn shift(&self, lanes: IndexId) -> Option<Ident> {
        self.offset.as_ref().filter(|(i, _)| *i == lanes).map(|(_, j0)| j0.clone())
    }

    /// The row of finished sums, if that is what is read, and its index.
    fn tile_of(&self, from: Source) -> Option<(Ident, Ident)> {
        let Source::Def(d) = from else { return None };
        let (tile, row) = self.tile.as_ref()?;
        let (lane, _) = self.offset.as_ref()?;
        (*tile == d).then(|| (row.clone(), self.index(*lane)))
    }

    /// A row of an array: taken before the lanes loop if it does not change in it.
    fn row(&mut self, from: Source, place: &Place, leading: &[Pos], inline: bool) -> TokenStream {
        let name = &place.name;
        if place.slice {
            return quote!(#name);
        }
        let shape = self.shape(from);
        let fixed = !inline && self.is_fixed(leading, place.axes.iter().map(|a| &shape[*a]));
        let positions: Vec<TokenStream> =
            leading.iter().zip(&place.axes).map(|(p, a)| self.position_in(place, *a, p)).collect();
        let take = quote!(#name.row([#(#positions),*]));
        if fixed { self.hoisted_row(&row_of(name), take) } else { take }
    }

    /// Whether leading positions are valid on axes of these extents, and the same during the whole lanes loop.
    fn is_fixed<'i>(&self, leading: &[Pos], extents: impl Iterator<Item = &'i Int>) -> bool {
        let Some(l) = &self.lanes else { return false };
        leading.iter().zip(extents).all(|(p, extent)| match p {
            // A letter of a longer axis is valid only under some condition.
            Pos::At(at) => {
                at.as_index().is_some_and(|i| !l.inner.contains(&i)) && self.always_inside(at, extent)
            }
            // Elsewhere only in range if the loops around run at all: taken inside them.
            Pos::Data(_) => false,
        })
    }

    fn hoisted_row(&mut self, base: &str, take: TokenStream) -> TokenStream {
        let key = take.to_string();
        let known = self.lanes.as_ref().and_then(|l| l.rows.iter().find(|(k, ..)| *k == key));
        if let Some((_, name, _)) = known {
            return quote!(#name);
        }
        if let Some(name) = self.known_row(&key) {
            return quote!(#name);
        }
        let name = self.row_name(base);
        if let Some(l) = &mut self.lanes {
            l.rows.push((key, name.clone(), take));
        }
        quote!(#name)
    }

    /// The row that a block of lanes is stored to.
    pub fn row_mut(&mut self, b: BufferId) -> TokenStream {
        let d = self.p.buffer(b).def;
        let place = self.buffer_place(d, b);
        let name = &place.name;
        if place.slice {
            return quote!(#name);
        }
        let free = self.p.program.def(d).free.clone();
        let leading: Vec<Pos> = place.axes[..place.axes.len().saturating_sub(1)]
            .iter()
            .map(|a| Pos::At(Int::index(free[*a])))
            .collect();
        let extents: Vec<Int> = self.shape(Source::Def(d));
        let fixed = self.is_fixed(&leading, place.axes.iter().map(|a| &extents[*a]));
        let positions: Vec<TokenStream> =
            leading.iter().zip(&place.axes).map(|(p, a)| self.position_in(&place, *a, p)).collect();
        let take = quote!(#name.row_mut([#(#positions),*]));
        if fixed { self.hoisted_row(&row_of(name), take) } else { take }
    }

    /// Stores one element.
    pub fn set(&mut self, b: BufferId, value: TokenStream) -> TokenStream {
        let d = self.p.buffer(b).def;
        let place = self.buffer_place(d, b);
        let free = self.p.program.def(d).free.clone();
        let positions: Vec<TokenStream> = (place.axes.iter())
            .map(|a| self.position_in(&place, *a, &Pos::At(Int::index(free[*a]))))
            .collect();
        let name = &place.name;
        match (place.slice, positions.as_slice()) {
            (true, [p]) => quote!(#name[#p] = #value;),
            (_, positions) => quote!(#name.set([#(#positions),*], #value);),
        }
    }
}

/// What to call a row of an array.
fn row_of(array: &Ident) -> String {
    // Keywords have an underscore behind them.
    format!("{}_row", array.to_string().trim_end_matches('_'))
}

/// A stored element as a computed value.
fn widen(t: &DType, code: TokenStream) -> Val {
    match t {
        DType::F16 | DType::BF16 => {
            let to_f32 = format_ident!("to_f32");
            Val::one(quote!(#code.#to_f32()), Prec::Post)
        }
        DType::I8 | DType::U8 | DType::Idx(_) | DType::Len(_) => Val::one(quote!(#code as i32), Prec::Cast),
        DType::F64 | DType::F32 | DType::I32 | DType::Bool => Val::one(code, Prec::Post),
    }
}
