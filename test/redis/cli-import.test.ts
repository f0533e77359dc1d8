/** `tandem-sync export` and `import` on a real Redis. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import { linesOf, program } from '../_console.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('trading', { 'key/*': json() });

async function world(t: ExecutionContext, keys: number) {
  const redis = await RedisServer.start();
  const admin = new Redis(redis.adminUrl);
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  t.teardown(async () => {
    admin.disconnect();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  const owner = owning.own(space);
  owner.batch(() => {
    for (let n = 0; n < keys; n += 1) owner.set(`key/${n}`, { n, text: 'ü\n' });
  });
  await owner.flush({ timeoutMs: 30_000 });
  const at = ['--redis', redis.url];
  return { redis, admin, owning, owner, at };
}

/** What a follower that comes now is shown. */
async function shown(redis: RedisServer, name: string): Promise<Map<string, unknown>> {
  const following = connect({ redis: redis.url, name: 'api-1' });
  const follower = following.follow(defineSpace(name, { '*': json() }));
  await follower.ready();
  const values = new Map([...follower.entries()].map(({ key, value }) => [key, value]));
  await following.stop();
  return values;
}

onRealServer('100,000 keys are exported, imported elsewhere, and the same', async (t) => {
  const { redis, owning, owner, at } = await world(t, 100_000);
  const dump = await program(['export', 'trading', ...at]);
  t.deepEqual([dump.code, dump.err], [0, '']);
  const [header, ...lines] = dump.out.trimEnd().split('\n');
  t.deepEqual(JSON.parse(header!), {
    format: 'tandem-sync 1',
    space: 'trading',
    position: owner.head,
    keys: 100_000,
  });
  t.is(lines.length, 100_000);
  await owning.stop();
  const before = await shown(redis, 'trading');

  const following = connect({ redis: redis.url, name: 'api-2' });
  const watching = following.follow(defineSpace('copy', { '*': json() }));
  const sizes = new Set<number>();
  watching.watchHead(() => void sizes.add(watching.size));
  const copied = await program(['import', 'copy', '--json', ...at], { input: dump.out });
  t.deepEqual([copied.code, copied.err], [0, '']);
  t.like(linesOf(copied.out)[0], { space: 'copy', keys: 100_000 });
  await until(() => sizes.has(100_000), 'a follower sees it');
  await following.stop();
  t.deepEqual(
    [...sizes].filter((size) => size > 0),
    [100_000],
    'all of them or none',
  );
  t.deepEqual(await shown(redis, 'copy'), before);
  t.is((await program(['doctor', 'copy', ...at])).code, 0);
  const again = await program(['export', 'copy', ...at]);
  t.deepEqual(again.out.split('\n').slice(1).toSorted(), dump.out.split('\n').slice(1).toSorted());
});

onRealServer('an import puts its keys in the place of all others, and gives the space up', async (t) => {
  const { redis, owning, owner, at } = await world(t, 2);
  const dump = await program(['export', 'trading', ...at]);
  owner.set('key/later', 1);
  await owning.stop();
  const { code, out } = await program(['import', 'trading', ...at], { input: dump.out });
  t.is(code, 0);
  t.regex(out, /^2 keys are in space "trading", at \d+-\d+\n$/);
  t.deepEqual([...(await shown(redis, 'trading')).keys()].toSorted(), ['key/0', 'key/1']);
  const [summary] = linesOf((await program(['ls', '--json', ...at])).out);
  t.like(summary, { owner: 'released', ownerName: 'cli-import', keys: 2, problem: null });
});

onRealServer(
  'an import refuses while an owner lives, and refuses a bad line by its number before it writes',
  async (t) => {
    const { redis, admin, owning, at } = await world(t, 3);
    const { out: dump } = await program(['export', 'trading', ...at]);
    const refused = await program(['import', 'trading', ...at], { input: dump });
    t.is(refused.code, 1);
    t.regex(refused.err, /^tandem-sync: space "trading" is owned by "trader-1", whose lease runs for .*\n$/);
    await owning.stop();
    const before = await admin.hgetall('tandem:{trading}:meta');
    const cases: [input: string, said: RegExp][] = [
      [dump.replace('"key":"key/1"', '"key":"key/0"'), /^tandem-sync: line 3: key "key\/0" came before/],
      [dump.replace(/\n[^\n]*\n$/, '\n'), /line 3: the header promises 3 keys, and 2 came/],
      [dump.replace('{"key":"key/2"', '{"key":'), /line 4: it is no JSON/],
      ['', /nothing was piped in/],
      [
        `${dump.split('\n').slice(0, 3).join('\n')}\n${JSON.stringify({ key: 'key/2', value: 'x'.repeat(2 ** 21) })}\n`,
        /line 4: value of "key\/2" is refused/,
      ],
    ];
    for (const [input, said] of cases) {
      const { code, out, err } = await program(['import', 'trading', ...at], { input });
      t.deepEqual([code, out], [1, ''], said.source);
      t.regex(err, said);
      t.is(err.trimEnd().split('\n').length, 1);
    }
    t.deepEqual(await admin.hgetall('tandem:{trading}:meta'), before);
    t.is((await shown(redis, 'trading')).size, 3);
  },
);

onRealServer(
  'an export of a space that is not there, or that has what is no JSON, ends with 1',
  async (t) => {
    const { admin, owning, at } = await world(t, 3);
    t.like(await program(['export', 'nowhere', ...at]), { code: 1, out: '' });
    await owning.stop();
    await admin.hset('tandem:{trading}:state', 'key/1', '{oops');
    const { code, out, err } = await program(['export', 'trading', ...at]);
    t.deepEqual([code, out], [1, '']);
    t.regex(err, /the value of "key\/1" is no JSON/);
  },
);
