//! A product whose shapes have been checked, whole or cut into blocks of C.

use core::ops::Range;

use super::PANEL;
use super::dot::{self, Dots};
use super::fours::{self, panel_words};
use super::kernel::Numbers;
use super::mat::{Mat, MatMut};
use super::packed::Rhs;
use super::packed_i8::RhsI8;
use super::rows::Rows;
use super::sweep::{Columns, Left, Sweep, buffers, buffers_of_bytes};
use crate::blocks::MOST_ROWS;
use crate::level::Level;

/// Multiply-adds per lane in the smallest block worth handing to another thread: 15 µs of work,
/// where waking one takes 20.
const WORTH_SHARING: usize = 1 << 17;
/// Lanes that tiles of pairs stand for: half of what they do at most, which is 32 times as much as AVX-512 does.
const TILE_LANES: usize = 256;
/// Multiply-adds of bytes that AVX-512 does at a time.
const BYTE_LANES: usize = 64;
/// Multiply-adds that take as long as touching an element does elsewhere.
const PER_ELEMENT: usize = 8;

/// Operands of one kind.
#[derive(Clone, Copy)]
enum Operands<'a> {
    Floats(Mat<'a>, Rhs<'a>),
    Bytes(Mat<'a, i8>, RhsI8<'a>),
}

/// Operands that fit together, and which way their product goes.
pub(super) struct Job<'a> {
    operands: Operands<'a>,
    /// Extent of the sum.
    k: usize,
    c: MatMut<'a>,
    dots: bool,
    /// Whose code runs.
    level: Level,
    /// Of what is packed or decoded.
    numbers: Numbers,
}

