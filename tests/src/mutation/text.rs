//! Mistakes in what only emission decides: identities, tails, how lanes and equals are combined.
//!
//! The patterns are those of generated code; one that no longer occurs makes its mutation apply to
//! nothing, which the test of all mutations reports.

/// The first line with all of `marks` after `edit`, if that changes it.
fn edit(rust: &str, marks: &[&str], edit: impl Fn(&str) -> String) -> Option<String> {
    let mut done = false;
    let lines = rust.lines().map(|line| {
        if done || !marks.iter().all(|m| line.contains(m)) {
            return line.to_owned();
        }
        let new = edit(line);
        done = new != line;
        new
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    done.then_some(text)
}

pub fn sum_starts_at_one(rust: &str) -> Option<String> {
    let plain = edit(rust, &["let mut ", "= 0.0_f32;"], |l| l.replace("0.0_f32", "1.0_f32"));
    plain.or_else(|| edit(rust, &["let mut ", "isa.splat::<", "(0.0);"], |l| l.replace("(0.0)", "(1.0)")))
}

pub fn max_starts_at_zero(rust: &str) -> Option<String> {
    edit(rust, &["let mut ", "f32::NEG_INFINITY"], |l| l.replace("f32::NEG_INFINITY", "0.0_f32"))
}

pub fn combines_by_maximum(rust: &str) -> Option<String> {
    edit(rust, &[".reduce_add()"], |l| l.replace("reduce_add", "reduce_max"))
}

/// A loop in lanes runs over whole blocks only.
pub fn drops_tail(rust: &str) -> Option<String> {
    edit(rust, &["isa.parts::<", ") {"], |line| {
        let Some((head, end)) = line.rsplit_once(", ") else { return line.to_owned() };
        match end.strip_suffix(") {") {
            Some(end) => format!("{head}, ({end}) / 8 * 8) {{"),
            None => line.to_owned(),
        }
    })
}

pub fn takes_last(rust: &str) -> Option<String> {
    edit(rust, &["> best"], |l| l.replace("> best", ">= best"))
}

pub fn wraps(rust: &str) -> Option<String> {
    let small = edit(rust, &[".clamp(-128, 127) as i8"], |l| l.replace(".clamp(-128, 127) as i8", " as i8"));
    small.or_else(|| edit(rust, &[".clamp(0, 255) as u8"], |l| l.replace(".clamp(0, 255) as u8", " as u8")))
}
