//! The tables of the bank's documents: how long a value may be, and of what characters.
//!
//! The documents call the classes `A`, `N`, `AN` and `ANS`, and break them in their own examples (`merch_child` stands
//! where Latin letters and digits belong). A rule here refuses what no gateway can take, and lets pass what their
//! examples show.

/// The characters of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `A`: Latin letters.
    Letters,
    /// `N`: digits.
    Digits,
    /// `AN` of a name: Latin letters, digits, and what the documents' own examples put between them.
    Name,
    /// `AN` of an address: whatever can be printed in Latin; a street has spaces and points.
    Latin,
    /// `ANS`: whatever can be printed, in any script.
    Printable,
    /// `NS` of a telephone: digits, and a plus before them.
    Phone,
    /// `NS` of a day: `dd.mm.yyyy`.
    Day,
    /// One e-mail address, or several with commas between them.
    Email,
}

/// What a value must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) class: Class,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// `up_to(Class::Printable, 512)` is `ANS..512`.
pub(super) const fn up_to(class: Class, max: usize) -> Rule {
    Rule { class, min: 1, max }
}

/// `within(Class::Digits, 10, 12)` is `N10..12`.
pub(super) const fn within(class: Class, min: usize, max: usize) -> Rule {
    Rule { class, min, max }
}

impl Class {
    /// The first character that cannot stand there.
    pub(super) fn stranger(self, text: &str) -> Option<char> {
        text.char_indices().find(|(at, c)| !self.fits(*at, *c)).map(|(_, c)| c)
    }

    fn fits(self, at: usize, c: char) -> bool {
        match self {
            Self::Letters => c.is_ascii_alphabetic(),
            Self::Digits => c.is_ascii_digit(),
            Self::Name => c.is_ascii_alphanumeric() || "_-.:@".contains(c),
            Self::Latin => c == ' ' || c.is_ascii_graphic(),
            // Neither U+FFFE nor U+FFFF is a character, and no XML may hold them.
            Self::Printable => !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'),
            Self::Phone => c.is_ascii_digit() || (c == '+' && at == 0),
            Self::Day => c.is_ascii_digit() || c == '.',
            Self::Email => c.is_ascii_graphic(),
        }
    }

    /// Whether a text of the right characters has the right form.
    pub(super) fn has_form(self, text: &str) -> bool {
        match self {
            Self::Phone => text.bytes().filter(u8::is_ascii_digit).count() >= PHONE_DIGITS_MIN,
            Self::Day => jiff::civil::Date::strptime("%d.%m.%Y", text).is_ok(),
            Self::Email => text.split(',').all(is_email),
            Self::Letters | Self::Digits | Self::Name | Self::Latin | Self::Printable => true,
        }
    }

    /// What would fit, for a sentence.
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::Letters => "use Latin letters",
            Self::Digits => "use digits",
            Self::Name => "use Latin letters, digits and - _ . : @",
            Self::Latin => "use Latin letters, digits, spaces and punctuation",
            Self::Printable => "take the control characters out, line ends too",
            Self::Phone => "write it as +79123456789: digits alone after the plus",
            Self::Day => "write it as dd.mm.yyyy, such as 31.12.1990",
            Self::Email => "write one address, or several with commas and without spaces between them",
        }
    }
}

/// The shortest telephone number of any country.
const PHONE_DIGITS_MIN: usize = 7;

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// A telephone in the lists of agents and suppliers: `ANS..19` in `+N` form.
pub(super) const LISTED_PHONE: Rule = up_to(Class::Phone, 19);

/// A taxpayer's number: `N10..12`.
pub(super) const INN: Rule = within(Class::Digits, 10, 12);

/// A name with its rule; a listed one may have several values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    pub(super) listed: bool,
}

const fn one(name: &'static str, rule: Rule) -> Named {
    Named { name, rule, listed: false }
}

const fn phones(name: &'static str) -> Named {
    Named { name, rule: LISTED_PHONE, listed: true }
}

const fn printable(max: usize) -> Rule {
    up_to(Class::Printable, max)
}

const fn digits(max: usize) -> Rule {
    up_to(Class::Digits, max)
}

