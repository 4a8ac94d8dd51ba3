//! The bank's refusals: `errorCode` and the text beside it, in both languages.
//!
//! The codes are those of the documents; a text is for people and clients must not branch on it, so several texts share
//! a code, as they do at the real gateway.

/// The language of texts and pages. The documents: not specified means Russian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// `language=ru`, and everything that is not English.
    #[default]
    Ru,
    /// `language=en`.
    En,
}

impl Language {
    /// Reads an ISO 639-1 code.
    pub(super) fn from_code(code: Option<&str>) -> Language {
        match code {
            Some(code) if code.eq_ignore_ascii_case("en") => Language::En,
            _ => Language::Ru,
        }
    }

    /// What parts roubles from kopecks.
    pub(super) fn decimal_mark(self) -> char {
        match self {
            Language::Ru => ',',
            Language::En => '.',
        }
    }

    /// The code as it stands in file names and URLs.
    pub fn code(self) -> &'static str {
        match self {
            Language::Ru => "ru",
            Language::En => "en",
        }
    }
}

/// One refusal: a code for programs and a sentence for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("errorCode {code}: {en}")]
pub struct Refusal {
    /// `errorCode`.
    pub code: u8,
    ru: &'static str,
    en: &'static str,
}

impl Refusal {
    /// `errorMessage` in the asked language.
    pub fn text(self, language: Language) -> &'static str {
        match language {
            Language::Ru => self.ru,
            Language::En => self.en,
        }
    }
}

const fn refusal(code: u8, ru: &'static str, en: &'static str) -> Refusal {
    Refusal { code, ru, en }
}

pub(super) const SUCCESS: Refusal = refusal(0, "Успешно", "Success");

// Registration.
pub(super) const DUPLICATE: Refusal =
    refusal(1, "Заказ с таким номером уже обработан", "An order with this number has already been processed");
pub(super) const WRONG_NUMBER: Refusal = refusal(1, "Неверный номер заказа", "Wrong order number");
pub(super) const UNKNOWN_CURRENCY: Refusal = refusal(3, "Неизвестная валюта", "Unknown currency");
pub(super) const NUMBER_EMPTY: Refusal = refusal(4, "Номер заказа не может быть пуст", "Order number is empty");
pub(super) const AMOUNT_EMPTY: Refusal = refusal(4, "Отсутствует сумма", "The amount is missing");
pub(super) const RETURN_URL_EMPTY: Refusal = refusal(4, "URL возврата не может быть пуст", "Empty return URL");
pub(super) const RETURN_URL_RELATIVE: Refusal = refusal(
    4,
    "URL возврата должен быть указан целиком, вместе с протоколом",
    "The return URL must be given in full, including the protocol",
);
pub(super) const CART_WRONG: Refusal = refusal(8, "Неверный формат корзины", "The cart has a wrong format");
pub(super) const CART_SUM: Refusal =
    refusal(8, "Сумма заказа не равна сумме позиций корзины", "The amount is not the sum of the cart's items");
pub(super) const CART_CURRENCY: Refusal =
    refusal(8, "Валюта позиции корзины не равна валюте заказа", "An item's currency is not the order's");
pub(super) const VERIFY_FORBIDDEN: Refusal = refusal(
    13,
    "Мерчант не имеет привилегии выполнять проверочные платежи",
    "The merchant does not have the permission to process verification payments",
);
pub(super) const FEATURES_WRONG: Refusal =
    refusal(14, "Особенности указаны некорректно", "Features are specified incorrectly");

// Any request.
pub(super) const CREDENTIALS_EMPTY: Refusal =
    refusal(5, "[userName] or [password] or [token] is empty", "[userName] or [password] or [token] is empty");
pub(super) const ACCESS_DENIED: Refusal = refusal(5, "Доступ запрещён", "Access denied");
pub(super) const AMOUNT_WRONG: Refusal = refusal(5, "Неверная сумма", "Invalid amount");
pub(super) const VALUE_WRONG: Refusal =
    refusal(5, "Неверное значение параметра запроса", "Incorrect value of a request parameter");
pub(super) const SYSTEM_ERROR: Refusal = refusal(7, "Системная ошибка", "System error");

// Status.
pub(super) const ORDER_NOT_NAMED: Refusal =
    refusal(1, "Ожидается [orderId] или [orderNumber]", "[orderId] or [orderNumber] expected");
pub(super) const ORDER_ID_EMPTY: Refusal = refusal(5, "[orderId] не задан", "[orderId] is empty");
pub(super) const PAYMENT_DECLINED: Refusal = refusal(
    2,
    "Заказ отклонён по причине ошибки в реквизитах платежа",
    "The order is declined because of an error in the payment details",
);
pub(super) const UNKNOWN_ORDER: Refusal = refusal(6, "Заказ не найден", "Unregistered OrderId");

// Completion.
pub(super) const FIELD_EMPTY: Refusal =
    refusal(5, "Не заполнено одно из обязательных полей", "One of the mandatory fields is empty");
pub(super) const ABOVE_HOLD: Refusal =
    refusal(5, "Сумма завершения превышает сумму холдирования", "The completion amount exceeds the held amount");
pub(super) const WRONG_STATE: Refusal =
    refusal(7, "Платёж должен быть в корректном состоянии", "The payment must be in a correct state");

// Reversal.
pub(super) const REVERSAL_IMPOSSIBLE: Refusal = refusal(
    7,
    "Операция невозможна для текущего состояния платежа",
    "The operation is impossible for the payment's current state",
);
pub(super) const PART_NOT_REVERSIBLE: Refusal = refusal(
    7,
    "Суммы холдирования и отмены должны быть равны",
    "The amounts of the hold and of the reversal must be equal",
);

// Deposit and refund.
pub(super) const BELOW_ONE_ROUBLE: Refusal =
    refusal(7, "Неверная сумма депозита (менее одного рубля)", "Wrong deposit amount (less than one rouble)");
pub(super) const POINTS_INVOLVED: Refusal = refusal(
    7,
    "Заказ оплачен с участием бонусов: завершите его запросом autoCompletion",
    "Points were used to pay the order: complete it by autoCompletion",
);
pub(super) const ABOVE_DEPOSIT: Refusal =
    refusal(7, "Сумма возврата превышает сумму списания", "The refund amount exceeds the deposited amount");
pub(super) const DEPOSIT_NOT_AS_EXPECTED: Refusal = refusal(
    7,
    "Сумма списания не равна ожидаемой [expectedDepositedAmount]",
    "The deposited amount is not the expected one [expectedDepositedAmount]",
);
