/**
 * The contract of a store, checked on an embedded Redis. It runs in the process of the tests and is slow, so
 * that one test at a time runs here, and in a process of its own: no other test waits for it.
 */
import test from 'ava';
import { createRedisMock } from 'js-redis-server';
import { RedisRig } from '../_redis-rig.ts';
import { storeContract } from './_store-contract.ts';
import { turnBasics } from './_turn-contract.ts';

storeContract(
  test.serial,
  {
    name: 'js-redis-server',
    // It knows no CLIENT REPLY.
    announces: false,
    start: async () => {
      const mock = await createRedisMock();
      return new RedisRig(mock.url, () => mock.close());
    },
  },
  // It takes minutes for all of it.
  turnBasics,
);
