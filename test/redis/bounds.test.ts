/**
 * Bounds that hold in any state of Redis: how long `stop` takes, what it leaves behind, how often a process
 * asks for a connection, and what it reports.
 */
import { execFile } from 'node:child_process';
import { lookup } from 'node:dns';
import { promisify } from 'node:util';
import { registerCompletionHandler } from 'ava';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { TandemError } from '../../src/index.ts';
import { faults } from '../_faults.ts';
import { onRealServers } from '../_real.ts';
import { until } from '../_wait.ts';
import { World } from '../_world.ts';

// Sometimes a timer of this worker stays when all tests are done, and keeps the worker alive. It does not
// belong to a stopped Tandem: the processes that these tests stop exit by themselves, with nothing left.
registerCompletionHandler(() => process.exit());

const space = defineSpace('bounds', { 'key/*': json<number>() });
const OUT = [
  'killed, and back empty',
  'loading a large dump',
  'stopped, and going on',
  'busy with a script of another client',
  'out of memory',
  'asking for a password that no client has',
  'that forbids all commands',
  'cut off, and refused',
  'in a black hole',
  'in a black hole for replies',
  'too far away for any deadline',
];

for (const name of OUT) {
  const fault = faults.find((fault) => fault.name === name)!;
  onRealServers(`stop keeps its deadline and leaves nothing behind while Redis is ${name}`, async (t) => {
    const world = await World.start(space.name);
    await fault.prepare?.(world);
    const child = promisify(execFile)(process.execPath, [
      new URL('../fixtures/stops.ts', import.meta.url).pathname,
      world.owner.url,
      world.followers.url,
    ]);
    t.teardown(async () => {
      child.child.kill('SIGKILL');
      await fault.end?.(world);
      await world.stop();
    });
    // The owner is up when its lease exists.
    await until(async () => (await world.admin.exists(world.key('lease'))) === 1, 'an owner');
    await fault.begin(world);
    child.child.kill('SIGUSR2');
    const { stdout } = await child;
    const { stopMs, afterMs, left } = JSON.parse(stdout) as {
      stopMs: number;
      afterMs: number;
      left: string[];
    };
    t.log(`stopped in ${stopMs.toFixed(0)} ms of 500; all closed ${afterMs.toFixed(0)} ms later`);
    t.true(stopMs < 1_000);
    t.deepEqual(left, []);
    t.true(afterMs < 2_000);
  });
}

onRealServers(
  'while Redis refuses connections, processes retry rarely, and not in step with each other',
  async (t) => {
    const world = await World.start(space.name);
    const tandems = Array.from({ length: 5 }, (_, n) =>
      connect({ redis: world.followers.url, name: `follower-${n}` }),
    );
    t.teardown(async () => {
      await Promise.all(tandems.map((tandem) => tandem.stop()));
      await world.stop();
    });
    const followers = tandems.map((tandem) => tandem.follow(space));
    await Promise.all(followers.map((follower) => follower.ready()));
    const { followers: proxy } = world;
    proxy.refuse();
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const { length } = proxy.askedAt;
    const startedAt = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    const asked = proxy.askedAt.slice(length);
    const perMinute = (asked.length / tandems.length / (performance.now() - startedAt)) * 60_000;
    const inTenths = new Map<number, number>();
    for (const at of asked) inTenths.set(Math.floor(at / 100), (inTenths.get(Math.floor(at / 100)) ?? 0) + 1);
    // A loop that stood still for a moment makes one tenth full. Processes in step fill each one that has any.
    const counts = [...inTenths.values()].toSorted((a, b) => a - b);
    const typical = counts[Math.floor(counts.length / 2)]!;
    t.log(
      `${perMinute.toFixed(0)} connections a minute from each process; ${typical} of ${asked.length} in the typical 100 ms`,
    );
    // A process has two connections, and each is retried after half a second to a second.
    t.true(perMinute < 2 * 120 * 1.1);
    t.true(perMinute > 60, 'a process that retries too rarely is late when Redis is back');
    t.true(typical < 5, 'the ten connections are retried in the same tenths of a second');
  },
);

