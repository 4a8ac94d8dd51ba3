//! A login that the bank refuses: then nothing is sent with it, since a bank locks a login after a few refusals.
//!
//! `errorCode` 5 says it, and other things as well: a wrong value, a sum above the hold, an order that something else
//! has locked. Which of them depends on what was asked. The documents say not to branch on the message, whose words
//! vary, and leave nothing else to tell them by; so words are what is believed at once, and where a question can hardly
//! mean anything else, several refusals in a row.

use super::bank::Refusal;
use super::order::MerchantId;
use super::time::Timestamp;

/// `errorCode` 5: access denied, a password to change, or a wrong value.
const ACCESS: i64 = 5;

/// Who lifts a refusal, and why, when nobody did: the configuration has other credentials.
pub const CREDENTIALS_CHANGED: &str = "credentials changed";

/// Refusals of a question in a row, without words that tell, before the login counts as refused. A question of ours
/// always has its order, so that the documents leave no other meaning; a single odd order must not stop a merchant all
/// the same.
const IN_A_ROW: u32 = 3;

/// What was asked of the bank with a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// What became of an order.
    Status,
    /// A completion.
    Completion,
    /// A reversal.
    Reversal,
    /// A registration.
    Registration,
    /// A refund.
    Refund,
    /// A decline.
    Decline,
    /// The orders of a time.
    LastOrders,
}

impl Request {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Completion => "completion",
            Self::Reversal => "reversal",
            Self::Registration => "registration",
            Self::Refund => "refund",
            Self::Decline => "decline",
            Self::LastOrders => "last_orders",
        }
    }
}

/// A refusal of a login as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What was asked.
    pub request: Request,
    /// The bank's answer.
    pub words: String,
}

/// A refusal as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRefusal {
    /// Whose login.
    pub merchant: MerchantId,
    /// Of which credentials.
    pub fingerprint: String,
    /// Since when.
    pub since: Timestamp,
    /// What was asked, as [`Request::as_str`] has it.
    pub request: String,
    /// The bank's answer.
    pub words: String,
}

/// What a refusal says of the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfLogin {
    /// It is refused.
    Refused,
    /// It may be.
    Suspect,
    /// Nothing.
    Nothing,
}

/// What `refusal` says of the login that `request` was made with.
pub fn of_login(request: Request, refusal: &Refusal) -> OfLogin {
    if refusal.code != ACCESS {
        return OfLogin::Nothing;
    }
    let words = refusal.message.to_lowercase();
    let has = |part: &&str| words.contains(*part);
    let about_password = ["password", "парол"].iter().any(has) && PASSWORD_WORDS.iter().any(has);
    if DENIED.iter().any(has) || about_password {
        return OfLogin::Refused;
    }
    match request {
        // 5 is "orderId not set" as well, and with newer gateways what concerns one order.
        Request::Status if !OF_ORDER.iter().any(has) => OfLogin::Suspect,
        Request::Status
        | Request::Completion
        | Request::Reversal
        | Request::Registration
        | Request::Refund
        | Request::Decline
        | Request::LastOrders => OfLogin::Nothing,
    }
}

/// Whether so many suspect refusals in a row, with nothing known between them, are one of the login.
pub const fn is_refused_after(suspect_in_a_row: u32) -> bool {
    suspect_in_a_row >= IN_A_ROW
}

/// Access denied, in the languages that the gateways answer in, in small letters.
const DENIED: [&str; 10] = [
    "access denied",
    "access is denied",
    "доступ запрещ",
    "доступ закрыт",
    "доступ отклон",
    "отказано в доступе",
    "в доступе отказано",
    "нет доступа",
    "[username] or [password] or [token]",
    "authentication failed",
];

/// What is said of a password that no longer opens: to be changed, expired, wrong.
const PASSWORD_WORDS: [&str; 14] = [
    "chang",
    "expire",
    "wrong",
    "incorrect",
    "invalid",
    "смен",
    "измен",
    "истек",
    "истёк",
    "устар",
    "невер",
    "непра",
    "blocked",
    "заблокирован",
];

/// What concerns one order, or one value: the login was let in.
const OF_ORDER: [&str; 8] =
    ["order", "заказ", "amount", "сумм", "parameter", "парамет", "другим действием", "being processed"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_5_is_told_apart_by_what_was_asked_and_by_its_words() {
        use OfLogin::{Nothing, Refused, Suspect};
        use Request::{Completion, LastOrders, Reversal, Status};
        let all = [Status, Completion, Reversal, LastOrders];
        let everywhere = [
            "Access denied",
            "ACCESS DENIED",
            "Доступ запрещён",
            "Доступ запрещен",
            "The user must change his password",
            "Пользователь должен сменить свой пароль",
            "Необходимо изменить пароль",
            "Password has expired",
            "Неверный пароль",
            "[userName] or [password] or [token] is empty",
        ];
        for words in everywhere {
            for request in all {
                let refusal = Refusal { code: 5, message: words.to_owned() };
                assert_eq!(of_login(request, &refusal), Refused, "{words}, {request:?}");
                for code in [0, 1, 2, 3, 4, 6, 7] {
                    let other = Refusal { code, message: words.to_owned() };
                    assert_eq!(of_login(request, &other), Nothing, "{code} {words}");
                }
            }
        }
        let table = [
            (Status, "[orderId] is empty", Nothing),
            (Status, "Заказ не найден", Nothing),
            (Status, "Невозможно завершить оплату - заблокирован другим действием", Nothing),
            (Status, "no message", Suspect),
            (Status, "Ошибка", Suspect),
            (Completion, "Ошибка", Nothing),
            (Completion, "Сумма завершения превышает сумму холдирования", Nothing),
            (Reversal, "Error", Nothing),
            (LastOrders, "Не заполнено одно из обязательных полей", Nothing),
        ];
        for (request, words, expected) in table {
            let refusal = Refusal { code: 5, message: words.to_owned() };
            assert_eq!(of_login(request, &refusal), expected, "{words}, {request:?}");
        }
        assert!(!is_refused_after(2) && is_refused_after(3));
    }
}
