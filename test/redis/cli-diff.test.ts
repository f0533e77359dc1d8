/** `tandem-sync diff` against real processes' routes and a real Redis. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { called, linesOf, program } from '../_console.ts';
import { freePort } from '../_free-port.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { tandemPair } from '../_tandem-pair.ts';

const space = defineSpace('trading', { 'key/*': json() });

async function world(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const { owning, following } = tandemPair(t, redis);
  const admin = new Redis(redis.adminUrl);
  t.teardown(() => admin.disconnect());
  const owner = owning.own(space);
  for (let n = 0; n < 50; n += 1) owner.set(`key/${n}`, { n });
  await owner.flush();
  await following.follow(space).ready();
  const urls = [
    await listen(t, new Koa().use(statusRouter(owning).routes())),
    await listen(t, new Koa().use(statusRouter(following).routes())),
  ];
  const args = ['diff', 'trading', '--redis', redis.url, ...urls.flatMap((url) => ['--url', url])];
  return { redis, owner, owning, admin, args, urls };
}

onRealServer(
  'diff finds no difference between an owner, a follower and Redis, also while it changes',
  async (t) => {
    const { owner, args } = await world(t);
    const quiet = await program(args);
    t.deepEqual([quiet.code, quiet.err], [0, '']);
    t.regex(
      quiet.out,
      /^PROCESS +FRESHNESS +KEYS +BEHIND +AHEAD +DIFFERENT +HEAD\n127\.0\.0\.1:\d+ +live .* 50 +0 +0 +0 /,
    );
    let n = 0;
    const timer = setInterval(() => {
      owner.set(`key/${(n += 1) % 60}`, n);
      if (n % 7 === 0) owner.delete(`key/${n % 50}`);
    }, 1);
    t.teardown(() => clearInterval(timer));
    for (let tries = 0; tries < 3; tries += 1) {
      const { code, out } = await called([...args, '--json']);
      t.is(code, 0, out);
      t.deepEqual(
        linesOf(out).map(({ different, isStuck }) => [different, isStuck]),
        [
          [[], false],
          [[], false],
        ],
      );
    }
  },
);

onRealServer('diff names a key that differs, and exits with 1', async (t) => {
  const { owning, admin, args } = await world(t);
  await owning.stop();
  await admin.hset('tandem:{trading}:state', 'key/3', '{"n":"edited"}');
  await admin.hset('tandem:{trading}:state', 'key/4', 'oops');
  const { code, out } = await called([...args, '--json']);
  t.is(code, 1);
  const [, follower] = linesOf<{ different: { key: string; redis: object; process: object }[] }>(out);
  t.deepEqual(
    follower!.different.map(({ key }) => key),
    ['key/3', 'key/4'],
  );
  t.like(follower!.different[0], { redis: { value: { n: 'edited' } }, process: { value: { n: 3 } } });
  t.like(follower!.different[1], { redis: { unreadable: 'oops' } });
  t.regex((await called(args)).out, /key\/3 +\{"n":"edited"\} at \d+-4 +\{"n":3\} at \d+-4/);
});

onRealServer('a space that its owner has released is well, though nothing of it is live', async (t) => {
  const { owning, args } = await world(t);
  await owning.stop();
  // The owner's process has no such space any more.
  const [, , , , , , ...follower] = args;
  t.is((await called([...args.slice(0, 4), ...follower])).code, 0);
});

onRealServer('diff says that a process is behind for good, is not there, or has no such space', async (t) => {
  const { owner, args, urls, redis } = await world(t);
  const shown: unknown = await (await fetch(`${urls[1]}/spaces/trading`)).json();
  const stuck = new Koa().use((ctx) => void (ctx.body = shown));
  owner.set('key/1', 'new');
  await owner.flush();
  const others = ['--url', await listen(t, stuck), '--url', `http://u:s3cr3t@127.0.0.1:${await freePort()}`];
  const { code, out } = await called([...args, ...others, '--json']);
  t.is(code, 1);
  const [ours, theirs, behind, gone] = linesOf(out);
  t.like(ours, { behind: 0, isStuck: false, different: [] });
  t.like(theirs, { behind: 0, isStuck: false, different: [] });
  t.like(behind, { behind: 1, isStuck: true, different: [] });
  t.regex(String(gone!.error), /^127\.0\.0\.1:\d+ gives no answer: connect ECONNREFUSED/);
  t.notRegex(out, /s3cr3t/);
  const other = await called(['diff', 'other', '--redis', redis.url, '--url', urls[0]!, '--json']);
  t.is(other.code, 1);
  t.regex(other.out, /answers 404: UNKNOWN_SPACE/);
  t.is((await called(['diff', 'trading'])).code, 2);
  t.is((await called(['diff', 'trading', '--url', 'nonsense'])).code, 2);
});
