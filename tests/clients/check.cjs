// What the checks in JavaScript share: where the sandbox is, a buyer's hand, and the last line.

const readline = require('node:readline');

const [base, userName, password] = process.argv.slice(2);
const hand = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const called = new Set();

module.exports = {
  base,
  userName,
  password,
  run: `${Date.now()}${process.pid}`,

  // Counts a request under its name.
  called: (name) => called.add(name),

  // Has whoever started this pay the order.
  async pay(orderId) {
    console.log('pay', orderId);
    if ((await hand.next()).done) throw new Error('nobody pays');
    return orderId;
  },

  // What `doing` throws; that it throws at all is the point.
  async thrown(doing) {
    try {
      await doing();
    } catch (error) {
      return error;
    }
    throw new Error('nothing was refused');
  },

  // Runs the check; every one of `offered` must have been asked for.
  async conduct(check, offered) {
    try {
      await check();
      const never = (offered ? offered() : []).filter((name) => !called.has(name));
      if (never.length) throw new Error(`never called: ${never}`);
      console.log('all', called.size, 'requests answered');
      process.exit(0);
    } catch (error) {
      console.error(error);
      process.exit(1);
    }
  },
};
