'use strict';
// A worker of BullMQ: node worker.js.

const {Worker} = require('bullmq');
const ledger = require('../common/ledger.js');
const {connect, prefix} = require('./connect.js');

const jobs = {
  async double(job) {
    ledger.run(job.id);
    return 2 * job.data.n;
  },
  async flaky(job) {
    if (job.attemptsMade === 0) {
      ledger.fail(job.id);
      throw new Error('as told');
    }
    ledger.run(job.id);
    return 'at last';
  },
  async later(job) {
    ledger.due(job.id, job.data.at);
    ledger.run(job.id);
  },
  // total adds up what the children gave.
  async total(job) {
    ledger.run(job.id);
    return Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0);
  },
};

const worker = new Worker('jobs', (job) => jobs[job.name](job), {
  connection: connect(true), prefix, concurrency: 4, lockDuration: 10000, stalledInterval: 5000,
});
worker.on('error', (e) => console.error('worker:', e.message));
worker.on('stalled', (id) => console.error('stalled:', id));
process.on('SIGTERM', () => worker.close().then(() => process.exit(0)));
