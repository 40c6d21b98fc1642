//! Test cases of a spec: literal calls resolved to kernels and typed values.
//!
//! Nothing is evaluated here, and shapes are not compared: whether a call is refused is what a
//! case may be about.

use super::globals::{Cx, Imports};
use super::laws::{self, Law};
use super::suggest;
use super::values::{self, Data, Literal};
use crate::ast::{self, Expect};
use crate::diag::{Diagnostic, Diags};
use crate::span::{Source, Span};
use crate::term::{Atom, DType, DimId, Kernel, Module, ParamRef};

/// What a spec asserts about its kernels.
#[derive(Clone, Debug, Default)]
pub struct Tests {
    /// Calls with expected results, in file order.
    pub cases: Vec<Case>,
    /// Properties over drawn inputs, in file order.
    pub laws: Vec<Law>,
}

/// A kernel called with given values.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The behaviour it belongs to.
    pub behavior: Option<String>,
    /// Position in [`Module::kernels`].
    pub kernel: usize,
    /// Values of the kernel's `dim` parameters, in their order.
    pub dims: Vec<i64>,
    /// One per input of the kernel; in numbers where it is stored in a format.
    pub inputs: Vec<Data>,
    /// What must come out.
    pub expects: Vec<Expected>,
    /// The whole entry.
    pub span: Span,
}

/// One expectation of a case.
#[derive(Clone, Debug)]
pub enum Expected {
    /// `|a - b| <= tol·max(1, |b|)` for every element.
    Near {
        /// Position in the kernel's outputs.
        output: usize,
        /// Wanted.
        want: Data,
        /// Tolerance.
        tol: f64,
    },
    /// The same values; NaN equals NaN.
    Equal {
        /// Position in the kernel's outputs.
        output: usize,
        /// Wanted.
        want: Data,
    },
    /// The call is refused.
    Error,
}

/// Resolves the cases and laws of a checked file. Those of kernels with errors are left out.
pub fn cases<'a>(
    file: &'a ast::File,
    source: &'a Source,
    imports: &Imports<'a>,
    module: &Module,
    diags: &mut Diags,
) -> Tests {
    let incomplete = diags.has_errors();
    let mut tests = Tests::default();
    if !super::globals::executable(file) {
        return tests;
    }
    let behaviors = file.behaviors.iter().map(|b| (Some(b.name.name.clone()), &b.test_cases));
    for (behavior, list) in behaviors.chain([(None, &file.test_cases)]) {
        for c in list {
            match resolve(file, module, c, behavior.clone()) {
                Ok(case) => tests.cases.extend(case),
                // The kernel may be one that the parser refused.
                Err(d) if incomplete && d.code == "V0601" && d.hint.is_none() => {}
                Err(d) => diags.push(*d),
            }
        }
    }
    let mut cx = Cx::new(file, source, imports, std::mem::take(diags));
    for b in &file.behaviors {
        for l in &b.laws {
            tests.laws.extend(laws::resolve(&mut cx, module, l, &b.name.name));
        }
    }
    *diags = cx.diags;
    tests
}

/// The kernel of a name; `Ok(None)` if it exists but has errors.
fn kernel_named(
    file: &ast::File,
    module: &Module,
    name: &ast::Ident,
) -> Result<Option<usize>, Box<Diagnostic>> {
    if let Some(at) = module.kernels.iter().position(|k| k.name == name.name) {
        return Ok(Some(at));
    }
    let mut d =
        Diagnostic::error("V0601", name.span, format!("there is no kernel `{}` in this spec", name.name));
    if let Some(k) = file.kernels.iter().find(|k| k.name.name == name.name) {
        if k.generics.is_empty() {
            return Ok(None);
        }
        let prefix = format!("{}_", name.name);
        let instances: Vec<String> = module
            .kernels
            .iter()
            .filter(|i| i.name.starts_with(&prefix))
            .map(|i| format!("`{}`", i.name))
            .collect();
        if instances.is_empty() {
            return Ok(None);
        }
        d = Diagnostic::error("V0601", name.span, format!("the kernel `{}` is generic", name.name))
            .hint(format!("call an instance: {}", instances.join(", ")));
        return Err(Box::new(d));
    }
    // An instance of a kernel that has errors.
    if file
        .kernels
        .iter()
        .any(|k| !k.generics.is_empty() && name.name.starts_with(&format!("{}_", k.name.name)))
    {
        return Ok(None);
    }
    d.hint = suggest::hint(&name.name, module.kernels.iter().map(|k| k.name.as_str()));
    Err(Box::new(d))
}

fn resolve(
    file: &ast::File,
    module: &Module,
    c: &ast::TestCase,
    behavior: Option<String>,
) -> Result<Option<Case>, Box<Diagnostic>> {
    // Prose cases have no call.
    let Some(call) = &c.call else { return Ok(None) };
    let Some(kernel) = kernel_named(file, module, &call.kernel)? else { return Ok(None) };
    let k = &module.kernels[kernel];
    let (dims, inputs) = arguments(k, call)?;
    // The parser has reported a call without expectations.
    if c.expect.is_empty() {
        return Ok(None);
    }
    let refused = c.expect.iter().find_map(|e| if let Expect::Error(s) = e { Some(*s) } else { None });
    if let (Some(span), true) = (refused, c.expect.len() > 1) {
        let d = Diagnostic::error("V0603", span, "a call that is refused has no values")
            .hint("expect either `error` or values");
        return Err(Box::new(d));
    }
    let mut expects = vec![];
    for e in &c.expect {
        expects.push(match e {
            Expect::Error(_) => Expected::Error,
            Expect::Near { output, value, tol } => {
                let (output, want) = expected(k, output, value)?;
                Expected::Near { output, want, tol: *tol }
            }
            Expect::Equal { output, value } => {
                let (output, want) = expected(k, output, value)?;
                Expected::Equal { output, want }
            }
        });
    }
    let name = c.name.name.clone();
    Ok(Some(Case { name, behavior, kernel, dims, inputs, expects, span: c.span }))
}

