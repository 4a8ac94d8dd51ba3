//! From what is written to a request, or to everything that is wrong with it.

use url::{ParseError, Url};

use super::cart;
use super::document::{from_moscow, moscow};
use super::problem::{Flaw, Problem, Problems, shown};
use super::rules::{BILLING, Class, up_to, within};
use super::section::{Section, text_of};
use super::tree::Tree;
use super::{Life, OrderBundle, Request, ofd};
use crate::domain::money::{AMOUNT_MAX, Amount, Currency};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::OrderNumber;
use crate::domain::time::Timestamp;

/// A URL: `ANS..512`.
const URL_MAX: usize = 512;

/// A postal address: the documents name it without a length; one in a cart's delivery has `ANS..255`.
const POST_ADDRESS_MAX: usize = 255;

/// All features together: `ANS..255`.
const FEATURES_MAX: usize = 255;

/// What is wrong with an address that leads nowhere.
const NO_HOST: &str = "there is no host in it";

/// What cannot stand in a description (register.do, the note on what is passed to the processing).
const NOT_DESCRIBED: [char; 4] = ['%', '+', '\r', '\n'];

/// By which of the bank's two documents a registration is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// register.do and registerPreAuth.do: the wider one. What was checked before is read again by it.
    RegisterDo,
    /// registerOrder and registerOrderPreAuth.
    RegisterOrder,
}

impl Table {
    /// The longest description: `ANS..598` and `ANS..512`.
    const fn description_max(self) -> usize {
        match self {
            Self::RegisterDo => 598,
            Self::RegisterOrder => 512,
        }
    }

    /// The longest session, in seconds: `N..10` and `N..9`.
    const fn session_max(self) -> i64 {
        match self {
            Self::RegisterDo => 9_999_999_999,
            Self::RegisterOrder => 999_999_999,
        }
    }

    /// Fields that it has no row for, and where the shop can put them instead.
    const fn lacks(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::RegisterDo => &[],
            Self::RegisterOrder => &[
                ("phone", "put it into customerDetails of the cart, or into params"),
                ("dynamic_callback_url", "have the bank set one address for all orders"),
            ],
        }
    }
}

/// What a registration is read against.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The document of the interface that the merchant's bank is asked over.
    pub table: Table,
    /// The longest order number that the merchant's bank takes.
    pub number_max: usize,
    /// The currency of an order that does not say.
    pub currency: Currency,
    /// What lies before it has passed; `None` for what was checked before and is only read again.
    pub now: Option<Timestamp>,
}

/// Reads a registration. The merchant's name, which is ours, may stand in it and is not looked at.
///
/// A date that has passed is told with whatever else is wrong. Alone it does not refuse a request: one that was
/// registered while its date was to come may be handed in again at any time, so only who knows the number can judge
/// ([`passed`]).
pub fn read(tree: &Tree, terms: &Terms) -> Result<Request, Vec<Problem>> {
    let mut problems = Problems::default();
    let request = Section::of(tree, String::new(), &mut problems).and_then(|mut section| {
        let request = gather(&mut section, terms);
        section.refuse_unknown();
        request
    });
    match request.filter(|_| problems.are_all(Flaw::Past)) {
        Some(request) => Ok(request),
        None => Err(problems.into_vec()),
    }
}

/// The dates of a request that lie before `now`: the bank takes none of them for an order that it does not have.
pub fn passed(request: &Request, now: Timestamp) -> Vec<Problem> {
    let until = match request.life {
        Some(Life::Until(at)) => Some(at),
        Some(Life::Seconds(_)) | None => None,
    };
    let dates = [("expiration_date", until), ("autocompletion_date", request.autocompletion_at)];
    let gone = dates.into_iter().filter_map(|(name, at)| Some((name, at.filter(|at| *at <= now)?)));
    gone.map(|(name, at)| Problem { flaw: Flaw::Past, path: name.to_owned(), sentence: gone_by(at) }).collect()
}

fn gone_by(at: Timestamp) -> String {
    format!("{} in Moscow has passed; give a moment to come", moscow(at))
}

