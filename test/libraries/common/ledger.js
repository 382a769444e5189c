'use strict';
// What a program writes down, and the work of a producer. See ../ledger_test.go.

const fs = require('node:fs');
const {setTimeout: sleep} = require('node:timers/promises');

const env = process.env;
const nodes = env.NODES.split(',').map((n) => ({host: n.split(':')[0], port: Number(n.split(':')[1])}));

function note(...words) {
  fs.appendFileSync(env.LEDGER, words.map((w) => String(w).replaceAll('\n', ' ')).join(' ') + '\n');
}

const run = (job) => note('run', job, env.NAME);
const fail = (job) => note('fail', job, env.NAME);

// due checks that a job that was put off until a time does not run before it.
function due(job, at) {
  if (Date.now() < at - 10) note('wrong', job, 'ran', at - Date.now(), 'ms early');
}

function expect(job, got, want) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    note('wrong', job, 'gave', JSON.stringify(got), 'want', JSON.stringify(want));
  }
}

// make calls call(job) until it resolves; each try is a job of its own. parts
// are the endings of the names of the jobs that call makes.
async function make(job, call, parts = ['']) {
  const first = Date.now();
  for (let attempt = 0; ; attempt++) {
    const name = attempt === 0 ? job : `${job}_${attempt}`;
    try {
      const result = await call(name);
      for (const part of parts) note('made', name + part, Date.now() - first);
      return [name, result];
    } catch (e) {
      for (const part of parts) note('unsure', name + part, e);
      await sleep(50);
    }
  }
}

// awaitResult calls get() until it resolves with the result.
async function awaitResult(job, get, want, within = 60000) {
  for (const deadline = Date.now() + within; Date.now() < deadline; await sleep(100)) {
    try {
      expect(job, await get(), want);
      return;
    } catch (e) {
      // Not yet, or the connection has died: ask again.
    }
  }
  note('noresult', job);
}

// produce makes the jobs of this producer: kinds maps a remainder of 40 to a maker.
// A steady producer makes plain ones only, and so waits for nothing but the store.
async function produce(kinds, plain) {
  if (env.STEADY) kinds = {};
  for (let n = 0; ; n++) {
    if (n >= Number(env.JOBS) && fs.existsSync(env.STOP)) return;
    await (kinds[n % 40] ?? plain)(`${env.NAME}-${n}`);
    await sleep(10);
  }
}

module.exports = {MODE: env.MODE, nodes, note, run, fail, due, expect, make, awaitResult, produce};