fn expected(k: &Kernel, output: &ast::Ident, value: &ast::Value) -> Result<(usize, Data), Box<Diagnostic>> {
    let Some(at) = k.outputs.iter().position(|o| o.name == output.name) else {
        let mut d =
            Diagnostic::error("V0606", output.span, format!("`{}` has no output `{}`", k.name, output.name));
        let known: Vec<&str> = k.outputs.iter().map(|o| o.name.as_str()).collect();
        d.hint = suggest::hint(&output.name, known.iter().copied())
            .or_else(|| Some(format!("its outputs are {}", known.join(", "))));
        return Err(Box::new(d));
    };
    let def = k.def(k.outputs[at].def);
    let literal = values::read(value, def.shape.len(), &def.dtype, &format!("the output `{}`", output.name))?;
    let dims = literal.extents.iter().map(|n| n.unwrap_or(0)).collect();
    Ok((at, Data { dims, values: literal.values }))
}

fn arguments(k: &Kernel, call: &ast::CaseCall) -> Result<(Vec<i64>, Vec<Data>), Box<Diagnostic>> {
    let mut known: Vec<&str> = vec![];
    for p in &k.params {
        known.push(match p {
            ParamRef::Input(i) => &k.input(*i).name,
            ParamRef::Dim(d) => &k.dims[d.index()].name,
        });
    }
    for (n, (name, _)) in call.args.iter().enumerate() {
        if !known.contains(&name.name.as_str()) {
            let mut d = Diagnostic::error(
                "V0602",
                name.span,
                format!("`{}` has no argument `{}`", k.name, name.name),
            );
            d.hint = suggest::hint(&name.name, known.iter().copied())
                .or_else(|| Some(format!("its arguments are {}", known.join(", "))));
            return Err(Box::new(d));
        }
        if call.args[..n].iter().any(|(o, _)| o.name == name.name) {
            let d =
                Diagnostic::error("V0602", name.span, format!("the argument `{}` is given twice", name.name));
            return Err(Box::new(d));
        }
    }
    let missing: Vec<String> = known
        .iter()
        .filter(|n| !call.args.iter().any(|(a, _)| a.name == **n))
        .map(|n| format!("`{n}`"))
        .collect();
    if !missing.is_empty() {
        let d =
            Diagnostic::error("V0602", call.span, format!("`{}` also needs {}", k.name, missing.join(", ")));
        return Err(Box::new(d));
    }
    let value = |name: &str| call.args.iter().find(|(a, _)| a.name == name).map(|(_, v)| v);
    let (mut dims, mut sizes) = (vec![], vec![None; k.dims.len()]);
    let mut literals: Vec<Literal> = vec![];
    for (p, name) in k.params.iter().zip(&known) {
        // Present, as checked above.
        let Some(v) = value(name) else { continue };
        match p {
            ParamRef::Dim(d) => {
                let size = values::read(
                    v,
                    0,
                    &DType::Idx(crate::term::Int::default()),
                    &format!("the size `{name}`"),
                )?;
                // Read as an index: whole, not negative, within `u32`.
                #[allow(clippy::cast_possible_truncation)]
                let size = size.values[0] as i64;
                dims.push(size);
                sizes[d.index()] = Some(size);
            }
            ParamRef::Input(i) => {
                let input = k.input(*i);
                let dtype = k.packed(*i).map_or(&input.dtype, |_| &DType::F32);
                literals.push(values::read(v, input.shape.len(), dtype, &format!("`{name}`"))?);
            }
        }
    }
    Ok((dims, fill(k, literals, sizes)))
}

/// Gives empty lists the inner extents that other arguments fix, else 0.
fn fill(k: &Kernel, literals: Vec<Literal>, mut sizes: Vec<Option<i64>>) -> Vec<Data> {
    let inputs = super::packed::logical_inputs(k);
    for (input, l) in inputs.iter().zip(&literals) {
        for (extent, n) in input.shape.iter().zip(&l.extents) {
            if let (Some(Atom::Dim(d)), Some(n)) = (extent.as_atom(), n) {
                sizes[d.index()].get_or_insert(i64::try_from(*n).unwrap_or(i64::MAX));
            }
        }
    }
    let size = |a: &Atom| match a {
        Atom::Dim(DimId(d)) => sizes.get(*d as usize).copied().flatten(),
        _ => None,
    };
    inputs
        .iter()
        .zip(literals)
        .map(|(input, l)| {
            let dims = input.shape.iter().zip(&l.extents);
            let dims = dims.map(|(e, n)| {
                n.unwrap_or_else(|| e.eval(&size).and_then(|v| usize::try_from(v).ok()).unwrap_or(0))
            });
            Data { dims: dims.collect(), values: l.values }
        })
        .collect()
}
