// A bank of one hold of money alone, served by npm's soap from the gateway's own WSDL: what the daemon's SOAP client meets
// here is neither the sandbox nor anything else of this house.
//
//     soap_server.cjs http://127.0.0.1:8642/payment USER PASSWORD ORDER_ID ORDER_NUMBER AMOUNT
//
// It takes the WSDLs from the sandbox, prints "listening PORT", then the name of each request, and stands until its
// standard input ends.

const http = require('node:http');
const soap = require('soap');

const [base, userName, password, orderId, orderNumber, amount] = process.argv.slice(2);
// A key that no element of an answer has.
const attributesKey = 'xmlAttributes';
const bank = { status: 1, deposited: 0, refunded: 0, paidAt: new Date().toISOString() };

const tag = (attributes, elements = {}) => ({ [attributesKey]: attributes, ...elements });
const returned = (attributes, elements) => ({ return: tag(attributes, elements) });
const success = { errorCode: '0', errorMessage: 'Success' };

function answering(name, answer) {
  return (parts) => {
    console.log(name);
    return answer(Object.values(parts)[0][attributesKey]);
  };
}

// Moves the hold on, if it is there and stands where it must.
function moved(asked, from, move) {
  if (asked.orderId !== orderId) return returned({ errorCode: '6', errorMessage: 'Unregistered OrderId' });
  if (!from.includes(bank.status)) return returned({ errorCode: '7', errorMessage: 'System error' });
  Object.assign(bank, move);
  return returned(success);
}

function told() {
  const approved = { approvedAmount: amount, depositedAmount: bank.deposited, refundedAmount: bank.refunded };
  return returned(
    {
      ...success,
      orderNumber,
      orderStatus: bank.status,
      actionCode: 0,
      actionCodeDescription: '',
      amount,
      currency: '643',
      date: bank.paidAt,
    },
    {
      attributes: tag({ name: 'mdOrder', value: orderId }),
      cardAuthInfo: tag({ maskedPan: '411111**1111', expiration: '203412' }),
      authDateTime: bank.paidAt,
      paymentAmountInfo: tag(approved),
    },
  );
}

const sumOf = (asked, name) => Number(asked[name]) || Number(amount);

const merchant = {
  getOrderStatusExtended: answering('getOrderStatusExtended', told),
  depositOrder: answering('depositOrder', (asked) =>
    moved(asked, [1], { status: 2, deposited: sumOf(asked, 'depositAmount') })),
  reverseOrder: answering('reverseOrder', (asked) => moved(asked, [1], { status: 3 })),
  refundOrder: answering('refundOrder', (asked) =>
    moved(asked, [2, 4], { status: 4, refunded: bank.refunded + sumOf(asked, 'refundAmount') })),
};

const loyalty = {
  autoCompletion: answering('autoCompletion', (asked) => {
    const sum = sumOf(asked, 'compositeCompletionAmount');
    const answer = moved(asked, [1], { status: 2, deposited: sum });
    const operation = { pcId: 1, operation: 'PAYMENT', amount: sum, successful: true, transactionId: '1' };
    answer.return.operations = tag(operation);
    return answer;
  }),
};

// Both halves of a WSDL as one: this server gives its answers the namespace of the document that has the binding.
async function wsdl(service) {
  const text = async (address) => (await fetch(address)).text();
  const outer = await text(`${base}/webservices/${service}?wsdl`);
  const inner = await text(outer.match(/<wsdl:import location="([^"]+)"/)[1]);
  const space = inner.match(/targetNamespace="([^"]+)"/)[1];
  const binding = outer.slice(outer.indexOf('<wsdl:binding'), outer.indexOf('</wsdl:definitions>'));
  const prefixes = `xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="${space}"`;
  return inner
    .replace('<wsdl:definitions', `<wsdl:definitions ${prefixes}`)
    .replace('</wsdl:definitions>', `${binding}</wsdl:definitions>`);
}

async function serve(server, path, operations) {
  const xml = await wsdl(path.slice(1));
  const [name, port] = ['service', 'port'].map((what) => xml.match(new RegExp(`<wsdl:${what} [^>]*name="([^"]+)"`))[1]);
  const services = { [name]: { [port]: operations } };
  const made = await new Promise((ready, failed) => {
    const callback = (error, listening) => (error ? failed(error) : ready(listening));
    soap.listen(server, { path, services, xml, attributesKey, callback });
  });
  made.authenticate = (security) => {
    const token = security?.UsernameToken;
    return token?.Username === userName && (token.Password.$value ?? token.Password) === password;
  };
}

const server = http.createServer((_, response) => response.writeHead(404).end());
server.listen(0, '127.0.0.1', async () => {
  await serve(server, '/merchant-ws', merchant);
  await serve(server, '/merchant-loyalty-ws', loyalty);
  console.log('listening', server.address().port);
});
process.stdin.on('end', () => process.exit(0)).resume();
