//! Cases as functions, and the suite that runs them and the laws ([`super::law`]) against an implementation.

use vibee_spec::declare::suite::{Case, Check, Expect, How, Part, Step};
use vibee_spec::declare::{Literal, Method, Type, TypeDefKind, names};

use super::scope::{Scope, is_long};
use super::traits::Traits;
use super::{interface, text, types, values};

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

/// What cases and laws are written with.
pub(super) struct Writer<'w, 'd> {
    pub scope: &'w Scope<'d>,
    pub traits: &'w Traits,
    pub trait_name: &'w str,
    /// The runtime's module.
    pub conformance: &'static str,
    /// Names of the methods.
    pub methods: Vec<String>,
}

impl Writer<'_, '_> {
    pub fn method(&self, at: usize) -> &Method {
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
            Expect::Success => lines.push(format!("{checked};")),
            Expect::Value(checks) if checks.is_empty() => lines.push(format!("{checked};")),
            Expect::Value(checks) => {
                lines.push(format!("let got = {checked};"));
                lines.extend(checks.iter().map(|c| self.check(c, shown)));
            }
        }
    }

    /// A call whose error, if it may have one, ends the case.
    pub fn succeeds(&self, m: &Method, what: &str, call: &str) -> String {
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
        for part in &c.path {
            place.push_str(&self.part(*part));
            match *part {
                Part::Field(at, n) => {
                    let TypeDefKind::Struct(fields) = &self.scope.declarations.get(at).kind else { continue };
                    shown.push_str(&format!(".{}", fields[n].name));
                }
                Part::Item(n) => shown.push_str(&format!(".{n}")),
            }
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

    /// `.field`, `.0`.
    pub fn part(&self, part: Part) -> String {
        match part {
            Part::Field(at, n) => {
                format!(".{}", types::field_idents(self.scope.declarations, at).swap_remove(n))
            }
            Part::Item(n) => format!(".{n}"),
        }
    }

    /// A value as an argument.
    pub fn argument(&self, ty: &Type, literal: &Literal) -> String {
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
}

/// Whether a line is a comparison, and not a call that must succeed.
fn compares(line: &str, conformance: &str) -> bool {
    let rest = line.strip_prefix(conformance).and_then(|r| r.strip_prefix("::")).unwrap_or("");
    ["near(", "equal(", "same(", "differs(", "ordered(", "fails("].iter().any(|f| rest.starts_with(f))
}
