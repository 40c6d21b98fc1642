//! The syntax tree: what was written, with spans, nothing resolved.
//!
//! Declarative sections are [`Node`] trees whose leaves are raw text; executable sections
//! (`kernels`, `functions`, `formats`, `layers`, `models`) have their own shapes. The tree must not know
//! dims from indices or functions from kernels: names are resolved by [`crate::check`].

pub mod text;

use crate::span::Span;

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// As written.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// A whole spec file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Every top-level section in file order, executable ones included (as [`Section::raw`] text).
    pub sections: Vec<Section>,
    /// `name:`.
    pub name: Option<Ident>,
    /// `module:`; falls back to `name`.
    pub module: Option<Ident>,
    /// `language:`; executable sections have meaning only under `rust`.
    pub language: Option<Ident>,
    /// `description:`.
    pub description: Option<String>,
    /// Entries of `imports:`: a bare stem or a relative path.
    pub imports: Vec<Ident>,
    /// Entries of `constants:` that are numbers.
    pub constants: Vec<Constant>,
    /// Entries of `constants:` that are text or a boolean.
    pub text_constants: Vec<TextConstant>,
    /// Entries of `sacred_constants:` that are numbers.
    pub sacred_constants: Vec<Constant>,
    /// `creation_pattern:` and the entries of `creation_patterns:`.
    pub creation_patterns: Vec<CreationPattern>,
    /// Entries of `types:` (map and list form alike).
    pub types: Vec<TypeDecl>,
    /// Entries of `behaviors:`.
    pub behaviors: Vec<Behavior>,
    /// Top-level `test_cases:`.
    pub test_cases: Vec<TestCase>,
    /// Entries of `formats:`.
    pub formats: Vec<Format>,
    /// Entries of `functions:`.
    pub functions: Vec<Function>,
    /// Entries of `kernels:`.
    pub kernels: Vec<Kernel>,
    /// Entries of `layers:`.
    pub layers: Vec<Layer>,
    /// Entries of `models:`.
    pub models: Vec<Model>,
}

/// One `key:` at column 0.
#[derive(Clone, Debug)]
pub struct Section {
    /// The key.
    pub key: Ident,
    /// Its value; executable sections hold [`NodeKind::Block`] with the raw text.
    pub value: Node,
    /// Key to the end of its block.
    pub span: Span,
}

/// A declarative value.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its shape.
    pub kind: NodeKind,
    /// Where.
    pub span: Span,
    /// Trailing `# comment` of its line.
    pub comment: Option<String>,
}

/// Shapes of declarative values. Text is never typed here: position decides (dialect §2).
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing after the colon.
    Empty,
    /// Text to the end of the line.
    Raw(String),
    /// Text in quotes, escapes resolved.
    Quoted(String),
    /// A `|` block, or an executable section's lines.
    Block(String),
    /// `key: value` lines or `{…}`.
    Map(Vec<(Ident, Node)>),
    /// `- item` lines or `[…]`.
    Seq(Vec<Node>),
}

/// A numeric constant, usable in executable sections.
#[derive(Clone, Debug)]
pub struct Constant {
    /// Its name.
    pub name: Ident,
    /// Its value as written.
    pub value: Expr,
    /// Description or trailing comment.
    pub doc: Option<String>,
}

/// A constant that is no number.
#[derive(Clone, Debug)]
pub struct TextConstant {
    /// Its name.
    pub name: Ident,
    /// Its text, quotes removed.
    pub value: Ident,
    /// Whether it stood in quotes; `true` without them is a boolean.
    pub quoted: bool,
    /// Description or trailing comment.
    pub doc: Option<String>,
}

/// What is made of what: `source`, `transformer`, `result`.
#[derive(Clone, Debug)]
pub struct CreationPattern {
    /// Its key below `creation_patterns:`; the single `creation_pattern:` has none.
    pub name: Option<Ident>,
    /// What is given.
    pub source: Option<Ident>,
    /// What acts on it.
    pub transformer: Option<Ident>,
    /// What comes out.
    pub result: Option<Ident>,
    /// Everything else, kept.
    pub other: Vec<(Ident, Node)>,
    /// The whole pattern.
    pub span: Span,
}

