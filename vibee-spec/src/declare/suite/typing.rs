//! Trees → typed expressions: names become variables and methods, values get the type that is
//! wanted where they stand.

use super::super::constants;
use super::super::data::{Data, DataKind};
use super::super::literal::{self, Literal, literal};
use super::super::{Declarations, Method, Type, TypeDefKind, names};
use super::fits::{Cast, casts, common, has_numbers, is_ordered, number, same};
use super::syntax::{Tree, TreeKind};
use super::{Domain, Expr, ExprKind, Part, Var};
use crate::ast::Ident;
use crate::check::suggest;
use crate::diag::Diagnostic;
use crate::span::Span;

type Read<T> = Result<T, Box<Diagnostic>>;

/// What expressions may name.
pub(super) struct Typing<'d> {
    pub d: &'d Declarations,
    pub vars: &'d [Var],
}

/// A tree without calls and variables as data.
pub(super) fn data(tree: &Tree, vars: &[Var]) -> Option<Data> {
    let kind = match &tree.kind {
        TreeKind::Word(word) if vars.iter().any(|v| v.name == *word) => return None,
        TreeKind::Word(word) => DataKind::Word(word.clone()),
        TreeKind::Text(text) => DataKind::Text(text.clone()),
        TreeKind::List(items) | TreeKind::Tuple(items) => {
            DataKind::List(items.iter().map(|t| data(t, vars)).collect::<Option<_>>()?)
        }
        TreeKind::Map(entries) => {
            let pairs = entries.iter().map(|(key, t)| Some((key.clone(), data(t, vars)?)));
            DataKind::Map(pairs.collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Data { kind, span: tree.span })
}

/// The method of a name.
pub(super) fn method(d: &Declarations, name: &Ident) -> Read<usize> {
    let canonical = names::snake(&name.name);
    let methods = &d.interface.methods;
    let Some(at) = methods.iter().position(|m| names::snake(&m.name) == canonical) else {
        let message = format!("there is no behaviour `{}` to call", name.name);
        let mut e = Diagnostic::error("V0730", name.span, message);
        e.hint = suggest::hint(&name.name, methods.iter().map(|m| m.name.as_str()));
        return Err(Box::new(e));
    };
    if methods[at].typed {
        return Ok(at);
    }
    let message = format!("the behaviour `{}` has no signature", methods[at].name);
    let e = Diagnostic::error("V0730", name.span, message)
        .also(methods[at].span, "declared here")
        .hint(format!("add `signature: {}(…) -> …` to it", methods[at].name));
    Err(Box::new(e))
}

/// Arguments in the order of the method's.
pub(super) fn arguments<'t, T>(
    m: &Method,
    span: Span,
    given: &'t [(Option<Ident>, T)],
    place: impl Fn(&T) -> Span,
) -> Read<Vec<&'t T>> {
    let mut found: Vec<Option<&T>> = vec![None; m.params.len()];
    for (n, (name, value)) in given.iter().enumerate() {
        let at = match name {
            None => Some(n).filter(|n| *n < m.params.len()),
            Some(name) => {
                let canonical = names::snake(&name.name);
                m.params.iter().position(|p| names::snake(&p.name) == canonical)
            }
        };
        let span = name.as_ref().map_or_else(|| place(value), |name| name.span);
        let Some(at) = at else {
            let message = match name {
                Some(name) => format!("`{}` has no argument `{}`", m.name, name.name),
                None => format!("`{}` takes {} arguments", m.name, m.params.len()),
            };
            let mut e = Diagnostic::error("V0731", span, message).also(m.span, "the behaviour");
            e.hint =
                name.as_ref().and_then(|n| suggest::hint(&n.name, m.params.iter().map(|p| p.name.as_str())));
            return Err(Box::new(e));
        };
        if found[at].replace(value).is_some() {
            let message = format!("the argument `{}` is given twice", m.params[at].name);
            return Err(Box::new(Diagnostic::error("V0731", span, message)));
        }
    }
    let missing: Vec<String> = m
        .params
        .iter()
        .zip(&found)
        .filter(|(_, f)| f.is_none())
        .map(|(p, _)| format!("`{}`", p.name))
        .collect();
    if !missing.is_empty() {
        let message = format!("`{}` also needs {}", m.name, missing.join(", "));
        return Err(Box::new(Diagnostic::error("V0731", span, message).also(m.span, "the behaviour")));
    }
    Ok(found.into_iter().flatten().collect())
}

