//! Loop forest → loop IR: decides where values live, what is parallel, and when folds start and end.

use std::collections::BTreeMap;

use vibee_spec::term::{DefId, IndexId};

use super::rows;
use super::tree::{Loop, Node, definitions};
use crate::loops::{Buffer, BufferId, BufferKind, LoopProgram, Place, Stage, Stmt};
use crate::passes::Program;

/// Lowers a scheduled forest.
pub fn run(program: Program, forest: Vec<Node>) -> LoopProgram {
    let mut paths = Paths::default();
    for n in &forest {
        paths.walk(&program, n, &mut Vec::new());
    }
    let mut out = LoopProgram {
        places: vec![Place::default(); program.defs.len()],
        buffers: Vec::new(),
        stages: Vec::new(),
        program,
    };
    store(&mut out, &paths);
    for n in forest {
        let (grid, body) = split_grid(&out.program, n);
        let rows = if grid.is_empty() { Vec::new() } else { rows::find(&out.program, &body) };
        let body = Lowering { out: &out, paths: &paths }.nodes(&body, None);
        out.stages.push(Stage { grid, rows, body });
    }
    out
}

/// The loops around each definition.
#[derive(Default)]
struct Paths {
    around: BTreeMap<DefId, Vec<IndexId>>,
    /// Loops that run in lanes.
    lanes: Vec<IndexId>,
    /// Definitions written by a matrix product: always in memory.
    products: Vec<DefId>,
    /// Contractions that an epilogue rewrites before they reach memory.
    tiles: Vec<DefId>,
    /// Definitions read by a matrix product or its epilogue.
    operands: Vec<(DefId, DefId)>,
}

impl Paths {
    fn walk(&mut self, program: &Program, n: &Node, path: &mut Vec<IndexId>) {
        match n {
            Node::Loop(l) => {
                if l.lanes.is_some() {
                    self.lanes.push(l.index);
                }
                path.push(l.index);
                l.body.iter().for_each(|n| self.walk(program, n, path));
                path.pop();
            }
            Node::Def(d) => {
                self.around.insert(*d, path.clone());
            }
            Node::Gemm(g) => {
                self.products.push(g.target());
                if g.epilogue.is_some() {
                    self.tiles.push(g.def);
                }
                for d in [g.def, g.target()] {
                    self.around.insert(d, path.clone());
                    self.operands.extend(program.producers(d).into_iter().map(|p| (p, d)));
                }
            }
        }
    }

    /// The loops in which a definition's finished value is visible.
    fn visible<'a>(&'a self, program: &Program, d: DefId) -> &'a [IndexId] {
        let path = self.around.get(&d).map_or(&[][..], Vec::as_slice);
        match &program.def(d).fold {
            Some(f) => {
                let end = path.iter().position(|i| f.over.contains(i)).unwrap_or(path.len());
                &path[..end]
            }
            None => path,
        }
    }

    /// Whether `reader` can use `d`'s variable.
    fn in_scope(&self, program: &Program, d: DefId, reader: DefId) -> bool {
        let visible = self.visible(program, d);
        let through_memory = self.products.contains(&d) || self.operands.contains(&(d, reader));
        !through_memory
            && !visible.is_empty()
            && self.around.get(&reader).is_some_and(|path| path.starts_with(visible))
    }
}

/// Gives every definition a variable, a buffer or both.
fn store(out: &mut LoopProgram, paths: &Paths) {
    let program = &out.program;
    for (id, def) in program.live() {
        // A contraction with an epilogue lives only in the product's tile.
        if paths.tiles.contains(&id) {
            continue;
        }
        let readers: Vec<DefId> =
            program.live().filter(|(r, _)| program.producers(*r).contains(&id)).map(|(r, _)| r).collect();
        let (near, far): (Vec<DefId>, Vec<DefId>) =
            readers.into_iter().partition(|r| paths.in_scope(program, id, *r));
        let output = program.outputs.iter().position(|o| o.def == id);
        let place = &mut out.places[id.index()];
        place.variable = !near.is_empty();
        if far.is_empty() && output.is_none() {
            continue;
        }
        let mut common: Vec<IndexId> = paths.visible(program, id).to_vec();
        for r in &far {
            let path = &paths.around[r];
            let shared = common.iter().zip(path).take_while(|(a, b)| a == b).count();
            common.truncate(shared);
        }
        let kind = match output {
            Some(n) => BufferKind::Output(n),
            None if common.is_empty() => BufferKind::Arena,
            None => BufferKind::Local,
        };
        let axes: Vec<usize> = (0..def.free.len())
            // A lanes loop works on many elements at once, so its axis is stored all the same.
            .filter(|a| {
                let i = &def.free[*a];
                kind != BufferKind::Local || !common.contains(i) || paths.lanes.contains(i)
            })
            .collect();
        let dims = axes.iter().map(|a| program.extent(def.free[*a]).clone()).collect();
        place.buffer = Some(BufferId(out.buffers.len() as u32));
        out.buffers.push(Buffer { def: id, kind, axes, dims });
    }
}

