//! What the payment page says, in both languages.

use super::errors::Language;

/// The sentences and labels of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) time_left: &'static str,
    pub(super) pay: &'static str,
    pub(super) hold: &'static str,
    pub(super) decline: &'static str,
    pub(super) leave: &'static str,
    pub(super) two_phase: &'static str,
    pub(super) no_money: &'static str,
    pub(super) left: &'static str,
    pub(super) left_note: &'static str,
    pub(super) come_back: &'static str,
    pub(super) to_shop: &'static str,
    pub(super) held: &'static str,
    pub(super) deposited: &'static str,
    pub(super) declined: &'static str,
    pub(super) expired: &'static str,
    pub(super) reversed: &'static str,
    pub(super) points: &'static str,
    pub(super) secure: &'static str,
    pub(super) attempt_failed: &'static str,
    pub(super) attempts_left: &'static str,
    pub(super) challenge: &'static str,
    pub(super) challenge_note: &'static str,
    pub(super) confirm: &'static str,
    pub(super) fail: &'static str,
    pub(super) exhausted: &'static str,
    pub(super) called_off: &'static str,
}

impl Words {
    pub(super) fn of(language: Language) -> &'static Words {
        match language {
            Language::Ru => &RUSSIAN,
            Language::En => &ENGLISH,
        }
    }
}

const RUSSIAN: Words = Words {
    language: "ru",
    title: "Оплата заказа",
    time_left: "Осталось времени",
    pay: "Оплатить",
    hold: "Оплатить (сумма будет удержана)",
    decline: "Отказ банка",
    leave: "Уйти, не заплатив",
    two_phase: "Двухстадийный платёж: магазин спишет деньги позже.",
    no_money: "Это песочница: настоящие деньги не двигаются.",
    left: "Вы ушли, не заплатив",
    left_note: "Заказ ждёт оплаты, пока не истечёт время сессии.",
    come_back: "Вернуться к оплате",
    to_shop: "Вернуться в магазин",
    held: "Сумма удержана на карте",
    deposited: "Заказ оплачен",
    declined: "Банк отклонил платёж",
    expired: "Время сессии истекло",
    reversed: "Удержание отменено",
    points: "бонусов",
    secure: "Оплатить с кодом 3-D Secure",
    attempt_failed: "Банк отклонил платёж: недостаточно средств",
    attempts_left: "Осталось попыток",
    challenge: "Банк просит код подтверждения",
    challenge_note: "Шаг 3-D Secure: на настоящей странице здесь вводят код из сообщения банка.",
    confirm: "Ввести верный код",
    fail: "Ввести неверный код",
    exhausted: "Попытки оплаты исчерпаны",
    called_off: "Магазин отменил заказ",
};

const ENGLISH: Words = Words {
    language: "en",
    title: "Payment for order",
    time_left: "Time left",
    pay: "Pay",
    hold: "Pay (the amount will be held)",
    decline: "Be declined by the bank",
    leave: "Walk away without paying",
    two_phase: "A two-phase payment: the shop takes the money later.",
    no_money: "This is a sandbox: no real money moves.",
    left: "You left without paying",
    left_note: "The order waits for payment until its session times out.",
    come_back: "Back to the payment",
    to_shop: "Back to the shop",
    held: "The amount is held on the card",
    deposited: "The order is paid",
    declined: "The bank declined the payment",
    expired: "The session time has expired",
    reversed: "The hold was cancelled",
    points: "points",
    secure: "Pay with a 3-D Secure code",
    attempt_failed: "The bank refused the payment: insufficient funds",
    attempts_left: "Attempts left",
    challenge: "The bank asks for a confirmation code",
    challenge_note: "The 3-D Secure step: on a real page you would type the code from your bank's message here.",
    confirm: "Give the right code",
    fail: "Give a wrong code",
    exhausted: "The payment attempts are exhausted",
    called_off: "The shop called the order off",
};
