// npm's sberbank-acquiring: the old gateway's client for one-phase payments, by form.

const assert = require('node:assert/strict');
const Acquiring = require('sberbank-acquiring');
const { base, userName, password, run, called, pay, thrown, conduct } = require('./check.cjs');

function client(credentials) {
  const acquiring = new Acquiring(credentials, 'https://shop.example/thanks?order={order}', true);
  // It knows the bank's two hosts alone.
  acquiring.entry = `${base}/rest/`;
  return acquiring;
}

conduct(async () => {
  const acquiring = client({ userName, password });
  const number = `js${run}`;

  called('register');
  const { orderId, formUrl } = await acquiring.register(number, 235.1, 'Заказ', { language: 'en', clientId: '117' });
  assert.ok(formUrl.includes(orderId), formUrl);
  const again = await thrown(() => acquiring.register(number, 235.1));
  assert.equal(again.sberErrorCode, '1');

  called('getOrderStatusExtended');
  assert.equal(await acquiring.status(orderId), 0);
  assert.equal(await acquiring.status(null, number), 0);
  assert.equal(await acquiring.status('nobody'), null);
  await pay(orderId);
  const paid = await acquiring.get(null, number);
  assert.equal(paid.orderStatus, 2);
  assert.equal(paid.amount, 23510);
  assert.equal(paid.cardAuthInfo.maskedPan, '411111**1111');
  assert.deepEqual(paid.attributes, [{ name: 'mdOrder', value: orderId }]);

  called('refund');
  assert.equal((await acquiring.refund(orderId, 35)).errorCode, '0');
  assert.equal((await acquiring.get(orderId)).paymentAmountInfo.refundedAmount, 3500);
  assert.equal((await acquiring.refund(orderId, 0)).errorCode, '0');
  assert.equal(await acquiring.status(orderId), 4);
  assert.equal((await thrown(() => acquiring.refund(orderId, 1))).sberErrorCode, '7');

  const stranger = await thrown(() => client({ userName, password: `${password}x` }).get(orderId));
  assert.equal(stranger.sberErrorCode, '5');
});
