//! A kernel under construction: its names, letters and what is known at the point reached.
//!
//! Only state and small accessors; each way of extending a kernel has its own file.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::facts::Facts;
use super::frame::Env;
use super::globals::Cx;
use super::header::OutputDecl;
use super::hir::{LetterId, Place};
use super::prove::Prover;
use super::search::{Example, Question};
use super::types::Elem;
use crate::ast;
use crate::diag::Diagnostic;
use crate::limits::MAX_DEFINITIONS;
use crate::span::Span;
use crate::term::{
    Arg, Atom, Check, Cmp, DType, DefId, DimId, ExprId, Exprs, Format, IndexId, Input, InputId, Int, Kernel,
    Names, ParamRef,
};

/// Expressions expanded for one kernel; more is a chain of functions that doubles itself.
pub(super) const MAX_NODES: usize = 200_000;
/// Nesting of expressions after functions are expanded.
pub(super) const MAX_NESTING: usize = 320;

/// What a name in a kernel's body is.
#[derive(Clone, Debug)]
pub(super) enum Local {
    /// A size.
    Dim(DimId),
    /// An argument.
    Input(InputId),
    /// A definition.
    Def(DefId),
    /// Defined, but further below.
    Later,
    /// Its definition has errors, which have been reported.
    Poison,
    /// Outside this step of a forward; becomes an input when it is used.
    Outer(Arg, Box<Input>),
    /// The counter of a forward's `for`: how many loops are around that one, and its rounds.
    Counter(usize, Int),
    /// A sublayer of the layer.
    Sublayer(usize),
    /// A format's list of constants.
    Table(Rc<Vec<ast::Expr>>),
}

/// A local name and where it was declared.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub local: Local,
    pub span: Span,
}

/// One letter's range.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub extent: Int,
    /// The use it was taken from.
    pub place: Place,
    /// `axis 1 of x`.
    pub why: String,
}

/// A letter of a scope.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub name: String,
    pub range: Option<Range>,
    /// Stands in a sum on a left side, where no range can be written.
    pub in_sum: bool,
    /// A finding about it was reported: stay silent.
    pub poisoned: bool,
}

/// How two extents compare.
pub(super) enum Same {
    /// Equal for every size.
    Yes,
    /// Neither proved nor refuted.
    Unknown,
    /// Different at some small size.
    No(String),
}

/// See the module.
pub(super) struct Builder<'c, 'a> {
    pub cx: &'c mut Cx<'a>,
    pub file: usize,
    pub k: Kernel,
    pub locals: HashMap<String, Entry>,
    /// What generics stand for.
    pub generics: HashMap<String, Elem>,
    pub facts: Facts,
    pub letters: Vec<Letter>,
    pub letter_ids: HashMap<(u32, String), LetterId>,
    /// The letter of each index; `None` for indices of inlined kernels.
    pub index_letter: Vec<Option<LetterId>>,
    /// Letters bound at the point reached, innermost last.
    pub bound: Vec<(LetterId, IndexId)>,
    pub scopes: u32,
    pub nodes: usize,
    pub nesting: usize,
    /// A limit was met and reported: nothing more is expanded.
    pub exhausted: bool,
    /// Kernel calls already inlined: one call is one set of definitions, however often a
    /// function that mentions it expands.
    pub calls: HashMap<(usize, Span, u32), Option<Vec<DefId>>>,
    /// Local names that something refers to.
    pub used: HashSet<String>,
    /// Names that compiler-made definitions must avoid.
    pub taken: HashSet<String>,
    /// The last number given to each compiler-made name.
    pub fresh: HashMap<String, usize>,
    /// Loops around the expression being lowered.
    pub domain: Vec<IndexId>,
    /// Inequalities (`>= 0`) that hold there.
    pub guards: Vec<Int>,
    /// Conditions around it, whole, and whether they hold there.
    pub conditions: Vec<(ExprId, bool)>,
    /// Folds of the definition being lowered, each once.
    pub folds: Vec<ExprId>,
    /// The parser left lines out: a missing name is no finding of its own.
    pub incomplete: bool,
    /// Outputs as declared.
    pub outputs: Vec<OutputDecl>,
    /// Whether a position is being lowered.
    pub in_position: bool,
    /// Whether a `where` constraint is being lowered.
    pub in_constraint: bool,
    /// Inputs that are values of a forward: their integers are data, not sizes.
    pub opaque: HashSet<InputId>,
    /// What feeds each input made from an [`Local::Outer`].
    pub args: Vec<Arg>,
    /// Whether names may be rebound (inside a forward's `for`).
    pub in_loop: bool,
    /// Values below this are arguments of the forward, not computed by it.
    pub forward_arguments: usize,
    /// The formats of the weights around it, by their number.
    pub weight_formats: Vec<Option<Arc<Format>>>,
}

