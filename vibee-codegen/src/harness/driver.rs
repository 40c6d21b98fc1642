//! The Rust of the driver program: fixed parts from `driver_main.rs.in`, one function a kernel
//! or layer.
//!
//! All text of the driver is made here; what it reads and writes is described in [`super::wire`].

use std::fmt::Write;

use vibee_spec::term::{DType, Input, Kernel, ParamRef};

use super::package::{LayerTarget, Target};

/// The driver's `main.rs` for kernels and layers in this order.
#[must_use]
pub fn source(targets: &[Target<'_>], layers: &[LayerTarget<'_>]) -> String {
    let mut out = include_str!("driver_main.rs.in").to_owned();
    out += "\nfn call(number: u32, ctx: &mut Ctx, input: &mut Input) -> Reply {\n    match number {\n";
    for n in 0..targets.len() {
        let _ = writeln!(out, "        {n} => kernel_{n}(ctx, input),");
    }
    for n in 0..layers.len() {
        let _ = writeln!(out, "        {} => layer_{n}(ctx, input),", targets.len() + n);
    }
    out += "        _ => Reply::refused(\"no such kernel\"),\n    }\n}\n";
    for (n, t) in targets.iter().enumerate() {
        out += &kernel(n, t);
    }
    for (n, t) in layers.iter().enumerate() {
        out += &layer(n, t);
    }
    out
}

fn layer(n: usize, target: &LayerTarget<'_>) -> String {
    let l = target.layer;
    let mut reads = String::new();
    let (mut args, mut outs) = (Vec::new(), vec!["&parameters".to_owned()]);
    for (n, i) in l.forward.inputs.iter().enumerate() {
        let _ = writeln!(reads, "    let p{n} = {};", read_input(i));
        args.push(if i.shape.is_empty() { format!("p{n}") } else { format!("p{n}.view()?") });
    }
    for (n, o) in l.forward.outputs.iter().enumerate() {
        let value = &l.forward.values[o.index()];
        let (ty, rank) = (element(&value.dtype), value.shape.len());
        let _ = writeln!(reads, "    let mut o{n} = input.output::<{ty}, {rank}>();");
        args.push(format!("o{n}.view_mut()?"));
        outs.push(format!("&o{n}"));
    }
    let load = match target.model {
        Some(_) => "&given, &given".to_owned(),
        None => {
            let sizes = (0..l.dims.len()).map(|n| format!(", given.sizes[{n}]")).collect::<String>();
            format!("&given, &given.prefix{sizes}")
        }
    };
    let (path, args, outs) = (&target.path, args.join(", "), outs.join(", "));
    format!(
        "\nfn layer_{n}(ctx: &mut Ctx, input: &mut Input) -> Reply {{\n    let given = input.given();\n{reads}    \
         let mut parameters = Count(0);\n    let layer = run(|| {{\n        \
         let layer = kernels::{path}::load({load})?;\n        parameters = Count(layer.parameters());\n        \
         Ok::<_, LoadError>(layer)\n    }});\n    drop(given);\n    \
         let result = layer.and_then(|layer| input.make(ctx, |ctx| run(|| layer.forward(ctx, {args}))));\n    \
         reply(result, &[{outs}])\n}}\n"
    )
}

fn kernel(n: usize, target: &Target<'_>) -> String {
    let k = target.kernel;
    let mut reads = String::new();
    let mut args = Vec::new();
    for (n, p) in k.params.iter().enumerate() {
        let _ = writeln!(reads, "    let p{n} = {};", read(k, *p));
        let tensor = matches!(p, ParamRef::Input(i) if !k.input(*i).shape.is_empty());
        args.push(if tensor { format!("p{n}.view()?") } else { format!("p{n}") });
    }
    let mut outs = Vec::new();
    for (n, o) in k.outputs.iter().enumerate() {
        let def = k.def(o.def);
        let (ty, rank) = (element(&def.dtype), def.shape.len());
        let _ = writeln!(reads, "    let mut o{n} = input.output::<{ty}, {rank}>();");
        args.push(format!("o{n}.view_mut()?"));
        outs.push(format!("&o{n}"));
    }
    let (path, args, outs) = (&target.path, args.join(", "), outs.join(", "));
    format!(
        "\nfn kernel_{n}(ctx: &mut Ctx, input: &mut Input) -> Reply {{\n{reads}    \
         let result = input.make(ctx, |ctx| run(|| kernels::{path}(ctx, {args})));\n    \
         reply(result, &[{outs}])\n}}\n"
    )
}

/// The expression that reads one parameter.
fn read(k: &Kernel, p: ParamRef) -> String {
    let ParamRef::Input(i) = p else { return "input.size()".into() };
    read_input(k.input(i))
}

fn read_input(input: &Input) -> String {
    match (&input.dtype, input.shape.len()) {
        (DType::Idx(_) | DType::Len(_), 0) => "input.size()".into(),
        (t, 0) => format!("input.scalar::<{}>()", element(t)),
        (t, rank) => format!("input.array::<{}, {rank}>()", element(t)),
    }
}

/// The element type in memory.
fn element(t: &DType) -> &'static str {
    match t {
        DType::F64 => "f64",
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        DType::I32 => "i32",
        DType::I8 => "i8",
        DType::U8 => "u8",
        DType::Bool => "bool",
        DType::Idx(_) | DType::Len(_) => "u32",
    }
}
