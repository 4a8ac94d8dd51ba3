#!/usr/bin/env python3
"""Calls every request that the sandbox's two WSDLs offer, with zeep, a SOAP stack that nobody here wrote.

    zeep_check.py http://127.0.0.1:8642/payment USER PASSWORD

It registers orders and needs a buyer: it prints "pay ID" and reads a line once ID is paid, so whoever starts it pays
(in the tests a hand on the bank; a person at the payment page, who then presses Enter, will do). It ends with 0 and
prints "all N requests answered", or with what went wrong.
"""

import datetime
import decimal
import sys
import time

import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

BASE, USER, PASSWORD = sys.argv[1:4]
MERCHANT, LOYALTY = BASE + "/webservices/merchant-ws", BASE + "/webservices/merchant-loyalty-ws"
MOSCOW = datetime.timedelta(hours=3)
IN_TEN_DAYS = datetime.datetime.now().replace(microsecond=0) + datetime.timedelta(days=10)
RUN = str(time.time_ns())


def client(address, wsse):
    return zeep.Client(address + "?wsdl", wsse=wsse, transport=Transport(timeout=20, operation_timeout=20))


merchant = client(MERCHANT, UsernameToken(USER, PASSWORD))
loyalty = client(LOYALTY, UsernameToken(USER, PASSWORD))
called = set()


def offered(of):
    service = next(iter(of.wsdl.services.values()))
    return set(next(iter(service.ports.values())).binding._operations)


def call(of, name, **parts):
    called.add(name)
    answer = of.service[name](**parts)
    assert zeep.helpers.serialize_object(answer), name
    return answer


def done(of, name, **parts):
    answer = call(of, name, **parts)
    assert str(answer.errorCode) == "0", (name, answer.errorCode, answer.errorMessage)
    return answer


def pay(order_id):
    print("pay", order_id, flush=True)
    assert sys.stdin.readline(), "nobody pays"
    return order_id


def cart():
    names = {
        "nomenclature": "010463003407001221CMK45BrhN0WLf",
        "paymentMethod": "1",
        "paymentObject": "30",
        "agent_info.type": "7",
        "agent_info.paying.operation": "testoperation",
        "supplier_info.name": "Supplier",
        "supplier_info.inn": "287381373424",
        "userData": "user data",
        "markQuantity.numerator": "1",
        "markQuantity.denominator": "2",
    }
    attributes = [{"name": name, "_value_1": value} for name, value in names.items()]
    return {
        "items": [
            {
                "positionId": "1",
                "name": "SMALL <&> ж",
                "itemDetails": {"itemDetailsParams": [{"name": "colour", "_value_1": "red"}]},
                "quantity": {"measure": "0", "_value_1": decimal.Decimal("1")},
                "itemAmount": 23500,
                "itemCurrency": 643,
                "itemCode": "270_235.00",
                "tax": {"taxType": 0, "taxSum": 0},
                "itemPrice": 23500,
                "itemAttributes": {"attributes": attributes},
            }
        ]
    }


def order(number, **more):
    """Everything a registration can carry, but what needs a binding or another store."""
    return {
        "merchantOrderNumber": number,
        "amount": 23500,
        "currency": "643",
        "language": "en",
        "description": "An order <&> заказ",
        "pageView": "MOBILE",
        "sessionTimeoutSecs": 600,
        "taxSystem": 0,
        "returnUrl": "https://shop.example/thanks?a=1&b=2",
        "failUrl": "https://shop.example/sorry",
        "email": "buyer@shop.example",
        "params": [{"name": "colour", "value": "<red>"}],
        "clientId": "117",
        "orderBundle": {
            "orderCreationDate": datetime.datetime(2024, 2, 3, 4, 5, 6),
            "customerDetails": {
                "email": "buyer@shop.example",
                "phone": "+79123456789",
                "deliveryInfo": {"country": "RU", "city": "Kazan", "postAddress": "Street 1"},
                "fullName": "Anna",
                "inn": "516974792202",
                "passport": "4507 443564",
            },
            "cartItems": cart(),
        },
        "features": {"feature": ["FORCE_TDS"]},
        "additionalOfdParams": {"params": [{"name": "cashier", "value": "Anna"}]},
        "billingPayerData": {"billingCity": "Kazan", "billingPostalCode": "420000"},
        **more,
    }


def register(name, number, **more):
    answer = done(merchant, name, order=order(number, **more))
    assert answer.orderId in answer.formUrl, answer
    return answer.orderId


def status(order_id, expected):
    answer = done(merchant, "getOrderStatusExtended", order={"orderId": order_id, "language": "en"})
    assert answer.orderStatus == expected, answer
    assert answer.amount == 23500 and answer.currency == "643", answer
    assert answer.date.utcoffset() == MOSCOW, answer
    assert [param.value for param in answer.attributes if param.name == "mdOrder"] == [order_id], answer
    assert [param.value for param in answer.merchantOrderParams if param.name == "colour"] == ["<red>"], answer
    return answer


