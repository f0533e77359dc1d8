/** Owner and follower as separate processes, on a real Redis server. */
import { Redis } from 'ioredis';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { Child, startPair } from '../fixtures/child.ts';
import type { Report } from '../fixtures/load-space.ts';

/** Polls until both hold the same state at the same position, and returns that state. */
async function untilEqual(
  owner: Child,
  follower: Child,
  timeoutMs: number,
): Promise<[Report, Report, number]> {
  const startedAt = performance.now();
  for (;;) {
    const [here, there] = await Promise.all([
      owner.ask({ do: 'dump' }, 'dump'),
      follower.ask({ do: 'dump' }, 'dump'),
    ]);
    const afterMs = performance.now() - startedAt;
    const isEqual = here.head === there.head && here.mode === 'connected' && there.mode === 'connected';
    if (isEqual || afterMs > timeoutMs) return [here, there, afterMs];
  }
}

onRealServer('20,000 sets of 1,000 keys at 2,000 a second arrive complete, in order and soon', async (t) => {
  const { owner, follower } = await startPair(t);
  await owner.ask({ do: 'load', sets: 20_000, keys: 1_000, perSecond: 2_000 }, 'loaded', 40_000);
  const [here, there] = await untilEqual(owner, follower, 5_000);
  t.deepEqual(there.state, here.state);
  t.is(Object.keys(here.state!).length, 902, 'nine of ten of the thousand keys, and the pair');
  const { changes, brokenPairs, wentBack, syncs, latenciesMs } = there.seen!;
  t.log(
    `set to visible: p50 ${latenciesMs.p50.toFixed(3)} ms, p99 ${latenciesMs.p99.toFixed(3)} ms, of ${changes}`,
  );
  t.true(changes > 10_000, 'a follower that sees hardly anything proves nothing');
  t.is(brokenPairs, 0);
  t.is(wentBack, 0);
  t.true(syncs <= 1, 'no gap: the first read is the only full sync');
  // Ten times the latency seen while other tests run too. The benchmarks measure speed.
  t.true(latenciesMs.p99 < 1_500);
});

onRealServer(
  'the owner repairs a Redis that comes back empty, and nothing set meanwhile is lost',
  async (t) => {
    const { redis, owner, follower } = await startPair(t);
    const loaded = owner.ask({ do: 'load', sets: 8_000, keys: 500, perSecond: 2_000 }, 'loaded', 40_000);
    const degraded = [owner, follower].map(async (child) => {
      while ((await child.next('mode')).mode !== 'degraded');
    });
    while (Object.keys((await follower.ask({ do: 'dump' }, 'dump')).state!).length < 100);
    await redis.kill('SIGKILL');
    await Promise.all(degraded);
    await owner.ask({ do: 'set', n: 2 }, 'set');
    const during = await follower.ask({ do: 'dump' }, 'dump');
    t.true(Object.keys(during.state!).length > 0, 'the follower goes on answering');
    await redis.restart();
    const [, , afterMs] = await untilEqual(owner, follower, 10_000);
    t.log(`connected and equal ${afterMs.toFixed(0)} ms after Redis was back`);
    t.true(afterMs < 2_000);
    await loaded;
    const [here, there] = await untilEqual(owner, follower, 5_000);
    t.deepEqual(there.state, here.state);
    t.is((there.state!['key/told'] as { n: number }).n, 2);
    t.is(there.seen!.brokenPairs, 0);
    t.is(there.seen!.wentBack, 0);
    const states = (child: Child): string[] =>
      child.reports.flatMap(({ about, mode }) => (about === 'mode' && mode ? [mode] : []));
    for (const child of [owner, follower]) {
      const modes = states(child);
      t.deepEqual(modes.slice(modes.indexOf('degraded'), modes.indexOf('degraded') + 2), [
        'degraded',
        'recovering',
      ]);
      t.is(modes.at(-1), 'connected');
    }
  },
);

onRealServer(
  'a restarted owner waits for the lease of its killed predecessor, and continues from the stored state',
  async (t) => {
    const redis = await RedisServer.start();
    const first = new Child('owner', redis.url, '600');
    const follower = new Child('follower', redis.url);
    let second: Child | undefined;
    try {
      await Promise.all([first.next('ready'), follower.next('ready')]);
      const { head } = await first.ask({ do: 'set', n: 7 }, 'set');
      const client = new Redis(redis.url);
      while ((await client.hget('tandem:{load}:meta', 'revision')) !== head!.split('-')[1]);
      client.disconnect();
      first.kill('SIGKILL');
      second = new Child('owner', redis.url, '600');
      await second.next('ready');
      await second.ask({ do: 'set', n: 8 }, 'set');
      const [here, there] = await untilEqual(second, follower, 5_000);
      t.deepEqual(there.state, here.state);
      t.is((there.state!['key/told'] as { n: number }).n, 8);
      t.is(there.seen!.wentBack, 0);
    } finally {
      await Promise.all([first.stop(), second?.stop(), follower.stop()]);
      await redis.stop();
    }
  },
);

onRealServer('a second owner learns who owns the space', async (t) => {
  const redis = await RedisServer.start();
  const first = new Child('owner', redis.url);
  let second: Child | undefined;
  try {
    await first.next('ready');
    second = new Child('owner', redis.url);
    t.is((await second.next('error')).code, 'OWNED_ELSEWHERE');
    t.is((await first.ask({ do: 'dump' }, 'dump')).mode, 'connected');
  } finally {
    await Promise.all([first.stop(), second?.stop()]);
    await redis.stop();
  }
});

onRealServer('the state is plain JSON in a hash, readable in any language', async (t) => {
  const redis = await RedisServer.start();
  const owner = new Child('owner', redis.url);
  const client = new Redis(redis.url);
  try {
    await owner.next('ready');
    await owner.ask({ do: 'load', sets: 1, keys: 1, perSecond: 1_000 }, 'loaded');
    t.like(JSON.parse((await client.hget('tandem:{load}:state', 'pair/left'))!), { n: 0 });
  } finally {
    client.disconnect();
    await owner.stop();
    await redis.stop();
  }
});
