//! The loop IR as text, for people (`vibee show loops`) and snapshots.

use std::fmt::Write;

use vibee_spec::term::{Atom, DType, DefId, ExprId, IndexId, Int, Node, Op, Pos, Source};

use super::{BufferKind, LoopProgram, OperandAxis, Rounding, Stmt};

/// The whole program.
#[must_use]
pub fn text(p: &LoopProgram) -> String {
    let mut w = Writer { p, out: String::new() };
    w.program();
    w.out
}

struct Writer<'a> {
    p: &'a LoopProgram,
    out: String,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", depth * 2);
    }

    fn program(&mut self) {
        let k = &self.p.program.kernel;
        self.line(0, &format!("loops {}", k.name));
        for b in &self.p.buffers {
            let dims: Vec<String> = b.dims.iter().map(|d| self.int(d)).collect();
            let kind = match b.kind {
                BufferKind::Output(_) => "output",
                BufferKind::Arena => "arena",
                BufferKind::Local => "local",
            };
            let def = self.p.program.def(b.def);
            self.line(1, &format!("{kind} {}: {}[{}]", def.name, self.dtype(&def.dtype), dims.join(", ")));
        }
        for (n, s) in self.p.stages.iter().enumerate() {
            let grid: Vec<String> = s.grid.iter().map(|i| self.range(*i)).collect();
            let head = if grid.is_empty() { String::new() } else { format!(" grid {}", grid.join(", ")) };
            let rows = s.rows.first().map_or(String::new(), |i| format!(" blocks of {}", self.range(*i)));
            self.line(1, &format!("stage {n}{head}{rows}"));
            self.stmts(2, &s.body);
        }
    }

    fn range(&self, i: IndexId) -> String {
        format!("{} in {}", self.index(i), self.int(self.p.program.extent(i)))
    }

    fn stmts(&mut self, depth: usize, stmts: &[Stmt]) {
        for s in stmts {
            match s {
                Stmt::Loop { index, lo, hi, lanes, body } => {
                    let lanes = lanes.map_or(String::new(), |u| format!(" lanes x{u}"));
                    let head =
                        format!("for {} in {}..{}{lanes}", self.index(*index), self.int(lo), self.int(hi));
                    self.line(depth, &head);
                    self.stmts(depth + 1, body);
                }
                Stmt::Start { def, lanes } => {
                    let lanes = lanes.map_or(String::new(), |u| format!(" lanes x{u}"));
                    self.line(depth, &format!("{} := start {}{lanes}", self.name(*def), self.fold(*def)));
                }
                Stmt::Update { def } => {
                    let d = self.p.program.def(*def);
                    let guard = d.guard.map_or(String::new(), |g| format!(" if {}", self.expr(g)));
                    let head =
                        format!("{} {}= {}{guard}", self.name(*def), self.fold(*def), self.expr(d.value));
                    self.line(depth, &head);
                }
                Stmt::Finish { def, reduce } => {
                    let how = if *reduce { "reduce lanes" } else { "done" };
                    self.line(depth, &format!("{} {how}", self.name(*def)));
                }
                Stmt::Let { def } => {
                    let value = self.expr(self.p.program.def(*def).value);
                    self.line(depth, &format!("let {} = {value}", self.name(*def)));
                }
                Stmt::Store { def } => {
                    let d = self.p.program.def(*def);
                    let at: Vec<String> = match self.p.place(*def).buffer {
                        Some(b) => self.p.buffer(b).axes.iter().map(|a| self.index(d.free[*a])).collect(),
                        None => vec![],
                    };
                    let bound = self.p.place(*def).variable || d.fold.is_some();
                    let value = if bound { self.name(*def) } else { self.expr(d.value) };
                    self.line(depth, &format!("store {}[{}] = {value}", self.name(*def), at.join(", ")));
                }
                Stmt::Gemm(g) => {
                    let list =
                        |of: &[IndexId]| of.iter().map(|i| self.range(*i)).collect::<Vec<_>>().join(", ");
                    let operand = |o: &super::Operand| {
                        let axes: Vec<String> = o
                            .axes
                            .iter()
                            .map(|a| match a {
                                OperandAxis::At(p) => format!("at {}", self.int(p)),
                                OperandAxis::Rows(p, r) => format!("rows {} + {}", self.int(p), list(r)),
                                OperandAxis::RowsPart(r) => format!("rows part {}", list(r)),
                                OperandAxis::ColsPart(r) => format!("cols part {}", list(r)),
                                OperandAxis::Cols(p, r) => format!("cols {} + {}", self.int(p), list(r)),
                                OperandAxis::Mixed(p, r, c) => {
                                    format!("rows and cols {} + {}; {}", self.int(p), list(r), list(c))
                                }
                            })
                            .collect();
                        format!("{} ({})", self.expr(o.load), axes.join("; "))
                    };
                    let (a, b) = (operand(&g.a), operand(&g.b));
                    let head = format!(
                        "gemm {}: m {}; n {}; k {}",
                        self.name(g.def),
                        list(&g.m),
                        list(&g.n),
                        list(&g.k)
                    );
                    self.line(depth, &head);
                    let rounded = match g.rounding {
                        None => "",
                        Some(Rounding::I8) => ", may be rounded to i8",
                        Some(Rounding::Bf16) => ", may be rounded to bf16",
                    };
                    self.line(depth + 1, &format!("a = {a}{rounded}"));
                    self.line(depth + 1, &format!("b = {b}"));
                    for (what, i, range) in [("columns", &g.n, &g.columns), ("terms", &g.k, &g.terms)] {
                        if let Some((lo, hi)) = range {
                            let (i, lo, hi) = (self.index(i[0]), self.int(lo), self.int(hi));
                            self.line(depth + 1, &format!("{what} {i} in {lo}..{hi}"));
                        }
                    }
                    if let Some(e) = g.epilogue {
                        let value = self.expr(self.p.program.def(e).value);
                        self.line(depth + 1, &format!("then {} = {value}", self.name(e)));
                    }
                }
            }
        }
    }

    fn fold(&self, d: DefId) -> &'static str {
        self.p.program.def(d).fold.as_ref().map_or("", |f| f.op.name())
    }

    fn name(&self, d: DefId) -> String {
        self.p.program.def(d).name.clone()
    }

    /// Letters may repeat between nests, never on one path; that is enough to read by.
    fn index(&self, i: IndexId) -> String {
        self.p.program.kernel.indices[i.index()].name.clone()
    }

    fn dtype(&self, t: &DType) -> String {
        match t {
            DType::Idx(n) => format!("idx<{}>", self.int(n)),
            DType::Len(n) => format!("len<{}>", self.int(n)),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    fn int(&self, i: &Int) -> String {
        let mut parts = String::new();
        for (m, c) in i.terms() {
            let factors: Vec<String> = m.iter().map(|a| self.atom(a)).collect();
            let magnitude = c.unsigned_abs();
            let term = match (factors.is_empty(), magnitude) {
                (true, _) => magnitude.to_string(),
                (false, 1) => factors.join("*"),
                (false, _) => format!("{magnitude}*{}", factors.join("*")),
            };
            let sign = match (parts.is_empty(), c < 0) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            parts.push_str(sign);
            parts.push_str(&term);
        }
        if parts.is_empty() { "0".to_owned() } else { parts }
    }

    fn atom(&self, a: &Atom) -> String {
        let k = &self.p.program.kernel;
        match a {
            Atom::Dim(d) => k.dims[d.index()].name.clone(),
            Atom::Index(i) => self.index(*i),
            Atom::Scalar(s) => k.input(*s).name.clone(),
            Atom::Div(a, b) => format!("({})//({})", self.int(a), self.int(b)),
            Atom::Mod(a, b) => format!("({})%({})", self.int(a), self.int(b)),
            Atom::Min(a, b) => format!("min({}, {})", self.int(a), self.int(b)),
            Atom::Max(a, b) => format!("max({}, {})", self.int(a), self.int(b)),
        }
    }

    fn expr(&self, e: ExprId) -> String {
        let exprs = &self.p.program.kernel.exprs;
        match exprs.node(e) {
            Node::Float(bits, _) => format!("{:?}", f64::from_bits(*bits)),
            Node::Bool(b) => b.to_string(),
            Node::Int(i) => format!("int({})", self.int(i)),
            Node::Load { from, at, outside } => {
                let name = match from {
                    Source::Input(i) => self.p.program.kernel.input(*i).name.clone(),
                    Source::Def(d) => self.name(*d),
                };
                let at: Vec<String> = at
                    .iter()
                    .map(|p| match p {
                        Pos::At(i) => self.int(i),
                        Pos::Data(d) => self.expr(*d),
                    })
                    .collect();
                let outside = outside.map_or(String::new(), |o| format!("; {}", self.expr(o)));
                if at.is_empty() { name } else { format!("{name}[{}{outside}]", at.join(", ")) }
            }
            Node::Op(Op::Select, a) => {
                format!("if {} then {} else {}", self.expr(a[0]), self.expr(a[1]), self.expr(a[2]))
            }
            Node::Op(op, args) => {
                let args: Vec<String> = args.iter().map(|a| self.expr(*a)).collect();
                format!("{}({})", op.info().name, args.join(", "))
            }
            Node::Cast(to, a) => format!("{}({})", self.dtype(to), self.expr(*a)),
            Node::Fold { .. } => unreachable!("folds are definitions here"),
        }
    }
}
