/**
 * Forged messages, on a real Redis: anybody who may publish can send them. None is shown as live for longer
 * than a heartbeat, none keeps a follower from its owner, and each is mended, told and counted.
 */
import { Redis } from 'ioredis';
import type { ExecutionContext } from 'ava';
import type { Follower, Owner } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const DEFINITION = { '*': json<number | string>() };
type Definition = typeof DEFINITION;
/** Two heartbeats, and as much again for a busy machine. */
const FOUND_MS = 1_000;
const MENDED_MS = 5_000;

interface Scene {
  readonly owner: Owner<Definition>;
  readonly follower: Follower<Definition>;
  readonly errors: string[];
  readonly counted: Record<string, number>;
  readonly publish: (message: string) => Promise<unknown>;
}

async function start(t: ExecutionContext, url?: string): Promise<Scene> {
  const redis = await RedisServer.start();
  const space = defineSpace('forged', DEFINITION);
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: url ?? redis.url, name: 'follower' });
  const admin = new Redis(redis.url);
  t.teardown(async () => {
    await Promise.all([owning.stop(), following.stop()]);
    admin.disconnect();
    await redis.stop();
  });
  const owner = owning.own(space);
  owner.set('limit', 100);
  await owner.ready();
  const follower = following.follow(space);
  await follower.waitFor(await owner.flush(), { timeoutMs: 5_000 });
  await until(() => follower.get('limit').freshness === 'live', 'live');
  const errors: string[] = [];
  follower.on('error', ({ error }) => errors.push(error.code));
  const counted: Record<string, number> = {};
  const count = (what: string): void => void (counted[what] = (counted[what] ?? 0) + 1);
  following.observe({ rejected: ({ reason }) => count(reason), mismatch: () => count('mismatch') });
  const publish = (message: string): Promise<unknown> => admin.publish('tandem:{forged}:frames', message);
  return { owner, follower, errors, counted, publish };
}

interface Forgery {
  readonly epoch?: number;
  readonly base?: string;
  readonly to: number;
  readonly cutAtMs?: number;
  readonly kind?: string;
  readonly fields?: string;
  readonly json?: string;
}

/** A frame of a forged change of `limit` that goes on from the head. */
function frame(head: string, { epoch, base = '0-0', to, ...rest }: Forgery): string {
  const [ownEpoch, revision] = head.split('-').map(Number) as [number, number];
  const { cutAtMs = Date.now(), kind = 'c', fields = '', json: value = '999999' } = rest;
  const header = `3 ${epoch ?? ownEpoch} ${base} ${revision} ${revision + to} ${Math.round(cutAtMs * 1_000)} 3000 ${kind}${fields}`;
  return `${Math.floor(Date.now() / 1_000)} 0\n${header}\nlimit\n${revision + to}\n${value}`;
}

const epochOf = (head: string): number => Number(head.split('-')[0]);
const later = (head: string, byMs: number): Forgery => ({
  epoch: epochOf(head) + byMs,
  base: head,
  to: 1,
});

const FORGERIES: Readonly<Record<string, (head: string) => string[]>> = {
  'the next change': (head) => [frame(head, { to: 1 })],
  'the next change, as an announcement': (head) => [frame(head, { to: 1, kind: 'a' })],
  'the next change, with a wrong digest': (head) => [frame(head, { to: 1, fields: ' d=1' })],
  'the next change, cut in an hour': (head) => [frame(head, { to: 1, cutAtMs: Date.now() + 3_600_000 })],
  'a delete': (head) => [frame(head, { to: 1, json: '' })],
  'a revision far ahead': (head) => [frame(head, { to: 1_000_000 })],
  'a revision that no owner can reach': (head) => [frame(head, { to: 9e15 })],
  'an epoch that nobody claimed': (head) => [frame(head, later(head, 5))],
  'an epoch of tomorrow': (head) => [frame(head, later(head, 80_000_000))],
  'an epoch that no owner can reach': (head) => [frame(head, { ...later(head, 1), epoch: 9e15 })],
  'a fence, and a frame of its epoch': (head) => [
    `1 0\n3 fence ${epochOf(head) + 5}`,
    frame(head, later(head, 5)),
  ],
};

