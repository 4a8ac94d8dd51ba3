//! Texts from outside, made inert: what cannot be seen is shown as its escape.
//!
//! An order number is the shop's and a refusal is the bank's, so either may hold a mark that turns the text around it,
//! or one that makes two numbers look the same. Markup is not this file's subject: HTML escapes what it prints.

use std::borrow::Cow;

/// `text` with every character that cannot be seen written as `\u{202e}`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c, out| out.extend(c.escape_unicode()))
}

/// `text` with every character that cannot be seen replaced by what `escape` writes for it.
pub(super) fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_invisible(c) {
            escape(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Controls, marks that change the direction, and characters without width (Unicode's `Cc`, `Cf`, `Zl`, `Zp` as far as
/// they occur outside of one script).
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let table = [
            ("A-1", "A-1"),
            ("заказ №1 ₽ 𝔘 שלום", "заказ №1 ₽ 𝔘 שלום"),
            ("A\u{202e}1", "A\\u{202e}1"),
            ("A\n1\u{0}", "A\\u{a}1\\u{0}"),
            ("\u{feff}A\u{200b}1", "\\u{feff}A\\u{200b}1"),
            ("\u{2066}A\u{e0041}", "\\u{2066}A\\u{e0041}"),
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
        }
    }
}
