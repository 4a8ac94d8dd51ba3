//! XML in and out, as much of it as SOAP allows and no more.
//!
//! No DTD, no entity but the five of XML itself, no processing instruction; UTF-8 only; a bounded depth, number of
//! elements and number of attributes. So nothing can be fetched, expanded or piled up by what a stranger sends.

use std::fmt::Write as _;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, ResolveResult};

/// An order's deepest part (envelope, body, wrapper, order, bundle, cart, items, attributes) is at nine.
const DEPTH_MAX: usize = 32;

/// A cart of a hundred lines with twenty attributes each is three thousand.
const ELEMENTS_MAX: usize = 8_192;

/// The richest element of the documents has eleven, and namespaces beside them.
const ATTRIBUTES_MAX: usize = 64;

/// One element with all that is in it. It may hold a password, so it has no `Debug`.
pub(super) struct Element {
    /// Empty for a name without a namespace.
    pub(super) namespace: String,
    /// The name without its prefix.
    pub(super) name: String,
    attributes: Vec<Attribute>,
    pub(super) children: Vec<Element>,
    text: String,
}

struct Attribute {
    namespace: String,
    name: String,
    value: String,
}

/// Why bytes are no XML that this bank reads, in words for the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl Element {
    /// Whether it is `name` in `namespace`.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// Children with this name and no namespace: what stands below an rpc wrapper has none.
    pub(super) fn plain<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is("", name))
    }

    /// The first child of this namespace and name.
    pub(super) fn child(&self, namespace: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    /// An attribute without a namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_of("", name)
    }

    /// An attribute of a namespace.
    pub(super) fn attribute_of(&self, namespace: &str, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|given| given.namespace == namespace && given.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// Its text without the white space around it, which manuals and pretty printers add.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }
}

/// Reads a whole document and gives its root.
pub(super) fn read(bytes: &[u8]) -> Result<Element, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed("the message is not UTF-8"))?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut tree = Tree::default();
    loop {
        let event = reader.read_event().map_err(|_| Malformed("the message is not well-formed XML"))?;
        match event {
            Event::Start(start) => tree.open(element(&start, reader.resolver())?)?,
            Event::Empty(start) => {
                tree.open(element(&start, reader.resolver())?)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.say(&text.xml10_content().map_err(|_| NOT_UTF8)?)?,
            Event::CData(text) => tree.say(&text.xml10_content().map_err(|_| NOT_UTF8)?)?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().map_err(|_| UNKNOWN_ENTITY)? {
                    Some(character) => character,
                    None => predefined(&reference).ok_or(UNKNOWN_ENTITY)?,
                };
                tree.say(character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(decl) => {
                let utf8 = match decl.encoding() {
                    Some(Ok(name)) => name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"us-ascii"),
                    Some(Err(_)) => false,
                    None => true,
                };
                if !utf8 {
                    return Err(NOT_UTF8);
                }
            }
            Event::Comment(_) => {}
            Event::PI(_) => return Err(Malformed("a processing instruction is not allowed in SOAP")),
            Event::DocType(_) => return Err(Malformed("a document type declaration is not allowed in SOAP")),
            Event::Eof => return tree.root(),
        }
    }
}

const NOT_UTF8: Malformed = Malformed("the message is not UTF-8");
const UNKNOWN_ENTITY: Malformed = Malformed("an entity is not known");

fn predefined(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}

fn element(start: &BytesStart<'_>, names: &NamespaceResolver) -> Result<Element, Malformed> {
    let (space, name) = names.resolve_element(start.name());
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Malformed("an attribute is not well-formed"))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(Malformed("an element has too many attributes"));
        }
        let (space, name) = names.resolve_attribute(attribute.key);
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| UNKNOWN_ENTITY)?;
        attributes.push(Attribute {
            namespace: namespace(&space)?,
            name: text(name.as_ref())?,
            value: value.into_owned(),
        });
    }
    Ok(Element {
        namespace: namespace(&space)?,
        name: text(name.as_ref())?,
        attributes,
        children: Vec::new(),
        text: String::new(),
    })
}

