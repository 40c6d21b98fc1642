//! Values as JSON: arguments of `vibee eval` and `vibee run`, and what these print.
//!
//! Tensors are nested lists, or `{"dims": […], "data": […]}` where lists cannot say the shape.
//! An argument in a format is given as numbers, or as `{"dims": […], "bytes": […]}`.
//! Infinities and NaN are the strings `"inf"`, `"-inf"`, `"nan"`. Nothing here checks conditions
//! between arguments; that is the kernel's entry.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Number, Value};
use vibee_spec::interp::packed::encode;
use vibee_spec::interp::{Tensor, TensorData, dim_arguments, solve_dims};
use vibee_spec::term::{Atom, DType, Input, InputId, InputKind, Kernel, Names, Packed, ParamRef};

/// Arguments of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// Sizes passed as numbers, in the order of [`dim_arguments`].
    pub dims: Vec<i64>,
    /// Other arguments in order.
    pub inputs: Vec<Tensor>,
}

impl Arguments {
    /// Extents of all inputs.
    #[must_use]
    pub fn shapes(&self) -> Vec<Vec<usize>> {
        self.inputs.iter().map(|t| t.dims.clone()).collect()
    }

    /// Extents of all outputs; `None` if the arguments do not determine them.
    #[must_use]
    pub fn outputs(&self, kernel: &Kernel) -> Option<Vec<Vec<usize>>> {
        let dims = solve_dims(kernel, &self.dims, &self.shapes()).ok()?;
        let leaf = |a: &Atom| if let Atom::Dim(d) = a { dims.get(d.index()).copied() } else { None };
        let shape = |o: &vibee_spec::term::Output| {
            let extents = kernel.def(o.def).shape.iter();
            extents.map(|e| usize::try_from(e.eval(&leaf)?).ok()).collect::<Option<Vec<_>>>()
        };
        kernel.outputs.iter().map(shape).collect()
    }
}

/// Reads the arguments of a kernel from an object with one entry a parameter.
///
/// # Errors
/// When an argument is missing, unknown, of the wrong rank or not a value of its type.
pub fn arguments(kernel: &Kernel, json: &str) -> Result<Arguments> {
    let json: Value = serde_json::from_str(json).context("the input is not JSON")?;
    let Value::Object(mut given) = json else {
        bail!("the input is not an object with one entry a parameter");
    };
    let order = dim_arguments(kernel);
    let mut out = Arguments { dims: vec![0; order.len()], inputs: Vec::new() };
    let mut inputs: Vec<Option<Tensor>> = vec![None; kernel.inputs.len()];
    for p in &kernel.params {
        let name = match p {
            ParamRef::Dim(d) => &kernel.dims[d.index()].name,
            ParamRef::Input(i) => &kernel.input(*i).name,
        };
        let Some(value) = given.shift_remove(name) else {
            bail!("`{name}` is missing; {} takes {}", kernel.name, parameters(kernel));
        };
        match p {
            ParamRef::Dim(d) => {
                let at = order.iter().position(|o| o == d).context("sizes are arguments")?;
                out.dims[at] = whole(&value).with_context(|| format!("`{name}` is a size"))?;
            }
            ParamRef::Input(i) => {
                let ty = type_of(kernel, *i);
                let tensor = match kernel.packed(*i) {
                    Some(p) => packed(p, &value),
                    None => tensor(kernel.input(*i), &value),
                };
                let tensor = tensor.with_context(|| format!("`{name}` is {ty}"))?;
                inputs[i.index()] = Some(tensor);
            }
        }
    }
    if let Some(name) = given.keys().next() {
        bail!("`{name}` is not a parameter; {} takes {}", kernel.name, parameters(kernel));
    }
    out.inputs = inputs.into_iter().collect::<Option<_>>().context("every input is a parameter")?;
    Ok(out)
}

/// Arguments in the form that [`arguments`] reads.
#[must_use]
pub fn write(kernel: &Kernel, call: &Arguments) -> String {
    let order = dim_arguments(kernel);
    let mut out = Map::new();
    for p in &kernel.params {
        match p {
            ParamRef::Dim(d) => {
                let value = order.iter().zip(&call.dims).find(|(o, _)| *o == d).map(|(_, v)| *v);
                out.insert(kernel.dims[d.index()].name.clone(), value.into());
            }
            ParamRef::Input(i) => {
                let Some(tensor) = call.inputs.get(i.index()) else { continue };
                let dtype = &kernel.input(*i).dtype;
                let list: Vec<Value> = match &tensor.data {
                    TensorData::Float(v) => v.iter().map(|v| element(dtype, *v)).collect(),
                    TensorData::Int(v) => v.iter().map(|v| (*v).into()).collect(),
                    TensorData::Bool(v) => v.iter().map(|v| (*v).into()).collect(),
                };
                let value = match kernel.packed(*i) {
                    Some(_) => serde_json::json!({"dims": tensor.dims, "bytes": list}),
                    None => nested(&tensor.dims, &list),
                };
                out.insert(kernel.input(*i).name.clone(), value);
            }
        }
    }
    Value::Object(out).to_string()
}