for (const [what, make] of Object.entries(FORGERIES))
  for (const isBusy of [true, false])
    onRealServers(`${what}, of an owner ${isBusy ? 'that sets keys' : 'at rest'}`, async (t) => {
      const { owner, follower, errors, counted, publish } = await start(t);
      let n = 0;
      const setting = isBusy ? setInterval(() => owner.set('other', (n += 1)), 10) : undefined;
      t.teardown(() => clearInterval(setting));
      for (const message of make(owner.head)) await publish(message);
      const isLying = (): boolean =>
        follower.get('limit').freshness === 'live' && follower.get('limit').value !== 100;
      // Where the owner has claimed above a forged fence by then, the frame is simply one of an owner before.
      const isFound = (): boolean => errors.length > 0 || (counted.fenced ?? 0) > 0;
      await until(isFound, 'it to be found, and told or counted', FOUND_MS);
      const isMended = (): boolean =>
        follower.get('limit').freshness === 'live' && follower.get('limit').value === 100;
      let lies = 0;
      await until(
        () => {
          lies += Number(isLying());
          return isMended();
        },
        'it to be mended',
        MENDED_MS,
      );
      t.is(lies, 0, 'once it was found, it never was live again');
      owner.set('limit', 101);
      await follower.waitFor(await owner.flush(), { timeoutMs: 2_000 });
      await until(() => follower.get('limit').freshness === 'live', 'live again', MENDED_MS);
      t.is(follower.get('limit').value, 101);
      t.true(errors.every((code) => code === 'CONTENT_MISMATCH' || code === 'INVALID_FRAME'));
    });

onRealServers('a forged goodbye is revoked by the next heartbeat', async (t) => {
  const { owner, follower, publish } = await start(t);
  const told: string[] = [];
  follower.on('ownerChanged', (event) => told.push(event.owner));
  const [epoch, revision] = owner.head.split('-');
  await publish(
    `${Math.floor(Date.now() / 1_000)} 0\n3 ${epoch} 0-0 ${revision} ${revision} ${Date.now() * 1_000} 0 b`,
  );
  await until(() => follower.get('limit').owner !== 'alive', 'the goodbye to be believed');
  await until(() => follower.get('limit').owner === 'alive', 'the owner to be alive again', FOUND_MS);
  await until(() => told.at(-1) === 'alive', 'it to be told');
  await owner.stop();
  await until(() => told.length >= 3 && told.at(-1) === 'released', 'the true goodbye to be told');
  t.deepEqual(told.slice(-3), ['released', 'alive', 'released']);
});

for (const [what, value] of Object.entries({ 'is no JSON': '{bad', 'holds __proto__': '{"__proto__":1}' }))
  onRealServers(`a forged value that ${what} does not keep its key stale`, async (t) => {
    const { owner, follower, errors, publish } = await start(t);
    await publish(frame(owner.head, { to: 1, json: value }));
    await until(() => errors.includes('NOT_JSON'), 'it to be told');
    await until(() => follower.get('limit').freshness === 'live', 'the key to be live', MENDED_MS);
    t.is(follower.proof.freshness(), 'live');
    t.is(follower.get('limit').value, 100);
    owner.set('other', 5);
    await until(
      () => follower.get('other').value === 5 && follower.get('other').freshness === 'live',
      'more',
    );
  });