onRealServers('a wrong password is retried at most every 400 ms', async (t) => {
  const world = await World.start(space.name);
  await world.admin.config('SET', 'requirepass', 'right');
  const tandem = connect({ redis: world.owner.url.replace('//', '//:wrong@') });
  t.teardown(async () => {
    await tandem.stop({ timeoutMs: 100 });
    await world.stop();
  });
  const owner = tandem.own(space);
  const codes = new Set<string>();
  owner.on('error', ({ error }) => codes.add(error.code));
  await until(() => world.owner.askedAt.length > 2, 'some attempts');
  const { askedAt } = world.owner;
  for (let at = 1; at < askedAt.length; at += 1) t.true(askedAt[at]! - askedAt[at - 1]! >= 390);
  t.deepEqual([...codes], ['REDIS_REFUSED']);
});

onRealServers('an unknown host name is looked up again until it resolves', async (t) => {
  const world = await World.start(space.name);
  let host = 'redis.invalid';
  // Each client is created anew, so the system's resolver looks up the name each time.
  const redis = (): Redis => new Redis({ host, port: world.redis.port, lazyConnect: true });
  const owning = connect({ redis, name: 'owner' });
  const following = connect({ redis, name: 'follower' });
  t.teardown(async () => {
    await Promise.all([owning.stop({ timeoutMs: 100 }), following.stop()]);
    await world.stop();
  });
  await t.throwsAsync(promisify(lookup)(host), undefined, 'a name that is known proves nothing here');
  const owner = owning.own(space);
  const follower = following.follow(space);
  const messages: string[] = [];
  follower.on('error', ({ error }) => messages.push(`${error.code} ${error.message}`));
  owner.set('key/a', 1);
  await until(() => owner.mode === 'degraded' && follower.mode === 'degraded', 'both degraded', 2_000);
  t.regex(messages.join(), /REDIS_UNAVAILABLE .*(redis\.invalid|within 700 ms)/);
  host = 'localhost';
  const knownAt = performance.now();
  await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
  t.log(`in step ${(performance.now() - knownAt).toFixed(0)} ms after the name was known`);
  t.is(follower.get('key/a').value, 1);
});

for (const isForbidden of [false, true]) {
  onRealServers(
    isForbidden
      ? 'a user without permission to read the eviction policy gets no warning, and everything works'
      : 'each connection gives one warning about a Redis that may evict keys',
    async (t) => {
      const world = await World.start(
        space.name,
        '--maxmemory-policy',
        'allkeys-lru',
        '--maxmemory',
        '100mb',
      );
      if (isForbidden) await world.admin.call('ACL', 'SETUSER', 'default', '-info', '-config');
      const tandem = connect({ redis: world.owner.url });
      t.teardown(async () => {
        await tandem.stop();
        await world.stop();
      });
      const warnings: { by: string; message: string }[] = [];
      const owner = tandem.own(space);
      const follower = tandem.follow(space);
      const listen = (by: string, error: TandemError): void => {
        if (error.code === 'EVICTION_POLICY') warnings.push({ by, message: error.message });
      };
      owner.on('error', ({ error }) => listen('owner', error));
      follower.on('error', ({ error }) => listen('follower', error));
      await Promise.all([owner.ready(), follower.ready()]);
      owner.set('key/a', 1);
      await follower.waitFor(await owner.flush());
      const late = tandem.follow(defineSpace('bounds-late', { 'key/*': json<number>() }));
      late.on('error', ({ error }) => listen('late', error));
      await late.ready();
      t.deepEqual(warnings.map(({ by }) => by).toSorted(), isForbidden ? [] : ['follower', 'late', 'owner']);
      if (isForbidden) return;
      t.regex(warnings[0]!.message, /allkeys-lru/);
      world.owner.cut();
      await until(() => warnings.length === 6, 'a warning for the new connection');
      await until(() => owner.mode === 'connected', 'the owner connected');
      t.is(warnings.length, 6);
    },
  );
}
