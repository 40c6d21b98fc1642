//! Cases and laws as functions, and the suite that runs them against an implementation.

use vibee_spec::declare::suite::{Case, Check, Domain, Expect, Expr, ExprKind, How, Law, Step};
use vibee_spec::declare::{Literal, Method, Type, TypeDefKind, TypeRef, names};

use super::scope::{Scope, is_long};
use super::traits::Traits;
use super::{idents, interface, text, types, values};

/// Lints that laws break by standing as the spec writes them.
const ALLOW: &str =
    "#[allow(clippy::manual_range_contains, clippy::neg_cmp_op_on_partial_ord, clippy::nonminimal_bool)]\n";

/// The functions of a suite: the public one that runs all, then one for each case and law.
pub fn suite(scope: &Scope<'_>, traits: &Traits, trait_name: &str, taken: &[String]) -> Vec<String> {
    let (interface, suite) = (&scope.declarations.interface, &scope.declarations.suite);
    if suite.assertions() == 0 {
        return vec![];
    }
    let mut writer = Writer {
        scope,
        traits,
        trait_name,
        conformance: scope.import("igla_runtime::conformance"),
        methods: interface::idents(interface),
    };
    let mut taken = taken.to_vec();
    let mut claim = |base: String| {
        let name = types::unique(base, &taken);
        taken.push(name.clone());
        name
    };
    let run = claim("conformance".into());
    let report = scope.import("igla_runtime::conformance::Report");
    let mut items = vec![String::new()];
    let mut calls = String::new();
    for case in &suite.cases {
        let name = claim(format!("case_{}", names::snake(&case.name)));
        calls.push_str(&format!("    report.case({}, || {name}(&mut make()));\n", text::string(&case.name)));
        items.push(writer.case(case, &name));
    }
    for law in &suite.laws {
        let name = claim(format!("law_{}", names::snake(&law.name)));
        let shown = text::string(&law.name);
        calls.push_str(&format!("    report.law({shown}, |draw| {name}(draw, &mut make()));\n"));
        items.push(writer.law(law, &name));
    }
    if suite.prose > 0 {
        calls.push_str(&format!("    report.prose({});\n", suite.prose));
    }
    let doc = format!(
        "Runs the cases and laws of `{}` against an implementation; `make` gives a fresh one for each.",
        interface.name
    );
    text::doc(&mut items[0], 0, &doc);
    items[0].push_str(&format!(
        "pub fn {run}<I: {trait_name}>(mut make: impl {}() -> I) -> {report} {{\n    let mut report = {report}::new({});\n{calls}    report\n}}\n",
        scope.std("FnMut"),
        text::string(&interface.name),
    ));
    items
}

struct Writer<'w, 'd> {
    scope: &'w Scope<'d>,
    traits: &'w Traits,
    trait_name: &'w str,
    /// The runtime's module.
    conformance: &'static str,
    /// Names of the methods.
    methods: Vec<String>,
}

impl Writer<'_, '_> {
    fn method(&self, at: usize) -> &Method {
        &self.scope.declarations.interface.methods[at]
    }

    fn case(&mut self, case: &Case, name: &str) -> String {
        let mut lines: Vec<String> = vec![];
        for (n, step) in case.steps.iter().enumerate() {
            let m = self.method(step.method);
            let shown =
                if case.steps.len() > 1 { format!("step {}: {}", n + 1, m.name) } else { m.name.clone() };
            self.step(step, &shown, &mut lines);
        }
        let compared = self.scope.import("igla_runtime::conformance::Compared");
        let mut out = String::new();
        text::doc(&mut out, 0, &format!("Case `{}`.", case.name));
        out.push_str(&format!("fn {name}(it: &mut impl {}) -> {compared} {{\n", self.trait_name));
        // The last comparison is the result.
        match lines.last_mut().filter(|l| l.ends_with(")?;") && !l.starts_with("let ")) {
            Some(last) if compares(last, self.conformance) => last.truncate(last.len() - 2),
            _ => lines.push("Ok(())".into()),
        }
        for line in lines {
            out.push_str(&format!("    {line}\n"));
        }
        out.push_str("}\n");
        out
    }

    fn step(&self, step: &Step, shown: &str, lines: &mut Vec<String>) {
        let m = self.method(step.method);
        let args: Vec<String> =
            m.params.iter().zip(&step.args).map(|(p, v)| self.argument(&p.ty, v)).collect();
        let call = format!("it.{}({})", self.methods[step.method], args.join(", "));
        let what = text::string(shown);
        let checked = self.succeeds(m, &what, &call);
        match &step.expect {
            Expect::Error => lines.push(format!("{}::fails({what}, {call})?;", self.conformance)),
            Expect::Value(checks) if checks.is_empty() => lines.push(format!("{checked};")),
            Expect::Value(checks) => {
                lines.push(format!("let got = {checked};"));
                lines.extend(checks.iter().map(|c| self.check(c, shown)));
            }
        }
    }