onRealServers('the change of an owner that a forged one had hidden is not lost', async (t) => {
  const { owner, follower, errors, counted, publish } = await start(t);
  await publish(frame(owner.head, { to: 1 }));
  await until(() => follower.get('limit').value === 999_999, 'the forged value to be in');
  owner.set('other', 7);
  await until(() => follower.get('other').value === 7, 'the change of the same revision', FOUND_MS);
  await until(() => follower.get('limit').freshness === 'live', 'it to be live', MENDED_MS);
  t.is(follower.get('limit').value, 100);
  t.deepEqual(errors, ['CONTENT_MISMATCH']);
  t.is(counted.mismatch, 1);
});

onRealServers('thousands of messages that cannot be read are counted, and told once a second', async (t) => {
  const { follower, owner, errors, counted, publish } = await start(t);
  const modes: string[] = [];
  follower.on('mode', ({ mode }) => modes.push(mode));
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 2_000 }, (_, n) => publish(`garbage ${n}`)));
  await until(() => counted.frame === 2_000, 'all of them counted');
  const seconds = (performance.now() - startedAt) / 1_000;
  t.true(errors.length >= 1 && errors.length <= 1 + seconds, `${errors.length} in ${seconds} s`);
  t.deepEqual(modes, []);
  owner.set('limit', 1);
  await follower.waitFor(await owner.flush());
});

onRealServers('kinds and fields of a later version are passed over, and kinds are counted', async (t) => {
  const { follower, owner, errors, counted, publish } = await start(t);
  await publish('1 0\n3 news 1 2 3\nmore');
  await publish(frame(owner.head, { to: 1, kind: 'q' }));
  await until(() => counted.kind === 2, 'both counted');
  t.is(follower.get('limit').value, 100);
  t.deepEqual(errors, []);
});

onRealServers('a version that cannot be read is said once, in event, mode and message', async (t) => {
  const { follower, owner, errors, counted, publish } = await start(t);
  const reasons: string[] = [];
  follower.on('mode', ({ mode, reason }) => reasons.push(`${mode}: ${reason}`));
  // An owner of a later version in the place of ours: nothing of version 3 comes any more.
  const { epoch, revision } = { epoch: epochOf(owner.head), revision: Number(owner.head.split('-')[1]) };
  await owner.stop();
  const publishing = setInterval(
    () => void publish(`1 0\n4 ${epoch + 1} ${epoch}-${revision} anything`).catch(() => {}),
    2,
  );
  t.teardown(() => clearInterval(publishing));
  await until(() => follower.mode === 'degraded', 'degraded', MENDED_MS);
  await until(() => (counted.version ?? 0) > 1_000, 'a thousand of them counted', 30_000);
  clearInterval(publishing);
  t.is(follower.mode, 'degraded');
  t.regex(follower.reason, /version 4 .* reads version 3: upgrade this process/);
  t.deepEqual(errors, ['UNKNOWN_VERSION']);
  t.is(reasons.length, 1, reasons.join('\n'));
  t.is(follower.get('limit').freshness, 'stale');
});

onRealServers('a staleness bound that does not fit the heartbeat of the owner is said once', async (t) => {
  const redis = await RedisServer.start();
  const space = defineSpace('bound', DEFINITION);
  const tandem = connect({ redis: redis.url });
  t.teardown(async () => {
    await tandem.stop();
    await redis.stop();
  });
  const owner = tandem.own(space, { heartbeatMs: 200 });
  const warnings: string[] = [];
  const hear = (follower: Follower<Definition>): void =>
    void follower.on('error', ({ error }) => warnings.push(`${error.code} ${error.message}`));
  hear(tandem.follow(space, { maxStaleMs: 399 }));
  hear(tandem.follow(space, { maxStaleMs: 400 }));
  await owner.ready();
  await until(() => warnings.length > 0, 'the warning', 5_000);
  let heartbeats = 0;
  tandem.observe({ committed: ({ kind }) => void (heartbeats += Number(kind === 'heartbeat')) });
  await until(() => heartbeats > 2, 'more heartbeats', 5_000);
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /^STALENESS_BOUND maxStaleMs is 399.* heartbeat of 200 ms.* 400 at least/);
});