/// The outermost loops that every definition inside can run in parallel.
fn split_grid(program: &Program, root: Node) -> (Vec<IndexId>, Vec<Node>) {
    let mut grid = Vec::new();
    let mut body = vec![root];
    while let [Node::Loop(l)] = body.as_slice() {
        let free = definitions(&l.body).iter().all(|d| program.def(*d).free.contains(&l.index));
        // A loop over single elements is a task's own work.
        let innermost = l.body.iter().all(|n| matches!(n, Node::Def(_)));
        if l.lanes.is_some() || !l.is_whole(program) || !free || innermost {
            break;
        }
        grid.push(l.index);
        let Some(Node::Loop(l)) = body.pop() else { break };
        body = l.body;
    }
    (grid, body)
}

struct Lowering<'a> {
    out: &'a LoopProgram,
    paths: &'a Paths,
}

impl Lowering<'_> {
    /// `lanes`: the lanes loop around, with its unroll.
    fn nodes(&self, nodes: &[Node], lanes: Option<(IndexId, u32)>) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        for n in nodes {
            match n {
                Node::Def(d) if self.out.program.def(*d).fold.is_some() => {
                    stmts.push(Stmt::Update { def: *d });
                }
                Node::Def(d) => self.keep(*d, true, &mut stmts),
                Node::Gemm(g) => stmts.push(Stmt::Gemm(g.clone())),
                Node::Loop(l) => self.one_loop(l, lanes, &mut stmts),
            }
        }
        stmts
    }

    /// Binds and stores a value.
    fn keep(&self, def: DefId, elementwise: bool, stmts: &mut Vec<Stmt>) {
        let place = self.out.place(def);
        if elementwise && place.variable {
            stmts.push(Stmt::Let { def });
        }
        if place.buffer.is_some() {
            stmts.push(Stmt::Store { def });
        }
    }

    fn one_loop(&self, l: &Loop, lanes: Option<(IndexId, u32)>, stmts: &mut Vec<Stmt>) {
        let program = &self.out.program;
        let inner = l.lanes.map(|u| (l.index, u)).or(lanes);
        // Folds whose outermost loop this is.
        let folds: Vec<DefId> = definitions(&l.body)
            .into_iter()
            .filter(|d| {
                let over = program.def(*d).fold.as_ref().map(|f| &f.over);
                let path = &self.paths.around[d];
                over.is_some_and(|o| path.iter().find(|i| o.contains(i)) == Some(&l.index))
            })
            .collect();
        let lanes_of = |d: DefId| lanes.or_else(|| find_lanes(l, &self.paths.around[&d]));
        for d in &folds {
            stmts.push(Stmt::Start { def: *d, lanes: lanes_of(*d).map(|(_, u)| u) });
        }
        stmts.push(Stmt::Loop {
            index: l.index,
            lo: l.lo.clone(),
            hi: l.hi.clone(),
            lanes: l.lanes,
            body: self.nodes(&l.body, inner),
        });
        for d in folds {
            let fold = program.def(d).fold.as_ref();
            let reduce = lanes_of(d).is_some_and(|(v, _)| fold.is_some_and(|f| f.over.contains(&v)));
            stmts.push(Stmt::Finish { def: d, reduce });
            self.keep(d, false, stmts);
        }
    }
}

/// The lanes loop at or below a loop, on a definition's path.
fn find_lanes(l: &Loop, path: &[IndexId]) -> Option<(IndexId, u32)> {
    if !path.contains(&l.index) {
        return None;
    }
    if let Some(u) = l.lanes {
        return Some((l.index, u));
    }
    l.body.iter().find_map(|n| match n {
        Node::Loop(inner) => find_lanes(inner, path),
        _ => None,
    })
}
