/**
 * Records the metrics that real processes export while something is broken, for the tests of the alert rules:
 * `npm run record:alerts`. An owner and two followers run on a real Redis, once for each scenario, all scenarios
 * at once. It takes four minutes, and writes `test/fixtures/alerts/<scenario>.txt`.
 *
 * Of each file: `# names` are those of all metrics; then follow the series of the metrics that the rules ask for,
 * one value for each scrape. Run it again after a change of what is exported.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FaultProxy } from '../_fault-proxy.ts';
import { RedisServer } from '../_redis-server.ts';
import type { Report } from './process.ts';
import { metricsIn, RULES } from './rules.ts';
import { BREAK_S, END_S, MEND_S, SCENARIOS, STEP_S } from './scenarios.ts';
import { namesOf, printValues, samplesOf } from './series.ts';

const FOLDER = 'test/fixtures/alerts';
const PROCESS = fileURLToPath(new URL('process.ts', import.meta.url));
const STEPS = END_S / STEP_S + 1;
const ANSWER_MS = 1_000;

const asked = new Set(metricsIn(readFileSync(RULES, 'utf8')));

/** A process, and all that it has reported. */
class Recorded {
  readonly values = new Map<string, (number | undefined)[]>();
  readonly names = new Set<string>();
  readonly #target: Readonly<Record<string, string>>;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #tick = -1;

  constructor(role: 'owner' | 'follower', job: string, name: string, redis: string) {
    this.#target = { job, instance: name };
    this.#args = [role, name, redis];
  }

  start(): void {
    this.#child = fork(PROCESS, this.#args);
    this.#child.on('message', (report: Report) => this.#take(report));
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  end(): void {
    this.signal('SIGCONT');
    this.signal('SIGKILL');
  }

  scrape(tick: number): void {
    this.#tick = tick;
    if (this.#child?.connected) this.#child.send(tick, () => {});
  }

  #take({ tick, metrics }: Report): void {
    // A scrape that was answered too late has failed.
    if (tick !== this.#tick) return;
    for (const metric of metrics) {
      for (const name of namesOf(metric)) this.names.add(name);
      for (const [series, value] of samplesOf(metric, this.#target)) {
        if (!asked.has(series.slice(0, series.indexOf('{')))) continue;
        let values = this.values.get(series);
        if (values === undefined) this.values.set(series, (values = Array.from({ length: STEPS })));
        values[tick] = value;
      }
    }
  }
}

interface World {
  readonly redis: RedisServer;
  /** Between the second follower and Redis. */
  readonly proxy: FaultProxy;
  readonly owner: Recorded;
  readonly followers: readonly [Recorded, Recorded];
}

interface Fault {
  readonly breaks: (world: World) => unknown;
  readonly mends: (world: World) => unknown;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'redis-killed': { breaks: ({ redis }) => redis.kill(), mends: ({ redis }) => redis.restart() },
  'redis-hung': { breaks: ({ redis }) => redis.pause(), mends: ({ redis }) => redis.resume() },
  'owner-killed': { breaks: ({ owner }) => owner.signal('SIGKILL'), mends: ({ owner }) => owner.start() },
  'owner-paused': {
    breaks: ({ owner }) => owner.signal('SIGSTOP'),
    mends: ({ owner }) => owner.signal('SIGCONT'),
  },
  'follower-killed': {
    breaks: ({ followers }) => followers[1].signal('SIGKILL'),
    mends: ({ followers }) => followers[1].start(),
  },
  'owner-and-redis-killed': {
    breaks: ({ owner, redis }) => (owner.signal('SIGKILL'), redis.kill()),
    mends: async ({ owner, redis }) => (await redis.restart(), owner.start()),
  },
  'one-follower-cut-off': {
    breaks: ({ proxy }) => proxy.blackHole(),
    mends: ({ proxy }) => proxy.resume(),
  },
  'latency-high': { breaks: ({ proxy }) => proxy.slow(150), mends: ({ proxy }) => proxy.resume() },
};

async function record(name: string, startedAt: number): Promise<void> {
  const redis = await RedisServer.start();
  const proxy = await FaultProxy.start(redis.port);
  const owner = new Recorded('owner', 'desk/trading', 'trading-1', redis.url);
  const followers = [
    new Recorded('follower', 'desk/api', 'api-1', redis.url),
    new Recorded('follower', 'desk/api', 'api-2', proxy.url),
  ] as const;
  const all = [owner, ...followers];
  for (const one of all) one.start();
  for (let tick = 0; tick < STEPS; tick += 1) {
    await wait(startedAt + tick * STEP_S * 1_000 - performance.now());
    for (const one of all) one.scrape(tick);
    await wait(ANSWER_MS);
    const { breaks, mends } = FAULTS[name]!;
    // Right after a scrape.
    if (tick * STEP_S === BREAK_S) await breaks({ redis, proxy, owner, followers });
    if (tick * STEP_S === MEND_S) await mends({ redis, proxy, owner, followers });
  }
  for (const one of all) one.end();
  await proxy.stop();
  await redis.stop();
  const names = [...new Set(all.flatMap((one) => [...one.names]))].sort();
  const lines = all.flatMap(({ values }) =>
    [...values].map(([series, at]) => `${series} ${printValues(at)}`).sort(),
  );
  writeFileSync(`${FOLDER}/${name}.txt`, `# names ${names.join(' ')}\n${lines.join('\n')}\n`);
  console.log(`${name}: ${lines.length} series`);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

mkdirSync(FOLDER, { recursive: true });
// The processes take some seconds to start, all at once.
const startedAt = performance.now() + 15_000;
await Promise.all(SCENARIOS.map(({ name }) => record(name, startedAt)));
