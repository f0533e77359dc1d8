/** The contract of a store, checked on the store in memory and on a real Redis. */
import test from 'ava';
import { systemTime } from '../../src/base/time.ts';
import { MemoryRig } from './_memory-rig.ts';
import { RedisRig } from '../_redis-rig.ts';
import { noServer, RedisServer } from '../_redis-server.ts';
import { storeContract } from './_store-contract.ts';
import { turnContract } from './_turn-contract.ts';

storeContract(
  test,
  { name: 'memory', start: () => Promise.resolve(new MemoryRig(systemTime)) },
  turnContract,
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