/// A type declaration (struct, enum, alias), normalised from all dialect forms.
#[derive(Clone, Debug)]
pub struct TypeDecl {
    /// The type's name.
    pub name: Ident,
    /// `description`.
    pub doc: Option<String>,
    /// Fields of a struct.
    pub fields: Vec<Field>,
    /// Variants of an enum.
    pub variants: Vec<Variant>,
    /// What an alias stands for, as type text.
    pub alias: Option<Ident>,
    /// `base` or `base_type`: the type that values are stored as, as text.
    pub base: Option<Ident>,
    /// `kind`: `struct`, `enum`, `union` … as written.
    pub kind: Option<Ident>,
    /// `width`: bits of a value, as written.
    pub width: Option<Ident>,
    /// `generic`: names of type parameters.
    pub generics: Vec<Ident>,
    /// `methods`, `constants` and all other keys, kept.
    pub other: Vec<(Ident, Node)>,
    /// Whole declaration.
    pub span: Span,
}

/// An enum variant: `NAME`, `NAME: 3`, `Name: Payload`, `Name: {field: Type}`.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name.
    pub name: Ident,
    /// Its number, as written.
    pub value: Option<Ident>,
    /// The type it carries, as text.
    pub payload: Option<Ident>,
    /// The fields it carries, if they are written here.
    pub fields: Vec<Field>,
    /// Description, trailing comment.
    pub doc: Option<String>,
    /// Keys with no meaning, kept.
    pub other: Vec<(Ident, Node)>,
}

/// A struct field: `name: type = default  # comment`. The type is kept as text here.
#[derive(Clone, Debug)]
pub struct Field {
    /// Field name.
    pub name: Ident,
    /// Type text without the default.
    pub ty: Ident,
    /// Default text.
    pub default: Option<Ident>,
    /// Description, trailing comment.
    pub doc: Option<String>,
    /// Further keys of `{name, type, …}`, kept.
    pub other: Vec<(Ident, Node)>,
}

/// One entry of `behaviors:`.
#[derive(Clone, Debug)]
pub struct Behavior {
    /// Its name.
    pub name: Ident,
    /// Prose.
    pub given: Option<String>,
    /// Prose.
    pub when: Option<String>,
    /// Prose.
    pub then: Option<String>,
    /// Examples.
    pub test_cases: Vec<TestCase>,
    /// Properties.
    pub laws: Vec<Law>,
    /// Everything else, kept.
    pub other: Vec<(Ident, Node)>,
    /// Whole entry.
    pub span: Span,
}

/// One entry of `test_cases:`. Executable when `call` is given.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// Its name.
    pub name: Ident,
    /// `call: rmsnorm(x: [[3, 4]], w: [1, 1], eps: 0)`.
    pub call: Option<CaseCall>,
    /// `expect: y ~ [[…]] within 1e-6`; several separated by `;` or a list.
    pub expect: Vec<Expect>,
    /// Prose cases of the dialect (`input:` / `expected:`), kept.
    pub other: Vec<(Ident, Node)>,
    /// Whole entry.
    pub span: Span,
}

/// A kernel applied to named values.
#[derive(Clone, Debug)]
pub struct CaseCall {
    /// The kernel (or `kernel_instance`).
    pub kernel: Ident,
    /// Arguments by name.
    pub args: Vec<(Ident, Value)>,
    /// The whole call.
    pub span: Span,
}

/// A literal value in a test case.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its shape.
    pub kind: ValueKind,
    /// Where.
    pub span: Span,
}

/// Numbers, booleans and nested lists.
#[derive(Clone, Debug)]
pub enum ValueKind {
    /// Number, `inf`, `nan`, with sign.
    Number(f64),
    /// `true` / `false`.
    Bool(bool),
    /// Nested list.
    List(Vec<Value>),
}

/// `output ~ value within tol`, `output == value`, `error` (the call must be refused).
#[derive(Clone, Debug)]
pub enum Expect {
    /// Within `tol·max(1, |b|)`.
    Near {
        /// Output name.
        output: Ident,
        /// Wanted.
        value: Value,
        /// Tolerance.
        tol: f64,
    },
    /// Exactly equal (NaN equals NaN).
    Equal {
        /// Output name.
        output: Ident,
        /// Wanted.
        value: Value,
    },
    /// The call must return an error.
    Error(Span),
}

/// A property over random inputs.
#[derive(Clone, Debug)]
pub struct Law {
    /// Its name.
    pub name: Ident,
    /// `for: c in [0.1, 10], n in [1, 8]`.
    pub vars: Vec<LawVar>,
    /// `holds: a ~ b within tol`: left side.
    pub lhs: Expr,
    /// Right side.
    pub rhs: Expr,
    /// `None` means `==`.
    pub tol: Option<f64>,
    /// Whole entry.
    pub span: Span,
}

