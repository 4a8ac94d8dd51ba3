//! How the types of a WSDL are written down here: one table that the WSDL is printed from, requests are read by and
//! answers are spelled by, so that the three cannot disagree.

use super::super::operation::Operation;

/// A simple type, or a structure.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Int,
    Long,
    Decimal,
    Boolean,
    /// `xs:dateTime`.
    Moment,
    /// A moment that the gateway declares as text.
    MomentText,
    /// One of a list of words.
    Words(&'static Words),
    /// Attributes and elements.
    Complex(&'static Type),
}

/// A simple type that is a list of words.
pub(super) struct Words {
    pub(super) name: &'static str,
    pub(super) values: &'static [&'static str],
}

/// A complex type.
pub(super) struct Type {
    pub(super) name: &'static str,
    /// The type of its text, for those that have text beside attributes; they have no elements.
    pub(super) text: Option<Kind>,
    pub(super) attributes: &'static [Field],
    /// In the order of the schema's sequence.
    pub(super) elements: &'static [Field],
}

/// An attribute or an element of a type.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) occurs: Occurs,
}

/// How often.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurs {
    Once,
    AtMostOnce,
    AnyNumber,
}

/// A type without text of its own.
pub(super) const fn complex(name: &'static str, attributes: &'static [Field], elements: &'static [Field]) -> Type {
    Type { name, text: None, attributes, elements }
}

/// Text with attributes.
pub(super) const fn worded(name: &'static str, text: Kind, attributes: &'static [Field]) -> Type {
    Type { name, text: Some(text), attributes, elements: &[] }
}

/// Must be there.
pub(super) const fn one(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, occurs: Occurs::Once }
}

/// May be there.
pub(super) const fn maybe(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, occurs: Occurs::AtMostOnce }
}

/// Any number of times.
pub(super) const fn many(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, occurs: Occurs::AnyNumber }
}

/// One request of a service: its name here, what it asks of the bank, and its two messages.
pub(super) struct Verb {
    pub(super) name: &'static str,
    pub(super) operation: Operation,
    /// The name of the request's only part.
    pub(super) part: &'static str,
    pub(super) request: &'static Type,
    pub(super) answer: &'static Type,
}

/// One web service.
pub(super) struct Service {
    /// The last part of its address.
    pub(super) path: &'static str,
    /// Of the port type; what implements it has `Impl` behind its name.
    pub(super) name: &'static str,
    /// Of messages, types and wrappers.
    pub(super) namespace: &'static str,
    /// Of the outer WSDL.
    pub(super) outer_namespace: &'static str,
    pub(super) verbs: &'static [Verb],
}
