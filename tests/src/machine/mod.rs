//! An interpreter of loop programs: slow, in `f64`, statement by statement, as the loop IR is defined.
//!
//! It tells a wrong schedule from a wrong emission. Stricter than any machine: a read of a variable
//! outside its iteration, of an element that nobody has written, or beyond an array is an error, and
//! so is an element stored twice. Of the compiler it knows the loop IR, of the interpreter the table of
//! operators; it must not know how loops are emitted.

mod eval;
mod fold;
mod value;

use std::collections::HashMap;

use vibee_codegen::loops::{BufferId, BufferKind, Gemm, LoopProgram, Operand, OperandAxis, Stmt};
use vibee_spec::interp::Tensor;
use vibee_spec::term::{Atom, DType, DefId, IndexId, Int, Node, Source};

use fold::{Accumulator, LANES};
use value::Plain;

/// An array under construction.
#[derive(Clone, Debug)]
struct Array {
    dims: Vec<i64>,
    values: Vec<Option<Plain>>,
}

/// Why a program cannot run; `None`: it takes too many steps.
pub type Fault = Option<String>;

/// Runs a program on a call's arguments; the outputs' elements one after another.
///
/// # Errors
/// What a statement does that it must not.
pub fn run(p: &LoopProgram, dims: &[i64], inputs: &[Tensor], steps: u64) -> Result<Vec<f64>, Fault> {
    let mut m = Machine {
        p,
        dims,
        inputs,
        at: HashMap::new(),
        buffers: vec![None; p.buffers.len()],
        variables: HashMap::new(),
        folds: HashMap::new(),
        lane: 0,
        steps,
        tile: None,
    };
    for (n, b) in p.buffers.iter().enumerate() {
        if b.kind != BufferKind::Local {
            m.make(BufferId(n as u32))?;
        }
    }
    for s in &p.stages {
        m.tasks(&s.grid, &s.body)?;
    }
    let mut out = Vec::new();
    for o in &p.program.outputs {
        let array = p.place(o.def).buffer.and_then(|b| m.buffers[b.index()].as_ref());
        for v in array.iter().flat_map(|a| &a.values) {
            let v = v.ok_or_else(|| Some(format!("an element of `{}` is never stored", o.name)))?;
            out.push(v.number());
        }
    }
    Ok(out)
}

struct Machine<'a> {
    p: &'a LoopProgram,
    dims: &'a [i64],
    inputs: &'a [Tensor],
    at: HashMap<IndexId, i64>,
    buffers: Vec<Option<Array>>,
    /// Bound values with the element they are of; a value under a guard that fails is not there.
    variables: HashMap<DefId, (Vec<i64>, Option<Plain>)>,
    folds: HashMap<DefId, Accumulator>,
    lane: usize,
    steps: u64,
    /// In an epilogue: the product and its finished sum.
    tile: Option<(DefId, Plain)>,
}