    /// A call whose error, if it may have one, ends the case.
    fn succeeds(&self, m: &Method, what: &str, call: &str) -> String {
        if m.fallible {
            format!("{}::succeeds({what}, {call})?", self.conformance)
        } else if matches!(self.scope.declarations.plain(&m.result), Type::Result(..)) {
            format!("{}::is_ok({what}, {call})?", self.conformance)
        } else {
            call.to_owned()
        }
    }

    fn check(&self, c: &Check, shown: &str) -> String {
        let (mut place, mut shown) = ("got".to_owned(), shown.to_owned());
        for (at, n) in &c.path {
            let TypeDefKind::Struct(fields) = &self.scope.declarations.get(*at).kind else { continue };
            place.push_str(&format!(".{}", self.field(*at, *n)));
            shown.push_str(&format!(".{}", fields[*n].name));
        }
        let (what, c_) = (text::string(&shown), self.conformance);
        let want = values::value(self.scope, &c.ty, &c.want);
        match c.how {
            How::Near(tol) => {
                format!("{c_}::near({what}, &{place}, &{want}, {})?;", values::float("f64", tol))
            }
            How::Sign("==") if self.is_plain(&c.ty) => format!("{c_}::equal({what}, &{place}, &{want})?;"),
            How::Sign("==") => format!("{c_}::same({what}, &{place}, &{want})?;"),
            How::Sign("!=") => format!("{c_}::differs({what}, &{place}, &{want})?;"),
            How::Sign(sign) => format!("{c_}::ordered({what}, &{place}, \"{sign}\", &{want})?;"),
        }
    }

    /// Whether values of a type hold no declared ones, so that the runtime can compare their numbers.
    fn is_plain(&self, ty: &Type) -> bool {
        match self.scope.declarations.plain(ty) {
            Type::Named(_) | Type::Result(..) => false,
            Type::List(t) | Type::Array(t, _) | Type::Option(t) => self.is_plain(t),
            Type::Map(_, t) => self.is_plain(t),
            Type::Tuple(items) => items.len() <= 4 && items.iter().all(|t| self.is_plain(t)),
            _ => true,
        }
    }

    fn field(&self, at: TypeRef, n: usize) -> String {
        types::field_idents(self.scope.declarations, at).swap_remove(n)
    }

    /// A value as an argument.
    fn argument(&self, ty: &Type, literal: &Literal) -> String {
        if self.traits.is_copy(ty) {
            return values::value(self.scope, ty, literal);
        }
        match (self.scope.declarations.plain(ty), literal) {
            (Type::Text, Literal::Text(t)) => text::string(t),
            (Type::Bytes, Literal::List(items)) => {
                self.slice(&Type::Number(vibee_spec::declare::Number::U8), items)
            }
            (Type::List(t), Literal::List(items)) => self.slice(t, items),
            (Type::Array(t, n), Literal::List(items)) if is_long(*n) => self.slice(t, items),
            (Type::Option(_), Literal::None) => "None".into(),
            (Type::Option(t), Literal::Some(v)) => format!("Some({})", self.argument(t, v)),
            (plain, literal) => {
                let ty = if matches!(ty, Type::Boxed(_)) { plain } else { ty };
                format!("&{}", values::value(self.scope, ty, literal))
            }
        }
    }

    fn slice(&self, ty: &Type, items: &[Literal]) -> String {
        let items: Vec<String> = items.iter().map(|v| values::value(self.scope, ty, v)).collect();
        format!("&[{}]", items.join(", "))
    }

    fn law(&mut self, law: &Law, name: &str) -> String {
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

/// Whether a line is a comparison, and not a call that must succeed.
fn compares(line: &str, conformance: &str) -> bool {
    let rest = line.strip_prefix(conformance).and_then(|r| r.strip_prefix("::")).unwrap_or("");
    ["near(", "equal(", "same(", "differs(", "ordered(", "fails("].iter().any(|f| rest.starts_with(f))
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
        matches!(e.kind, ExprKind::Var(_) | ExprKind::Field(..) | ExprKind::Item(..))
    }

    /// An expression whose value is given away.
    fn owned(&mut self, e: &Expr) -> String {
        let cloned = Self::is_place(e) && !self.w.traits.is_copy(&e.ty);
        if cloned { format!("{}.clone()", self.at_least(e, Tight::Whole)) } else { self.expr(e).0 }
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
            (Type::List(_), ExprKind::List(items)) => {
                let items: Vec<String> = items.iter().map(|i| self.owned(i)).collect();
                format!("&[{}]", items.join(", "))
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
            ExprKind::Field(inner, at, n) => {
                let inner = self.at_least(inner, Tight::Whole);
                whole(format!("{inner}.{}", self.w.field(*at, *n)))
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
                let items: Vec<String> = items.iter().map(|i| self.owned(i)).collect();
                whole(format!("vec![{}]", items.join(", ")))
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