/// Everything is read before the first hole ends it.
fn gather(section: &mut Section<'_, '_>, terms: &Terms) -> Option<Request> {
    section.take("merchant");
    let number = number(section, terms.number_max);
    let amount = amount(section, "amount");
    if !section.is_given("amount") {
        section.missing("amount", "give the price in minor units (kopecks)");
    }
    let currency = currency(section, terms.currency);
    let two_phase = section.truth("two_phase").unwrap_or(false);
    let completion = completion(section, amount, two_phase);
    let return_url = url(section, "return_url");
    if !section.is_given("return_url") {
        section.missing(
            "return_url",
            "say where the buyer goes after paying, with the scheme: https://shop.example/thanks",
        );
    }
    let (fail_url, dynamic_callback_url) = (url(section, "fail_url"), url(section, "dynamic_callback_url"));
    let description = description(section, terms.table);
    let language = section.text("language", within(Class::Letters, 2, 2)).map(|code| code.to_ascii_lowercase());
    let page_view = section.text("page_view", up_to(Class::Printable, 20));
    let client_id = section.text("client_id", up_to(Class::Printable, 255));
    let merchant_login = section.text("merchant_login", up_to(Class::Name, 255));
    let params = section.take("params").map(|tree| params(section, tree)).unwrap_or_default();
    let life = life(section, terms);
    let binding_id = section.text("binding_id", up_to(Class::Name, 255));
    let features = features(section);
    let email = section.text("email", up_to(Class::Email, 40));
    let phone = section.text("phone", up_to(Class::Phone, 12));
    let post_address = section.text("post_address", up_to(Class::Printable, POST_ADDRESS_MAX));
    let tax_system = section.number("tax_system", 0, 99).and_then(|number| u8::try_from(number).ok());
    let autocompletion_at = autocompletion(section, two_phase, terms.now);
    let billing = section.section("billing_payer_data", |billing| billing.table(&BILLING)).unwrap_or_default();
    let ofd = ofd::params(section);
    let order_bundle = section.section("order_bundle", |bundle| cart::bundle(bundle, currency));
    for (name, instead) in terms.table.lacks() {
        if section.is_given(name) {
            let sentence =
                format!("the bank's SOAP interface has no such field; {instead}, or use protocol = \"rest\"");
            section.note(Flaw::UnknownField, name, sentence);
        }
    }
    if let (Some(amount), Some(Some(bundle))) = (amount, &order_bundle) {
        check_sum(section, amount, bundle);
    }
    Some(Request {
        number: number?,
        amount: amount?,
        currency: currency?,
        two_phase,
        completion,
        return_url: return_url?,
        fail_url,
        dynamic_callback_url,
        description,
        language,
        page_view,
        client_id,
        merchant_login,
        params,
        life,
        binding_id,
        features,
        email,
        phone,
        post_address,
        tax_system,
        autocompletion_at,
        billing_payer_data: billing,
        additional_ofd_params: ofd,
        order_bundle: order_bundle.flatten(),
    })
}

fn number(section: &mut Section<'_, '_>, max: usize) -> Option<OrderNumber> {
    let value = section.required("order_number", "give the shop's own number of the order")?;
    let text = text_of(value, "order_number", up_to(Class::Printable, usize::MAX), section.problems)?;
    match OrderNumber::new(&text, max) {
        Ok(number) => Some(number),
        Err(error) => {
            let flaw = if text.chars().count() > max { Flaw::TooLong } else { Flaw::ForbiddenCharacter };
            section.note(flaw, "order_number", error.to_string());
            None
        }
    }
}

fn amount(section: &mut Section<'_, '_>, name: &'static str) -> Option<Amount> {
    Amount::new(section.number(name, 1, AMOUNT_MAX)?).ok()
}

fn currency(section: &mut Section<'_, '_>, default: Currency) -> Option<Currency> {
    let Some(value) = section.take("currency") else { return Some(default) };
    let text = text_of(value, "currency", up_to(Class::Name, 3), section.problems)?;
    let found = Currency::parse(&text);
    if let Err(error) = &found {
        section.note(Flaw::UnknownCurrency, "currency", error.to_string());
    }
    found.ok()
}

fn completion(section: &mut Section<'_, '_>, price: Option<Amount>, two_phase: bool) -> CompletionAmount {
    let name = "complete_amount";
    let Some(part) = amount(section, name) else { return CompletionAmount::Whole };
    if !two_phase {
        section.note(Flaw::Contradiction, name, "only a two-phase order is completed; add \"two_phase\": true");
    } else if price.is_some_and(|price| part > price) {
        section.note(Flaw::OutOfRange, name, "it is more than the amount; a completion takes the amount or less");
    }
    CompletionAmount::Exactly(part)
}