/// A law's own variable, drawn from a range.
#[derive(Clone, Debug)]
pub struct LawVar {
    /// Name.
    pub name: Ident,
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
}

/// A storage format: how blocks of numbers are kept as bytes.
#[derive(Clone, Debug)]
pub struct Format {
    /// Its name.
    pub name: Ident,
    /// `block: 32`: numbers of a block.
    pub block: Expr,
    /// Lists of constants.
    pub tables: Vec<Table>,
    /// What a block stores, in the order of its bytes.
    pub fields: Vec<Param>,
    /// Definitions that `decode` uses, then `decode[j]: …` as the definition of `decode` over the
    /// numbers of a block.
    pub body: Vec<Stmt>,
    /// `encode:`; assigns every field.
    pub encode: Option<Vec<Stmt>>,
    /// Comment lines directly above.
    pub doc: Option<String>,
    /// Whole definition.
    pub span: Span,
}

/// `code: [-1.0, 0, 1.0]`.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: Ident,
    /// Its constants.
    pub values: Vec<Expr>,
}

/// `softmax[s](e) = …`: an expression with index and expression parameters.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: Ident,
    /// Index parameters in brackets.
    pub indices: Vec<Ident>,
    /// Expression parameters.
    pub params: Vec<Ident>,
    /// Local `name = expr` lines before the result (block form).
    pub lets: Vec<(Ident, Expr)>,
    /// The result.
    pub body: Expr,
    /// Comment lines directly above.
    pub doc: Option<String>,
    /// Whole definition.
    pub span: Span,
}

/// A kernel (or a layer's / model's `forward`).
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its name.
    pub name: Ident,
    /// `<W>`.
    pub generics: Vec<Ident>,
    /// Inputs.
    pub params: Vec<Param>,
    /// Outputs.
    pub outputs: Vec<Param>,
    /// `where` constraints, each a comparison.
    pub constraints: Vec<Expr>,
    /// `for W in f32, bf16`.
    pub instances: Vec<(Ident, Vec<Ident>)>,
    /// `allow x: i8`: what may be rounded, and to what.
    pub allowed: Vec<(Ident, Ident)>,
    /// Body in order.
    pub body: Vec<Stmt>,
    /// `specialise C: 32, 64`.
    pub specialise: Vec<(Ident, Vec<i64>)>,
    /// Comment lines directly above.
    pub doc: Option<String>,
    /// The header's text span.
    pub header: Span,
    /// Whole definition.
    pub span: Span,
}

/// `x: f32[T, D]`, `eps: f32`, `K: dim`.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Ty,
}

/// A parameter's type.
#[derive(Clone, Debug)]
pub struct Ty {
    /// Element type.
    pub elem: TyElem,
    /// Shape; empty for scalars. Integer expressions over dims.
    pub shape: Vec<Expr>,
    /// Where.
    pub span: Span,
}

/// Element types as written.
#[derive(Clone, Debug)]
pub enum TyElem {
    /// `dim`.
    Dim,
    /// `f32`, `bf16`, …, or a generic's name.
    Named(Ident),
    /// `idx<V>`.
    Idx(Box<Expr>),
    /// `len<S>`.
    Len(Box<Expr>),
}

/// A statement of a body.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `y[t, d]: f32 = expr`, `y = expr`, `k[pos + t] := expr`, `y[i] += expr`.
    Define(Define),
    /// `for i in L: x = enc[i](x, mask, eps)` (layers and models).
    For {
        /// Loop variable.
        var: Ident,
        /// Count.
        count: Expr,
        /// Body statements.
        body: Vec<Stmt>,
        /// Where.
        span: Span,
    },
}

/// A definition.
#[derive(Clone, Debug)]
pub struct Define {
    /// Defined names (several for `a, b = f(x)`).
    pub names: Vec<Ident>,
    /// Left-hand indices; `None` when no brackets were written (scalar or whole tensor).
    pub indices: Option<Vec<LhsIndex>>,
    /// Written type.
    pub ty: Option<Ty>,
    /// `=`, `:=` or `+=`.
    pub op: DefineOp,
    /// Right-hand side.
    pub value: Expr,
    /// Trailing comment, or the comment lines directly above.
    pub doc: Option<String>,
    /// Whole statement.
    pub span: Span,
}

/// How a definition assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefineOp {
    /// `=`.
    Define,
    /// `:=` (state).
    Assign,
    /// `+=` (scatter).
    Accumulate,
}

