/**
 * A server that takes less in one call than others do: all that fits goes on, and what never fits is named.
 */
import type { ExecutionContext } from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { TandemError } from '../../src/index.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('space', { '*': json() });
const KB = 1_000;

async function start(t: ExecutionContext, ...args: string[]) {
  const server = await RedisServer.start(...args);
  const owning = connect({ redis: server.url, name: 'owner' });
  const following = connect({ redis: server.url, name: 'follower' });
  t.teardown(async () => {
    await Promise.all([owning.stop({ timeoutMs: 200 }), following.stop({ timeoutMs: 200 })]);
    await server.stop();
  });
  const owner = owning.own(space);
  const follower = following.follow(space);
  const errors: TandemError[] = [];
  const told: TandemError[] = [];
  owner.on('error', ({ error }) => void errors.push(error));
  follower.on('error', ({ error }) => void told.push(error));
  owner.set('before', 1);
  await owner.ready();
  await until(() => follower.get('before').value === 1, 'the follower');
  const isLive = (key: string, value: unknown): boolean => {
    const reading = follower.get(key);
    return reading.value === value && reading.freshness === 'live';
  };
  return { server, owner, follower, errors, told, isLive };
}

const SMALL_BUFFER = ['--client-query-buffer-limit', '1mb'];
const SMALLEST = ['--proto-max-bulk-len', '1mb', ...SMALL_BUFFER];

for (const [what, values] of [
  ['4 values of 400 kB', Array.from({ length: 4 }, () => 'x'.repeat(400 * KB))],
  ['1,500 values of 1 kB', Array.from({ length: 1_500 }, () => 'x'.repeat(KB))],
  ['6 values of 240 kB, of characters of three bytes', Array.from({ length: 6 }, () => '€'.repeat(80 * KB))],
  ['30 values of 300 kB', Array.from({ length: 30 }, () => 'x'.repeat(300 * KB))],
] as const) {
  onRealServers(`${what} in one turn get through a server with a query buffer of 1 MB, as one`, async (t) => {
    const { owner, follower, errors, isLive } = await start(t, ...SMALL_BUFFER);
    const counts = new Set<number>();
    follower.watchHead(() => counts.add([...follower.entries('k/')].length));
    for (const [n, value] of values.entries()) owner.set(`k/${n}`, value);
    await until(() => isLive(`k/${values.length - 1}`, values.at(-1)), 'all values');
    owner.set('after', 2);
    await until(() => isLive('after', 2), 'what was set after');
    for (const [n, value] of values.entries()) t.is(follower.get(`k/${n}`).value, value);
    t.deepEqual(
      [...counts].filter((count) => count !== 0 && count !== values.length),
      [],
      'seen whole',
    );
    t.is(errors.filter(({ code }) => code === 'TOO_LARGE').length, 0);
    // It is known by now: the same goes out without a failure.
    let changesOfMode = 0;
    owner.on('mode', ({ mode }) => void (mode === 'degraded' && (changesOfMode += 1)));
    for (const [n, value] of values.entries()) owner.set(`k/${n}`, `${value}!`);
    await until(() => isLive(`k/${values.length - 1}`, `${values.at(-1)}!`), 'all values again');
    t.is(changesOfMode, 0);
  });
}

onRealServers('a value of 1 MiB gets through a server that takes no larger one', async (t) => {
  const { owner, errors, isLive } = await start(t, ...SMALLEST);
  const value = 'x'.repeat(1_048_570);
  owner.set('large', value);
  await until(() => isLive('large', value), 'the value');
  t.deepEqual(errors, []);
});

for (const [what, value, limit] of [
  ['2.7 MB in UTF-8', '€'.repeat(900 * KB), SMALL_BUFFER],
  ['1.8 MB in UTF-8', 'é'.repeat(900 * KB), SMALLEST],
] as const) {
  onRealServers(`a value of ${what} that can never fit is named, and all else goes on`, async (t) => {
    const { owner, follower, errors, isLive } = await start(t, ...limit);
    owner.set('large', 'small');
    await until(() => isLive('large', 'small'), 'the value before');
    owner.set('large', value);
    owner.set('beside', 1);
    await new Promise((resolve) => setImmediate(resolve));
    owner.set('after', 2);
    await until(() => isLive('after', 2) && isLive('beside', 1) && isLive('before', 1), 'all else');
    const named = errors.filter(({ code }) => code === 'TOO_LARGE');
    t.is(named.length, 1);
    t.regex(named[0]!.message, /value of "large", \d{7} bytes.*client-query-buffer-limit is 1048576/);
    t.is(owner.get('large').value, value);
    t.is(follower.get('large').value, 'small');
    t.is(follower.get('large').freshness, 'stale');
    await t.throwsAsync(owner.flush(), { code: 'TOO_LARGE' });
    // It stays connected, and does not flap.
    let changesOfMode = 0;
    owner.on('mode', () => void (changesOfMode += 1));
    for (let n = 0; n < 40; n += 1) {
      owner.set('after', n);
      await until(() => isLive('after', n), 'each change');
    }
    t.is(changesOfMode, 0);
    t.is(errors.filter(({ code }) => code === 'TOO_LARGE').length, 1, 'said once');
    owner.set('large', 'small again');
    await until(() => isLive('large', 'small again'), 'a value that fits');
    await owner.flush();
    owner.set('large', value);
    await until(() => errors.filter(({ code }) => code === 'TOO_LARGE').length === 2, 'each value is named');
    const { uncommitted } = await owner.stop();
    t.deepEqual(
      uncommitted.map(({ key }) => key),
      ['large'],
    );
  });
}

onRealServers('a state too large for one call arrives complete', async (t) => {
  const { owner, follower } = await start(t);
  for (let n = 0; n < 12_000; n += 1) owner.set(`k/${n}`, n);
  await follower.waitFor(await owner.flush({ timeoutMs: 30_000 }), { timeoutMs: 30_000 });
  t.is([...follower.entries('k/')].length, 12_000);
  owner.set('k/0', -1);
  await follower.waitFor(await owner.flush());
  t.is(follower.get('k/0').value, -1);
  t.is((await follower.refresh()).differed, 0);
});
