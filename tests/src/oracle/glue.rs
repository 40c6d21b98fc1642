//! The driver's `main.rs`: one function per kernel that reads its arguments, calls it and writes its outputs.

use std::fmt::Write;

use vibee_spec::term::{DType, Kernel, ParamRef};

use super::compile::Unit;

/// The source of `main.rs` for these units, each of which is module `m{n}`.
#[must_use]
pub fn main_rs(units: &[(usize, &Unit)]) -> String {
    let mut out = String::from("#![forbid(unsafe_code)]\nmod support;\n");
    for (n, _) in units {
        let _ = writeln!(out, "#[allow(warnings)] mod m{n};");
    }
    out.push_str("use igla_runtime::prelude::*;\nuse support::Call;\n\n");
    let mut table = String::new();
    for (n, unit) in units {
        for (k, kernel) in unit.kernels.iter().enumerate() {
            out.push_str(&function(*n, k, kernel));
            let _ = writeln!(table, "        m{n}_{k},");
        }
    }
    let _ = writeln!(out, "fn main() {{\n    support::main(&[\n{table}    ]);\n}}");
    out
}

fn function(unit: usize, k: usize, kernel: &Kernel) -> String {
    let mut code =
        format!("fn m{unit}_{k}(ctx: &mut Ctx, call: &mut Call<'_>) -> Result<(), ShapeError> {{\n");
    let mut arguments = vec!["ctx".to_owned()];
    for (n, p) in kernel.params.iter().enumerate() {
        let ParamRef::Input(i) = p else {
            let _ = writeln!(code, "    let a{n} = call.number() as usize;");
            arguments.push(format!("a{n}"));
            continue;
        };
        let input = kernel.input(*i);
        let (ty, rank) = (element(&input.dtype), input.shape.len());
        if rank > 0 {
            let _ = writeln!(code, "    let a{n} = call.array::<{ty}, {rank}>();");
            arguments.push(format!("a{n}.view()"));
        } else {
            let ty = if matches!(input.dtype, DType::Idx(_) | DType::Len(_)) { "usize" } else { ty };
            let value = match ty {
                "usize" => "call.number() as usize".to_owned(),
                ty => format!("<{ty} as support::Number>::from_f64(call.number())"),
            };
            let _ = writeln!(code, "    let a{n} = {value};");
            arguments.push(format!("a{n}"));
        }
    }
    for (n, o) in kernel.outputs.iter().enumerate() {
        let def = kernel.def(o.def);
        let _ = writeln!(
            code,
            "    let mut y{n} = call.output::<{}, {}>();",
            element(&def.dtype),
            def.shape.len()
        );
        arguments.push(format!("y{n}.view_mut()"));
    }
    let _ = writeln!(
        code,
        "    m{unit}::{}({})?;",
        vibee_codegen::emit::function_name(kernel),
        arguments.join(", ")
    );
    for n in 0..kernel.outputs.len() {
        let _ = writeln!(code, "    call.put(&y{n});");
    }
    code.push_str("    Ok(())\n}\n\n");
    code
}

/// The Rust type of stored elements.
fn element(dtype: &DType) -> &'static str {
    match dtype {
        DType::F64 => "f64",
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        DType::I32 => "i32",
        DType::I8 => "i8",
        DType::U8 => "u8",
        DType::Idx(_) | DType::Len(_) => "u32",
        DType::Bool => "bool",
    }
}
