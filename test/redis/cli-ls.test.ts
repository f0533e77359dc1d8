/** `tandem-sync ls` on a real Redis, and what all commands that ask one have in common. */
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { linesOf, program } from '../_console.ts';
import { freePort } from '../_free-port.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';

const definition = { 'key/*': json() };

onRealServer('ls lists the spaces with owner, lease, keys, age and subscribers', async (t) => {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  const ended = connect({ redis: redis.url, name: 'trader-2' });
  const following = connect({ redis: redis.url, name: 'api-1' });
  const admin = new Redis(redis.adminUrl);
  t.teardown(async () => {
    admin.disconnect();
    await Promise.all([owning.stop({ timeoutMs: 100 }), ended.stop(), following.stop()]);
    await redis.stop();
  });
  const trading = owning.own(defineSpace('trading', definition));
  trading.set('key/a', 1);
  trading.set('key/b', 2);
  const bots = ended.own(defineSpace('bot:7', definition));
  bots.set('key/a', 1);
  const gone = ended.own(defineSpace('bot:gone', definition));
  gone.set('key/a', 1);
  await Promise.all([trading.flush(), bots.flush(), gone.flush()]);
  await following.follow(defineSpace('trading', definition)).ready();
  await ended.stop();
  await admin.hset('tandem:{bot:gone}:meta', 'removedAt', '1796040174455');
  await admin.hset('tandem:{strange}:meta', 'format', '9');
  await admin.hset('other:{trading}:meta', 'format', '1');

  const { code, out, err } = await program(['ls', '--redis', redis.url, '--json']);
  t.is(err, '');
  t.is(code, 0);
  const [bot, strange, live, ...others] = linesOf(out);
  t.deepEqual(others, []);
  t.like(bot, {
    space: 'bot:7',
    owner: 'released',
    ownerName: 'trader-2',
    leaseMs: null,
    keys: 1,
    subscribers: 0,
  });
  t.like(strange, { space: 'strange' });
  t.regex(String(strange!.problem), /format 9/);
  t.like(live, {
    space: 'trading',
    owner: 'alive',
    ownerName: 'trader-1',
    keys: 2,
    subscribers: 1,
    problem: null,
  });
  t.is(live!.head, trading.head);
  t.true(Number(live!.leaseMs) > 0 && Number(live!.leaseMs) <= 3_000);
  t.true(Number(live!.ageMs) < 1_500);

  const table = await program(['ls', 'bot:*'], { environment: { REDIS_URL: redis.url } });
  t.regex(
    table.out,
    /^SPACE +OWNER +NAME +LEASE +KEYS +AGE +SUBSCRIBERS +HEAD\nbot:7 +released +trader-2 +- +1 /,
  );
  t.false(table.out.includes('\x1b'));
  t.false(table.out.includes('trading'));
});

onRealServer('the line that acl prints for a reader is enough for ls', async (t) => {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  const admin = new Redis(redis.adminUrl);
  t.teardown(async () => {
    admin.disconnect();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  await owning.own(defineSpace('bot:1', definition)).ready();
  await applyLine(admin, aclLine('reader', '--space', '*'));
  const url = `redis://tandem-reader:word@127.0.0.1:${redis.port}`;
  const { code, out, err } = await program(['ls', '--redis', url, '--json']);
  t.deepEqual([code, err], [0, '']);
  t.like(linesOf(out)[0], { space: 'bot:1', owner: 'alive', subscribers: null });
});

onRealServer(
  'a Redis that is not there, hangs or refuses is said in one line, at once and without a secret',
  async (t) => {
    const redis = await RedisServer.start();
    t.teardown(() => redis.stop());
    const silent = createServer(() => {});
    const port = await freePort();
    silent.listen(port, '127.0.0.1');
    t.teardown(() => void silent.close());
    const cases: [url: string, code: number, said: RegExp][] = [
      [
        'redis://user:s3cr3t@127.0.0.1:1',
        1,
        /^tandem-sync: Redis cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:1\n$/,
      ],
      [
        `redis://:s3cr3t@127.0.0.1:${port}`,
        1,
        /^tandem-sync: no connection to Redis at 127\.0\.0\.1:\d+ within 1500 ms.*\n$/,
      ],
      [`redis://user:s3cr3t@127.0.0.1:${redis.port}`, 1, /^tandem-sync: Redis refused: WRONGPASS .*\n$/],
      [
        'http://user:s3cr3t@127.0.0.1',
        2,
        /^tandem-sync: redis: expected a URL such as .*Usage: tandem-sync ls .*\n$/,
      ],
      ['redis://user:s3c#r3t@127.0.0.1', 2, /^tandem-sync: redis: a user or password may hold .*\n$/],
    ];
    for (const [url, code, said] of cases) {
      const began = performance.now();
      const answer = await program(['ls', '--redis', url]);
      t.is(answer.code, code, said.source);
      t.is(answer.out, '');
      t.regex(answer.err, said);
      t.notRegex(answer.err, /s3c|r3t/);
      t.true(performance.now() - began < 5_000);
    }
  },
);