/// `billingPayerData` (register.do).
pub(super) const BILLING: [Named; 7] = [
    one("billingCity", up_to(Class::Latin, 50)),
    one("billingCountry", up_to(Class::Latin, 50)),
    one("billingAddressLine1", up_to(Class::Latin, 50)),
    one("billingAddressLine2", up_to(Class::Latin, 50)),
    one("billingAddressLine3", up_to(Class::Latin, 50)),
    one("billingPostalCode", up_to(Class::Latin, 50)),
    one("billingState", up_to(Class::Latin, 50)),
];

/// `customerDetails` (registerOrderPreAuth), but for `deliveryInfo`.
pub(super) const CUSTOMER: [Named; 6] = [
    one("email", up_to(Class::Email, 40)),
    one("phone", up_to(Class::Phone, 12)),
    one("contact", printable(40)),
    one("fullName", printable(100)),
    one("passport", printable(100)),
    one("inn", INN),
];

/// `deliveryInfo`: the first may be left out, the others not.
pub(super) const DELIVERY: [Named; 4] = [
    one("deliveryType", printable(20)),
    one("country", within(Class::Letters, 2, 2)),
    one("city", printable(40)),
    one("postAddress", printable(255)),
];

/// The attributes of a cart's line that the documents name; others of their examples (`excise`, `country_code`,
/// `sectoralItemProps[0].federalId`) have no rule of their own.
pub(super) const ITEM_ATTRIBUTES: [Named; 17] = [
    one("paymentMethod", digits(2)),
    one("paymentObject", digits(2)),
    one("nomenclature", printable(32)),
    one("markQuantity.numerator", digits(12)),
    one("markQuantity.denominator", digits(12)),
    one("userData", printable(64)),
    one("agent_info.type", digits(2)),
    one("agent_info.paying.operation", printable(24)),
    phones("agent_info.paying.phones"),
    phones("agent_info.paymentsOperator.phones"),
    phones("agent_info.MTOperator.phones"),
    one("agent_info.MTOperator.name", printable(64)),
    one("agent_info.MTOperator.address", printable(256)),
    one("agent_info.MTOperator.inn", INN),
    phones("supplier_info.phones"),
    one("supplier_info.name", printable(256)),
    one("supplier_info.inn", INN),
];

/// `additionalOfdParams` (registerOrderPreAuth). Four rows have lost their texts, and so their lengths; the first of
/// them stands before its own parts.
pub(super) const OFD: [Named; 31] = [
    one("agent_info.type", digits(2)),
    one("agent_info.paying.operation", printable(24)),
    phones("agent_info.paying.phones"),
    phones("agent_info.paymentsOperator.phones"),
    one("agent_info.MTOperator.address", printable(256)),
    one("agent_info.MTOperator.inn", INN),
    one("agent_info.MTOperator.name", printable(64)),
    phones("agent_info.MTOperator.phones"),
    phones("supplier_info.phones"),
    one("cashier", printable(256)),
    one("additional_check_props", printable(16)),
    one("additional_user_props.name", printable(24)),
    one("additional_user_props.value", printable(24)),
    one("cashier_inn", digits(12)),
    one("client.address", printable(256)),
    one("client.birth_date", within(Class::Day, 10, 10)),
    one("client.citizenship", within(Class::Digits, 3, 3)),
    one("client.document_code", within(Class::Digits, 2, 2)),
    one("client.passport_number", printable(11)),
    one("client.email", up_to(Class::Email, 64)),
    one("client.phone", up_to(Class::Phone, 19)),
    one("client.inn", within(Class::Digits, 12, 12)),
    one("client.name", printable(256)),
    one("operatingCheckProps", printable(256)),
    one("operatingCheckProps.name", printable(256)),
    one("operatingCheckProps.timestamp", printable(256)),
    one("operatingCheckProps.value", printable(256)),
    one("sectoralCheckProps.date", within(Class::Day, 10, 10)),
    one("sectoralCheckProps.federalId", printable(256)),
    one("sectoralCheckProps.number", printable(32)),
    one("sectoralCheckProps.value", printable(256)),
];

/// Measures of FFD 1.2 (registerOrderPreAuth, "Possible values of measure").
pub(super) const MEASURES: [&str; 24] = [
    "0", "10", "11", "12", "20", "21", "22", "30", "31", "32", "40", "41", "42", "50", "51", "70", "71", "72", "73",
    "80", "81", "82", "83", "255",
];
