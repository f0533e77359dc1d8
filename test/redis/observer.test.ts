/** Events for telemetry: first on simulated time, where every figure is exact, then on real processes. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { ServerClock } from '../../src/base/clock.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { Follower, Owner } from '../../src/index.ts';
import { Tandem } from '../../src/tandem.ts';
import { FakeTime } from '../../src/base/fake-time.ts';
import type { MemoryLink } from '../../src/memory/link.ts';
import { RedisModel } from '../../src/memory/redis-model.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { keeping } from '../_observed.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const definition = { 'key/*': json() };
const space = defineSpace('space', definition);
type D = typeof definition;

/** A store with a delay in each direction. */
class SlowStore extends MemoryStore {
  delayMs = 0;
  /** An extra delay for published messages. */
  hangsMs = 0;

  protected override travel(link: MemoryLink): Promise<void> {
    const ms = this.delayMs + (link === this.subscriber ? this.hangsMs : 0);
    if (ms === 0) return super.travel(link);
    return new Promise((resolve) => this.time.after(ms, resolve));
  }
}

function observed(time: FakeTime, server: RedisModel, name: string) {
  const clock = new ServerClock(time);
  const store = new SlowStore({ server, time, clock });
  const path = (): never => {
    throw new Error('no direct path here');
  };
  const tandem = new Tandem({ name, store, clock, time, path }, () => {});
  const kept = keeping();
  tandem.observe(kept.observer);
  return { tandem, store, clock, ...kept };
}

async function pair(t: ExecutionContext) {
  const time = new FakeTime();
  const server = new RedisModel(time);
  const trading = observed(time, server, 'trading-1');
  const api = observed(time, server, 'api-1');
  const owner: Owner<D> = trading.tandem.own(space, { announce: false });
  const follower: Follower<D> = api.tandem.follow(space);
  await time.until(() => owner.mode === 'connected' && follower.mode === 'connected', 'both connected');
  t.teardown(async () => {
    const stopped = Promise.all([trading.tandem.stop(), api.tandem.stop()]);
    await time.advance(5_000);
    await stopped;
  });
  return { time, server, trading, api, owner, follower };
}

/** Starts as many commits as may be under way, so that the next change has to wait. */
async function fill({
  time,
  owner,
}: Pick<Awaited<ReturnType<typeof pair>>, 'time' | 'owner'>): Promise<void> {
  for (let n = 0; n < 4; n += 1) {
    owner.set(`key/first-${n}`, 1);
    await time.settle();
  }
}

test('the latency of a frame counts from its oldest change, not from its cut', async (t) => {
  const { time, trading, api, owner } = await pair(t);
  trading.store.delayMs = 40;
  await fill({ time, owner });
  // These changes wait for the first commit to end, and go out as one. The oldest waits longest.
  await time.advance(10);
  owner.set('key/old', 1);
  await time.advance(20);
  owner.set('key/young', 1);
  await time.advance(200);
  const last = trading.of('committed').filter(({ kind }) => kind === 'frame')[4]!;
  const applied = api.of('applied').at(-1)!;
  t.is(last.keys, 2);
  // Set at 10 ms, the change waited until the reply at 80 ms, and then took 40 ms more.
  t.is(last.waitedMs, 70);
  t.is(last.storeMs, 80);
  t.true(Math.abs(applied.updateLatencyMs! - 110) <= applied.errorMs, JSON.stringify(applied));
  t.true(Math.abs(applied.ownerMs! + applied.followerMs! - applied.updateLatencyMs!) < 0.001);
  t.is(applied.position, last.position);
});

test('overwritten changes are counted, and the wait is that of the oldest of them', async (t) => {
  const { time, trading, api, owner } = await pair(t);
  trading.store.delayMs = 100;
  await fill({ time, owner });
  for (let n = 0; n < 50; n += 1) {
    await time.advance(1);
    owner.set('key/busy', n);
  }
  await time.advance(500);
  const last = trading.of('committed').filter(({ kind }) => kind === 'frame')[4]!;
  // The last change was set at 50 ms, and the reply to the first commit came at 200 ms.
  t.like(last, { keys: 1, conflated: 49, outcome: 'committed', waitedMs: 199 });
  t.is(api.of('applied').at(-1)!.keys, 1);
});

test('a batch counts from its beginning, and a delete from its call', async (t) => {
  const { time, api, owner } = await pair(t);
  owner.batch(() => {
    owner.set('key/a', 1);
    time.skip(5);
    owner.set('key/b', 1);
  });
  await time.advance(50);
  const { updateLatencyMs, errorMs } = api.of('applied').at(-1)!;
  t.true(Math.abs(updateLatencyMs! - 5) <= errorMs, `${updateLatencyMs} ± ${errorMs} ms`);
  owner.delete('key/a');
  await time.advance(50);
  t.like(api.of('applied').at(-1)!, { keys: 1 });
  t.not(api.of('applied').at(-1)!.updateLatencyMs, undefined);
});

