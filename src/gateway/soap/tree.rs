//! Bytes to elements, bounded: whatever they are, this ends soon, takes little, and never reaches out of the document.
//!
//! There is no DTD, so there is no entity but the five that XML itself has: nothing expands, and nothing is fetched.
//! What is beyond a limit is no answer. No value of the bank's is repeated in an error.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// How deep elements may lie in one another: a cart's item in an order of a list has half of it.
const DEPTH_MAX: usize = 32;

/// How many elements there may be: two hundred orders, each with a small cart, have half as many.
const ELEMENTS_MAX: usize = 20_000;

/// How many attributes one element may have: the richest of the documents has twenty. Each is compared with all before
/// it.
const ATTRIBUTES_MAX: usize = 64;

/// An element, and what is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its namespace, whatever the prefix.
    pub(super) namespace: Option<String>,
    /// Its name without the prefix.
    pub(super) name: String,
    /// The attributes that have no prefix: the others are not the gateway's.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Self>,
    /// All text directly in it.
    pub(super) text: String,
}

/// The outermost element of a document.
pub(super) fn parse(body: &[u8]) -> Result<Element, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_end_names = true;
    reader.resolver_mut().set_max_declarations_per_element(ATTRIBUTES_MAX);
    let mut growing = Growing::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| malformed(text))?;
        match event {
            Event::Start(start) => growing.open(element(&start, &namespace)?)?,
            Event::Empty(start) => {
                growing.open(element(&start, &namespace)?)?;
                growing.close()?;
            }
            Event::End(_) => growing.close()?,
            Event::Text(piece) => growing.text(&piece.decode().map_err(|_| malformed(text))?)?,
            Event::CData(piece) => growing.text(&piece.decode().map_err(|_| malformed(text))?)?,
            Event::GeneralRef(reference) => growing.text(&resolved(&reference)?)?,
            Event::Comment(_) | Event::Decl(_) => {}
            Event::DocType(_) => return Err("a document type, which no answer needs".to_owned()),
            Event::PI(_) => return Err("a processing instruction, which no answer needs".to_owned()),
            Event::Eof => return growing.finish().ok_or_else(|| malformed(text)),
        }
    }
}

/// Says what stands there instead, as far as that is known.
fn malformed(text: &str) -> String {
    let start = text.trim_start();
    let begins = |with: &str| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    match start {
        _ if begins("<html") || begins("<!doctype html") => "HTML instead of XML".to_owned(),
        start if start.starts_with('<') => "the XML is cut off or malformed".to_owned(),
        _ => "not XML".to_owned(),
    }
}

fn element(start: &BytesStart<'_>, namespace: &ResolveResult<'_>) -> Result<Element, String> {
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => Some(String::from_utf8_lossy(namespace.as_ref()).into_owned()),
        ResolveResult::Unbound => None,
        ResolveResult::Unknown(_) => return Err("an element's prefix is not declared".to_owned()),
    };
    let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for (nth, attribute) in start.attributes().enumerate() {
        if nth >= ATTRIBUTES_MAX {
            return Err(format!("an element has more than {ATTRIBUTES_MAX} attributes"));
        }
        let attribute = attribute.map_err(|_| "an attribute is malformed, or there twice".to_owned())?;
        if attribute.key.prefix().is_some() || attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0);
        let value = value.map_err(|_| "an attribute has an entity that XML does not know".to_owned())?;
        attributes.push((String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value.into_owned()));
    }
    Ok(Element { namespace, name, attributes, ..Element::default() })
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    let unknown = || "an entity that XML does not know".to_owned();
    if let Some(character) = reference.resolve_char_ref().map_err(|_| unknown())? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(|_| unknown())?;
    resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(unknown)
}

/// The elements that are open, the outermost first, and the document's own once it is closed.
#[derive(Default)]
struct Growing {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Growing {
    fn open(&mut self, element: Element) -> Result<(), String> {
        self.elements += 1;
        if self.root.is_some() {
            return Err("something follows the XML document".to_owned());
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("elements lie more than {DEPTH_MAX} deep"));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(format!("there are more than {ELEMENTS_MAX} elements"));
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let done = self.open.pop().ok_or("an element is closed that was not opened")?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => self.root = Some(done),
        }
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(piece),
            None if piece.trim().is_empty() => {}
            None if self.root.is_some() => return Err("something follows the XML document".to_owned()),
            None => return Err("not XML".to_owned()),
        }
        Ok(())
    }

    fn finish(self) -> Option<Element> {
        self.root.filter(|_| self.open.is_empty())
    }
}
