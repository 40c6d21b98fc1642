//! Laws as functions: what is drawn, the calls, and the expression that must hold.

use vibee_spec::declare::suite::{Domain, Expr, ExprKind, Law};
use vibee_spec::declare::{Literal, Type, TypeDefKind};

use super::scope::is_long;
use super::suite::Writer;
use super::{idents, text, types, values};

/// Lints that laws break by standing as the spec writes them.
const ALLOW: &str =
    "#[allow(clippy::manual_range_contains, clippy::neg_cmp_op_on_partial_ord, clippy::nonminimal_bool)]\n";

impl Writer<'_, '_> {
    /// The function of a law.
    pub fn law(&mut self, law: &Law, name: &str) -> String {
        let compared = self.scope.import("igla_runtime::conformance::Compared");
        let draw = self.scope.import("igla_runtime::conformance::Draw");
        let mut vars: Vec<String> = vec!["it".into(), "draw".into()];
        for v in &law.vars {
            let name = types::unique(idents::field(&v.name), &vars);
            vars.push(name);
        }
        let mut body = LawBody { w: self, vars: vars[2..].to_vec(), taken: vars.clone(), lines: vec![] };
        for (v, name) in law.vars.iter().zip(&vars[2..]) {
            let line = format!("let {name} = {};", body.draw(&v.ty, &v.from));
            body.lines.push(line);
        }
        let truth = body.expr(&law.holds).0;
        let lines = std::mem::take(&mut body.lines);
        let pairs: Vec<String> = law
            .vars
            .iter()
            .zip(&vars[2..])
            .map(|(v, i)| format!("({}, &{i})", text::string(&v.name)))
            .collect();
        let mut out = String::new();
        text::doc(&mut out, 0, &format!("Law `{}`.", law.name));
        if truth.contains("&&") || truth.contains("||") || truth.contains('!') {
            out.push_str(ALLOW);
        }
        let drawn = if law.vars.is_empty() { "_" } else { "draw" };
        out.push_str(&format!(
            "fn {name}({drawn}: &mut {draw}, it: &mut impl {}) -> {compared} {{\n",
            self.trait_name
        ));
        for line in lines {
            out.push_str(&format!("    {line}\n"));
        }
        out.push_str(&format!("    {}::holds({truth}, &[{}])\n}}\n", self.conformance, pairs.join(", ")));
        out
    }
}

/// How tightly an expression holds together.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Tight {
    Or,
    And,
    Compare,
    Sum,
    Product,
    Cast,
    Unary,
    Whole,
}

/// The statements of a law, and the expression at its end.
struct LawBody<'w, 'a, 'd> {
    w: &'w Writer<'a, 'd>,
    vars: Vec<String>,
    taken: Vec<String>,
    lines: Vec<String>,
}

