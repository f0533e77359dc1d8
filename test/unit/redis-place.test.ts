/** The address of Redis as the page shows it: where it is, and no secret. */
import { Cluster, Redis } from 'ioredis';
import test from 'ava';
import { placeOf } from '../../src/redis/place.ts';

const at = (options: object): string => placeOf(new Redis({ lazyConnect: true, ...options }));

test('a server is shown by host, port and database', (t) => {
  t.is(at({ host: '10.0.0.7', port: 6380, db: 2 }), 'redis://10.0.0.7:6380/2');
  t.is(at({ host: '::1', username: 'me', password: 'canary' }), 'redis://[::1]:6379');
  t.is(at({ host: 'redis.example', tls: {} }), 'rediss://redis.example:6379');
  t.is(at({ path: '/run/redis.sock', db: 1 }), '/run/redis.sock database 1');
});

test('what Sentinel or a Cluster finds is shown by the addresses that were given', (t) => {
  const sentinels = [
    { host: 'a', port: 26_379 },
    { host: 'b', port: 26_379 },
  ];
  t.is(
    at({ sentinels, name: 'mymaster', sentinelPassword: 'canary' }),
    'mymaster by Sentinel a:26379, b:26379',
  );
  const cluster = new Cluster(['redis://:canary@a:7000', { host: 'b', port: 7_001 }, 7_002, 7_003], {
    lazyConnect: true,
  });
  t.is(placeOf(cluster), 'Cluster of a:7000, b:7001, localhost:7002 and 1 more');
});