fn namespace(space: &ResolveResult<'_>) -> Result<String, Malformed> {
    match space {
        ResolveResult::Bound(namespace) => text(namespace.as_ref()),
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Unknown(_) => Err(Malformed("a prefix has no namespace")),
    }
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| NOT_UTF8)
}

/// The elements that are open, outermost first, and the root once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), Malformed> {
        if self.root.is_some() {
            return Err(Malformed("the message has more than one root"));
        }
        self.elements += 1;
        if self.open.len() == DEPTH_MAX || self.elements > ELEMENTS_MAX {
            return Err(Malformed("the message is nested too deeply or has too many elements"));
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Malformed> {
        let element = self.open.pop().ok_or(Malformed("an element ends that has not begun"))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), Malformed> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(Malformed("there is text outside of the root")),
        }
        Ok(())
    }

    fn root(self) -> Result<Element, Malformed> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(Malformed("the message ends too early")),
        }
    }
}

/// A document as it is written, with no white space that was not asked for.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    /// `<name a="b"`, still open for more attributes.
    pub(super) fn start(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, " {name}=\"{}\"", escaped(value));
    }

    /// `>`: what follows is inside.
    pub(super) fn inside(&mut self) {
        self.0.push('>');
    }

    /// `/>`: there is nothing inside.
    pub(super) fn nothing(&mut self) {
        self.0.push_str("/>");
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&escaped(text));
    }

    pub(super) fn end(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    /// An element with text and nothing else.
    pub(super) fn line(&mut self, name: &str, text: &str) {
        self.start(name);
        self.inside();
        self.text(text);
        self.end(name);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Text as it may stand between tags and in quotes. What no XML can hold (most control characters) becomes U+FFFD: an
/// order's description comes from strangers, and an answer must be readable all the same.
fn escaped(text: &str) -> String {
    let held: String = text.chars().map(|c| if may_stand(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
    quick_xml::escape::escape(held).into_owned()
}

fn may_stand(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_namespace_and_not_by_prefix() {
        for text in [
            r#"<x:a xmlns:x="urn:1" b="&lt;&#65;"><c> one <!-- no --><![CDATA[<two>]]> </c></x:a>"#,
            r#"<?xml version="1.0" encoding="UTF-8"?><a xmlns="urn:1" b='&lt;A'><c xmlns="">one &lt;two&gt;</c></a>"#,
        ] {
            let root = read(text.as_bytes()).ok().unwrap();
            assert!(root.is("urn:1", "a"), "{text}");
            assert_eq!(root.attribute("b"), Some("<A"), "{text}");
            assert_eq!(root.plain("c").next().unwrap().text(), "one <two>", "{text}");
        }
    }

    #[test]
    fn what_soap_forbids_and_what_is_broken_is_refused() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        let wide = format!("<a {}/>", (0..=ATTRIBUTES_MAX).map(|n| format!("b{n}=''")).collect::<Vec<_>>().join(" "));
        let many = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        for text in [
            "",
            " ",
            "a",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>b",
            "<x:a/>",
            "<a b=c/>",
            "<a b='1' b='2'/>",
            "<a>&eacute;</a>",
            "<a b='&eacute;'/>",
            "<a>&#0;</a>",
            "<?php ?><a/>",
            r#"<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>"#,
            r#"<?xml version="1.0" encoding="koi8-r"?><a/>"#,
            &deep,
            &wide,
            &many,
        ] {
            assert!(read(text.as_bytes()).is_err(), "{}", text.chars().take(60).collect::<String>());
        }
        assert!(read(b"<a>\xff</a>").is_err());
    }

    #[test]
    fn whatever_is_written_can_be_read_again() {
        let hard = "<&>\"' ж \u{1} ]]> \u{ffff}";
        let mut out = Writer::default();
        out.start("a");
        out.attribute("b", hard);
        out.inside();
        out.text(hard);
        out.end("a");
        let root = read(out.finish().as_bytes()).ok().unwrap();
        let expected = hard.replace(['\u{1}', '\u{ffff}'], "\u{fffd}");
        assert_eq!((root.text(), root.attribute("b")), (&*expected, Some(&*expected)));
    }
}
