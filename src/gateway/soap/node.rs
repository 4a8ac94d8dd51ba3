//! An element in the making, and how it is written: everything that comes from outside is escaped.

use std::borrow::Cow;

use quick_xml::escape::escape;

/// An element: its attributes, then its children, then its text.
pub(super) struct Node {
    name: Cow<'static, str>,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Self>,
    text: String,
}

impl Node {
    /// `<name>`, with nothing in it. A name is one of the documents', and never what somebody wrote.
    pub(super) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), attributes: Vec::new(), children: Vec::new(), text: String::new() }
    }

    /// `<name>text</name>`.
    pub(super) fn text(name: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::new(name) }
    }

    /// With an attribute more.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With an attribute more, if there is a value for it.
    pub(super) fn with_any(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With children more.
    pub(super) fn holding(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// It, unless it has no children.
    pub(super) fn if_any(self) -> Option<Self> {
        (!self.children.is_empty()).then_some(self)
    }

    /// Writes it to the end of `out`.
    pub(super) fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            out.push_str(&escape(value.as_str()));
            out.push('"');
        }
        out.push('>');
        for child in &self.children {
            child.write(out);
        }
        out.push_str(&escape(self.text.as_str()));
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}
