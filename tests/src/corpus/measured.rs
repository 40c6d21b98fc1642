//! What was counted in 21,764 public specs: how many files hold a form, how often a value occurs.
//!
//! Data only. The counts are of files unless a table says otherwise; what the forms look like is
//! for the writers.

/// Files that hold something and parse as one mapping: what the counts of [`Form`] are out of.
pub const WELL_FORMED: u32 = 20_233;

/// All files, the empty and the malformed ones too.
pub const ALL: u32 = 21_764;

/// Declares the forms, each with the number of files that hold it.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident = $files:literal,)*) => {
        /// A form that a file may hold. Several may meet in one file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Form { $($(#[$doc])* $name,)* }

        impl Form {
            /// All forms.
            pub const ALL: &'static [Form] = &[$(Form::$name,)*];

            /// Files that hold it, out of [`WELL_FORMED`].
            #[must_use]
            pub fn files(self) -> u32 {
                match self { $(Form::$name => $files,)* }
            }

            /// Its name in the manifest.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Form::$name => stringify!($name),)* }
            }
        }
    };
}

forms! {
    /// One structure that thousands of files share: three types, three behaviours.
    Template = 3_340,
    /// One of a few hundred further structures that ten files or more share.
    Shared = 10_244,
    /// Comment lines before the first key.
    Banner = 7_593,
    /// Comment lines elsewhere.
    FullComments = 305,
    /// `x: Float  # 1e-6`.
    TrailingComments = 108,
    /// `##` inside prose, which begins a comment.
    HashInProse = 4,
    /// Greek letters in prose.
    Greek = 4_854,
    /// Superscripts and signs of mathematics in prose.
    Maths = 4_941,
    /// Cyrillic prose.
    Cyrillic = 1_341,
    /// Lines drawn with box characters, in banners.
    BoxDrawing = 1_111,
    /// Coptic letters.
    Coptic = 638,
    /// Pictures.
    Emoji = 168,
    /// Chinese characters.
    Chinese = 13,
    /// Text in single quotes.
    SingleQuotes = 451,
    /// `|` blocks in prose.
    BlockProse = 32,
    /// `|` blocks of other keys, with code.
    Implementation = 16,
    /// Escapes other than `\"` in double quotes.
    Escapes = 100,
    /// Items at the column of their key.
    FlushItems = 2,
    /// Lines with odd indentation inside `|` blocks.
    OddIndent = 40,
    /// Prose that goes on in a deeper line.
    LongPlain = 1,
    /// Quoted text that goes on in a deeper line.
    LongQuoted = 1,
    /// `"key": value`.
    QuotedKeys = 23,
    /// `key with spaces: value`.
    SpacedKeys = 11,
    /// `7: value`.
    IntegerKeys = 25,
    /// `φ: value`.
    ForeignKeys = 52,
    /// `on: value`, `no: value`.
    BooleanKeys = 12,
    /// Behaviours named `on` or `off`.
    BooleanBehaviors = 6,
    /// Variants named `True` and `False`.
    BooleanVariants = 1,

    /// No `types:`.
    NoTypes = 615,
    /// `types:` as a list.
    ListTypes = 65,
    /// `Name: { fields: { … } }` on one line.
    OneLineTypes = 3_810,
    /// A struct whose fields stand directly below its name.
    RawStruct = 7,
    /// `struct:` instead of `fields:`.
    StructKey = 8,
    /// `fields:` as a list.
    ListFields = 11,
    /// Types with a `description`.
    TypeDescription = 900,
    /// Enums written `values:`.
    EnumValues = 96,
    /// Enums written `enum:`.
    EnumEnum = 296,
    /// Enums written `variants:`.
    EnumVariants = 161,
    /// An enum's list in brackets.
    FlowEnum = 42,
    /// `- NAME: 3`.
    NumberedVariant = 3,
    /// `- Name: payload_type`.
    PayloadVariant = 1,
    /// `values: {NAME: 3}`.
    MapEnum = 2,
    /// `values: "ADD=0, SUB=1"`.
    TextEnum = 1,
    /// `width: 2`, `base: u8`.
    Width = 46,
    /// `methods:`.
    Methods = 6,
    /// `generic:`.
    Generic = 5,
    /// `alias:`.
    Alias = 5,

    /// `List<T>`.
    ListOf = 4_131,
    /// `Option<T>`.
    OptionOf = 1_789,
    /// A type of the same file.
    UserType = 739,
    /// `List` alone.
    BareList = 425,
    /// `Map` alone.
    BareMap = 94,
    /// `Option` alone.
    BareOption = 10,
    /// `Map<K, V>`, `Map<K,V>`.
    MapOf = 352,
    /// `u8`, `f64`, `string` …
    Primitives = 18,
    /// `T?`.
    Question = 53,
    /// `T = v`.
    Defaults = 20,
    /// `[N]T`.
    FixedArray = 8,
    /// `*T`, `[*]T`.
    Pointer = 8,
    /// `[]T`.
    Slice = 6,
    /// `Array<T>`.
    ArrayOf = 4,
    /// `?T`.
    OptionalPrefix = 2,
    /// `List[f64]`.
    BracketList = 2,
    /// `Tuple<A, B>`, `(A, B)`.
    Tuple = 1,
    /// `enum { A, B }`.
    InlineEnum = 1,

    /// No `behaviors:`.
    NoBehaviors = 112,
    /// `When:`.
    MisspeltWhen = 548,
    /// A behaviour without one of given, when, then.
    MissingProse = 200,
    /// `{{x}}` in prose.
    TemplateProse = 3,
    /// `pas_pattern:`.
    PasPattern = 900,
    /// `complexity:`.
    Complexity = 500,
    /// `formula:`.
    Formula = 80,
    /// `scientific_basis:`, `papers:`.
    Papers = 90,
    /// `components:`.
    Components = 70,
    /// `benchmark:`.
    Benchmark = 50,
    /// `returns:`, `params:`.
    Signature = 30,

    /// Cases below behaviours.
    AttachedCases = 1_185,
    /// Cases at the top level.
    TopCases = 1_263,
    /// `input: '{"code": "…"}'`.
    JsonInput = 470,
    /// One case `{phi: 1.618…}`.
    PhiCase = 702,
    /// Cases below behaviours whose values are all numbers.
    NumericCases = 336,

    /// `sacred_constants:`.
    SacredConstants = 2_340,
    /// `creation_pattern:`.
    CreationPattern = 1_825,
    /// `creation_patterns:`.
    CreationPatterns = 34,
    /// `constants:`.
    Constants = 594,
    /// `constants:` as a list.
    ListConstants = 23,
    /// `imports:`.
    Imports = 85,
    /// `description:` of the file.
    Description = 391,
    /// `pas_analysis:`.
    PasAnalysis = 475,
    /// `self_evolution:`.
    SelfEvolution = 280,
    /// `sacred_formula:`.
    SacredFormula = 267,
    /// `output:`.
    Output = 148,
    /// `components:` of the file.
    TopComponents = 133,
    /// `metrics:`.
    Metrics = 114,
    /// `algorithms:`.
    Algorithms = 106,
    /// `codegen:`.
    Codegen = 80,
    /// A section that no other file has.
    UniqueSection = 1_100,
    /// Keys in an order of their own.
    OwnOrder = 5_400,

    /// Fields named like words of Rust.
    KeywordFields = 1_307,
    /// Types named like those of Rust or the dialect.
    StandardNames = 304,
    /// `Qml_attentionConfig`.
    MixedCase = 4_700,
    /// A name that begins with a digit.
    DigitName = 19,
    /// A name with letters that are not ASCII.
    ForeignName = 11,
    /// A name that is a word of Rust.
    KeywordName = 1,
    /// A module with dots or a leading digit.
    InvalidModule = 108,
    /// A module with letters that are not ASCII.
    ForeignModule = 290,
    /// A type whose name is not ASCII.
    ForeignType = 3,
    /// A behaviour whose name is no identifier.
    InvalidBehavior = 8,
    /// A behaviour whose name is not ASCII.
    ForeignBehavior = 15,
    /// A behaviour named like a word of Rust.
    KeywordBehavior = 4,
    /// A variant that is no identifier.
    InvalidVariant = 5,
    /// A variant that is a word of Rust.
    KeywordVariant = 15,
    /// Two behaviours of one name.
    DuplicateBehavior = 1,
    /// The name of another spec.
    DuplicateName = 305,
    /// A type that the file does not define.
    Undefined = 69,
    /// A type that holds itself by value.
    Recursive = 2,
}

