// npm's alfabank: a cart without prices, and both requests for a status.

const assert = require('node:assert/strict');
const { useAlfaBank, toBynPenny } = require('alfabank');
const { base, userName, password, run, called, pay, conduct } = require('./check.cjs');

function client(credentials) {
  const bank = useAlfaBank({ ...credentials, language: 'en' });
  // It knows one host alone, but shows what it sends with.
  bank.instance.interceptors.request.use((request) => {
    return { ...request, url: base + request.url.slice(request.url.indexOf('/rest/')) };
  });
  return bank;
}

conduct(async () => {
  const bank = client({ userName, password });
  const quantity = { measure: 'pieces', value: 2 };

  called('register');
  const order = await bank.register({
    amount: toBynPenny(115 * 2),
    orderNumber: `al${run}`,
    returnUrl: 'https://shop.example/order/status',
    jsonParams: { email: 'buyer@shop.example', phone: '+375251001100' },
    orderBundle: { cartItems: { items: [{ name: 'Phone', positionId: 1, quantity, itemCode: '2' }] } },
  });
  assert.ok(order.formUrl.includes(order.orderId), order);

  called('getOrderStatusExtended');
  const unpaid = await bank.getOrderStatusExtended({ orderId: order.orderId });
  assert.equal(unpaid.paid, false);
  assert.equal(unpaid.params.phone, '+375251001100');
  await pay(order.orderId);
  const paid = await bank.getOrderStatusExtended({ orderNumber: `al${run}` });
  assert.equal(paid.paid, true);
  assert.equal(paid.paymentAmountInfo.depositedAmount, 23000);

  called('getOrderStatus');
  const older = await bank.getOrderStatus({ orderId: order.orderId });
  assert.equal(older.OrderStatus, 2);
  assert.equal(older.ErrorCode, '0');

  const stranger = await client({ userName, password: `${password}x` }).getOrderStatusExtended(order);
  assert.equal(stranger.errorCode, '5');
});