/// `x: f32[T, D], eps: f32`.
#[must_use]
pub fn parameters(kernel: &Kernel) -> String {
    let one = |p: &ParamRef| match p {
        ParamRef::Dim(d) => format!("{}: dim", kernel.dims[d.index()].name),
        ParamRef::Input(i) => format!("{}: {}", kernel.input(*i).name, type_of(kernel, *i)),
    };
    kernel.params.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `f32[T, D]`, `q4_0[O, I]`.
fn type_of(kernel: &Kernel, i: InputId) -> String {
    let (names, input) = (Names::of(kernel), kernel.input(i));
    match kernel.packed(i) {
        Some(p) => format!("{}[{}]", p.format.name, names.list(&p.shape)),
        None => names.tensor(&input.dtype, &input.shape),
    }
}

/// Numbers, which are encoded, or the bytes themselves as `{"dims": […], "bytes": […]}`.
fn packed(of: &Packed, value: &Value) -> Result<Tensor> {
    let rank = of.shape.len();
    if let Some(bytes) = value.get("bytes") {
        let mut object = Map::new();
        object.insert("dims".into(), value.get("dims").cloned().unwrap_or_default());
        object.insert("data".into(), bytes.clone());
        let shape = of.shape.clone();
        let (name, kind) = (String::new(), InputKind::Argument);
        return tensor(&Input { name, dtype: DType::U8, shape, kind }, &Value::Object(object));
    }
    let (name, kind) = (String::new(), InputKind::Argument);
    let numbers = tensor(&Input { name, dtype: DType::F32, shape: of.shape.clone(), kind }, value)?;
    let TensorData::Float(values) = &numbers.data else { bail!("it has rank {rank} and holds numbers") };
    Ok(encode(&of.format, &numbers.dims, values)?)
}

fn tensor(input: &Input, value: &Value) -> Result<Tensor> {
    let (dims, flat) = match value {
        Value::Object(o) => explicit(o)?,
        _ => {
            let mut dims = Vec::new();
            shape(value, input.shape.len(), &mut dims);
            let mut flat = Vec::new();
            flatten(value, &dims, &mut flat)?;
            (dims, flat)
        }
    };
    if dims.len() != input.shape.len() {
        bail!("it has rank {}, not {}", dims.len(), input.shape.len());
    }
    let dtype = input.dtype.clone();
    if dtype.is_float() {
        let values = flat.iter().map(|v| number(v)).collect::<Result<Vec<_>>>()?;
        return Ok(Tensor::float(dtype, &dims, &values));
    }
    let data = if dtype == DType::Bool {
        let one = |v: &&Value| v.as_bool().with_context(|| format!("{v} is not a truth value"));
        TensorData::Bool(flat.iter().map(one).collect::<Result<_>>()?)
    } else {
        TensorData::Int(flat.iter().map(|v| whole(v)).collect::<Result<_>>()?)
    };
    Ok(Tensor { dtype, dims, data })
}

/// Extents of nested lists, from the first elements; empty lists have as many zeros as the rank needs.
fn shape(value: &Value, rank: usize, dims: &mut Vec<usize>) {
    if let Value::Array(list) = value {
        dims.push(list.len());
        match list.first() {
            Some(first) => shape(first, rank, dims),
            None => dims.resize(rank.max(dims.len()), 0),
        }
    }
}

fn flatten<'v>(value: &'v Value, dims: &[usize], out: &mut Vec<&'v Value>) -> Result<()> {
    match (value, dims.split_first()) {
        (Value::Array(list), Some((extent, rest))) => {
            if list.len() != *extent {
                bail!("its rows differ in length: {} and {extent}", list.len());
            }
            list.iter().try_for_each(|v| flatten(v, rest, out))
        }
        (Value::Array(_), None) => bail!("its lists differ in depth"),
        (_, Some(_)) => bail!("{value} is not a list"),
        (_, None) => {
            out.push(value);
            Ok(())
        }
    }
}

fn explicit(o: &Map<String, Value>) -> Result<(Vec<usize>, Vec<&Value>)> {
    let (Some(Value::Array(dims)), Some(Value::Array(data)), 2) = (o.get("dims"), o.get("data"), o.len())
    else {
        bail!("an object must be {{\"dims\": […], \"data\": […]}}");
    };
    let size = |v: &Value| usize::try_from(whole(v)?).context("extents are not negative");
    let dims = dims.iter().map(size).collect::<Result<Vec<_>>>()?;
    let count = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    if count != Some(data.len()) {
        bail!("{} values do not fill {dims:?}", data.len());
    }
    Ok((dims, data.iter().collect()))
}