/// `language:` and files.
pub const LANGUAGES: &[(&str, u32)] = &[
    ("zig", 19_803),
    ("999", 293),
    ("varlog", 47),
    ("vibee999", 15),
    ("tridevyatitsa", 12),
    ("python", 11),
    ("verilog", 7),
    ("rust", 5),
    ("go", 4),
    ("markdown", 3),
    ("яр", 2),
];

/// `version:`, quoted or not, and files.
pub const VERSIONS: &[(&str, u32)] = &[
    ("\"1.0.0\"", 15_000),
    ("\"2.1.0\"", 2_500),
    ("\"0.9.3\"", 2_021),
    ("\"24.φ\"", 350),
    ("\"∞.∞.∞\"", 120),
    ("\"3.14\"", 239),
    ("1.0.0", 2),
];

/// Field types of every second line, and fields. Rarer ones are [`Form`]s.
pub const FIELD_TYPES: &[(&str, u32)] = &[
    ("String", 76_876),
    ("Int", 36_025),
    ("Bool", 32_485),
    ("Float", 27_537),
    ("Object", 19_250),
    ("Timestamp", 6_912),
];

/// Size of a file: thousandths of files and the bytes they stay below. Linear between the points.
pub const SIZES: &[(u64, u64)] =
    &[(0, 260), (100, 430), (500, 834), (750, 1_450), (900, 2_700), (990, 17_000), (1_000, 33_000)];
