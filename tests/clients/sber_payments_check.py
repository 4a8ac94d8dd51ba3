#!/usr/bin/env python3
"""PyPI's sber-payments: POST with everything in the query and an empty body that calls itself JSON."""

import sys
import time

from sber_payments import Client
from sber_payments.exceptions import ApiError

BASE, USER, PASSWORD = sys.argv[1:4]
RUN = str(time.time_ns())
called = set()

# It knows the bank's test host alone.
Client.URL = BASE + "/rest/"
client = Client(USER, PASSWORD)


def call(method, *values, **more):
    called.add(method.__name__)
    return method(*values, **more)


def done(method, *values):
    answer = call(method, *values)
    assert answer["errorCode"] == "0", (method.__name__, answer)
    return answer


def pay(order_id):
    print("pay", order_id, flush=True)
    assert sys.stdin.readline(), "nobody pays"
    return order_id


def register(method, letter):
    answer = call(method, letter + RUN, 23500, "https://shop.example/thanks?a=1&b=2", description="Заказ")
    assert answer["orderId"] in answer["formUrl"], answer
    return answer["orderId"]


def status(order_id, expected):
    answer = done(client.get_order_status, order_id)
    assert answer["orderStatus"] == expected and answer["amount"] == 23500, answer
    return answer.get("paymentAmountInfo")


one = register(client.register_order, "one")
again = client.register_order("one" + RUN, 23500, "https://shop.example/")
assert again["errorCode"] == "1" and "orderId" not in again, again
status(one, 0)
assert status(pay(one), 2)["depositedAmount"] == 23500
done(client.refund, one, 500)
assert status(one, 4)["refundedAmount"] == 500
done(client.refund, one)
assert status(one, 4)["refundedAmount"] == 23500
assert client.refund(one)["errorCode"] == "7"

held = [pay(register(client.register_order_pre_auth, letter)) for letter in "abc"]
assert status(held[0], 1)["approvedAmount"] == 23500
done(client.reverse, held[0])
status(held[0], 3)
done(client.deposit, held[1], 20000)
assert status(held[1], 2)["depositedAmount"] == 20000
done(client.deposit, held[2])
assert status(held[2], 2)["depositedAmount"] == 23500

assert client.get_order_status("nobody")["errorCode"] == "6"
assert Client(USER, PASSWORD + "x").get_order_status(one)["errorCode"] == "5"
try:
    client._post(Client.URL + "nothing.do")
    raise AssertionError("there is no such request")
except ApiError as told:
    assert told.message == 404, told.message
print("all", len(called), "requests answered")
