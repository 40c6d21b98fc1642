//! Cases and laws about behaviours, with every name resolved and every value typed.
//!
//! | step | file |
//! |---|---|
//! | text → trees | `syntax` |
//! | trees → typed expressions | `typing`, by what types say in `fits` |
//! | cases: `call`/`expect`, `steps`, `input`/`expected` | `cases` |
//! | laws: variables and what holds | `laws` |
//!
//! Nothing is evaluated here: there is no implementation. What cannot be run is counted as prose.

mod cases;
mod fits;
mod laws;
mod syntax;
mod typing;

pub(super) use cases::suite;

use super::{Literal, Type, TypeRef};

/// What is asserted about the methods of an interface.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// In file order.
    pub cases: Vec<Case>,
    /// In file order.
    pub laws: Vec<Law>,
    /// Cases that are prose.
    pub prose: usize,
}

impl Suite {
    /// Cases and laws.
    #[must_use]
    pub fn assertions(&self) -> usize {
        self.cases.len() + self.laws.len()
    }
}

/// Calls of one implementation and what each must give.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, behind its behaviour's.
    pub name: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Step {
    /// Position of the method.
    pub method: usize,
    /// One value each argument, of its type.
    pub args: Vec<Literal>,
    /// What must come of it.
    pub expect: Expect,
}

/// What must come of a call.
#[derive(Clone, Debug)]
pub enum Expect {
    /// An error.
    Error,
    /// No error, whatever the value.
    Success,
    /// A value for which all of these hold.
    Value(Vec<Check>),
}

/// A comparison of a result, or of a field of it.
#[derive(Clone, Debug)]
pub struct Check {
    /// From the outside.
    pub path: Vec<Part>,
    /// Type at the end of the path.
    pub ty: Type,
    /// How it is compared.
    pub how: How,
    /// With what.
    pub want: Literal,
}

/// A part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A struct's field, by position.
    Field(TypeRef, usize),
    /// A tuple's part.
    Item(usize),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// `==`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(&'static str),
    /// Within a tolerance.
    Near(f64),
}

/// A property over drawn values.
#[derive(Clone, Debug)]
pub struct Law {
    /// Its name, behind its behaviour's.
    pub name: String,
    /// In the order in which they are drawn.
    pub vars: Vec<Var>,
    /// A truth value.
    pub holds: Expr,
}

/// A drawn value.
#[derive(Clone, Debug)]
pub struct Var {
    /// As written.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// What it is drawn from.
    pub from: Domain,
}

/// What a value is drawn from.
#[derive(Clone, Debug)]
pub enum Domain {
    /// Numbers from the first to the second.
    Float(f64, f64),
    /// Whole numbers from the first up to and including the second.
    Int(i64, i64),
    /// One of these.
    Choice(Vec<Literal>),
    /// Lists of a length from the first up to and including the second.
    List(Box<Domain>, i64, i64),
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
}

/// Shapes of typed expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A value.
    Literal(Literal),
    /// A drawn value.
    Var(usize),
    /// A call of a method; one that fails ends the law.
    Call(usize, Vec<Expr>),
    /// A part of a struct or tuple.
    Part(Box<Expr>, Part),
    /// An item of a list.
    Item(Box<Expr>, Box<Expr>),
    /// `len(x)` of a list, set, map or text.
    Len(Box<Expr>),
    /// `sum(xs)`, of numbers.
    Sum(Box<Expr>),
    /// `abs(x)`.
    Abs(Box<Expr>),
    /// `min(a, b)`, `max(a, b)`.
    Extreme(&'static str, Box<Expr>, Box<Expr>),
    /// Items of a list, array or set.
    List(Vec<Expr>),
    /// Items of a tuple.
    Tuple(Vec<Expr>),
    /// Keys and values of a map.
    Map(Vec<(Literal, Expr)>),
    /// Fields by position; those that are missing have their defaults.
    Struct(TypeRef, Vec<(usize, Expr)>),
    /// Something, of an option.
    Some(Box<Expr>),
    /// A number as one of another type, or all numbers of a list; a list as an array of its length.
    Cast(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `not x`.
    Not(Box<Expr>),
    /// `+ - * / // %` of equal types, `and`, `or`.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// A comparison of equal types.
    Compare(&'static str, Box<Expr>, Box<Expr>),
    /// Within a tolerance.
    Near(Box<Expr>, Box<Expr>, f64),
}

impl Expr {
    /// The expressions that it is made of.
    #[must_use]
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Var(_) => vec![],
            ExprKind::Part(a, _)
            | ExprKind::Len(a)
            | ExprKind::Sum(a)
            | ExprKind::Abs(a)
            | ExprKind::Some(a)
            | ExprKind::Cast(a)
            | ExprKind::Negate(a)
            | ExprKind::Not(a) => vec![a],
            ExprKind::Item(a, b)
            | ExprKind::Extreme(_, a, b)
            | ExprKind::Binary(_, a, b)
            | ExprKind::Compare(_, a, b)
            | ExprKind::Near(a, b, _) => vec![a, b],
            ExprKind::Call(_, items) | ExprKind::List(items) | ExprKind::Tuple(items) => {
                items.iter().collect()
            }
            ExprKind::Map(entries) => entries.iter().map(|(_, e)| e).collect(),
            ExprKind::Struct(_, fields) => fields.iter().map(|(_, e)| e).collect(),
        }
    }
}
