/**
 * A machine that sleeps, and wall clocks that are set, in real processes: the monotonic clock of one process
 * stands still while it is stopped. After waking, nothing is live until it is proven anew.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { connect } from '../../src/index.ts';
import { Clocks, noClocks } from '../_clocks.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';
import type { Report } from '../fixtures/sleeper.ts';
import { LEASE_MS, monotonicMs, sleepSpace, TOKEN } from '../fixtures/sleeper.ts';

const SLEEP_MS = 2_500;
/** The staleness bound, and the time that a busy machine takes for a report. */
const MOST_MS = 750 + 250;
const HOUR_MS = 3_600_000;

const passes = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

const isStopped = (pid: number): boolean => readFileSync(`/proc/${pid}/status`, 'utf8').includes('State:\tT');

/** A reading, and the age of its value when it came. */
type Read = NonNullable<Report['reading']> & { readonly ageMs: number };

class Sleeper {
  readonly reads: Read[] = [];
  readonly clocks = new Clocks();
  port = 0;
  readonly #process: ChildProcess;
  /** When it last fell asleep, ms, on its own monotonic clock. */
  #asleepAt = -Infinity;

  private constructor(role: 'owner' | 'follower', url: string) {
    const env = { ...process.env, ...this.clocks.env };
    this.#process = fork(new URL('../fixtures/sleeper.ts', import.meta.url), [role, url], { env });
    this.#process.on('message', ({ port, reading }: Report) => {
      if (port !== undefined) this.port = port;
      // A reading that the process took just before it fell asleep can be sent after it woke.
      if (reading && reading.takenAt > this.#asleepAt)
        this.reads.push({ ...reading, ageMs: monotonicMs() - (reading.value?.at ?? Infinity) });
    });
  }

  static async start(t: ExecutionContext, role: 'owner' | 'follower', url: string): Promise<Sleeper> {
    const sleeper = new Sleeper(role, url);
    t.teardown(() => sleeper.#stop());
    await until(() => sleeper.reads.at(-1)?.freshness === 'live', `the ${role} is live`, 20_000);
    return sleeper;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async fallAsleep(): Promise<void> {
    this.#process.kill('SIGSTOP');
    await until(() => isStopped(this.#process.pid!), 'the process is stopped');
    this.#asleepAt = this.#nowMs;
  }

  /**
   * Returns the readings from now on.
   * @param isStopOnly whether the monotonic clock went on: a debugger's stop, and no sleep
   */
  wake(isStopOnly = false): readonly Read[] {
    if (!isStopOnly) this.clocks.suspended(Math.floor(this.#nowMs - this.#asleepAt));
    return this.goOn();
  }

  goOn(): readonly Read[] {
    this.reads.splice(0);
    this.#process.kill('SIGCONT');
    return this.reads;
  }

  get #nowMs(): number {
    return monotonicMs() - this.clocks.suspendedMs;
  }

  async #stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    this.clocks.close();
  }
}

/** A Redis, and an owner in this process that sets the key all the time. */
async function startOwner(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const tandem = connect({ redis: redis.url, name: 'awake' });
  t.teardown(async () => {
    await tandem.stop();
    await redis.stop();
  });
  const owner = tandem.own(sleepSpace);
  const set = (): void => owner.set('key', { by: 'awake', at: monotonicMs() });
  set();
  await owner.ready();
  const timer = setInterval(set, 10);
  t.teardown(() => clearInterval(timer));
  return { redis, owner };
}

function onClocks(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  if (noClocks === undefined) onRealServer(title, run);
}

/**
 * The first readings on waking are stale, and none is live that lacks what was set longer ago than allowed.
 */
function requireHonest(t: ExecutionContext, reads: readonly Read[]): void {
  t.like(reads[0], { freshness: 'stale', ownerAlive: false });
  t.not(reads[0]?.keptFreshness, 'live', 'a reading that was kept');
  t.true(reads[0]!.staleMs > SLEEP_MS * 0.9, `the first reading is ${reads[0]!.staleMs} ms stale`);
  const lies = reads.filter(({ freshness, ageMs }) => freshness === 'live' && ageMs > MOST_MS);
  t.deepEqual(lies, []);
}

for (const network of ['there', 'gone'] as const)
  onClocks(`a follower whose machine slept is stale on waking, with the network ${network}`, async (t) => {
    const { redis } = await startOwner(t);
    const proxy = await FaultProxy.start(redis.port);
    t.teardown(() => proxy.stop());
    const sleeper = await Sleeper.start(t, 'follower', proxy.url);
    await sleeper.fallAsleep();
    if (network === 'gone') proxy.blackHole();
    await passes(SLEEP_MS);
    const reads = sleeper.wake();
    await passes(network === 'gone' ? 1_000 : 0);
    if (network === 'gone') t.false(reads.some(({ freshness }) => freshness === 'live'));
    proxy.resume();
    await until(() => reads.at(-1)?.freshness === 'live', 'live again');
    await passes(300);
    requireHonest(t, reads);
  });

onClocks(
  'HTTP of a process whose machine slept answers as stale, and its event stream says so',
  async (t) => {
    const { redis } = await startOwner(t);
    const proxy = await FaultProxy.start(redis.port);
    t.teardown(() => proxy.stop());
    const sleeper = await Sleeper.start(t, 'follower', proxy.url);
    const stream = await fetch(`${sleeper.origin}/spaces/sleep/changes`);
    let text = '';
    const pieces = stream.body!.pipeThrough(new TextDecoderStream());
    void pieces.pipeTo(new WritableStream({ write: (piece) => void (text += piece) })).catch(() => {});
    // The status follows the state. A process that is stopped between the two sends, on waking, what it made before.
    await until(() => text.includes('event: status'), 'the stream has begun');
    t.true(text.includes('"freshness":"live"'));

    await sleeper.fallAsleep();
    proxy.blackHole();
    await passes(SLEEP_MS);
    text = '';
    // These requests wait in the socket, and are answered as soon as the process runs.
    const paths = [
      '/spaces/sleep',
      '/spaces/sleep/state/key',
      '/spaces',
      '/spaces/sleep?maxStaleMs=750',
      '/readyz',
    ];
    const asked = paths.map((path) => fetch(sleeper.origin + path));
    await passes(50);
    sleeper.wake();
    const [space, key, list, fresh, ready] = await Promise.all(asked);
    for (const answer of [space!, key!, list!]) {
      t.is(answer.status, 200);
      t.is(answer.headers.get('ETag'), null, answer.url);
      t.is(answer.headers.get('Tandem-Freshness'), 'stale', answer.url);
      t.true(Number(answer.headers.get('Tandem-Staleness-Ms')) > SLEEP_MS * 0.9, answer.url);
    }
    t.is(fresh!.status, 503);
    t.is(ready!.status, 503);
    await until(() => text.includes('event: status'), 'the stream tells', 2_000);
    t.notRegex(text, /"freshness":"live"/);
  },
);

for (const isStopOnly of [false, true])
  onClocks(
    `an owner that ${isStopOnly ? 'was stopped' : 'slept'} past its lease is fenced, and nobody sees what it sets`,
    async (t) => {
      const redis = await RedisServer.start();
      const sleeper = await Sleeper.start(t, 'owner', redis.url);
      const direct = { url: sleeper.origin, token: TOKEN, mode: 'always' } as const;
      const [standing, following] = ['standby', 'follower'].map((name) =>
        connect({ redis: redis.url, name }),
      );
      t.teardown(async () => {
        await Promise.all([standing!.stop(), following!.stop()]);
        await redis.stop();
      });
      const standby = standing!.own(sleepSpace, { standby: true, leaseMs: LEASE_MS });
      const followers = [following!.follow(sleepSpace), following!.follow(sleepSpace, { direct })];
      await Promise.all(followers.map((follower) => follower.ready()));
      await until(() => standby.mode === 'connected', 'the standby has the state');

      await sleeper.fallAsleep();
      await standby.ready({ timeoutMs: 20_000 });
      standby.set('key', { by: 'standby', at: 0 });
      await until(
        () => followers.every((follower) => follower.get('key').value?.by === 'standby'),
        'the followers have the new owner',
      );
      const late: unknown[] = [];
      for (const follower of followers)
        follower.watch('key', ({ value }) => value?.by !== 'standby' && late.push(value));
      // This waits in the socket, and is answered before the process hears that it is fenced.
      const answer = fetch(`${sleeper.origin}/spaces/sleep/state/key`);
      const frames = fetch(`${sleeper.origin}/direct/sleep/state`, {
        headers: { Authorization: `Bearer ${TOKEN}` },
      });
      await passes(50);
      const reads = sleeper.wake(isStopOnly);
      const { status, headers } = await answer;
      t.is((await frames).status === 200, false, 'no state for a direct reader');
      if (status === 200) {
        t.is(headers.get('Tandem-Freshness'), 'stale');
        t.is(headers.get('ETag'), null);
      }
      await until(() => reads.at(-1)?.ownership === 'fenced', 'fenced');
      t.like(reads[0], { freshness: 'stale', ownerAlive: false });
      t.false(reads.some(({ freshness }) => freshness === 'live'));
      await passes(300);
      t.deepEqual(late, []);
      t.is(standby.ownership, 'leading');
    },
  );

onClocks('an owner that slept within its lease goes on', async (t) => {
  const redis = await RedisServer.start();
  const sleeper = await Sleeper.start(t, 'owner', redis.url);
  const following = connect({ redis: redis.url, name: 'follower' });
  t.teardown(async () => {
    await following.stop();
    await redis.stop();
  });
  const follower = following.follow(sleepSpace);
  await follower.ready();
  await sleeper.fallAsleep();
  await passes(300);
  const reads = sleeper.wake();
  await until(() => reads.length > 20 && reads.at(-1)!.freshness === 'live', 'live again');
  t.true(reads.every(({ ownership, mode }) => ownership === 'leading' && mode === 'connected'));
  const { at } = reads.at(-1)!.value!;
  await until(() => follower.get('key').value!.at >= at, 'the follower has all of it');
});

onClocks(
  'a wall clock that is set an hour on, or back, makes a follower stale for a moment at most',
  async (t) => {
    const { redis } = await startOwner(t);
    const sleeper = await Sleeper.start(t, 'follower', redis.url);
    for (const aheadMs of [HOUR_MS, 0, -HOUR_MS, 0]) {
      sleeper.reads.splice(0);
      sleeper.clocks.setWall(aheadMs);
      await passes(200);
      await until(
        () => sleeper.reads.at(-1)?.freshness === 'live',
        `live with the clock at ${aheadMs}`,
        5_000,
      );
      await passes(800);
      const { reads } = sleeper;
      t.deepEqual(
        reads.filter(({ freshness, ageMs }) => freshness === 'live' && ageMs > MOST_MS),
        [],
      );
      t.true(reads.every(({ mode }) => mode === 'connected'));
      t.true(reads.slice(-30).every(({ freshness, ownerAlive }) => freshness === 'live' && ownerAlive));
    }
  },
);

onClocks('a wall clock that is set an hour on, or back, at an owner fences nobody', async (t) => {
  const redis = await RedisServer.start();
  const sleeper = await Sleeper.start(t, 'owner', redis.url);
  const direct = { url: sleeper.origin, token: TOKEN, mode: 'always' } as const;
  const others = connect({ redis: redis.url, name: 'others' });
  t.teardown(async () => {
    await others.stop();
    await redis.stop();
  });
  const standby = connect({ redis: redis.url, name: 'standby' });
  t.teardown(() => standby.stop());
  const waiting = standby.own(sleepSpace, { standby: true, leaseMs: LEASE_MS });
  const followers = [others.follow(sleepSpace), others.follow(sleepSpace, { direct })];
  await Promise.all(followers.map((follower) => follower.ready()));
  for (const aheadMs of [HOUR_MS, 0, -HOUR_MS, 0]) {
    sleeper.clocks.setWall(aheadMs);
    sleeper.reads.splice(0);
    await passes(200);
    await until(() => sleeper.reads.at(-1)?.freshness === 'live', `live with the clock at ${aheadMs}`, 5_000);
    await until(
      () => followers.every((follower) => follower.get('key').freshness === 'live'),
      'followers',
      5_000,
    );
    const { at } = sleeper.reads.at(-1)!.value!;
    await until(
      () => followers.every((follower) => follower.get('key').value!.at >= at),
      'what it sets comes',
    );
    t.true(sleeper.reads.every(({ ownership, mode }) => ownership === 'leading' && mode === 'connected'));
    t.is(waiting.ownership, 'standby');
  }
});