def fault(of, code):
    try:
        of.service.getOrderStatusExtended(order={"orderId": "nobody"})
    except Fault as told:
        assert told.code.endswith(code), told.code
        return told.message
    raise AssertionError("nobody was turned away")


def one_phase():
    number = "one" + RUN
    order_id = register("registerOrder", number, expirationDate=IN_TEN_DAYS)
    again = call(merchant, "registerOrder", order=order(number))
    assert again.errorCode == 1 and again.orderId is None, again
    unpaid = status(order_id, 0)
    assert unpaid.actionCode == -100 and unpaid.paymentAmountInfo.paymentState == "CREATED", unpaid
    pay(order_id)
    paid = status(order_id, 2)
    assert paid.paymentAmountInfo.depositedAmount == 23500, paid
    assert paid.cardAuthInfo.maskedPan == "411111**1111" and paid.authDateTime.utcoffset() == MOSCOW, paid
    by_number = done(merchant, "getOrderStatusExtended", order={"merchantOrderNumber": number})
    assert by_number.orderStatus == 2, by_number
    older = done(merchant, "getOrderStatus", order={"orderId": order_id})
    assert (older.orderStatus, older.orderNumber, older.amount, older.authCode) == (2, number, 23500, 2), older
    refund = {"orderId": order_id, "refundAmount": 500, "expectedDepositedAmount": 23500}
    done(merchant, "refundOrder", order=refund)
    refunded = status(order_id, 4)
    assert refunded.paymentAmountInfo.refundedAmount == 500, refunded


def two_phase():
    held = [pay(register("registerOrderPreAuth", letter + RUN)) for letter in "abc"]
    for order_id in held:
        assert status(order_id, 1).paymentAmountInfo.approvedAmount == 23500
    done(merchant, "reverseOrder", order={"orderId": held[0]})
    status(held[0], 3)
    again = call(merchant, "reverseOrder", order={"orderId": held[0]})
    assert again.errorCode == 7, again
    done(merchant, "depositOrder", order={"orderId": held[1], "depositAmount": 20000})
    assert status(held[1], 2).paymentAmountInfo.depositedAmount == 20000
    request = {"orderId": held[2], "compositeCompletionAmount": 20000}
    completed = done(loyalty, "autoCompletion", autoCompletionRequest=request)
    assert sum(operation.amount for operation in completed.operations) == 20000, completed
    assert all(operation.successful is True for operation in completed.operations), completed
    assert status(held[2], 2).paymentAmountInfo.depositedAmount == 20000
    request = {"orderId": held[2], "compositeRefundAmount": 500}
    done(loyalty, "autoRefund", autoRefundRequest=request)
    assert status(held[2], 4).paymentAmountInfo.refundedAmount == 500


def last_orders():
    now = datetime.datetime.now(datetime.timezone.utc)
    answer = done(
        merchant,
        "getLastOrdersForMerchants",
        request={
            "page": 0,
            "size": 200,
            "from": now - datetime.timedelta(hours=1),
            "to": now + datetime.timedelta(hours=1),
            "transactionStates": {"transactionStates": ["CREATED", "APPROVED", "DEPOSITED", "REVERSED", "REFUNDED"]},
            "merchants": {"merchants": []},
            "searchByCreatedDate": True,
        },
    )
    numbers = {found.orderNumber for found in answer.orderStatuses}
    assert {"one" + RUN, "a" + RUN, "b" + RUN, "c" + RUN} <= numbers, numbers
    assert answer.totalCount >= 4 and answer.pageSize == 200, answer


def refusals():
    unknown = call(merchant, "getOrderStatusExtended", order={"orderId": "nobody", "language": "en"})
    assert unknown.errorCode == "6" and unknown.orderStatus is None, unknown
    nobody = fault(client(MERCHANT, None), "InvalidSecurity")
    assert nobody == "An error was discovered processing the <wsse:Security> header", nobody
    wrong = fault(client(MERCHANT, UsernameToken(USER, PASSWORD + "x")), "FailedAuthentication")
    assert wrong == "The security token could not be authenticated or authorized", wrong


def digest():
    proved = client(MERCHANT, UsernameToken(USER, PASSWORD, use_digest=True))
    answer = proved.service.getOrderStatusExtended(order={"orderId": "nobody"})
    assert answer.errorCode == "6", answer
    wrong = client(MERCHANT, UsernameToken(USER, PASSWORD + "x", use_digest=True))
    fault(wrong, "FailedAuthentication")


one_phase()
two_phase()
last_orders()
refusals()
digest()
everything = offered(merchant) | offered(loyalty)
assert called == everything, f"never called: {everything - called}"
print("all", len(called), "requests answered")
