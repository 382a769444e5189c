'use strict';
// What the tours of the Node.js clients share: comparing, waiting, ending.
const assert = require('assert');

// Replies that are maps come without a prototype; the comparison is of what they hold.
const plain = (v) => {
  if (Array.isArray(v)) return v.map(plain);
  if (v === null || typeof v !== 'object' || Buffer.isBuffer(v) || v instanceof Error) return v;
  return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, plain(e)]));
};

exports.same = (what, got, want) => {
  try {
    assert.deepStrictEqual(plain(got), want);
  } catch {
    throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }
};

exports.refused = async (what, promise, text) => {
  const got = await promise.then((v) => JSON.stringify(v), (e) => e.message);
  if (!got.startsWith(text)) throw new Error(`${what}: got ${got}, want ${text}...`);
};

exports.sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// until waits for what another connection does.
exports.until = async (what, f) => {
  for (const end = Date.now() + 60000; !f();) {
    if (Date.now() > end) throw new Error(`${what}: not in a minute`);
    await exports.sleep(10);
  }
};

// tour runs f with the arguments MODE PROTOCOL HOST:PORT... and ends the process.
exports.tour = (f) => {
  const [mode, protocol, ...addresses] = process.argv.slice(2);
  const nodes = addresses.map((a) => {
    const [host, port] = a.split(':');
    return { host, port: Number(port) };
  });
  f(mode, Number(protocol), nodes).then(() => process.exit(0), (e) => {
    console.log(e.stack || e);
    process.exit(1);
  });
};