impl<'c, 'a> Builder<'c, 'a> {
    /// An empty kernel.
    pub fn new(cx: &'c mut Cx<'a>, file: usize, name: String) -> Self {
        Builder {
            cx,
            file,
            k: empty_kernel(name),
            locals: HashMap::new(),
            generics: HashMap::new(),
            facts: Facts::default(),
            letters: vec![],
            letter_ids: HashMap::new(),
            index_letter: vec![],
            bound: vec![],
            scopes: super::frame::ROOT,
            nodes: 0,
            nesting: 0,
            exhausted: false,
            calls: HashMap::new(),
            used: HashSet::new(),
            taken: HashSet::new(),
            fresh: HashMap::new(),
            domain: vec![],
            guards: vec![],
            conditions: vec![],
            folds: vec![],
            incomplete: false,
            outputs: vec![],
            in_position: false,
            in_constraint: false,
            opaque: HashSet::new(),
            args: vec![],
            in_loop: false,
            forward_arguments: 0,
            weight_formats: vec![],
        }
    }

    /// The environment of the kernel's own text.
    pub fn root(&self) -> Env<'a> {
        Env::root(self.file)
    }

    /// A place in the kernel's own text.
    pub fn here(&self, span: Span) -> Place {
        Place { file: self.file, span, call: None }
    }

    /// Reports a finding about a place; its `span` is set here.
    pub fn err(&mut self, place: Place, mut d: Diagnostic) {
        if place.file == self.file {
            d.span = place.span;
            if let Some(call) = place.call {
                d = d.also(call, "in this call");
            }
        } else {
            // Text of an imported function: show the call that used it.
            d.span = place.call.unwrap_or_default();
            let stem = self.cx.units[place.file].stem.clone();
            let text = self.cx.text(place.file, place.span);
            d = d.note(format!("in `{text}` of the imported spec `{stem}`"));
        }
        self.cx.report(self.file, d);
    }

    /// A finding that also points at another place.
    pub fn also(&self, d: Diagnostic, place: Place, label: impl Into<String>) -> Diagnostic {
        match (place.file == self.file, place.call) {
            (true, _) => d.also(place.span, label),
            (false, Some(call)) => d.also(call, label),
            (false, None) => d,
        }
    }

    /// The text of a place.
    pub fn text(&self, place: Place) -> String {
        self.cx.text(place.file, place.span)
    }

    /// The names to show integers with.
    pub fn names(&self) -> Names<'_> {
        Names::of(&self.k)
    }

    /// An integer as text.
    pub fn show(&self, e: &Int) -> String {
        self.names().int(e)
    }

    /// A type as text.
    pub fn show_type(&self, t: &DType) -> String {
        self.names().dtype(t)
    }

    /// The arena.
    pub fn exprs(&mut self) -> &mut Exprs {
        &mut self.k.exprs
    }

    /// Counts an expanded expression against the limits.
    pub fn spend(&mut self, place: Place) -> Option<()> {
        self.nodes += 1;
        if self.exhausted {
            return None;
        }
        if self.nodes > MAX_NODES || self.nesting > MAX_NESTING {
            let what = if self.nodes > MAX_NODES { "too large" } else { "too deeply nested" };
            self.too_large(place, what);
            return None;
        }
        Some(())
    }

    /// Reports a kernel beyond the limits.
    pub fn too_large(&mut self, place: Place, what: &str) {
        if std::mem::replace(&mut self.exhausted, true) {
            return;
        }
        let message = format!("this kernel is {what} once functions and kernels are expanded");
        let d = Diagnostic::error("V0221", place.span, message)
            .note(format!(
                "the limits are {MAX_NODES} expressions, {MAX_NESTING} levels and {MAX_DEFINITIONS} definitions for one kernel"
            ))
            .hint("give intermediate results a definition of their own instead of repeating them through functions");
        self.err(place, d);
    }

    /// A name, marked as used; outer names become inputs.
    pub fn local(&mut self, name: &str) -> Option<Entry> {
        let entry = self.locals.get(name)?.clone();
        self.used.insert(name.to_string());
        let Local::Outer(arg, input) = entry.local else { return Some(entry) };
        let id = InputId(u32::try_from(self.k.inputs.len()).unwrap_or(u32::MAX));
        let computed = match arg {
            Arg::Value(v) => v.index() >= self.forward_arguments,
            Arg::Weight(_) => true,
            Arg::Scalar(_) => false,
        };
        if computed {
            self.opaque.insert(id);
        } else {
            self.note_scalar(id, &input);
        }
        match (arg, self.weight_formats.as_slice()) {
            (Arg::Weight(w), formats) if let Some(Some(format)) = formats.get(w) => {
                self.declare_stored(*input, format.clone());
            }
            _ => self.k.inputs.push(*input),
        }
        self.k.params.push(ParamRef::Input(id));
        self.args.push(arg);
        let entry = Entry { local: Local::Input(id), span: entry.span };
        self.locals.insert(name.to_string(), entry.clone());
        Some(entry)
    }

    /// Records the bounds of an integer scalar.
    pub fn note_scalar(&mut self, id: InputId, input: &Input) {
        if !input.shape.is_empty() {
            return;
        }
        let zero = Int::default;
        let bounds = match &input.dtype {
            DType::I32 => None,
            DType::I8 => Some((Int::constant(-128), Int::constant(127))),
            DType::U8 => Some((zero(), Int::constant(255))),
            DType::Len(n) => Some((zero(), n.clone())),
            DType::Idx(n) => Some((zero(), n.sub(&Int::constant(1)))),
            _ => return,
        };
        self.facts.scalars.push((id, bounds));
    }

    /// The letter of a scope, made on first sight.
    pub fn letter(&mut self, scope: u32, name: &str) -> LetterId {
        if let Some(&id) = self.letter_ids.get(&(scope, name.to_string())) {
            return id;
        }
        let id = LetterId(self.letters.len());
        self.letters.push(Letter { name: name.to_string(), range: None, in_sum: false, poisoned: false });
        self.letter_ids.insert((scope, name.to_string()), id);
        id
    }

    /// A new index of a letter, with the letter's range if that is known already.
    pub fn new_index(&mut self, letter: LetterId) -> IndexId {
        let l = &self.letters[letter.0];
        let extent = l.range.as_ref().map(|r| r.extent.clone()).unwrap_or_default();
        let id = self.k.fresh_index(l.name.clone(), extent);
        self.index_letter.resize(id.index() + 1, None);
        self.index_letter[id.index()] = Some(letter);
        id
    }

    /// The innermost index bound to a letter.
    pub fn bound_index(&self, letter: LetterId) -> Option<IndexId> {
        self.bound.iter().rev().find(|(l, _)| *l == letter).map(|(_, i)| *i)
    }

    /// A fresh scope for the letters of a function call.
    pub fn new_scope(&mut self) -> u32 {
        self.scopes += 1;
        self.scopes
    }

    /// The extent of an index.
    pub fn extent(&self, i: IndexId) -> &Int {
        &self.k.indices[i.index()].extent
    }

    /// The loops around the expression being lowered, with extents.
    pub fn scope(&self) -> Vec<(IndexId, Int)> {
        self.domain.iter().map(|i| (*i, self.extent(*i).clone())).collect()
    }

    /// A prover at the point reached.
    pub fn prover(&self) -> Prover<'_> {
        Prover::new(&self.facts, &self.scope(), &self.guards)
    }

    /// Compares two extents for every size.
    pub fn same(&self, a: &Int, b: &Int) -> Same {
        if self.facts.same(a, b) {
            return Same::Yes;
        }
        let mut prover = Prover::new(&self.facts, &[], &[]);
        if prover.nonneg(&a.sub(b)) && prover.nonneg(&b.sub(a)) {
            return Same::Yes;
        }
        let differs = |e: &Example| matches!((e.eval(a), e.eval(b)), (Some(x), Some(y)) if x != y);
        match self.find_size(&[a, b], &differs) {
            Some(e) => Same::No(self.counterexample(&e, a, b)),
            // Sizes with too many names for the search may still differ by a number.
            None if self.facts.normalise(&a.sub(b)).as_const().is_some_and(|d| d != 0) => {
                Same::No(self.counterexample(&Example::default(), a, b))
            }
            None => Same::Unknown,
        }
    }

    /// A small size, allowed by the constraints, at which something holds.
    pub fn find_size(&self, about: &[&Int], wrong: &dyn Fn(&Example) -> bool) -> Option<Example> {
        Question { constraints: &self.facts.written, scope: &[], guards: &[], about, allowed: &|_| true }
            .find(wrong)
    }

    fn counterexample(&self, e: &Example, a: &Int, b: &Int) -> String {
        let names = self.names();
        let side = |x: &Int| {
            let value = e.eval(x).map(|v| v.to_string()).unwrap_or_default();
            let text = names.int(x);
            if text == value { text } else { format!("{text} is {value}") }
        };
        let at = e.sizes(&names);
        if at.is_empty() {
            format!("{} is not {}", names.int(a), names.int(b))
        } else {
            format!("for example with {at}: {}, {}", side(a), side(b))
        }
    }

    /// Like [`Builder::same`], where an open question becomes a check at entry. `Err` has the
    /// counterexample.
    pub fn require_same(&mut self, a: &Int, b: &Int) -> Result<(), String> {
        match self.same(a, b) {
            Same::Yes => Ok(()),
            Same::Unknown => {
                let text = format!("{} == {}", self.show(a), self.show(b));
                self.add_check(Check::Where { text, lhs: a.clone(), cmp: Cmp::Eq, rhs: b.clone() });
                self.facts.assume(a, Cmp::Eq, b);
                Ok(())
            }
            Same::No(example) => Err(example),
        }
    }

    /// Adds an entry check once.
    pub fn add_check(&mut self, c: Check) {
        if !self.k.checks.contains(&c) {
            self.k.checks.push(c);
        }
    }

    /// A name for a definition the user did not write.
    pub fn fresh_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        let count = self.fresh.entry(name.clone()).or_insert(1);
        while self.taken.contains(&name) {
            *count += 1;
            name = format!("{wanted}_{count}");
        }
        self.taken.insert(name.clone());
        name
    }

    /// Keeps compiler-made names away from everything written in a body.
    pub fn reserve_names(&mut self, body: &'a [ast::Stmt]) {
        for s in body {
            match s {
                ast::Stmt::Define(d) => {
                    self.taken.extend(d.names.iter().map(|n| n.name.clone()));
                    super::visit::names(&d.value, &mut |n| {
                        self.taken.insert(n.to_string());
                    });
                }
                ast::Stmt::For { body, .. } => self.reserve_names(body),
            }
        }
    }
}

/// Whether an integer mentions any index.
pub(super) fn has_index(e: &Int) -> bool {
    let mut found = false;
    e.visit_leaves(&mut |a| found |= matches!(a, Atom::Index(_)));
    found
}

/// Whether an integer mentions any scalar argument.
pub(super) fn has_scalar(e: &Int) -> bool {
    let mut found = false;
    e.visit_leaves(&mut |a| found |= matches!(a, Atom::Scalar(_)));
    found
}

fn empty_kernel(name: String) -> Kernel {
    Kernel {
        name,
        doc: String::new(),
        header: String::new(),
        dims: vec![],
        indices: vec![],
        inputs: vec![],
        packed: vec![],
        params: vec![],
        defs: vec![],
        outputs: vec![],
        checks: vec![],
        given: vec![],
        exprs: Exprs::default(),
        specialise: vec![],
    }
}