impl<'a> Job<'a> {
    /// A product for a level; which way it goes is that of all of C.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub(super) fn new(level: Level, a: Mat<'a>, b: Rhs<'a>, c: MatMut<'a>) -> Self {
        let m = c.rows();
        let k = check((a.rows(), a.cols()), (b.n(), b.k()), &c);
        let dots = match &b {
            Rhs::Plain(b) => dot::suits(m, b, 1),
            Rhs::Packed(_) | Rhs::PackedBf16 { .. } => false,
            Rhs::Blocks(_) => m <= MOST_ROWS,
        };
        let (rounds, exact) = match &b {
            Rhs::Plain(_) | Rhs::Packed(_) => (false, Numbers::Single),
            Rhs::PackedBf16 { rounds, .. } => (*rounds, Numbers::Pairs),
            Rhs::Blocks(b) => (b.weights().rounds(), Numbers::Single),
        };
        let rounded = if rounds && !dots { Numbers::rounded(level, m) } else { None };
        let numbers = rounded.unwrap_or(exact);
        Self { operands: Operands::Floats(a, b), k, c, dots, level: level.code(), numbers }
    }

    /// The same of bytes; words of C are whole sums.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub(super) fn of_bytes(level: Level, a: Mat<'a, i8>, b: RhsI8<'a>, c: MatMut<'a>) -> Self {
        let k = check((a.rows(), a.cols()), (b.n(), b.k()), &c);
        let m = c.rows();
        let dots = matches!(&b, RhsI8::Plain(b) if dot::suits(m, b, fours::STEPS));
        // Tiles are for what is packed.
        let numbers = Numbers::fours(if dots { level.code() } else { level }, m);
        Self { operands: Operands::Bytes(a, b), k, c, dots, level: level.code(), numbers }
    }

    pub(super) fn shape(&self) -> (usize, usize, usize) {
        (self.c.rows(), self.c.cols(), self.k)
    }

    /// Floats of the two buffers that [`Job::block`] wants for all of C; no block needs more.
    pub(super) fn buffers(&self) -> (usize, usize) {
        let (m, n, k) = self.shape();
        match self.operands {
            Operands::Floats(a, _) if self.dots => (if a.col_axis().is_unit() { 0 } else { m * k }, 0),
            Operands::Floats(..) => buffers(m, n, k, self.is_packed()),
            Operands::Bytes(a, _) if self.dots => {
                (if a.col_axis().is_unit() { 0 } else { (m * k).div_ceil(fours::STEPS) }, 0)
            }
            Operands::Bytes(..) => buffers_of_bytes(m, n, k, self.is_packed()),
        }
    }

    /// Whether nothing of B is left to be packed.
    fn is_packed(&self) -> bool {
        match self.operands {
            Operands::Floats(_, b) => b.is_packed(),
            Operands::Bytes(_, b) => matches!(b, RhsI8::Packed(_)),
        }
    }

    /// What the whole product costs, in the unit of [`Task::cost`](crate::task::Task::cost).
    pub(super) fn cost(&self) -> usize {
        let (m, n, k) = self.shape();
        m.saturating_mul(n).saturating_mul(k) / (PER_ELEMENT * self.numbers.steps())
    }

    /// Into how many rows × columns of blocks C is cut for so many workers, at least 1 × 1.
    ///
    /// The cut whose blocks cost least, counting what every block packs for itself.
    pub(super) fn grid(&self, workers: usize) -> (usize, usize) {
        let (m, n, k) = self.shape();
        let total = m.saturating_mul(n).saturating_mul(k);
        let tiles = self.numbers.in_tiles();
        let lanes = match self.level {
            _ if tiles => TILE_LANES * self.numbers.steps() / 2,
            Level::Avx512 if self.numbers == Numbers::OffsetFours => BYTE_LANES,
            Level::Scalar | Level::Neon => 4,
            Level::Avx2 => 8,
            Level::Avx512 | Level::Amx => 16,
        };
        let workers = workers.min(total / (WORTH_SHARING * lanes)).max(1);
        let plain = !self.is_packed();
        let unit = self.numbers.unit();
        // Next to products in tiles everything else takes that many times as long.
        let relative = if tiles { TILE_LANES / 16 } else { 1 };
        let cost = |rows: usize, columns: usize| {
            // Strips under six rows take as long as six; packing an element of either operand
            // takes about as long as multiplying it by ten, reading one that was packed before, by four.
            let height = m.div_ceil(rows).next_multiple_of(unit).max(6);
            let width = n.div_ceil(columns).next_multiple_of(PANEL);
            height * width + relative * (10 * height + if plain { 10 } else { 4 } * width)
        };
        let rows = if self.dots { 1 } else { workers };
        (1..=rows.min(m.div_ceil(unit).max(1)))
            .map(|rows| (rows, (workers / rows).min(n.div_ceil(PANEL)).max(1)))
            .min_by_key(|&(rows, columns)| cost(rows, columns))
            .unwrap_or((1, 1))
    }

    /// The rows and columns of block `i` of a grid, row by row; columns start at a panel.
    pub(super) fn cut(&self, grid: (usize, usize), i: usize) -> (Range<usize>, Range<usize>) {
        let (m, n, _) = self.shape();
        let (row, column) = (i / grid.1, i % grid.1);
        let panels = n.div_ceil(PANEL);
        let share = |total: usize, i: usize, pieces: usize| total / pieces * i + (total % pieces).min(i);
        let unit = self.numbers.unit();
        let rows = |i: usize| m.min(share(m.div_ceil(unit), i, grid.0) * unit);
        (
            rows(row)..rows(row + 1),
            n.min(share(panels, column, grid.1) * PANEL)..n.min(share(panels, column + 1, grid.1) * PANEL),
        )
    }

    /// The product restricted to a block of C; `cols` starts at a panel.
    ///
    /// # Safety
    /// The CPU has the level; blocks at work at the same time do not overlap. `x` and `y` have at
    /// least the floats of [`Job::buffers`] and are used for nothing else meanwhile.
    pub(super) unsafe fn block(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        x: *mut f32,
        y: *mut f32,
    ) -> Work<'a> {
        debug_assert!(cols.start.is_multiple_of(PANEL));
        // SAFETY: blocks do not overlap, by contract.
        let c = unsafe { self.c.block(&rows, &cols) };
        // SAFETY: the shapes were checked and the parts correspond; C is borrowed mutably, so
        // it overlaps no operand; the buffers for a part are no larger than for the whole.
        let (level, numbers) = (self.level, self.numbers);
        let done = |kind: Kind<'a>| Work { kind, row0: rows.start, col0: cols.start };
        let (left, columns) = match self.operands {
            Operands::Floats(a, Rhs::Plain(b)) if self.dots => {
                // SAFETY: see above.
                return done(Kind::Dots(unsafe { Dots::new(level, a.part(&rows), b.part(&cols), c, x) }));
            }
            Operands::Floats(a, Rhs::Blocks(b)) if self.dots => {
                // SAFETY: see above.
                return done(Kind::Rows(unsafe { Rows::new(level, a.part(&rows), b, cols.start, c, x) }));
            }
            Operands::Floats(a, b) => {
                let columns = match b {
                    Rhs::Plain(b) => Columns::Plain(b.part(&cols)),
                    Rhs::Blocks(b) => Columns::Blocks(b, cols.start),
                    Rhs::Packed(b) => panels(b.data(), PANEL * b.k(), cols.start),
                    Rhs::PackedBf16 { b, .. } => panels(b.data(), PANEL * numbers.rows(b.k()), cols.start),
                };
                (Left::Floats(a), columns)
            }
            Operands::Bytes(a, RhsI8::Plain(b)) if self.dots => {
                // SAFETY: see above.
                let dots = unsafe { Dots::of_bytes(level, a.part(&rows), b.part(&cols), c, x) };
                return done(Kind::ByteDots(dots));
            }
            Operands::Bytes(a, RhsI8::Plain(b)) => (Left::Bytes(a), Columns::Bytes(b.part(&cols))),
            Operands::Bytes(a, RhsI8::Packed(b)) => {
                let first = b.data().wrapping_add(PANEL);
                (Left::Bytes(a), panels(first, panel_words(b.k()), cols.start))
            }
        };
        // SAFETY: see above; numbers are those of the panels, or of what is decoded, and of the level.
        done(Kind::Tiles(unsafe { Sweep::new(level, numbers, left.part(&rows), columns, c, x, y) }))
    }
}

