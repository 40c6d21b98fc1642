//! Term → term: rewrites that keep a kernel's meaning.
//!
//! Order matters and is fixed in [`run`]: after it every definition is either elementwise or one
//! fold, positions are split into axes, and repeated or trivial work is shared. Passes must not
//! look at names, and must not decide loop order or storage.

mod digits;
mod fix;
mod flat;
mod forget;
mod inline;
mod lift;
mod rewrite;
mod share;
mod split;
mod unflatten;
mod verify;

pub use fix::{fix, variants};
pub use flat::{Definition, Fold, Program, Target};
pub use rewrite::{as_nonneg, conjuncts, cost, free_indices, loads, substitute, substitute_int, visit};
#[doc(hidden)]
pub use rewrite::{conjoin, rebuild};
pub use share::{insert, unused_name};
use unflatten::without_waste;
pub use unflatten::{POISON, as_kernel};
pub use verify::verify;

use vibee_spec::term::{Int, Kernel};

/// What a pass leaves behind.
#[derive(Clone, Debug)]
pub enum Form {
    /// Before flattening: a kernel with other definitions.
    Term(Kernel),
    /// After it.
    Flat(Program),
}

impl Form {
    /// The first invariant of the form that does not hold.
    ///
    /// # Errors
    /// It, in words.
    pub fn verify(&self) -> Result<(), String> {
        match self {
            Form::Term(k) => vibee_spec::term::verify(k),
            Form::Flat(p) => verify(p),
        }
    }

    /// The form as a kernel that the interpreter can evaluate.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        match self {
            Form::Term(k) => without_waste(k),
            Form::Flat(p) => without_waste(&as_kernel(p)),
        }
    }
}

/// A rewrite of a flat program.
type Pass = fn(&mut Program);

/// Runs all passes. Builds with debug assertions verify the result of each.
#[must_use]
pub fn run(kernel: Kernel) -> Program {
    let name = if cfg!(debug_assertions) { kernel.name.clone() } else { String::new() };
    each(kernel, &mut |pass, form| {
        if cfg!(debug_assertions)
            && let Err(e) = form().verify()
        {
            unreachable!("{name}, after `{pass}`: {e}");
        }
    })
}

/// Runs all passes and shows what each leaves behind, under its name.
pub fn each(mut kernel: Kernel, after: &mut dyn FnMut(&'static str, &dyn Fn() -> Form)) -> Program {
    let shapes: Vec<Vec<Int>> = kernel.outputs.iter().map(|o| kernel.def(o.def).shape.clone()).collect();
    forget::run(&mut kernel);
    after("forget", &|| Form::Term(kernel.clone()));
    digits::run(&mut kernel);
    after("digits", &|| Form::Term(kernel.clone()));
    let shapes = split::run(&mut kernel, shapes);
    after("split", &|| Form::Term(kernel.clone()));
    lift::run(&mut kernel);
    after("lift", &|| Form::Term(kernel.clone()));
    let targets = kernel.outputs.iter().zip(shapes).map(|(o, s)| Target {
        name: o.name.clone(),
        def: o.def,
        shape: s.shape,
        digits: s.digits,
    });
    let targets = targets.collect();
    let mut program = flat::flatten(kernel, targets);
    let passes: [(&'static str, Pass); 4] = [
        ("flatten", |_| {}),
        ("share", share::run),
        ("inline", inline::run),
        ("drop_unused", flat::drop_unused),
    ];
    for (name, pass) in passes {
        pass(&mut program);
        after(name, &|| Form::Flat(program.clone()));
    }
    program
}
