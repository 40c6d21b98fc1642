//! How a value is read depends on where it stands, never on what it looks like.

/// What surrounds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Column 0.
    Top,
    /// Entries of `types:`.
    Types,
    /// The body of one type.
    Type,
    /// The variants of an enum.
    Variants,
    /// Fields of a type or a variant, or any value below them.
    Fields,
    /// Behaviours that cannot be run.
    Behaviors,
    /// Behaviours, cases and laws; `call`, `expect` … have the grammar of executable lines.
    Cases,
    /// Anywhere else.
    Free,
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// To the end of the line; only wholly quoted text is unquoted.
    Prose,
    /// Like prose, but `{…}` and `[…]` that fill the line, or stay open there, are flow values.
    Text,
    /// Like text, but `[4]u8` inside flow values is a type.
    Type,
    /// A joined line for the expression grammar.
    Expression,
    /// Quoted text, flow values, or raw text.
    Data,
}

/// Keys whose values are prose wherever they stand.
const PROSE: &[&str] = &[
    "name",
    "version",
    "module",
    "language",
    "domain",
    "given",
    "when",
    "When",
    "then",
    "description",
    "formula",
];

/// Keys whose values are mostly prose, and sometimes lists or maps.
const TEXT: &[&str] = &[
    "complexity",
    "pas_pattern",
    "pas_prediction",
    "scientific_basis",
    "benchmark",
    "implementation",
    "returns",
    "signature",
    "note",
    "doc",
];

/// Keys of behaviours, cases and laws whose lines are joined by open brackets.
const EXPRESSIONS: &[&str] = &["call", "expect", "for", "holds", "signature"];

/// Keys of a type's body whose values are lists or maps, not types.
const TYPE_DATA: &[&str] = &["values", "enum", "variants", "generic", "methods", "constants"];

impl Place {
    /// How the value of `key` is read here.
    pub(crate) fn reading(self, key: &str) -> Reading {
        match self {
            Place::Cases if EXPRESSIONS.contains(&key) => Reading::Expression,
            Place::Fields => Reading::Type,
            Place::Type if TYPE_DATA.contains(&key) => Reading::Data,
            Place::Type | Place::Variants if key == "description" => Reading::Prose,
            Place::Type | Place::Types | Place::Variants => Reading::Type,
            _ if PROSE.contains(&key) => Reading::Prose,
            _ if TEXT.contains(&key) => Reading::Text,
            _ => Reading::Data,
        }
    }

    /// The place inside the value of `key`. `executable` is whether cases can be run.
    pub(crate) fn inside(self, key: &str, executable: bool) -> Place {
        match (self, key) {
            (Place::Top, "types") => Place::Types,
            (Place::Top, "behaviors" | "test_cases") if executable => Place::Cases,
            (Place::Top, "behaviors") => Place::Behaviors,
            // The parameters of a behaviour are names with types.
            (Place::Behaviors | Place::Cases, "params") => Place::Fields,
            (Place::Types, _) => Place::Type,
            (Place::Type, "fields" | "struct") => Place::Fields,
            (Place::Type, "values" | "enum" | "variants") => Place::Variants,
            (Place::Variants, _) => Place::Fields,
            (Place::Fields, _) => Place::Fields,
            (Place::Type, _) => Place::Free,
            (Place::Cases, "test_cases" | "laws" | "steps") => Place::Cases,
            (Place::Cases, key) if EXPRESSIONS.contains(&key) => Place::Cases,
            _ => Place::Free,
        }
    }

    /// How a bare sequence item is read here. `key` is the key the sequence belongs to.
    pub(crate) fn item_reading(self, key: &str) -> Reading {
        match self {
            Place::Cases if EXPRESSIONS.contains(&key) => Reading::Expression,
            Place::Fields => Reading::Type,
            _ => Reading::Data,
        }
    }
}