impl Machine<'_> {
    fn make(&mut self, b: BufferId) -> Result<(), Fault> {
        let dims = self.p.buffer(b).dims.iter().map(|d| Ok(self.int(d)?.max(0)));
        let dims = dims.collect::<Result<Vec<i64>, Fault>>()?;
        let count = dims.iter().product::<i64>() as usize;
        self.buffers[b.index()] = Some(Array { dims, values: vec![None; count] });
        Ok(())
    }

    fn tasks(&mut self, grid: &[IndexId], body: &[Stmt]) -> Result<(), Fault> {
        if let Some((first, rest)) = grid.split_first() {
            let n = self.int(self.p.program.extent(*first))?;
            for v in 0..n {
                self.at.insert(*first, v);
                self.tasks(rest, body)?;
            }
            self.at.remove(first);
            return Ok(());
        }
        for n in 0..self.p.buffers.len() {
            if self.p.buffers[n].kind == BufferKind::Local {
                self.make(BufferId(n as u32))?;
            }
        }
        self.stmts(body)?;
        // What a task binds and keeps ends with it.
        self.variables.clear();
        self.folds.clear();
        for n in 0..self.p.buffers.len() {
            if self.p.buffers[n].kind == BufferKind::Local {
                self.buffers[n] = None;
            }
        }
        Ok(())
    }

    fn stmts(&mut self, body: &[Stmt]) -> Result<(), Fault> {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    fn stmt(&mut self, s: &Stmt) -> Result<(), Fault> {
        self.steps = self.steps.checked_sub(1).ok_or(None)?;
        let program = &self.p.program;
        match s {
            Stmt::Loop { index, lo, hi, lanes, body } => {
                // A range whose start is negative starts at 0, as unsigned counting does.
                let (lo, hi) = (self.int(lo)?.max(0), self.int(hi)?);
                for v in lo..hi {
                    self.at.insert(*index, v);
                    if lanes.is_some() {
                        self.lane = (v - lo) as usize % LANES;
                    }
                    self.stmts(body)?;
                }
                self.at.remove(index);
            }
            Stmt::Start { def, lanes } => {
                let d = program.def(*def);
                let op = d.fold.as_ref().ok_or_else(|| self.fault(*def, "is not a fold"))?.op;
                let of = program.kernel.exprs.dtype(d.value);
                self.folds.insert(*def, Accumulator::new(op, of, lanes.is_some()));
            }
            Stmt::Update { def } => {
                let d = program.def(*def);
                if let Some(g) = d.guard
                    && !self.eval(g)?.truth()
                {
                    return Ok(());
                }
                let value = self.eval(d.value)?;
                let over = d.fold.as_ref().and_then(|f| f.over.first()).and_then(|i| self.at.get(i));
                let (position, lane) = (over.copied().unwrap_or(0), self.lane);
                let fold = self
                    .folds
                    .get_mut(def)
                    .ok_or_else(|| Some(format!("`{}` is updated before it starts", d.name)))?;
                fold.update(lane, value, position);
            }
            Stmt::Finish { def, reduce } => {
                let fold =
                    self.folds.get(def).ok_or_else(|| self.fault(*def, "finishes before it starts"))?;
                let value = fold.finish(*reduce, self.lane);
                self.bind(*def, Some(value))?;
            }
            Stmt::Let { def } => {
                let value = self.guarded(*def)?;
                self.bind(*def, value)?;
            }
            Stmt::Store { def } => {
                let element = self.element(*def)?;
                let value = match self.variables.get(def) {
                    Some((at, v)) if *at == element => *v,
                    Some(_) => return Err(self.fault(*def, "is stored for another element than it is of")),
                    None => self.guarded(*def)?,
                };
                self.store(*def, value)?;
            }
            Stmt::Gemm(g) => self.product(g)?,
        }
        Ok(())
    }

    /// An elementwise value, where its guard lets anybody read it.
    fn guarded(&mut self, def: DefId) -> Result<Option<Plain>, Fault> {
        let d = self.p.program.def(def);
        if d.fold.is_some() {
            return Err(self.fault(def, "is a fold and has no value yet"));
        }
        match d.guard {
            Some(g) if !self.eval(g)?.truth() => Ok(None),
            _ => self.eval(d.value).map(Some),
        }
    }

    fn fault(&self, def: DefId, what: &str) -> Fault {
        Some(format!("`{}` {what}", self.p.program.def(def).name))
    }

    /// The element of a definition that the indices around name.
    fn element(&self, def: DefId) -> Result<Vec<i64>, Fault> {
        let free = &self.p.program.def(def).free;
        let at = free.iter().map(|i| self.at.get(i).copied());
        at.collect::<Option<Vec<i64>>>().ok_or_else(|| self.fault(def, "lacks a loop"))
    }

    fn bind(&mut self, def: DefId, value: Option<Plain>) -> Result<(), Fault> {
        let element = self.element(def)?;
        let dtype = &self.p.program.def(def).dtype;
        let limit = self.limit(dtype)?;
        self.variables.insert(def, (element, value.map(|v| v.kept(dtype, limit))));
        Ok(())
    }

    fn limit(&self, dtype: &DType) -> Result<i64, Fault> {
        match dtype {
            DType::Idx(n) | DType::Len(n) => self.int(n),
            _ => Ok(0),
        }
    }

    fn store(&mut self, def: DefId, value: Option<Plain>) -> Result<(), Fault> {
        let element = self.element(def)?;
        let b = self.p.place(def).buffer.ok_or_else(|| self.fault(def, "has no buffer"))?;
        let dtype = &self.p.program.def(def).dtype;
        let limit = self.limit(dtype)?;
        let at: Vec<i64> = self.p.buffer(b).axes.iter().map(|a| element[*a]).collect();
        let local = self.p.buffer(b).kind == BufferKind::Local;
        let place = self.place(def, b, &at)?;
        let array = self.buffers[b.index()].as_mut().ok_or_else(|| Some("a missing buffer".to_owned()))?;
        let old = array.values[place].replace(value.map_or(Plain::Bool(false), |v| v.kept(dtype, limit)));
        if value.is_none() {
            array.values[place] = None;
        }
        // A task's own buffer is used again by the next iteration of the loops around.
        if old.is_some() && !local { Err(self.fault(def, "stores an element twice")) } else { Ok(()) }
    }

    fn place(&self, def: DefId, b: BufferId, at: &[i64]) -> Result<usize, Fault> {
        let Some(array) = &self.buffers[b.index()] else {
            return Err(self.fault(def, "is read where its buffer does not exist"));
        };
        let inside =
            at.len() == array.dims.len() && at.iter().zip(&array.dims).all(|(p, n)| (0..*n).contains(p));
        if !inside {
            return Err(self.fault(def, &format!("has no element {at:?}: its buffer has {:?}", array.dims)));
        }
        Ok(at.iter().zip(&array.dims).fold(0, |place, (p, n)| place * *n as usize + *p as usize))
    }

    fn int(&self, i: &Int) -> Result<i64, Fault> {
        let leaf = |a: &Atom| match a {
            Atom::Dim(d) => self.dims.get(d.index()).copied(),
            Atom::Index(i) => self.at.get(i).copied(),
            Atom::Scalar(s) => self.input(*s, 0).map(Plain::int),
            _ => None,
        };
        i.eval(&leaf).ok_or_else(|| Some(format!("{i:?} has no value here")))
    }

    /// A product, read the way its operands say, and its epilogue.
    fn product(&mut self, g: &Gemm) -> Result<(), Fault> {
        let program = &self.p.program;
        let result: Vec<IndexId> = g.m.iter().chain(&g.n).copied().collect();
        let mut more = self.first(&result)?;
        while more {
            // Columns that nobody reads get no value, so that whoever reads one after all is found.
            if !self.is_within(&g.columns, &g.n)? {
                more = self.next(&result)?;
                continue;
            }
            let mut sum = 0.0;
            let mut terms = self.first(&g.k)?;
            while terms {
                self.steps = self.steps.checked_sub(1).ok_or(None)?;
                if !self.is_within(&g.terms, &g.k)? {
                    terms = self.next(&g.k)?;
                    continue;
                }
                sum += self.factor(&g.a, &g.m)?.number() * self.factor(&g.b, &g.n)?.number();
                terms = self.next(&g.k)?;
            }
            // Whole sums wrap.
            let is_whole = program.def(g.def).dtype == DType::I32;
            let sum = if is_whole { Plain::Int(i64::from(sum as i64 as i32)) } else { Plain::Float(sum) };
            match g.epilogue {
                None => self.store(g.def, Some(sum))?,
                Some(e) => {
                    self.tile = Some((g.def, sum));
                    let value = self.eval(program.def(e).value)?;
                    self.tile = None;
                    self.store(e, Some(value))?;
                }
            }
            more = self.next(&result)?;
        }
        for i in result.iter().chain(&g.k) {
            self.at.remove(i);
        }
        Ok(())
    }

    /// Whether the one index of a range, if there is a range, is in it.
    fn is_within(&self, range: &Option<(Int, Int)>, of: &[IndexId]) -> Result<bool, Fault> {
        let Some((lo, hi)) = range else { return Ok(true) };
        let at = self.int(&Int::index(of[0]))?;
        Ok((self.int(lo)?..self.int(hi)?).contains(&at))
    }

    /// An operand's element at the current row and term.
    fn factor(&mut self, o: &Operand, rows: &[IndexId]) -> Result<Plain, Fault> {
        let Node::Load { from, .. } = self.p.program.kernel.exprs.node(o.load) else {
            return Err(Some("an operand that is not a load".to_owned()));
        };
        let from = *from;
        let mut at = Vec::new();
        for (n, axis) in o.axes.iter().enumerate() {
            at.push(match axis {
                OperandAxis::At(p) => self.int(p)?,
                OperandAxis::Rows(start, _) | OperandAxis::Cols(start, _) | OperandAxis::Mixed(start, ..) => {
                    let mut number = 0;
                    for i in axis.rows().iter().chain(axis.cols()) {
                        let extent = self.int(self.p.program.extent(*i))?;
                        number = number * extent + self.int(&Int::index(*i))?;
                    }
                    self.int(start)? + number
                }
                // The outer part is known from the inner one, which names the index.
                OperandAxis::RowsPart(i) | OperandAxis::ColsPart(i) => {
                    let outer = i.is_empty();
                    let next = if outer { o.axes.get(n + 1) } else { Some(axis) };
                    let inner = self.extents(from)?[if outer { n + 1 } else { n }];
                    let (Some(OperandAxis::RowsPart(i) | OperandAxis::ColsPart(i)), true) = (next, inner > 0)
                    else {
                        return Err(Some(format!("axis {n} of an operand of {rows:?} has no index")));
                    };
                    let v = self.int(&Int::index(i[0]))?;
                    if outer { v / inner } else { v % inner }
                }
            });
        }
        self.fetch(from, &at)
    }

    fn extents(&self, from: Source) -> Result<Vec<i64>, Fault> {
        let program = &self.p.program;
        match from {
            Source::Input(i) => Ok(self.inputs[i.index()].dims.iter().map(|d| *d as i64).collect()),
            Source::Def(d) => program.def(d).free.iter().map(|i| self.int(program.extent(*i))).collect(),
        }
    }

    fn first(&mut self, indices: &[IndexId]) -> Result<bool, Fault> {
        let mut some = true;
        for i in indices {
            some &= self.int(self.p.program.extent(*i))? > 0;
            self.at.insert(*i, 0);
        }
        Ok(some)
    }

    fn next(&mut self, indices: &[IndexId]) -> Result<bool, Fault> {
        for i in indices.iter().rev() {
            let v = self.at.get(i).copied().unwrap_or(0) + 1;
            if v < self.int(self.p.program.extent(*i))? {
                self.at.insert(*i, v);
                return Ok(true);
            }
            self.at.insert(*i, 0);
        }
        Ok(false)
    }
}
