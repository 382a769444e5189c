'use strict';
// Makes jobs of all kinds, and checks what they give.

const {FlowProducer, Job, Queue, QueueEvents} = require('bullmq');
const ledger = require('../common/ledger.js');
const {connect, prefix} = require('./connect.js');

const queue = new Queue('jobs', {connection: connect(), prefix});
const flows = new FlowProducer({connection: connect(), prefix});
const parts = {queue, flows};
// One producer hears of results by the stream of events, the others ask.
if (process.env.NAME === 'producer1') parts.events = new QueueEvents('jobs', {connection: connect(true), prefix});
for (const [name, part] of Object.entries(parts)) {
  part.on('error', (e) => console.error(`${name}:`, e.message));
}

// An id makes adding a job safe to repeat.
const add = (name, job, data, options) => queue.add(name, data, {...options, jobId: job});

async function value(id, job) {
  if (parts.events) return job.waitUntilFinished(parts.events, 5000);
  const now = await Job.fromId(queue, id);
  if (!await now.isCompleted()) throw new Error('not yet');
  return (await Job.fromId(queue, id)).returnvalue;
}

const result = (id, job, want) => ledger.awaitResult(id, () => value(job.id, job), want);

const plain = (id) => ledger.make(id, (id) => add('double', id, {n: 1}));

async function withResult(id) {
  const [name, job] = await ledger.make(id, (id) => add('double', id, {n: 21}));
  await result(name, job, 42);
}

async function retried(id) {
  const [name, job] = await ledger.make(id, (id) => add('flaky', id, {}, {attempts: 3}));
  await result(name, job, 'at last');
}

const retriedLater = (id) => ledger.make(id, (id) =>
  add('flaky', id, {}, {attempts: 3, backoff: {type: 'fixed', delay: 1000}}));

function putOff(id) {
  const at = Date.now() + 1500;
  return ledger.make(id, (id) => add('later', id, {at}, {delay: 1500}));
}

const prioritized = (id) => ledger.make(id, (id) => add('double', id, {n: 1}, {priority: 1 + (id.length % 3)}));

const bulk = (id) => ledger.make(id, (id) => queue.addBulk([0, 1, 2].map((n) => (
  {name: 'double', data: {n}, opts: {jobId: `${id}.${n}`}}))), ['.0', '.1', '.2']);

// flow makes three jobs, and one that runs when all of them have.
async function flow(id) {
  const child = (id, n) => ({name: 'double', queueName: 'jobs', data: {n}, opts: {jobId: `${id}.${n}`}});
  const [name, tree] = await ledger.make(id, (id) => flows.add({
    name: 'total', queueName: 'jobs', data: {}, opts: {jobId: `${id}.sum`}, children: [0, 1, 2].map((n) => child(id, n)),
  }), ['.0', '.1', '.2', '.sum']);
  await result(name, tree.job, 6);
}

// once asks for the same job twice, by its id and by its deduplication id.
const once = (id) => ledger.make(id, async (id) => {
  const options = {jobId: id, deduplication: {id, ttl: 60000}};
  await queue.add('double', {n: 1}, options);
  await queue.add('double', {n: 1}, options);
});

ledger.produce({3: retried, 7: putOff, 11: flow, 13: withResult, 17: prioritized, 19: bulk, 23: retriedLater,
  27: putOff, 31: once, 33: withResult, 37: flow}, plain).then(() => process.exit(0));
