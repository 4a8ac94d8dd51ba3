// npm's soap: a WSDL-driven stack in JavaScript, through every request of both services.

const assert = require('node:assert/strict');
const soap = require('soap');
const { base, userName, password, run, called, pay, thrown, conduct } = require('./check.cjs');

async function client(service, security) {
  const made = await soap.createClientAsync(`${base}/webservices/${service}?wsdl`);
  made.setSecurity(security);
  return made;
}

function token(word, options) {
  return new soap.WSSecurity(userName, word, options);
}

// The names of all that a service offers.
function offered(of) {
  return Object.values(of.describe()).flatMap((service) => Object.values(service).flatMap(Object.keys));
}

async function call(of, name, parts) {
  called(name);
  const [answer] = await of[`${name}Async`](parts);
  return answer.return;
}

// This stack puts a tag's attributes beside the elements that are called so.
function attributes(returned) {
  return [returned.attributes].flat()[0];
}

async function done(of, name, parts) {
  const returned = await call(of, name, parts);
  assert.equal(attributes(returned).errorCode, '0', name);
  return returned;
}

let services = [];

conduct(
  async () => {
    const merchant = await client('merchant-ws', token(password));
    const loyalty = await client('merchant-loyalty-ws', token(password));
    services = [merchant, loyalty];

    async function register(name, number) {
      const returned = await done(merchant, name, {
        order: {
          attributes: { merchantOrderNumber: number, amount: 23500, currency: '643', language: 'en', description: 'Заказ' },
          returnUrl: 'https://shop.example/thanks?a=1&b=2',
          params: [{ attributes: { name: 'colour', value: '<red>' } }],
        },
      });
      const { orderId } = attributes(returned);
      assert.ok(returned.formUrl.includes(orderId), returned.formUrl);
      return orderId;
    }

    async function status(orderId, expected) {
      const order = { attributes: { orderId, language: 'en' } };
      const returned = await done(merchant, 'getOrderStatusExtended', { order });
      assert.equal(attributes(returned).orderStatus, expected);
      assert.deepEqual(returned.merchantOrderParams.attributes, { name: 'colour', value: '<red>' });
      return returned.paymentAmountInfo.attributes;
    }

    const one = await register('registerOrder', `one${run}`);
    const again = await call(merchant, 'registerOrder', {
      order: {
        attributes: { merchantOrderNumber: `one${run}`, amount: 23500 },
        returnUrl: 'https://shop.example/',
      },
    });
    assert.equal(attributes(again).errorCode, '1');
    assert.equal((await status(one, '0')).paymentState, 'CREATED');
    await pay(one);
    assert.equal((await status(one, '2')).depositedAmount, '23500');
    const byNumber = await done(merchant, 'getOrderStatusExtended', { order: { merchantOrderNumber: `one${run}` } });
    assert.equal(attributes(byNumber).orderStatus, '2');
    const older = await done(merchant, 'getOrderStatus', { order: { attributes: { orderId: one } } });
    assert.equal(attributes(older).orderStatus, '2');
    await done(merchant, 'refundOrder', { order: { attributes: { orderId: one, refundAmount: 500 } } });
    assert.equal((await status(one, '4')).refundedAmount, '500');

    const held = [];
    for (const letter of ['a', 'b', 'c']) held.push(await pay(await register('registerOrderPreAuth', letter + run)));
    await done(merchant, 'reverseOrder', { order: { attributes: { orderId: held[0] } } });
    await status(held[0], '3');
    await done(merchant, 'depositOrder', { order: { attributes: { orderId: held[1], depositAmount: 20000 } } });
    assert.equal((await status(held[1], '2')).depositedAmount, '20000');
    const completed = await done(loyalty, 'autoCompletion', {
      autoCompletionRequest: { attributes: { orderId: held[2], compositeCompletionAmount: 20000 } },
    });
    assert.equal(completed.operations.attributes.successful, 'true');
    assert.equal((await status(held[2], '2')).depositedAmount, '20000');
    await done(loyalty, 'autoRefund', {
      autoRefundRequest: { attributes: { orderId: held[2], compositeRefundAmount: 500 } },
    });
    assert.equal((await status(held[2], '4')).refundedAmount, '500');

    const hour = 3600 * 1000;
    const found = await done(merchant, 'getLastOrdersForMerchants', {
      request: {
        page: 0,
        size: 200,
        from: new Date(Date.now() - hour).toISOString(),
        to: new Date(Date.now() + hour).toISOString(),
        transactionStates: { transactionStates: ['DEPOSITED', 'REVERSED', 'REFUNDED'] },
        merchants: {},
        searchByCreatedDate: true,
      },
    });
    const numbers = found.orderStatuses.map((order) => attributes(order).orderNumber);
    for (const number of ['one', 'a', 'b', 'c']) assert.ok(numbers.includes(number + run), numbers);

    const question = { order: { attributes: { orderId: 'nobody' } } };
    assert.equal(attributes(await call(merchant, 'getOrderStatusExtended', question)).errorCode, '6');
    const stranger = await client('merchant-ws', token(`${password}x`));
    const fault = await thrown(() => stranger.getOrderStatusExtendedAsync(question));
    assert.match(fault.root.Envelope.Body.Fault.faultcode, /FailedAuthentication$/);
    const proved = await client('merchant-ws', token(password, { passwordType: 'PasswordDigest', hasNonce: true }));
    assert.equal(attributes(await call(proved, 'getOrderStatusExtended', question)).errorCode, '6');
  },
  () => services.flatMap(offered),
);