impl LawBody<'_, '_, '_> {
    fn draw(&self, ty: &Type, from: &Domain) -> String {
        match from {
            Domain::Float(low, high) => {
                format!("draw.float({}, {})", values::float("f64", *low), values::float("f64", *high))
            }
            Domain::Int(low, high) => format!("draw.int({low}, {high})"),
            Domain::Choice(items) => {
                let items: Vec<String> = items.iter().map(|v| values::value(self.w.scope, ty, v)).collect();
                format!("draw.choose(&[{}])", items.join(", "))
            }
            Domain::List(inner, low, high) => {
                let element = match ty {
                    Type::List(t) => t,
                    other => other,
                };
                format!("draw.list({low}, {high}, |draw| {})", self.draw(element, inner))
            }
        }
    }

    fn at_least(&mut self, e: &Expr, tight: Tight) -> String {
        let (text, own) = self.expr(e);
        if own < tight { format!("({text})") } else { text }
    }

    fn is_place(e: &Expr) -> bool {
        matches!(e.kind, ExprKind::Var(_) | ExprKind::Part(..) | ExprKind::Item(..))
    }

    /// An expression whose value is given away.
    fn owned(&mut self, e: &Expr) -> String {
        let cloned = Self::is_place(e) && !self.w.traits.is_copy(&e.ty);
        if cloned { format!("{}.clone()", self.at_least(e, Tight::Whole)) } else { self.expr(e).0 }
    }

    /// Expressions whose values are given away, with commas between them.
    fn all_owned(&mut self, items: &[Expr]) -> String {
        items.iter().map(|e| self.owned(e)).collect::<Vec<_>>().join(", ")
    }

    /// An expression as an argument of a method.
    fn argument(&mut self, ty: &Type, e: &Expr) -> String {
        if let ExprKind::Literal(v) = &e.kind {
            return self.w.argument(ty, v);
        }
        if self.w.traits.is_copy(ty) {
            return self.expr(e).0;
        }
        match (self.w.scope.declarations.plain(ty), &e.kind) {
            (Type::List(_), ExprKind::List(items)) => format!("&[{}]", self.all_owned(items)),
            (Type::Array(_, n), ExprKind::List(items)) if is_long(*n) => {
                format!("&[{}]", self.all_owned(items))
            }
            (Type::Option(t), ExprKind::Some(inner)) => {
                let t = (**t).clone();
                format!("Some({})", self.argument(&t, inner))
            }
            (Type::Option(t), _) => {
                let how = match self.w.scope.declarations.plain(t) {
                    Type::Text | Type::List(_) => "as_deref",
                    _ => "as_ref",
                };
                format!("{}.{how}()", self.at_least(e, Tight::Whole))
            }
            _ => format!("&{}", self.at_least(e, Tight::Unary)),
        }
    }

    fn expr(&mut self, e: &Expr) -> (String, Tight) {
        let scope = self.w.scope;
        let whole = |text: String| (text, Tight::Whole);
        match &e.kind {
            ExprKind::Literal(v) => {
                let text = values::value(scope, &e.ty, v);
                let tight = if text.starts_with('-') { Tight::Unary } else { Tight::Whole };
                (text, tight)
            }
            ExprKind::Var(n) => whole(self.vars[*n].clone()),
            ExprKind::Call(at, args) => {
                let m = self.w.method(*at);
                let args: Vec<String> =
                    m.params.iter().zip(args).map(|(p, a)| self.argument(&p.ty, a)).collect();
                let ident = self.w.methods[*at].clone();
                let call = format!("it.{ident}({})", args.join(", "));
                let name = types::unique(ident, &self.taken);
                let call = self.w.succeeds(m, &text::string(&m.name), &call);
                self.lines.push(format!("let {name} = {call};"));
                self.taken.push(name.clone());
                whole(name)
            }
            ExprKind::Part(inner, part) => {
                let inner = self.at_least(inner, Tight::Whole);
                whole(format!("{inner}{}", self.w.part(*part)))
            }
            ExprKind::Item(list, index) => {
                let list = self.at_least(list, Tight::Whole);
                let index = match &index.kind {
                    ExprKind::Literal(Literal::Int(v)) if *v >= 0 => v.to_string(),
                    _ => format!("{} as usize", self.at_least(index, Tight::Cast)),
                };
                whole(format!("{list}[{index}]"))
            }
            ExprKind::Len(inner) => {
                let count = match scope.declarations.plain(&inner.ty) {
                    Type::Text => "chars().count()",
                    _ => "len()",
                };
                (format!("{}.{count} as i64", self.at_least(inner, Tight::Whole)), Tight::Cast)
            }
            ExprKind::Sum(inner) => {
                let element = match scope.declarations.plain(&inner.ty) {
                    Type::List(t) | Type::Array(t, _) => scope.declarations.plain(t).clone(),
                    other => other.clone(),
                };
                let ty = scope.ty(&e.ty);
                let list = self.at_least(inner, Tight::Whole);
                whole(if element == e.ty {
                    format!("{list}.iter().sum::<{ty}>()")
                } else {
                    format!("{list}.iter().map(|v| *v as {ty}).sum::<{ty}>()")
                })
            }
            ExprKind::Abs(inner) => whole(format!("{}::abs({})", scope.ty(&e.ty), self.expr(inner).0)),
            ExprKind::Extreme(which, a, b) => {
                let (a, b) = (self.expr(a).0, self.expr(b).0);
                whole(format!("{}::{which}({a}, {b})", scope.ty(&e.ty)))
            }
            ExprKind::List(items) => {
                let items = self.all_owned(items);
                whole(match scope.declarations.plain(&e.ty) {
                    Type::Array(_, n) if !is_long(*n) => format!("[{items}]"),
                    Type::Set(_) => {
                        format!("{}::from([{items}])", scope.import("std::collections::BTreeSet"))
                    }
                    _ => format!("vec![{items}]"),
                })
            }
            ExprKind::Tuple(items) => {
                let comma = if items.len() == 1 { "," } else { "" };
                whole(format!("({}{comma})", self.all_owned(items)))
            }
            ExprKind::Map(entries) => {
                let Type::Map(key, _) = scope.declarations.plain(&e.ty) else { return whole(String::new()) };
                let pair = |(k, v): &(Literal, Expr)| {
                    format!("({}, {})", values::value(scope, key, k), self.owned(v))
                };
                let pairs: Vec<String> = entries.iter().map(pair).collect();
                whole(format!("{}::from([{}])", scope.import("std::collections::BTreeMap"), pairs.join(", ")))
            }
            ExprKind::Struct(at, given) => {
                let TypeDefKind::Struct(fields) = &scope.declarations.get(*at).kind else {
                    return whole(String::new());
                };
                let name = scope.named(*at);
                let idents = types::field_idents(scope.declarations, *at);
                let defaulted = values::has_default(scope.declarations, fields);
                let mut parts = vec![];
                for (n, field) in fields.iter().enumerate() {
                    match given.iter().find(|(m, _)| *m == n) {
                        Some((_, value)) => {
                            let value = self.owned(value);
                            parts.push(if value == idents[n] {
                                value
                            } else {
                                format!("{}: {value}", idents[n])
                            });
                        }
                        None if defaulted => {}
                        None => parts.push(format!("{}: {}", idents[n], values::default(scope, field))),
                    }
                }
                if defaulted && given.len() < fields.len() {
                    parts.push(format!("..{name}::default()"));
                }
                whole(format!("{name} {{ {} }}", parts.join(", ")))
            }
            ExprKind::Some(inner) => whole(format!("Some({})", self.owned(inner))),
            ExprKind::Cast(inner) => match &inner.kind {
                ExprKind::Literal(Literal::Int(v)) if is_float(scope.declarations.plain(&e.ty)) => {
                    let text = values::float("f64", *v as f64);
                    let tight = if *v < 0 { Tight::Unary } else { Tight::Whole };
                    (text, tight)
                }
                ExprKind::Literal(Literal::Int(v)) => whole(v.to_string()),
                ExprKind::Literal(Literal::Float(v)) => whole(values::float("f64", *v)),
                _ if matches!(scope.declarations.plain(&e.ty), Type::List(_) | Type::Array(..)) => {
                    whole(self.converted(inner, &e.ty))
                }
                _ => (format!("{} as {}", self.at_least(inner, Tight::Cast), scope.ty(&e.ty)), Tight::Cast),
            },
            ExprKind::Negate(inner) => (format!("-{}", self.at_least(inner, Tight::Unary)), Tight::Unary),
            ExprKind::Not(inner) => (format!("!{}", self.at_least(inner, Tight::Unary)), Tight::Unary),
            ExprKind::Binary("//", a, b) => {
                let (a, b) = (self.expr(a).0, self.expr(b).0);
                whole(format!("i64::div_euclid({a}, {b})"))
            }
            ExprKind::Binary("%", a, b) => {
                let (a, b) = (self.expr(a).0, self.expr(b).0);
                whole(format!("i64::rem_euclid({a}, {b})"))
            }
            ExprKind::Binary(op, a, b) => {
                let (sign, left, right) = match *op {
                    "or" => ("||", Tight::Or, Tight::And),
                    "and" => ("&&", Tight::And, Tight::Compare),
                    "+" | "-" => (*op, Tight::Sum, Tight::Product),
                    _ => (*op, Tight::Product, Tight::Cast),
                };
                let (a, b) = (self.at_least(a, left), self.at_least(b, right));
                (format!("{a} {sign} {b}"), left)
            }
            ExprKind::Compare(op, a, b) => self.compare(op, a, b),
            ExprKind::Near(a, b, tol) => {
                let (a, b) = (self.at_least(a, Tight::Unary), self.at_least(b, Tight::Unary));
                let tol = values::float("f64", *tol);
                whole(format!("{}::close(&{a}, &{b}, {tol})", self.w.conformance))
            }
        }
    }

    /// A list or array as one of another type: of its items, or in its form.
    fn converted(&mut self, e: &Expr, to: &Type) -> String {
        let place = self.at_least(e, Tight::Whole);
        let item = types::unique("v".into(), &self.taken);
        self.convert(&place, &item, &e.ty, to)
    }

    /// As [`LawBody::converted`] of something that has been written; `name` is free for its items.
    fn convert(&self, place: &str, name: &str, from: &Type, to: &Type) -> String {
        let scope = self.w.scope;
        let declarations = scope.declarations;
        let (Type::List(a) | Type::Array(a, _), Type::List(b) | Type::Array(b, _)) =
            (declarations.plain(from), declarations.plain(to))
        else {
            return place.to_owned();
        };
        let same = declarations.plain(a) == declarations.plain(b);
        let item = |item: &Item<'_>| {
            if same && self.w.traits.is_copy(a) {
                item.value.to_owned()
            } else if same {
                format!("{}.clone()", item.place)
            } else if matches!(declarations.plain(b), Type::List(_) | Type::Array(..)) {
                self.convert(item.place, name, a, b)
            } else {
                format!("{} as {}", item.value, scope.ty(b))
            }
        };
        let is_array = |ty: &Type| matches!(declarations.plain(ty), Type::Array(_, n) if !is_long(*n));
        match (is_array(from), is_array(to)) {
            (true, true) => {
                let value = item(&Item { place: name, value: name });
                let copied = if self.w.traits.is_copy(a) { "" } else { ".clone()" };
                format!("{place}{copied}.map(|{name}| {value})")
            }
            (false, true) => {
                let at = format!("{place}[{name}]");
                format!("std::array::from_fn(|{name}| {})", item(&Item { place: &at, value: &at }))
            }
            (_, false) if same => format!("{place}.to_vec()"),
            (_, false) => {
                let value = item(&Item { place: name, value: &format!("*{name}") });
                format!("{place}.iter().map(|{name}| {value}).collect::<{}<_>>()", scope.std("Vec"))
            }
        }
    }

    fn compare(&mut self, op: &str, a: &Expr, b: &Expr) -> (String, Tight) {
        if let ExprKind::Literal(_) = a.kind
            && !matches!(b.kind, ExprKind::Literal(_))
        {
            let flipped = match op {
                "<" => ">",
                "<=" => ">=",
                ">" => "<",
                ">=" => "<=",
                same => same,
            };
            return self.compare(flipped, b, a);
        }
        let not = if op == "!=" { "!" } else { "" };
        match &b.kind {
            ExprKind::Literal(Literal::Bool(v)) => {
                if *v == (op == "==") {
                    return self.expr(a);
                }
                return (format!("!{}", self.at_least(a, Tight::Unary)), Tight::Unary);
            }
            ExprKind::Literal(Literal::None) if matches!(op, "==" | "!=") => {
                let which = if op == "==" { "is_none" } else { "is_some" };
                return (format!("{}.{which}()", self.at_least(a, Tight::Whole)), Tight::Whole);
            }
            ExprKind::Literal(Literal::List(items)) if items.is_empty() => {
                return (format!("{not}{}.is_empty()", self.at_least(a, Tight::Whole)), Tight::Unary);
            }
            ExprKind::Literal(Literal::Text(t)) => {
                let a = self.at_least(a, Tight::Whole);
                let a = if matches!(op, "==" | "!=") { a } else { format!("{a}.as_str()") };
                return (format!("{a} {op} {}", text::string(t)), Tight::Compare);
            }
            _ => {}
        }
        let (left, right) = (self.at_least(a, Tight::Sum), self.at_least(b, Tight::Sum));
        // `x as i64 < y` would begin a list of types.
        let ends_in_type =
            left.rsplit_once(" as ").is_some_and(|(_, ty)| ty.bytes().all(|b| b.is_ascii_alphanumeric()));
        let left = if op.starts_with('<') && ends_in_type { format!("({left})") } else { left };
        (format!("{left} {op} {right}"), Tight::Compare)
    }
}

fn is_float(ty: &Type) -> bool {
    match ty {
        Type::Float => true,
        Type::Number(n) => n.is_float(),
        _ => false,
    }
}

/// A way to an item of a list: to call something on it, and to take its value.
struct Item<'p> {
    place: &'p str,
    value: &'p str,
}
