//! A product whose shapes have been checked, whole or cut into blocks of C.

use core::ops::Range;

use super::PANEL;
use super::dot::{self, Dots};
use super::kernel::Numbers;
use super::mat::{Mat, MatMut};
use super::packed::Rhs;
use super::rows::Rows;
use super::sweep::{Columns, Sweep, buffers};
use crate::blocks::MOST_ROWS;
use crate::level::Level;

/// Multiply-adds per lane in the smallest block worth handing to another thread: 15 µs of work,
/// where waking one takes 20.
const WORTH_SHARING: usize = 1 << 17;
/// Lanes that tiles stand for: half of what they do at most, which is 32 times as much as AVX-512 does.
const TILE_LANES: usize = 256;
/// Multiply-adds that take as long as touching an element does elsewhere.
const PER_ELEMENT: usize = 8;

/// Operands that fit together, and which way their product goes.
pub(super) struct Job<'a> {
    a: Mat<'a>,
    b: Rhs<'a>,
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
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        assert!(
            a.rows() == m && b.n() == n && b.k() == k,
            "matrix product: A is {} × {k}, B is {} × {}, so C cannot be {m} × {n}",
            a.rows(),
            b.n(),
            b.k(),
        );
        let dots = match &b {
            Rhs::Plain(b) => dot::suits(m, b),
            Rhs::Packed(_) | Rhs::PackedBf16 { .. } => false,
            Rhs::Blocks(_) => m <= MOST_ROWS,
        };
        let (rounds, exact) = match &b {
            Rhs::Plain(_) | Rhs::Packed(_) => (false, Numbers::Single),
            Rhs::PackedBf16 { rounds, .. } => (*rounds, Numbers::Pairs),
            Rhs::Blocks(b) => (b.weights().rounds(), Numbers::Single),
        };
        let rounded = if rounds && !dots { Numbers::rounded(level, m) } else { None };
        Self { a, b, c, dots, level: level.code(), numbers: rounded.unwrap_or(exact) }
    }

    pub(super) fn shape(&self) -> (usize, usize, usize) {
        (self.c.rows(), self.c.cols(), self.a.cols())
    }

    /// Floats of the two buffers that [`Job::block`] wants for all of C; no block needs more.
    pub(super) fn buffers(&self) -> (usize, usize) {
        let (m, n, k) = self.shape();
        if self.dots {
            (if self.a.col_axis().is_unit() { 0 } else { m * k }, 0)
        } else {
            buffers(m, n, k, self.b.is_packed())
        }
    }

    /// What the whole product costs, in the unit of [`Task::cost`](crate::task::Task::cost).
    pub(super) fn cost(&self) -> usize {
        let (m, n, k) = self.shape();
        m.saturating_mul(n).saturating_mul(k) / PER_ELEMENT
    }

    /// Into how many rows × columns of blocks C is cut for so many workers, at least 1 × 1.
    ///
    /// The cut whose blocks cost least, counting what every block packs for itself.
    pub(super) fn grid(&self, workers: usize) -> (usize, usize) {
        let (m, n, k) = self.shape();
        let total = m.saturating_mul(n).saturating_mul(k);
        let tiles = self.numbers == Numbers::Tiles;
        let lanes = match self.level {
            _ if tiles => TILE_LANES,
            Level::Scalar | Level::Neon => 4,
            Level::Avx2 => 8,
            Level::Avx512 | Level::Amx => 16,
        };
        let workers = workers.min(total / (WORTH_SHARING * lanes)).max(1);
        let plain = !self.b.is_packed();
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
        let a = self.a.part(&rows);
        // SAFETY: the shapes were checked and the parts correspond; C is borrowed mutably, so
        // it overlaps no operand; the buffers for a part are no larger than for the whole.
        let (level, numbers) = (self.level, self.numbers);
        let columns = match self.b {
            Rhs::Plain(b) if self.dots => {
                // SAFETY: see above.
                let dots = unsafe { Dots::new(level, a, b.part(&cols), c, x) };
                return Work { kind: Kind::Dots(dots), row0: rows.start, col0: cols.start };
            }
            Rhs::Blocks(b) if self.dots => {
                // SAFETY: see above.
                let few = unsafe { Rows::new(level, a, b, cols.start, c, x) };
                return Work { kind: Kind::Rows(few), row0: rows.start, col0: cols.start };
            }
            Rhs::Plain(b) => Columns::Plain(b.part(&cols)),
            Rhs::Blocks(b) => Columns::Blocks(b, cols.start),
            Rhs::Packed(b) => panels(b.data(), b.k(), cols.start),
            Rhs::PackedBf16 { b, .. } => panels(b.data(), numbers.rows(b.k()), cols.start),
        };
        // SAFETY: see above; numbers are those of the panels, or of what is decoded, and of the level.
        let kind = Kind::Tiles(unsafe { Sweep::new(level, numbers, a, columns, c, x, y) });
        Work { kind, row0: rows.start, col0: cols.start }
    }
}

/// Packed panels of so many rows, from a column on that starts one.
fn panels<'a>(data: *const f32, rows: usize, column: usize) -> Columns<'a> {
    let panel = PANEL * rows;
    Columns::Packed(data.wrapping_add(column / PANEL * panel), panel)
}

/// A block of C on its way.
pub(super) struct Work<'a> {
    kind: Kind<'a>,
    row0: usize,
    col0: usize,
}

enum Kind<'a> {
    Tiles(Sweep<'a>),
    Dots(Dots<'a>),
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
            Kind::Rows(rows) => rows.next(),
        }
    }

    /// The columns `cols` of row `r` of the block, with their place in C.
    #[inline]
    pub(super) fn segment(&mut self, r: usize, cols: &Range<usize>) -> Segment<'_> {
        let c = match &mut self.kind {
            Kind::Tiles(tiles) => &mut tiles.c,
            Kind::Dots(dots) => &mut dots.c,
            Kind::Rows(rows) => &mut rows.c,
        };
        (self.row0 + r, self.col0 + cols.start, c.segment(r, cols.clone()))
    }
}