fn number(value: &Value) -> Result<f64> {
    match value {
        Value::Number(n) => n.as_f64().context("a number beyond f64"),
        Value::String(s) if matches!(s.as_str(), "inf" | "-inf" | "nan") => Ok(s.parse()?),
        _ => bail!("{value} is not a number, \"inf\", \"-inf\" or \"nan\""),
    }
}

fn whole(value: &Value) -> Result<i64> {
    let exact = |f: f64| (f.fract() == 0.0 && f.abs() < 9e15).then_some(f as i64);
    let found = value.as_i64().or_else(|| value.as_f64().and_then(exact));
    found.with_context(|| format!("{value} is not an integer"))
}

/// Elements of a type as nested lists of the given extents.
#[must_use]
pub fn nested(dims: &[usize], values: &[Value]) -> Value {
    // Lists cannot say what is below an empty list, and lists of empty lists are hard to read.
    if dims.len() > 1 && dims.contains(&0) {
        return serde_json::json!({"dims": dims, "data": []});
    }
    match dims.split_first() {
        None => values.first().cloned().unwrap_or(Value::Null),
        Some((_, [])) => Value::Array(values.to_vec()),
        Some((n, rest)) => {
            let part = values.len() / n;
            let row = |i| nested(rest, &values[i * part..(i + 1) * part]);
            Value::Array((0..*n).map(row).collect())
        }
    }
}

/// One element of a type: the shortest number that reads back as the same value.
#[must_use]
pub fn element(dtype: &DType, v: f64) -> Value {
    match dtype {
        DType::Bool => Value::Bool(v != 0.0),
        t if t.is_int() => Value::from(v as i64),
        DType::F64 => float(v),
        _ => float((v as f32).to_string().parse().unwrap_or(v)),
    }
}

/// A float, exactly.
#[must_use]
pub fn float(v: f64) -> Value {
    match v {
        _ if v.is_nan() => "nan".into(),
        f64::INFINITY => "inf".into(),
        f64::NEG_INFINITY => "-inf".into(),
        // Whole numbers without `.0`, as they are written in specs.
        _ if v.fract() == 0.0 && v.abs() < 1e15 && !(v == 0.0 && v.is_sign_negative()) => (v as i64).into(),
        _ => Number::from_f64(v).map_or(Value::Null, Value::Number),
    }
}

/// An object, one entry a line.
#[must_use]
pub fn object(entries: &[(String, Value)]) -> String {
    let line = |(name, value): &(String, Value)| format!("  {}: {value}", Value::from(name.as_str()));
    format!("{{\n{}\n}}\n", entries.iter().map(line).collect::<Vec<_>>().join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(dtype: DType, rank: usize) -> Input {
        let shape = vec![vibee_spec::term::Int::constant(1); rank];
        Input { name: "x".into(), dtype, shape, kind: InputKind::Argument }
    }

    #[test]
    fn lists_have_shapes() {
        let x = tensor(&input(DType::F32, 2), &json!([[1, 2.5], ["inf", "nan"]])).unwrap();
        assert_eq!(x.dims, [2, 2]);
        assert!(matches!(&x.data, TensorData::Float(v) if v[1] == 2.5 && v[3].is_nan()));
        assert_eq!(tensor(&input(DType::F32, 3), &json!([])).unwrap().dims, [0, 0, 0]);
        assert_eq!(tensor(&input(DType::F32, 2), &json!([[], []])).unwrap().dims, [2, 0]);
        let explicit = json!({"dims": [0, 3], "data": []});
        assert_eq!(tensor(&input(DType::I32, 2), &explicit).unwrap().dims, [0, 3]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let fails = |d, rank, v| tensor(&input(d, rank), &v).unwrap_err().to_string();
        assert_eq!(fails(DType::F32, 2, json!([[1], [1, 2]])), "its rows differ in length: 2 and 1");
        assert_eq!(fails(DType::F32, 1, json!([[1]])), "it has rank 2, not 1");
        assert_eq!(fails(DType::I32, 0, json!(1.5)), "1.5 is not an integer");
        assert_eq!(fails(DType::Bool, 0, json!(1)), "1 is not a truth value");
    }

    #[test]
    fn values_are_short_and_shapes_survive() {
        let values = [0.1f32, -3.0, f32::NAN].map(|v| element(&DType::F32, v.into()));
        assert_eq!(nested(&[1, 3], &values).to_string(), r#"[[0.1,-3,"nan"]]"#);
        assert_eq!(nested(&[0, 3], &[]), json!({"dims": [0, 3], "data": []}));
        assert_eq!(nested(&[0], &[]).to_string(), "[]");
        assert_eq!(nested(&[], &[json!(7)]), json!(7));
    }
}
