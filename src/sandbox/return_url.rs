//! Where the buyer goes after the payment page: the shop's address with the order id and the language appended.
//!
//! Always pure ASCII, so that it can stand in a `Location` header whatever the shop registered.

use super::params::escape;
use super::register::has_scheme;
use super::registration::Registration;

/// returnUrl, as the buyer is sent there after paying.
pub(super) fn after_payment(registration: &Registration, order_id: &str) -> String {
    appended(&registration.return_url, registration, order_id)
}

/// failUrl if the shop gave one, else returnUrl. One without a scheme is taken below the gateway's own address, which
/// is what the documents warn about.
pub(super) fn after_failure(registration: &Registration, order_id: &str) -> String {
    match &registration.fail_url {
        Some(url) if has_scheme(url) => appended(url, registration, order_id),
        Some(path) => {
            let below = format!("/{}", path.trim_start_matches('/'));
            appended(&below, registration, order_id)
        }
        None => after_payment(registration, order_id),
    }
}

fn appended(url: &str, registration: &Registration, order_id: &str) -> String {
    let (address, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let joint = if address.contains('?') { '&' } else { '?' };
    let language = registration.language.code();
    let whole = format!("{address}{joint}orderId={order_id}&lang={language}{fragment}");
    escape(&whole, |byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_id_is_appended_where_a_query_ends() {
        let check = |url: &str, expected: &str| {
            let mut order = Registration::new("shop", "A-1", 1);
            url.clone_into(&mut order.return_url);
            assert_eq!(after_payment(&order, "ID"), expected);
        };
        check("https://a.example", "https://a.example?orderId=ID&lang=ru");
        check("https://a.example/?x=1", "https://a.example/?x=1&orderId=ID&lang=ru");
        check("https://a.example/#top", "https://a.example/?orderId=ID&lang=ru#top");
        check("https://a.example/заказ x", "https://a.example/%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%20x?orderId=ID&lang=ru");
    }

    #[test]
    fn failure_goes_to_fail_url_and_a_relative_one_stays_at_the_bank() {
        let mut order = Registration::new("shop", "A-1", 1);
        assert_eq!(after_failure(&order, "ID"), after_payment(&order, "ID"));
        order.fail_url = Some("app://failed".to_owned());
        assert_eq!(after_failure(&order, "ID"), "app://failed?orderId=ID&lang=ru");
        order.fail_url = Some("//test.ru".to_owned());
        assert_eq!(after_failure(&order, "ID"), "/test.ru?orderId=ID&lang=ru");
    }
}
