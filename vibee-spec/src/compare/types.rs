//! Types and behaviours: structs, enums, traits.

use super::Changes;
use super::Effect::{Breaks, Compatible, Results};
use crate::ast::{Behavior, Field, File, Ident, TypeDecl, Variant};

pub(super) fn types(old: &File, new: &File, changes: &mut Changes) {
    for (old, new) in changes.pairs("type", &old.types, &new.types, |t: &TypeDecl| &t.name.name) {
        let name = &new.name.name;
        fields(name, &old.fields, &new.fields, changes);
        variants(name, &old.variants, &new.variants, changes);
        if text(old.alias.as_ref()) != text(new.alias.as_ref()) {
            let (a, b) = (text(old.alias.as_ref()), text(new.alias.as_ref()));
            changes.add(Breaks, "type", name, format!("stands for `{b}`, it was `{a}`"));
        }
    }
}

fn fields(name: &str, old: &[Field], new: &[Field], changes: &mut Changes) {
    for o in old {
        let field = &o.name.name;
        let Some(n) = new.iter().find(|n| n.name.name == *field) else {
            changes.add(Breaks, "type", name, format!("the field `{field}` is gone"));
            continue;
        };
        let (was, is) = (squeezed(&o.ty.name), squeezed(&n.ty.name));
        if was != is {
            changes.add(
                Breaks,
                "type",
                name,
                format!("the field `{field}` is `{}`, it was `{}`", n.ty.name, o.ty.name),
            );
        }
        match (text(o.default.as_ref()), text(n.default.as_ref())) {
            (was, is) if was == is => {}
            (was, "") => {
                changes.add(
                    Breaks,
                    "type",
                    name,
                    format!("the field `{field}` has no default, it was `{was}`"),
                );
            }
            ("", is) => {
                changes.add(Compatible, "type", name, format!("the field `{field}` has the default `{is}`"));
            }
            (was, is) => {
                let what = format!("the default of the field `{field}` is `{is}`, it was `{was}`");
                changes.add(Results, "type", name, what);
            }
        }
    }
    for n in new.iter().filter(|n| !old.iter().any(|o| o.name.name == n.name.name)) {
        let is_optional = squeezed(&n.ty.name).starts_with("Option<") || n.ty.name.trim().ends_with('?');
        let (effect, why) = match (&n.default, is_optional) {
            (Some(_), _) => (Compatible, "with a default"),
            (None, true) => (Compatible, "and optional"),
            (None, false) => (Breaks, "without a default"),
        };
        changes.add(effect, "type", name, format!("the field `{}` is new, {why}", n.name.name));
    }
}

fn variants(name: &str, old: &[Variant], new: &[Variant], changes: &mut Changes) {
    for o in old {
        let variant = &o.name.name;
        let Some(n) = new.iter().find(|n| n.name.name == *variant) else {
            changes.add(Breaks, "type", name, format!("the variant `{variant}` is gone"));
            continue;
        };
        if text(o.payload.as_ref()) != text(n.payload.as_ref()) || o.fields.is_empty() != n.fields.is_empty()
        {
            changes.add(Breaks, "type", name, format!("the variant `{variant}` carries something else"));
        }
        if !o.fields.is_empty() && !n.fields.is_empty() {
            fields(&format!("{name}.{variant}"), &o.fields, &n.fields, changes);
        }
        if text(o.value.as_ref()) != text(n.value.as_ref()) {
            changes.add(Breaks, "type", name, format!("the variant `{variant}` has another number"));
        }
    }
    // Where there were none the type was no enum, and its fields tell.
    for n in new.iter().filter(|n| !old.is_empty() && !old.iter().any(|o| o.name.name == n.name.name)) {
        let what = format!("the variant `{}` is new; a `match` without it does not compile", n.name.name);
        changes.add(Breaks, "type", name, what);
    }
}

pub(super) fn behaviors(old: &File, new: &File, changes: &mut Changes) {
    for o in old.behaviors.iter().filter(|o| !new.behaviors.iter().any(|n| n.name.name == o.name.name)) {
        changes.add(Breaks, "trait", &o.name.name, "the method is gone");
    }
    for n in &new.behaviors {
        match old.behaviors.iter().find(|o| o.name.name == n.name.name) {
            None => changes.add(Breaks, "trait", &n.name.name, "the method is new; implementations lack it"),
            Some(o) if prose(o) != prose(n) => {
                changes.add(Compatible, "trait", &n.name.name, "is described in other words");
            }
            Some(_) => {}
        }
    }
}

fn prose(b: &Behavior) -> [&Option<String>; 3] {
    [&b.given, &b.when, &b.then]
}

fn text(ident: Option<&Ident>) -> &str {
    ident.map_or("", |ident| ident.name.trim())
}

/// A type's text without blanks.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
