//! Names in types → what they stand for: the file's own types first, then built-in ones, then those
//! of imports.

use super::syntax::{self, TypeKind, TypeTree};
use super::units::Cx;
use super::{Number, Type, TypeDef, TypeDefKind, TypeRef, Variant};
use crate::ast::{self, Ident};
use crate::check::suggest;
use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::span::Span;

/// A type that every file knows.
#[derive(Clone)]
enum Builtin {
    Plain(Type),
    List,
    Set,
    Map,
    Option,
    Result,
    Tuple,
}

/// Built-in names besides [`Number::ALL`].
const BUILTINS: &[(&str, Builtin)] = &[
    ("String", Builtin::Plain(Type::Text)),
    ("string", Builtin::Plain(Type::Text)),
    ("str", Builtin::Plain(Type::Text)),
    ("Int", Builtin::Plain(Type::Int)),
    ("int", Builtin::Plain(Type::Int)),
    ("Float", Builtin::Plain(Type::Float)),
    ("float", Builtin::Plain(Type::Float)),
    ("Bool", Builtin::Plain(Type::Bool)),
    ("bool", Builtin::Plain(Type::Bool)),
    ("Bytes", Builtin::Plain(Type::Bytes)),
    ("bytes", Builtin::Plain(Type::Bytes)),
    ("Object", Builtin::Plain(Type::Any)),
    ("object", Builtin::Plain(Type::Any)),
    ("Any", Builtin::Plain(Type::Any)),
    ("any", Builtin::Plain(Type::Any)),
    ("Timestamp", Builtin::Plain(Type::Timestamp)),
    ("Tensor", Builtin::Plain(Type::Tensor)),
    ("Complex", Builtin::Plain(Type::Complex)),
    ("List", Builtin::List),
    ("Array", Builtin::List),
    ("Set", Builtin::Set),
    ("Map", Builtin::Map),
    ("Option", Builtin::Option),
    ("Result", Builtin::Result),
    ("Tuple", Builtin::Tuple),
];

fn builtin(name: &str) -> Option<Builtin> {
    if let Some((_, row)) = BUILTINS.iter().find(|(n, _)| *n == name) {
        return Some(row.clone());
    }
    Number::ALL.iter().find(|(n, _)| *n == name).map(|(_, n)| Builtin::Plain(Type::Number(*n)))
}

/// What an inline `enum {A, B}` is called: the type it stands in and the field; or the enum, and the variant
/// with the fields.
pub(super) struct Owner<'o> {
    pub ty: &'o str,
    pub field: &'o str,
}