/// A part of a tuple: its place and type.
pub(super) fn part_of<'d>(d: &'d Declarations, ty: &'d Type, at: &Ident) -> Read<(usize, &'d Type)> {
    let Type::Tuple(types) = d.plain(ty) else {
        let message = format!("`{}` has no part `{}`", d.shown(ty), at.name);
        let e = Diagnostic::error("V0734", at.span, message).hint("parts by number are those of tuples");
        return Err(Box::new(e));
    };
    let found = at.name.parse().ok().and_then(|n: usize| Some((n, types.get(n)?)));
    found.ok_or_else(|| {
        let message = format!("a tuple of {} has no part `{}`", types.len(), at.name);
        Box::new(Diagnostic::error("V0732", at.span, message).hint("parts count from 0"))
    })
}

impl Typing<'_> {
    fn shown(&self, ty: &Type) -> String {
        self.d.shown(ty)
    }

    /// The value of a tree where a type is wanted.
    pub fn wanted(&self, tree: &Tree, want: &Type) -> Read<Expr> {
        if let Some(data) = data(tree, self.vars) {
            let value = literal(self.d, want, &data)?;
            return Ok(Expr { kind: ExprKind::Literal(value), ty: want.clone() });
        }
        match (&tree.kind, self.d.plain(want)) {
            (_, Type::Option(inner)) => {
                let e = match &tree.kind {
                    TreeKind::List(_) | TreeKind::Map(_) => self.wanted(tree, inner)?,
                    _ => self.free(tree)?,
                };
                if same(self.d, &e.ty, want) {
                    return Ok(e);
                }
                let e = self.coerce(e, inner, tree.span)?;
                Ok(Expr { kind: ExprKind::Some(Box::new(e)), ty: want.clone() })
            }
            (TreeKind::List(items), Type::List(t) | Type::Set(t)) => {
                let items = items.iter().map(|item| self.wanted(item, t)).collect::<Read<_>>()?;
                Ok(Expr { kind: ExprKind::List(items), ty: want.clone() })
            }
            (TreeKind::List(items), Type::Array(t, n)) if items.len() == *n => {
                let items = items.iter().map(|item| self.wanted(item, t)).collect::<Read<_>>()?;
                Ok(Expr { kind: ExprKind::List(items), ty: want.clone() })
            }
            (TreeKind::List(items), Type::Array(..)) => {
                Err(self.misfit(&format!("a list of {}", items.len()), want, tree.span))
            }
            (TreeKind::List(items) | TreeKind::Tuple(items), Type::Tuple(types))
                if items.len() == types.len() =>
            {
                let items =
                    items.iter().zip(types).map(|(item, t)| self.wanted(item, t)).collect::<Read<_>>()?;
                Ok(Expr { kind: ExprKind::Tuple(items), ty: want.clone() })
            }
            (TreeKind::List(items) | TreeKind::Tuple(items), Type::Tuple(_)) => {
                Err(self.misfit(&format!("a tuple of {}", items.len()), want, tree.span))
            }
            (TreeKind::Map(entries), Type::Map(key, value)) => {
                let entry = |(name, tree): &(Ident, Tree)| {
                    let word = Data { kind: DataKind::Word(name.name.clone()), span: name.span };
                    Ok((literal(self.d, key, &word)?, self.wanted(tree, value)?))
                };
                let entries = entries.iter().map(entry).collect::<Read<_>>()?;
                Ok(Expr { kind: ExprKind::Map(entries), ty: want.clone() })
            }
            (TreeKind::Map(entries), Type::Named(at)) => {
                let def = self.d.get(*at);
                let TypeDefKind::Struct(fields) = &def.kind else {
                    return Err(self.misfit("a map", want, tree.span));
                };
                let mut found: Vec<(usize, Expr)> = vec![];
                for (key, value) in entries {
                    let canonical = names::snake(&key.name);
                    let Some(n) = fields.iter().position(|f| names::snake(&f.name) == canonical) else {
                        let message = format!("`{}` has no field `{}`", def.name, key.name);
                        let mut e = Diagnostic::error("V0732", key.span, message);
                        e.hint = suggest::hint(&key.name, fields.iter().map(|f| f.name.as_str()));
                        return Err(Box::new(e));
                    };
                    found.push((n, self.wanted(value, &fields[n].ty)?));
                }
                found.sort_by_key(|(n, _)| *n);
                let left_out =
                    |n: &usize| !found.iter().any(|(m, _)| m == n) && !self.d.has_default(&fields[*n]);
                if let Some(n) = (0..fields.len()).find(left_out) {
                    let message = format!("`{}` also needs `{}`", def.name, fields[n].name);
                    return Err(Box::new(Diagnostic::error("V0732", tree.span, message)));
                }
                Ok(Expr { kind: ExprKind::Struct(*at, found), ty: want.clone() })
            }
            _ => {
                let e = self.free(tree)?;
                self.coerce(e, want, tree.span)
            }
        }
    }

    fn misfit(&self, what: &str, want: &Type, span: Span) -> Box<Diagnostic> {
        let shown = self.shown(want);
        Box::new(Diagnostic::error("V0734", span, format!("this is {what}, `{shown}` is wanted")))
    }

    fn coerce(&self, e: Expr, want: &Type, span: Span) -> Read<Expr> {
        if same(self.d, &e.ty, want) {
            return Ok(e);
        }
        let (cast, length) = (casts(self.d, &e.ty, want), self.length(&e));
        if cast == Cast::Always || matches!(cast, Cast::OfLength(n) if length == Some(n)) {
            return Ok(Expr { kind: ExprKind::Cast(Box::new(e)), ty: want.clone() });
        }
        let mut d = self.misfit(&format!("`{}`", self.shown(&e.ty)), want, span);
        if let Cast::OfLength(n) = cast {
            d.hint =
                Some(format!("a list that is drawn fits if it always has {n} items: `xs in [0, 1][{n}]`"));
        }
        Err(d)
    }

    /// How many items a list always has.
    fn length(&self, e: &Expr) -> Option<usize> {
        match &e.kind {
            ExprKind::Var(n) => match &self.vars[*n].from {
                Domain::List(_, low, high) if low == high => usize::try_from(*low).ok(),
                _ => None,
            },
            ExprKind::List(items) => Some(items.len()),
            _ => None,
        }
    }

    /// The value of a tree where nothing says which type.
    pub fn free(&self, tree: &Tree) -> Read<Expr> {
        let typed = |kind, ty| Ok(Expr { kind, ty });
        match &tree.kind {
            TreeKind::Word(word) => {
                if let Some(n) = self.vars.iter().position(|v| v.name == *word) {
                    return typed(ExprKind::Var(n), self.vars[n].ty.clone());
                }
                let known = literal::integer(word).is_some()
                    || literal::real(word).is_some()
                    || literal::truth(word).is_some();
                let found = Data { kind: DataKind::Word(word.clone()), span: tree.span };
                match constants::typed(&found).filter(|_| known) {
                    Some((ty, value)) => typed(ExprKind::Literal(value), ty),
                    None => {
                        let message = format!("`{word}` is not known here");
                        let mut e = Diagnostic::error("V0733", tree.span, message)
                            .label("no variable of this law, and no type says what it is");
                        e.hint = suggest::hint(word, self.vars.iter().map(|v| v.name.as_str()));
                        Err(Box::new(e))
                    }
                }
            }
            TreeKind::Text(text) => typed(ExprKind::Literal(Literal::Text(text.clone())), Type::Text),
            TreeKind::List(items) => {
                let Some(first) = items.first() else { return Err(self.untyped(tree.span)) };
                let first = self.free(first)?;
                let want = number(self.d, &first.ty).unwrap_or(first.ty);
                let items = items.iter().map(|item| self.wanted(item, &want)).collect::<Read<_>>()?;
                typed(ExprKind::List(items), Type::List(Box::new(want)))
            }
            TreeKind::Tuple(items) => {
                let items: Vec<Expr> = items.iter().map(|item| self.free(item)).collect::<Read<_>>()?;
                let types = items.iter().map(|e| e.ty.clone()).collect();
                typed(ExprKind::Tuple(items), Type::Tuple(types))
            }
            TreeKind::Map(_) => Err(self.untyped(tree.span)),
            TreeKind::Call(name, args) => self.call(tree, name, args),
            TreeKind::Field(inner, name) => {
                let inner = self.free(inner)?;
                let plain = self.d.plain(&inner.ty);
                if let Type::Named(at) = plain
                    && let TypeDefKind::Struct(fields) = &self.d.get(*at).kind
                {
                    let canonical = names::snake(&name.name);
                    if let Some(n) = fields.iter().position(|f| names::snake(&f.name) == canonical) {
                        let (at, ty) = (*at, fields[n].ty.clone());
                        return typed(ExprKind::Part(Box::new(inner), Part::Field(at, n)), ty);
                    }
                    let message = format!("`{}` has no field `{}`", self.d.get(*at).name, name.name);
                    let mut e = Diagnostic::error("V0732", name.span, message);
                    e.hint = suggest::hint(&name.name, fields.iter().map(|f| f.name.as_str()));
                    return Err(Box::new(e));
                }
                let message = format!("`{}` has no fields", self.shown(&inner.ty));
                Err(Box::new(Diagnostic::error("V0734", name.span, message)))
            }
            TreeKind::Part(inner, at) => {
                let inner = self.free(inner)?;
                let (n, ty) = part_of(self.d, &inner.ty, at)?;
                let ty = ty.clone();
                typed(ExprKind::Part(Box::new(inner), Part::Item(n)), ty)
            }
            TreeKind::Item(inner, index) => {
                let list = self.free(inner)?;
                let index = self.wanted(index, &Type::Int)?;
                match self.d.plain(&list.ty) {
                    Type::List(t) | Type::Array(t, _) => {
                        let ty = (**t).clone();
                        typed(ExprKind::Item(Box::new(list), Box::new(index)), ty)
                    }
                    _ => Err(self.misfit(
                        &format!("`{}`", self.shown(&list.ty)),
                        &Type::List(Box::new(Type::Any)),
                        inner.span,
                    )),
                }
            }
            TreeKind::Negate(inner) => {
                let e = self.free(inner)?;
                let Some(ty) = number(self.d, &e.ty) else {
                    return Err(self.misfit_number(&e.ty, inner.span));
                };
                let e = self.coerce(e, &ty, inner.span)?;
                typed(ExprKind::Negate(Box::new(e)), ty)
            }
            TreeKind::Not(inner) => {
                let e = self.wanted(inner, &Type::Bool)?;
                typed(ExprKind::Not(Box::new(e)), Type::Bool)
            }
            TreeKind::Binary(op @ ("and" | "or"), a, b) => {
                let (a, b) = (self.wanted(a, &Type::Bool)?, self.wanted(b, &Type::Bool)?);
                typed(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Bool)
            }
            TreeKind::Binary(op, a, b) => {
                let (a, b, mut ty) = self.numbers(a, b)?;
                let (mut a, mut b) = (a, b);
                match *op {
                    "/" => {
                        ty = Type::Float;
                        a = self.coerce(a, &ty, tree.span)?;
                        b = self.coerce(b, &ty, tree.span)?;
                    }
                    "//" | "%" if ty == Type::Float => {
                        let message = format!("`{op}` divides whole numbers");
                        return Err(Box::new(Diagnostic::error("V0734", tree.span, message)));
                    }
                    _ => {}
                }
                typed(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty)
            }
            TreeKind::Compare(op, a, b) => {
                let (left, right) = self.pair(a, b)?;
                if !matches!(*op, "==" | "!=") && !is_ordered(self.d, &left.ty) {
                    let message =
                        format!("`{op}` compares numbers and texts, this is `{}`", self.shown(&left.ty));
                    return Err(Box::new(Diagnostic::error("V0734", tree.span, message)));
                }
                typed(ExprKind::Compare(op, Box::new(left), Box::new(right)), Type::Bool)
            }
            TreeKind::Near(a, b, tol) => {
                let (left, right) = self.pair(a, b)?;
                if !has_numbers(self.d, &left.ty) {
                    let message = format!("`~` compares numbers, this is `{}`", self.shown(&left.ty));
                    return Err(Box::new(Diagnostic::error("V0734", tree.span, message)));
                }
                typed(ExprKind::Near(Box::new(left), Box::new(right), *tol), Type::Bool)
            }
        }
    }

    fn untyped(&self, span: Span) -> Box<Diagnostic> {
        let e = Diagnostic::error("V0733", span, "nothing says which type this has");
        Box::new(e.hint("compare it with a call, or pass it to one"))
    }

    fn misfit_number(&self, ty: &Type, span: Span) -> Box<Diagnostic> {
        self.misfit(&format!("`{}`", self.shown(ty)), &Type::Float, span)
    }

    /// Two numbers as one type.
    fn numbers(&self, a: &Tree, b: &Tree) -> Read<(Expr, Expr, Type)> {
        let (left, right) = (self.free(a)?, self.free(b)?);
        let Some(x) = number(self.d, &left.ty) else { return Err(self.misfit_number(&left.ty, a.span)) };
        let Some(y) = number(self.d, &right.ty) else { return Err(self.misfit_number(&right.ty, b.span)) };
        let ty = if x == Type::Float || y == Type::Float { Type::Float } else { Type::Int };
        Ok((self.coerce(left, &ty, a.span)?, self.coerce(right, &ty, b.span)?, ty))
    }

    /// Two values as one type; one that says none takes the other's.
    fn pair(&self, a: &Tree, b: &Tree) -> Read<(Expr, Expr)> {
        let open = |t: &Tree| data(t, self.vars).is_some();
        let (left, right) = match (open(a), open(b)) {
            (true, false) => {
                let right = self.free(b)?;
                (self.beside(a, &right.ty)?, right)
            }
            (false, true) => {
                let left = self.free(a)?;
                let right = self.beside(b, &left.ty)?;
                (left, right)
            }
            _ if matches!(a.kind, TreeKind::Tuple(_) | TreeKind::Map(_)) => {
                let right = self.free(b)?;
                (self.wanted(a, &right.ty)?, right)
            }
            _ if matches!(b.kind, TreeKind::Tuple(_) | TreeKind::Map(_)) => {
                let left = self.free(a)?;
                let right = self.wanted(b, &left.ty)?;
                (left, right)
            }
            _ => (self.free(a)?, self.free(b)?),
        };
        if same(self.d, &left.ty, &right.ty) {
            return Ok((left, right));
        }
        // Beside an option, a value is something.
        let some = |e: Expr, ty: Type| Expr { kind: ExprKind::Some(Box::new(e)), ty };
        let is_some = |option: &Type, value: &Type| matches!(self.d.plain(option), Type::Option(t) if same(self.d, t, value));
        if is_some(&left.ty, &right.ty) {
            let ty = left.ty.clone();
            return Ok((left, some(right, ty)));
        }
        if is_some(&right.ty, &left.ty) {
            let ty = right.ty.clone();
            return Ok((some(left, ty), right));
        }
        match common(self.d, &left.ty, &right.ty) {
            Some(ty) => Ok((self.coerce(left, &ty, a.span)?, self.coerce(right, &ty, b.span)?)),
            None => {
                let message =
                    format!("`{}` is compared with `{}`", self.shown(&left.ty), self.shown(&right.ty));
                let e = Diagnostic::error("V0734", b.span, message).also(a.span, "compared with this");
                Err(Box::new(e))
            }
        }
    }

    /// A literal beside a value of a type: numbers may be finer than what they are compared with.
    fn beside(&self, tree: &Tree, ty: &Type) -> Read<Expr> {
        match number(self.d, ty) {
            Some(_) => self.free(tree),
            None => self.wanted(tree, ty),
        }
    }

    fn call(&self, tree: &Tree, name: &Ident, args: &[(Option<Ident>, Tree)]) -> Read<Expr> {
        let is_method = self.d.interface.methods.iter().any(|m| m.name == name.name);
        if !is_method && let Some(e) = self.function(tree, name, args)? {
            return Ok(e);
        }
        let at = method(self.d, name)?;
        let m = &self.d.interface.methods[at];
        let given = arguments(m, tree.span, args, |t| t.span)?;
        let args = m.params.iter().zip(given).map(|(p, t)| self.wanted(t, &p.ty)).collect::<Read<_>>()?;
        let ty = match self.d.plain(&m.result) {
            Type::Result(value, _) => (**value).clone(),
            _ => m.result.clone(),
        };
        Ok(Expr { kind: ExprKind::Call(at, args), ty })
    }

    /// The functions that every law knows.
    fn function(&self, tree: &Tree, name: &Ident, args: &[(Option<Ident>, Tree)]) -> Read<Option<Expr>> {
        let wrong = |wanted: &str| {
            let message = format!("`{}` takes {wanted}", name.name);
            Err(Box::new(Diagnostic::error("V0731", tree.span, message)))
        };
        let e = match (name.name.as_str(), args) {
            ("len", [(None, t)]) => {
                let e = self.free(t)?;
                match self.d.plain(&e.ty) {
                    Type::List(_)
                    | Type::Array(..)
                    | Type::Set(_)
                    | Type::Map(..)
                    | Type::Text
                    | Type::Bytes => Expr { kind: ExprKind::Len(Box::new(e)), ty: Type::Int },
                    _ => return wrong("a list, a set, a map or a text"),
                }
            }
            ("sum", [(None, t)]) => {
                let e = self.free(t)?;
                let element = match self.d.plain(&e.ty) {
                    Type::List(t) | Type::Array(t, _) => number(self.d, t),
                    _ => None,
                };
                let Some(ty) = element else { return wrong("a list of numbers") };
                Expr { kind: ExprKind::Sum(Box::new(e)), ty }
            }
            ("abs", [(None, t)]) => {
                let e = self.free(t)?;
                let Some(ty) = number(self.d, &e.ty) else { return wrong("a number") };
                let e = self.coerce(e, &ty, t.span)?;
                Expr { kind: ExprKind::Abs(Box::new(e)), ty }
            }
            ("min" | "max", [(None, a), (None, b)]) => {
                let (a, b, ty) = self.numbers(a, b)?;
                let which = if name.name == "min" { "min" } else { "max" };
                Expr { kind: ExprKind::Extreme(which, Box::new(a), Box::new(b)), ty }
            }
            ("len" | "sum" | "abs", _) => return wrong("one value"),
            ("min" | "max", _) => return wrong("two numbers"),
            _ => return Ok(None),
        };
        Ok(Some(e))
    }
}

/// Whether an expression calls a method.
pub(super) fn calls(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Call(..)) || e.parts().into_iter().any(calls)
}
