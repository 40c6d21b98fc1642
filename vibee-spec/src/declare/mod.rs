//! Checked declarations: what `types:`, `constants:` and `behaviors:` say, with every name resolved.
//!
//! | step | file |
//! |---|---|
//! | names in their canonical forms | `names` |
//! | text of types and values | `syntax`, `data` |
//! | names of types, of this file and its imports | `units` |
//! | types of fields, variants and aliases | `types`, `resolve` |
//! | types that hold themselves | `recursion` |
//! | values typed by what they meet | `literal` |
//! | constants | `constants` |
//! | cases and laws about behaviours | `suite` |
//! | behaviours as methods, signatures written or inferred | `behaviors`, `signature`, `infer` |
//!
//! Declarations mean something under every `language:`. Under `rust` a finding about them is an
//! error. Other languages belong to other tools, whose files must still give code: there the same
//! finding is a warning and says what is taken instead ([`Type::Any`] for a type that is not known).
//!
//! Nothing here knows an output language.

mod behaviors;
mod constants;
mod data;
mod infer;
mod literal;
pub mod names;
mod recursion;
mod resolve;
mod signature;
pub mod suite;
mod syntax;
mod types;
mod units;

use crate::ast;
use crate::check::Imports;
use crate::diag::Diags;
use crate::span::{Source, Span};

pub use literal::Literal;

/// What a file declares.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// Types by file: this one, then those it imports, directly or not.
    pub units: Vec<Unit>,
    /// Constants in file order.
    pub constants: Vec<Constant>,
    /// Behaviours that somebody implements.
    pub interface: Interface,
    /// What is asserted of them.
    pub suite: suite::Suite,
}

/// One file's types.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Path of the spec relative to this one (`../nn/shapes`), without extension; empty for this one.
    pub path: String,
    /// In file order.
    pub types: Vec<TypeDef>,
    /// Whether the file also has kernels, layers or models.
    pub computes: bool,
    /// Names of its layers and models.
    pub layers: Vec<String>,
}

/// A type of some file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeRef {
    /// Position in [`Declarations::units`].
    pub unit: usize,
    /// Position in [`Unit::types`].
    pub index: usize,
}

/// A declared type.
#[derive(Clone, Debug)]
pub struct TypeDef {
    /// As written.
    pub name: String,
    /// Its description.
    pub doc: Option<String>,
    /// What it is.
    pub kind: TypeDefKind,
}

/// What a declared type is.
#[derive(Clone, Debug)]
pub enum TypeDefKind {
    /// Named fields.
    Struct(Vec<Field>),
    /// One of several.
    Enum(Vec<Variant>),
    /// Another name for a type.
    Alias(Type),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// As written.
    pub name: String,
    /// Its comment.
    pub doc: Option<String>,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<Literal>,
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct Variant {
    /// As written.
    pub name: String,
    /// Its comment.
    pub doc: Option<String>,
    /// Its number.
    pub number: Option<i64>,
    /// What it carries.
    pub payload: Option<Type>,
}

/// A constant.
#[derive(Clone, Debug)]
pub struct Constant {
    /// As written.
    pub name: String,
    /// Description or comment.
    pub doc: Option<String>,
    /// Its type, as its value says.
    pub ty: Type,
    /// Its value.
    pub value: Literal,
}

/// What an implementation of a spec must do.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// The spec's module as written.
    pub name: String,
    /// In file order.
    pub methods: Vec<Method>,
}

/// A behaviour that somebody implements.
#[derive(Clone, Debug)]
pub struct Method {
    /// As written.
    pub name: String,
    /// Its description.
    pub doc: Option<String>,
    /// What else is said about it, each with a word in front: `Given`, `Complexity`.
    pub facts: Vec<(&'static str, String)>,
    /// Arguments.
    pub params: Vec<Param>,
    /// What it gives; an empty tuple for nothing.
    pub result: Type,
    /// Whether it may give an error instead.
    pub fallible: bool,
    /// Whether arguments and result are known.
    pub typed: bool,
    /// Place of the behaviour's name.
    pub span: Span,
}

/// An argument of a method.
#[derive(Clone, Debug)]
pub struct Param {
    /// As written.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A type with every name resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Truth value.
    Bool,
    /// Whole number, 64 bits with sign.
    Int,
    /// Number, 64-bit floating point.
    Float,
    /// A number or byte of a stated width.
    Number(Number),
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Milliseconds since 1970-01-01 in UTC.
    Timestamp,
    /// Any value: `Object`, and what bare `List` and `Map` hold.
    Any,
    /// A tensor of any shape.
    Tensor,
    /// A complex number.
    Complex,
    /// A declared type.
    Named(TypeRef),
    /// Several in order.
    List(Box<Type>),
    /// A stated number of them.
    Array(Box<Type>, usize),
    /// Each once, in their order.
    Set(Box<Type>),
    /// Keys and values, in the keys' order.
    Map(Box<Type>, Box<Type>),
    /// One or none.
    Option(Box<Type>),
    /// A value or an error of a type.
    Result(Box<Type>, Box<Type>),
    /// Several of different types; none: nothing.
    Tuple(Vec<Type>),
    /// Held by reference: written as a pointer, or put there to end a recursion.
    Boxed(Box<Type>),
}

/// Numbers of a stated width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Number {
    U8,
    U16,
    U32,
    U64,
    U128,
    Usize,
    I8,
    I16,
    I32,
    I64,
    I128,
    Isize,
    F32,
    F64,
}

