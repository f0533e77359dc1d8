/** The contract of a store, checked on the store in memory, on an embedded Redis and on a real one. */
import test from 'ava';
import { createRedisMock } from 'js-redis-server';
import { systemTime } from '../../src/base/time.ts';
import { MemoryRig } from './_memory-rig.ts';
import { RedisRig } from '../_redis-rig.ts';
import { noServer, RedisServer } from '../_redis-server.ts';
import { storeContract } from './_store-contract.ts';
import { turnBasics, turnContract } from './_turn-contract.ts';

storeContract(
  test,
  { name: 'memory', start: () => Promise.resolve(new MemoryRig(systemTime)) },
  turnContract,
);

storeContract(
  test,
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

if (noServer === undefined) {
  storeContract(
    test,
    {
      name: 'redis-server',
      start: async () => {
        const server = await RedisServer.start();
        return new RedisRig(server.url, () => server.stop());
      },
    },
    turnContract,
  );
} else {
  test.skip(`redis-server: the contract is not checked on a real server, for there is ${noServer}`, () => {});
}
