'use strict';
// The connection of each mode, with ioredis and with node-redis.

const ledger = require('../common/ledger.js');
const {MODE, nodes} = ledger;

const prefix = '{trivet}'; // the braces keep a queue in one slot of a cluster

function ioredis(blocking) {
  const IORedis = require('ioredis');
  const options = {maxRetriesPerRequest: blocking ? null : 20};
  if (MODE === 'sentinel') {
    return new IORedis({...options, sentinels: nodes, name: 'mymaster'});
  }
  if (MODE === 'cluster') {
    return new IORedis.Cluster(nodes, {redisOptions: {...options}});
  }
  return new IORedis({...options, ...nodes[0]});
}

function nodeRedis() {
  const redis = require('redis');
  // BullMQ 6.7.0 makes connections of its own from this one, and an error of one
  // that it has just made may reach nobody: without this it would end the process.
  process.removeListener('uncaughtException', notAnError).on('uncaughtException', notAnError);
  const client = redis.createClient({url: `redis://${nodes[0].host}:${nodes[0].port}`});
  return client;
}

function notAnError(e) {
  if (e.name !== 'SocketClosedUnexpectedlyError' && e.message !== 'Socket closed unexpectedly') {
    console.error(e);
    process.exit(1);
  }
  console.error('an error that BullMQ does not listen for:', e.message);
}

function connect(blocking = false) {
  const client = process.env.DRIVER === 'node-redis' ? nodeRedis() : ioredis(blocking);
  client.on('error', (e) => console.error('connection:', e.message));
  return client;
}

module.exports = {connect, prefix};