impl Number {
    /// All, with the word that names each.
    pub const ALL: &'static [(&'static str, Number)] = &[
        ("u8", Number::U8),
        ("u16", Number::U16),
        ("u32", Number::U32),
        ("u64", Number::U64),
        ("u128", Number::U128),
        ("usize", Number::Usize),
        ("i8", Number::I8),
        ("i16", Number::I16),
        ("i32", Number::I32),
        ("i64", Number::I64),
        ("i128", Number::I128),
        ("isize", Number::Isize),
        ("f32", Number::F32),
        ("f64", Number::F64),
    ];

    /// The word that names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Number::ALL.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }

    /// Whether it has fractions.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Number::F32 | Number::F64)
    }

    /// Lowest and highest whole number, as far as an `i128` goes.
    #[must_use]
    pub fn range(self) -> (i128, i128) {
        match self {
            Number::U8 => (0, i128::from(u8::MAX)),
            Number::U16 => (0, i128::from(u16::MAX)),
            Number::U32 => (0, i128::from(u32::MAX)),
            Number::U64 | Number::Usize => (0, i128::from(u64::MAX)),
            Number::U128 => (0, i128::MAX),
            Number::I8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
            Number::I16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
            Number::I32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Number::I64 | Number::Isize => (i128::from(i64::MIN), i128::from(i64::MAX)),
            Number::I128 | Number::F32 | Number::F64 => (i128::MIN, i128::MAX),
        }
    }
}

impl Declarations {
    /// A declared type.
    #[must_use]
    pub fn get(&self, at: TypeRef) -> &TypeDef {
        &self.units[at.unit].types[at.index]
    }

    /// This file's types.
    #[must_use]
    pub fn types(&self) -> &[TypeDef] {
        self.units.first().map_or(&[], |unit| &unit.types)
    }

    /// Whether nothing is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types().is_empty() && self.constants.is_empty() && self.interface.methods.is_empty()
    }

    /// A type as specs write it.
    #[must_use]
    pub fn shown(&self, ty: &Type) -> String {
        let shown = |t: &Type| self.shown(t);
        match ty {
            Type::Bool => "Bool".into(),
            Type::Int => "Int".into(),
            Type::Float => "Float".into(),
            Type::Number(n) => n.word().into(),
            Type::Text => "String".into(),
            Type::Bytes => "Bytes".into(),
            Type::Timestamp => "Timestamp".into(),
            Type::Any => "Object".into(),
            Type::Tensor => "Tensor".into(),
            Type::Complex => "Complex".into(),
            Type::Named(at) => self.get(*at).name.clone(),
            Type::List(t) => format!("List<{}>", shown(t)),
            Type::Array(t, n) => format!("[{n}]{}", shown(t)),
            Type::Set(t) => format!("Set<{}>", shown(t)),
            Type::Map(k, v) => format!("Map<{}, {}>", shown(k), shown(v)),
            Type::Option(t) => format!("Option<{}>", shown(t)),
            Type::Result(t, e) => format!("Result<{}, {}>", shown(t), shown(e)),
            Type::Tuple(items) => format!("({})", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
            Type::Boxed(t) => shown(t),
        }
    }

    /// A type with aliases and boxes of its outside taken away.
    #[must_use]
    pub fn plain<'t>(&'t self, mut ty: &'t Type) -> &'t Type {
        // Aliases do not go round (checked), so this ends.
        for _ in 0..crate::limits::MAX_DEPTH {
            ty = match ty {
                Type::Boxed(inner) => inner,
                Type::Named(at) => match &self.get(*at).kind {
                    TypeDefKind::Alias(target) => target,
                    _ => return ty,
                },
                _ => return ty,
            };
        }
        ty
    }
}

/// Resolves a file's declarations. What has no meaning is reported and left out, or taken as
/// something that has (see above).
pub fn declare<'a>(
    file: &'a ast::File,
    source: &'a Source,
    imports: &Imports<'a>,
    diags: &mut Diags,
) -> Declarations {
    if file.types.is_empty() && file.behaviors.is_empty() && !has_constants(file) {
        return Declarations::default();
    }
    let mut cx = units::Cx::new(file, source, imports);
    types::types(&mut cx);
    recursion::recursion(&mut cx);
    types::defaults(&mut cx);
    constants::constants(&mut cx);
    behaviors::behaviors(&mut cx);
    suite::suite(&mut cx);
    diags.list.append(&mut cx.diags.list);
    cx.out
}

fn has_constants(file: &ast::File) -> bool {
    file.sections.iter().any(|s| constants::SECTIONS.contains(&s.key.name.as_str()))
}
