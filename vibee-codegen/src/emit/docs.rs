//! Doc comments: the equations as written, shapes, errors. Spec text is escaped so that it cannot end
//! a comment or become a doctest.

use vibee_spec::term::{Atom, DType, Input, InputId, Int, Kernel, Layer, ParamRef, WeightTensor};

use crate::loops::LoopProgram;

/// A public kernel's documentation, one entry a line (each starts with a space).
pub fn kernel(loops: &LoopProgram) -> Vec<String> {
    let k = &loops.program.kernel;
    let mut lines = prose(&k.doc);
    if lines.is_empty() {
        lines.push(format!(" `{}`", code(&k.header)));
    }
    equations(loops, &mut lines);
    lines.push(String::new());
    let shape = |(n, i): (u32, &Input)| match k.packed(InputId(n)) {
        None => format!("`{}: {}`", i.name, ty(k, &i.dtype, &i.shape)),
        Some(p) => {
            let numbers: Vec<String> = p.shape.iter().map(|d| int(k, d)).collect();
            let (name, stored) = (&p.format.name, ty(k, &i.dtype, &i.shape));
            format!("`{}: {name}[{}]` stored as `{stored}`", i.name, numbers.join(", "))
        }
    };
    // Stand-ins are no arguments.
    let given = |(n, _): &(u32, &Input)| k.params.contains(&ParamRef::Input(InputId(*n)));
    let shapes: Vec<String> = (0u32..).zip(&k.inputs).filter(given).map(shape).collect();
    let outs: Vec<String> = loops
        .program
        .outputs
        .iter()
        .map(|o| format!("`{}: {}`", o.name, ty(k, &loops.program.def(o.def).dtype, &o.shape)))
        .collect();
    lines.push(format!(" Shapes: {} → {}.", shapes.join(", "), outs.join(", ")));
    lines.push(String::new());
    lines.push(" # Errors".to_owned());
    lines.push(" [`ShapeError`] if the arguments do not fit together.".to_owned());
    lines
}

/// A layer's documentation.
pub fn layer(layer: &Layer) -> Vec<String> {
    let lines = prose(&layer.doc);
    if !lines.is_empty() {
        return lines;
    }
    vec![format!(" `{}`", code(&layer.forward.header))]
}

/// A step of a layer's forward.
pub fn step(loops: &LoopProgram) -> Vec<String> {
    let mut lines = Vec::new();
    equations(loops, &mut lines);
    if lines.first().is_some_and(String::is_empty) {
        lines.remove(0);
    }
    lines
}

fn equations(loops: &LoopProgram, lines: &mut Vec<String>) {
    let mut texts: Vec<&str> = Vec::new();
    for d in &loops.program.defs {
        // Several definitions may come from one equation.
        if !d.text.is_empty() && !texts.contains(&d.text.as_str()) {
            texts.push(&d.text);
        }
    }
    if texts.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(" ```text".to_owned());
    lines.extend(texts.iter().flat_map(|t| t.lines()).map(|t| format!(" {}", t.replace("```", "'''"))));
    lines.push(" ```".to_owned());
}

/// Spec prose as doc lines.
pub fn prose(text: &str) -> Vec<String> {
    text.lines().map(|l| format!(" {}", escape(l.trim()))).filter(|l| l.trim() != "").collect()
}

/// Keeps text from opening code blocks or links.
fn escape(text: &str) -> String {
    text.replace("```", "'''").replace('[', "\\[").replace(']', "\\]").replace('<', "\\<")
}

/// Text between backticks, where nothing else means anything.
fn code(text: &str) -> String {
    text.replace('`', "'")
}

/// `f32[T, D]`.
pub fn ty(k: &Kernel, dtype: &DType, shape: &[Int]) -> String {
    let name = match dtype {
        DType::Idx(n) => format!("idx<{}>", int(k, n)),
        DType::Len(n) => format!("len<{}>", int(k, n)),
        other => format!("{other:?}").to_lowercase(),
    };
    let dims: Vec<String> = shape.iter().map(|d| int(k, d)).collect();
    if dims.is_empty() { name } else { format!("{name}[{}]", dims.join(", ")) }
}

/// `q8_0[D, F]`, the type of a weight.
pub fn weight(k: &Kernel, w: &WeightTensor) -> String {
    let dims: Vec<String> = w.shape.iter().map(|d| int(k, d)).collect();
    match &w.stored {
        Some(s) => format!("{}[{}]", s.format.name, dims.join(", ")),
        None => ty(k, &w.dtype, &w.shape),
    }
}

/// A size as in the language.
pub fn int(k: &Kernel, i: &Int) -> String {
    let mut out = String::new();
    for (m, c) in i.terms() {
        let factors: Vec<String> = m.iter().map(|a| atom(k, a)).collect();
        let magnitude = c.unsigned_abs().to_string();
        let term = match (factors.is_empty(), c.unsigned_abs()) {
            (true, _) => magnitude,
            (false, 1) => factors.join("*"),
            (false, _) => format!("{magnitude}*{}", factors.join("*")),
        };
        out.push_str(match (out.is_empty(), c < 0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        });
        out.push_str(&term);
    }
    if out.is_empty() { "0".to_owned() } else { out }
}

fn atom(k: &Kernel, a: &Atom) -> String {
    let part = |i: &Int| {
        if i.as_atom().is_some() || i.as_const().is_some() { int(k, i) } else { format!("({})", int(k, i)) }
    };
    match a {
        Atom::Dim(d) => k.dims[d.index()].name.clone(),
        Atom::Index(i) => k.indices[i.index()].name.clone(),
        Atom::Scalar(s) => k.input(*s).name.clone(),
        Atom::Div(x, y) => format!("{}//{}", part(x), part(y)),
        Atom::Mod(x, y) => format!("{}%{}", part(x), part(y)),
        Atom::Min(x, y) => format!("min({}, {})", int(k, x), int(k, y)),
        Atom::Max(x, y) => format!("max({}, {})", int(k, x), int(k, y)),
    }
}