/// Any scheme, since apps register their own, but for those that would run in the buyer's browser. The text is sent as
/// it was written: what a browser would make of it is looked at alone.
fn url(section: &mut Section<'_, '_>, name: &'static str) -> Option<String> {
    let text = section.text(name, up_to(Class::Printable, URL_MAX))?;
    let wrong = match text.split_once("://") {
        None => Some("it has no scheme; write it whole, such as https://shop.example/thanks"),
        Some((scheme, _)) if !is_scheme(scheme) => Some("it has no scheme that a browser or an app knows"),
        Some(_) if text.contains(char::is_whitespace) => Some("there is a space in it; write it as %20"),
        Some((_, rest)) if rest.starts_with('/') => Some(NO_HOST),
        Some(_) => match Url::parse(&text) {
            Ok(url) if url.host_str().is_none_or(str::is_empty) => Some(NO_HOST),
            Ok(_) => None,
            Err(ParseError::EmptyHost) => Some(NO_HOST),
            Err(_) => Some("no browser can read it; look at its host and its port"),
        },
    };
    match wrong {
        None => Some(text),
        Some(sentence) => {
            section.note(Flaw::NotAUrl, name, sentence);
            None
        }
    }
}

fn is_scheme(scheme: &str) -> bool {
    let runs = ["javascript", "data", "vbscript"].iter().any(|bad| scheme.eq_ignore_ascii_case(bad));
    !runs
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn description(section: &mut Section<'_, '_>, table: Table) -> Option<String> {
    let value = section.take("description")?;
    if let Tree::Text(text) = value
        && let Some(found) = text.chars().find(|c| NOT_DESCRIBED.contains(c))
    {
        let sentence = format!("{found:?} cannot stand in it; the bank forbids % + and line ends there");
        section.note(Flaw::ForbiddenCharacter, "description", sentence);
        return None;
    }
    text_of(value, "description", up_to(Class::Printable, table.description_max()), section.problems)
}

fn params(section: &mut Section<'_, '_>, tree: &Tree) -> Vec<(String, String)> {
    let Some(mut params) = Section::of(tree, "params".to_owned(), section.problems) else { return Vec::new() };
    let mut found = params.free(within(Class::Printable, 0, usize::MAX));
    found.sort();
    found
}

/// Beside a date a session is disregarded, as the bank does (register.do, `sessionTimeoutSecs`), once it is a number.
fn life(section: &mut Section<'_, '_>, terms: &Terms) -> Option<Life> {
    let seconds = section.number("session_timeout_secs", 1, terms.table.session_max());
    let until = moment(section, "expiration_date", terms.now);
    until.map(Life::Until).or(seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Life::Seconds))
}

fn moment(section: &mut Section<'_, '_>, name: &'static str, now: Option<Timestamp>) -> Option<Timestamp> {
    let text = section.text(name, up_to(Class::Printable, 64))?;
    let Some(moment) = from_moscow(&text) else {
        let sentence =
            format!("{} is not a moment; write 2026-11-20T14:03:05 in Moscow time, or with an offset", shown(&text));
        section.note(Flaw::NotATime, name, sentence);
        return None;
    };
    if now.is_some_and(|now| moment <= now) {
        section.note(Flaw::Past, name, gone_by(moment));
    }
    Some(moment)
}

fn autocompletion(section: &mut Section<'_, '_>, two_phase: bool, now: Option<Timestamp>) -> Option<Timestamp> {
    let name = "autocompletion_date";
    let found = moment(section, name, now)?;
    if !two_phase {
        section.note(Flaw::Contradiction, name, "only a two-phase order is completed; add \"two_phase\": true");
    }
    Some(found)
}

fn features(section: &mut Section<'_, '_>) -> Vec<String> {
    let name = "features";
    let Some(value) = section.take(name) else { return Vec::new() };
    let rule = up_to(Class::Name, FEATURES_MAX);
    let found = super::section::texts_of(value, name, rule, true, section.problems);
    let together: usize = found.iter().map(String::len).sum();
    if together > FEATURES_MAX {
        section.note(
            Flaw::TooLong,
            name,
            format!("together they have {together} characters; {FEATURES_MAX} are taken"),
        );
    }
    for (position, feature) in found.iter().enumerate() {
        if found.iter().take(position).any(|before| before == feature) {
            section.note(Flaw::DuplicateField, &format!("{name}[{position}]"), "it is there already; name it once");
        }
    }
    found
}

/// The amount is the sum of the lines, each rounded by itself (registerOrderPreAuth, `amount`).
fn check_sum(section: &mut Section<'_, '_>, amount: Amount, bundle: &OrderBundle) {
    if section.problems.concern("order_bundle.cartItems") {
        return;
    }
    let sum = bundle.items.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.worth()?));
    match sum {
        Some(sum) if sum == amount.minor() => {}
        Some(sum) => {
            let amount = amount.minor();
            let sentence = format!(
                "the cart is worth {sum} minor units and the amount is {amount}; mend the lines, or the amount: each \
                 line counts price times quantity, rounded to a whole"
            );
            section.note(Flaw::SumDiffers, "amount", sentence);
        }
        None => section.note(Flaw::OutOfRange, "order_bundle.cartItems", "the cart is worth more than any amount"),
    }
}