/// `t`, `i in N`, or a split position `h*C + c`.
#[derive(Clone, Debug)]
pub struct LhsIndex {
    /// The position as an integer expression over indices.
    pub expr: Expr,
    /// `in N` on a bare index.
    pub range: Option<Expr>,
}

/// An index bound by a fold or handed to a function: `s`, `p in K`.
#[derive(Clone, Debug)]
pub struct Binder {
    /// Index name.
    pub name: Ident,
    /// `in N`.
    pub range: Option<Expr>,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// Shapes of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Integer literal.
    Int(i64),
    /// Float literal (had a `.` or exponent), `inf`, `nan`.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
    /// A bare name.
    Name(String),
    /// `base[i, j; outside]`; base is a name or a call.
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// Positions.
        indices: Vec<Expr>,
        /// Value outside the array.
        outside: Option<Box<Expr>>,
    },
    /// `f(x)`, `sum[d if g](x)`, `len[d]`, `f32(x)`, `idx<B>(x)`, `kernel(x, w)`, `layer[i](x)`.
    Call {
        /// Callee.
        callee: Ident,
        /// `<…>` of a cast to `idx<…>` / `len<…>`.
        generic: Option<Box<Expr>>,
        /// Bracketed indices; `None` without brackets. In `enc[i](x)` a bare index too.
        indices: Option<Vec<Binder>>,
        /// Guard of the brackets.
        guard: Option<Box<Expr>>,
        /// Arguments, optionally named `x: e`. `None` only for `len[d]`.
        args: Option<Vec<Arg>>,
    },
    /// `-x`, `not x`.
    Unary(UnOp, Box<Expr>),
    /// `a + b` …
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// `if c then a else b`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// A call argument.
#[derive(Clone, Debug)]
pub struct Arg {
    /// `name:` if written.
    pub name: Option<Ident>,
    /// Value.
    pub value: Expr,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnOp {
    /// `-`.
    Neg,
    /// `not`.
    Not,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinOp {
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/` real division.
    Div,
    /// `//` floor division.
    IDiv,
    /// `%` floor modulo.
    Mod,
    /// `^`.
    Pow,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `and`.
    And,
    /// `or`.
    Or,
}

/// A layer: weights, state, forward.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its name.
    pub name: Ident,
    /// `<W>`.
    pub generics: Vec<Ident>,
    /// `[D, H, F]`: dims the layer is made with.
    pub dims: Vec<Ident>,
    /// `for W in …` instances.
    pub instances: Vec<(Ident, Vec<Ident>)>,
    /// `where` constraints on the dims.
    pub constraints: Vec<Expr>,
    /// Weights and sublayers.
    pub weights: Vec<Weight>,
    /// State tensors.
    pub state: Vec<Param>,
    /// `forward(…) -> …:`; further methods may follow.
    pub methods: Vec<Kernel>,
    /// Comment lines directly above.
    pub doc: Option<String>,
    /// Whole definition.
    pub span: Span,
}

/// A model: a layer whose dims come from config keys and whose weights have file names.
#[derive(Clone, Debug)]
pub struct Model {
    /// `D: hidden_size` pairs: our dim or scalar name, the key in `config.json`, a default literal
    /// (`eps: layer_norm_eps = 1e-12`), or a fixed literal (`V: 32000`).
    pub config: Vec<ConfigEntry>,
    /// The rest is as in a layer.
    pub layer: Layer,
}

/// One entry of a model's `config`.
#[derive(Clone, Debug)]
pub struct ConfigEntry {
    /// Upper-case: a dim; lower-case: an `f32` scalar.
    pub name: Ident,
    /// Key in the configuration file; `None` for a fixed value.
    pub key: Option<Ident>,
    /// Default or fixed value.
    pub value: Option<Expr>,
}

/// `q: f32[D, D] = "attention.query.weight"` or `enc: BertLayer<f32>[D, H, F] * L = "encoder.layer.{i}."`.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Its name.
    pub name: Ident,
    /// What it is.
    pub kind: WeightKind,
    /// Name (or prefix, for sublayers) in the weights file.
    pub tensor: Option<Ident>,
    /// Where.
    pub span: Span,
}

/// A tensor or a (repeated) sublayer.
#[derive(Clone, Debug)]
pub enum WeightKind {
    /// A tensor.
    Tensor(Ty),
    /// A sublayer.
    Layer {
        /// Layer name.
        layer: Ident,
        /// `<f32>`.
        generics: Vec<Ident>,
        /// `[D, H, F]`.
        dims: Vec<Expr>,
        /// `* L`.
        count: Option<Expr>,
    },
}