/// Packed panels of so many words, from a column on that starts one.
fn panels<'a>(data: *const f32, words: usize, column: usize) -> Columns<'a> {
    Columns::Packed(data.wrapping_add(column / PANEL * words), words)
}

/// The extent of the sum of operands of these extents, if they fit together.
///
/// # Panics
/// If they do not.
fn check(a: (usize, usize), b: (usize, usize), c: &MatMut<'_>) -> usize {
    let (m, n, k) = (c.rows(), c.cols(), a.1);
    assert!(
        a.0 == m && b == (n, k),
        "matrix product: A is {} × {k}, B is {} × {}, so C cannot be {m} × {n}",
        a.0,
        b.0,
        b.1,
    );
    k
}

/// A block of C on its way.
pub(super) struct Work<'a> {
    kind: Kind<'a>,
    row0: usize,
    col0: usize,
}

enum Kind<'a> {
    Tiles(Sweep<'a>),
    Dots(Dots<'a, f32>),
    ByteDots(Dots<'a, i8>),
    Rows(Rows<'a>),
}

/// A finished segment: its row and first column in C, and its elements.
pub(super) type Segment<'w> = (usize, usize, &'w mut [f32]);

impl Work<'_> {
    /// Computes until the next rows and columns of the block are finished.
    #[inline]
    pub(super) fn next(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        match &mut self.kind {
            Kind::Tiles(tiles) => tiles.next(),
            Kind::Dots(dots) => dots.next(),
            Kind::ByteDots(dots) => dots.next(),
            Kind::Rows(rows) => rows.next(),
        }
    }

    /// The columns `cols` of row `r` of the block, with their place in C.
    #[inline]
    pub(super) fn segment(&mut self, r: usize, cols: &Range<usize>) -> Segment<'_> {
        let c = match &mut self.kind {
            Kind::Tiles(tiles) => &mut tiles.c,
            Kind::Dots(dots) => &mut dots.c,
            Kind::ByteDots(dots) => &mut dots.c,
            Kind::Rows(rows) => &mut rows.c,
        };
        (self.row0 + r, self.col0 + cols.start, c.segment(r, cols.clone()))
    }
}