test('a frame that arrives after a catch-up with the same changes counts once, from the catch-up', async (t) => {
  const { time, api, owner, follower } = await pair(t);
  owner.set('key/a', 1);
  await time.advance(50);
  api.store.hangsMs = 2_000;
  // Messages that hang keep hanging; the catch-up does not.
  api.tandem.observe({ gap: () => (api.store.hangsMs = 0) });
  owner.set('key/a', 2);
  const { head } = owner;
  await time.until(() => follower.get('key/a').value === 2, 'the catch-up');
  t.true(api.of('applied').every(({ position }) => position !== head));
  await time.advance(10_000);
  const told = api.of('applied').filter(({ position }) => position === head);
  t.is(told.length, 1);
  t.true(
    told[0]!.updateLatencyMs! < 2_000,
    `${told[0]!.updateLatencyMs} ms, though the frame hung for 2,000`,
  );
});

test('an observer that throws disturbs nobody, and a removed one gets no more events', async (t) => {
  const { time, trading, owner, follower } = await pair(t);
  trading.tandem.observe({
    committed: () => {
      throw new Error('broken');
    },
  });
  const kept = keeping();
  const stop = trading.tandem.observe(kept.observer);
  owner.set('key/a', 1);
  await time.until(() => follower.get('key/a').value === 1, 'the value');
  await time.advance(10);
  t.is(kept.of('committed').length, 1);
  stop();
  owner.set('key/a', 2);
  await time.until(() => follower.get('key/a').value === 2, 'the next value');
  t.is(kept.of('committed').length, 1);
  t.is(owner.mode, 'connected');
});

test('modes, gaps, catch-ups and claims are reported by name', async (t) => {
  const { time, server, trading, api, owner, follower } = await pair(t);
  t.is(trading.of('claimed').length, 1);
  t.true(trading.of('ownership').some(({ ownership }) => ownership === 'leading'));
  t.true(api.of('synced').length >= 1);
  owner.set('key/0', 'before');
  await time.advance(50);
  api.store.subscriber.cut();
  await time.until(() => follower.mode === 'degraded', 'the follower degraded');
  for (let n = 0; n < 3; n += 1) owner.set(`key/${n}`, n);
  await time.advance(50);
  api.store.subscriber.mend();
  await time.until(() => follower.mode === 'connected', 'the follower connected');
  t.deepEqual(
    api
      .of('mode')
      .map(({ mode }) => mode)
      .slice(-3),
    ['degraded', 'recovering', 'connected'],
  );
  t.like(api.of('synced').at(-1)!, { keys: 3, isFull: false });
  server.publish(
    'space',
    {
      epoch: 1,
      base: { epoch: 0, revision: 0 },
      prev: 0,
      revision: 1,
      cutAt: 1,
      leaseMs: 1,
      bye: false,
    },
    [],
  );
  await time.settle();
  t.deepEqual(
    api.of('rejected').map(({ reason }) => reason),
    ['fenced'],
  );
});

for (const announce of [true, false])
  onRealServer(
    `on a real Redis, the latency of ${announce ? 'announced' : 'committed'} changes agrees with a measurement from outside`,
    async (t) => {
      const server = await RedisServer.start();
      t.teardown(() => server.stop());
      const trading = connect({ redis: server.url, name: 'trading-1' });
      const api = connect({ redis: server.url, name: 'api-1' });
      t.teardown(() => Promise.all([trading.stop(), api.stop()]));
      const kept = keeping();
      api.observe(kept.observer);
      const owner = trading.own(space, { announce });
      const follower = api.follow(space);
      await Promise.all([owner.ready(), follower.ready()]);
      for (let n = 0; n < 50; n += 1) {
        const setAt = performance.now();
        owner.set('key/n', n);
        let seenAt = 0;
        const unwatch = follower.watch('key/n', () => (seenAt = performance.now()));
        await until(() => seenAt > 0, `value ${n}`);
        unwatch();
        const { updateLatencyMs, errorMs, ownerMs, followerMs } = kept.of('applied').at(-1)!;
        const outside = seenAt - setAt;
        // From just after the set to just before the watch callback. On a busy machine, other work comes
        // between.
        t.true(
          updateLatencyMs! - errorMs <= outside,
          `${updateLatencyMs} ± ${errorMs} ms, outside ${outside} ms`,
        );
        t.true(
          outside - updateLatencyMs! <= errorMs + 50,
          `${updateLatencyMs} ± ${errorMs} ms, outside ${outside} ms`,
        );
        // Nobody knows when an announcement was in Redis.
        if (announce) t.is(ownerMs ?? followerMs, undefined);
        else t.true(Math.abs(ownerMs! + followerMs! - updateLatencyMs!) < 0.01);
      }
    },
  );