impl<'a> Cx<'a, '_> {
    /// The meaning of a type's text; what has none is reported.
    pub fn read(&mut self, text: &Ident, owner: &Owner<'_>) -> Type {
        // Nine of ten fields are one built-in word.
        let word = text.name.as_str();
        if let Some(Builtin::Plain(ty)) = builtin(word)
            && !self.files[self.current].names.contains_key(word)
        {
            return ty;
        }
        match syntax::parse(text) {
            Ok(tree) => self.ty(&tree, owner),
            Err(d) => {
                self.any(d.hint("types look like `Int`, `List<Float>`, `Map<String, Item>` or `Item?`"))
            }
        }
    }

    /// The meaning of a tree.
    pub fn ty(&mut self, tree: &TypeTree, owner: &Owner<'_>) -> Type {
        match &tree.kind {
            TypeKind::Name(name, args) => self.named(name, args, tree.span, owner),
            TypeKind::Option(t) => option(self.ty(t, owner)),
            TypeKind::List(t) => list(self.ty(t, owner)),
            TypeKind::Array(t, n) => Type::Array(Box::new(self.ty(t, owner)), *n),
            TypeKind::Pointer(t) => Type::Boxed(Box::new(self.ty(t, owner))),
            TypeKind::Tuple(items) => match &items[..] {
                [only] => self.ty(only, owner),
                items => Type::Tuple(items.iter().map(|t| self.ty(t, owner)).collect()),
            },
            TypeKind::Enum(names) => self.lift(names, owner),
        }
    }

    fn named(&mut self, name: &str, args: &[TypeTree], span: Span, owner: &Owner<'_>) -> Type {
        let builtin = builtin(name);
        // `Option<Int>` means the built-in one even if the file has a struct of that name.
        let takes_arguments = !args.is_empty() && !matches!(builtin, None | Some(Builtin::Plain(_)));
        if let Some(at) = self.declared(name).filter(|_| !takes_arguments) {
            if !args.is_empty() {
                let d = Diagnostic::error("V0703", span, format!("`{name}` takes no types in `<…>`"));
                self.report(d, "the types in `<…>` are left out");
            }
            return Type::Named(at);
        }
        let mut given: Vec<Type> = args.iter().map(|t| self.ty(t, owner)).collect();
        let n = given.len();
        let mut next = || if given.is_empty() { Type::Any } else { given.remove(0) };
        let (ty, wanted) = match builtin {
            Some(Builtin::Plain(ty)) => (ty, 0..=0),
            Some(Builtin::List) => (list(next()), 0..=1),
            Some(Builtin::Option) => (option(next()), 0..=1),
            Some(Builtin::Set) if n == 0 => (list(Type::Any), 0..=1),
            Some(Builtin::Set) => {
                let element = next();
                if self.is_key(&element, 0) {
                    (Type::Set(Box::new(element)), 0..=1)
                } else {
                    self.unordered(&element, span, "a list");
                    (list(element), 0..=1)
                }
            }
            Some(Builtin::Map) if n == 0 => (Type::Map(Box::new(Type::Text), Box::new(Type::Any)), 2..=2),
            Some(Builtin::Map) => {
                let (key, value) = (next(), next());
                if self.is_key(&key, 0) {
                    (Type::Map(Box::new(key), Box::new(value)), 2..=2)
                } else {
                    self.unordered(&key, span, "a list of pairs");
                    (list(Type::Tuple(vec![key, value])), 2..=2)
                }
            }
            Some(Builtin::Result) => {
                let (value, error) = (next(), if n < 2 { Type::Text } else { next() });
                (Type::Result(Box::new(value), Box::new(error)), 0..=2)
            }
            Some(Builtin::Tuple) if n == 0 => (list(Type::Any), 0..=16),
            Some(Builtin::Tuple) => (Type::Tuple(std::mem::take(&mut given)), 0..=16),
            None => return self.unknown(name, span),
        };
        if n > *wanted.end() || n > 0 && n < *wanted.start() {
            let count = match (*wanted.start(), *wanted.end()) {
                (_, 0) => "none".to_owned(),
                (low, high) if low == high => low.to_string(),
                (_, 1) => "one".to_owned(),
                (_, high) => format!("up to {high}"),
            };
            let d = Diagnostic::error("V0703", span, format!("`{name}` takes {count} in `<…>`, not {n}"));
            self.report(d, "types that are missing are taken as `Object`, others are left out");
        }
        ty
    }

    /// A type of this name in the current file or what it imports.
    pub fn declared(&mut self, name: &str) -> Option<TypeRef> {
        if let Some(&index) = self.files[self.current].names.get(name) {
            return Some(TypeRef { unit: self.current, index });
        }
        if builtin(name).is_some() {
            return None;
        }
        // `db.User` names the import, too.
        let last = name.rsplit('.').next().unwrap_or(name);
        let imported = self.imported();
        imported
            .into_iter()
            .find_map(|unit| Some(TypeRef { unit, index: *self.files[unit].names.get(last)? }))
    }

    fn unknown(&mut self, name: &str, span: Span) -> Type {
        let mut known: Vec<&str> = self.files[self.current].names.keys().copied().collect();
        for unit in self.imported() {
            known.extend(self.files[unit].names.keys());
        }
        known.sort_unstable();
        let builtins = BUILTINS.iter().map(|row| row.0).chain(Number::ALL.iter().map(|row| row.0));
        let near = suggest::hint(name, known.into_iter().chain(builtins));
        let mut d = Diagnostic::error("V0701", span, format!("there is no type `{name}`"))
            .label("neither declared here, nor imported, nor built in");
        d.hint =
            near.or_else(|| Some(format!("declare `{name}` under `types:`, or import the spec that does")));
        self.any(d)
    }

    fn unordered(&mut self, ty: &Type, span: Span, instead: &str) {
        let shown = self.out_shown(ty);
        let d = Diagnostic::error("V0707", span, format!("`{shown}` cannot be a key"))
            .label("keys are texts, whole numbers, truth values and enums without payload")
            .hint("write a list of pairs: `List<(K, V)>`");
        self.report(d, &format!("taken as {instead}"));
    }

    fn out_shown(&self, ty: &Type) -> String {
        match ty {
            Type::Named(at) => {
                self.files[at.unit].file.types.get(at.index).map_or_else(String::new, |t| t.name.name.clone())
            }
            other => self.out.shown(other),
        }
    }

    /// Whether values of a type have an order and are written as one word.
    fn is_key(&mut self, ty: &Type, depth: usize) -> bool {
        match ty {
            Type::Bool | Type::Int | Type::Text | Type::Timestamp => true,
            Type::Number(n) => !n.is_float(),
            Type::Named(at) => {
                let Some(decl) = self.files[at.unit].file.types.get(at.index) else { return true };
                match &decl.alias {
                    Some(alias) if decl.fields.is_empty() && depth < MAX_DEPTH => {
                        let Ok(tree) = syntax::parse(alias) else { return false };
                        let TypeKind::Name(name, args) = &tree.kind else { return false };
                        if !args.is_empty() {
                            return false;
                        }
                        match (self.declared(name), builtin(name)) {
                            (Some(at), _) => self.is_key(&Type::Named(at), depth + 1),
                            (None, Some(Builtin::Plain(ty))) => self.is_key(&ty, depth + 1),
                            _ => false,
                        }
                    }
                    _ => {
                        let plain = |v: &ast::Variant| v.payload.is_none() && v.fields.is_empty();
                        !decl.variants.is_empty() && decl.variants.iter().all(plain)
                    }
                }
            }
            _ => false,
        }
    }

    /// An enum written where it is used becomes a type of its own.
    fn lift(&mut self, names: &[Ident], owner: &Owner<'_>) -> Type {
        let variants =
            names.iter().map(|n| Variant { name: n.name.clone(), doc: None, number: None, payload: None });
        let kind = TypeDefKind::Enum(variants.collect());
        self.once(names.iter(), super::names::camel, "variant");
        self.place(kind, owner)
    }

    /// Gives what is written inside another type a place among the file's types.
    pub fn place(&mut self, kind: TypeDefKind, owner: &Owner<'_>) -> Type {
        let def = TypeDef {
            name: format!("{}_{}", owner.ty, owner.field),
            doc: Some(format!("`{}` of `{}`.", owner.field, owner.ty)),
            kind,
        };
        let types = &mut self.out.units[self.current].types;
        let index = if self.resolved {
            types.push(def);
            types.len() - 1
        } else {
            // Behind the file's declared types.
            self.lifted.push(def);
            self.files[self.current].file.types.len() + self.lifted.len() - 1
        };
        Type::Named(TypeRef { unit: self.current, index })
    }
}

fn list(t: Type) -> Type {
    Type::List(Box::new(t))
}

/// `T??` is `T?`: none of none is none.
fn option(t: Type) -> Type {
    if matches!(t, Type::Option(_)) { t } else { Type::Option(Box::new(t)) }
}
