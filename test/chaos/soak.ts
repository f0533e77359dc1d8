/**
 * `npm run soak -- --minutes M` runs an owner and a follower under steady load. Redis is out half of the
 * time: killed, hung and in a black hole by turns. The heaps after a garbage collection must not grow, and a
 * stop must leave nothing behind.
 *
 * The load is 500 sets and deletes a second over 2,000 keys. The bound is a growth of 3 MB an hour, by least
 * squares without the first two minutes, beyond twice the standard error. At 500 changes a second, a leak of
 * two bytes per change would grow faster.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../_free-port.ts';
import { World } from '../_world.ts';
import { slopeOf } from './slope.ts';
import type { Ask, Left, Sample } from './soak-process.ts';

const OUT_MS = 20_000;
const UP_MS = 20_000;
const SAMPLE_MS = 10_000;
const WARM_MS = 120_000;
const BOUND_MB_PER_HOUR = 3;
/** A process that hangs must not keep the soak from ending. Stopping takes a few seconds. */
const OVERTIME_MS = 5 * 60_000;

interface Outage {
  readonly name: string;
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const startedAt = performance.now();
setTimeout(
  () => fail('the soak had not ended five minutes after its time'),
  endsAt - startedAt + OVERTIME_MS,
).unref();
const world = await World.start('soak');
const port = await freePort();
const owner = start('owner', world.owner.url);
const follower = start('follower', world.followers.url);
const samples = { owner: [] as Timed[], follower: [] as Timed[] };
interface Timed extends Sample {
  readonly at: number;
}

await Promise.all([strike(), watch()]);
const left = await Promise.all([ask<Left>(owner, 'stop'), ask<Left>(follower, 'stop')]);
await world.stop();
let isBad = false;
report('owner', left[0]);
report('follower', left[1]);
process.exit(isBad ? 1 : 0);

function start(role: 'owner' | 'follower', redis: string): ChildProcess {
  const child = fork(new URL('./soak-process.ts', import.meta.url), [role, redis, `${port}`], {
    execArgv: ['--expose-gc'],
  });
  child.on('exit', (code, signal) => {
    if (code === 0) return;
    fail(`the ${role} ended with ${code ?? signal}`);
  });
  return child;
}

function fail(reason: string): never {
  console.log(reason);
  process.exit(1);
}

async function strike(): Promise<void> {
  const { redis, proxies } = world;
  const outages: Outage[] = [
    { name: 'killed', begin: () => redis.kill(), end: () => redis.restart() },
    { name: 'hung', begin: () => redis.pause(), end: () => redis.resume() },
    {
      name: 'in a black hole',
      begin: () => proxies.forEach((proxy) => proxy.blackHole()),
      end: () => proxies.forEach((proxy) => proxy.resume()),
    },
  ];
  for (let n = 0; performance.now() + UP_MS + OUT_MS < endsAt; n += 1) {
    await pause(UP_MS);
    const { name, begin, end } = outages[n % outages.length]!;
    console.log(`${seconds()} s: Redis is ${name}`);
    await begin();
    await pause(OUT_MS);
    await end();
  }
  await pause(Math.max(5_000, endsAt - performance.now()));
}

async function watch(): Promise<void> {
  await Promise.all([once(owner, 'message'), once(follower, 'message')]);
  while (performance.now() < endsAt) {
    await pause(SAMPLE_MS);
    for (const [role, child] of [
      ['owner', owner],
      ['follower', follower],
    ] as const) {
      const sample = await ask<Sample>(child, 'sample');
      samples[role].push({ ...sample, at: performance.now() - startedAt });
      const { heapMB, rssMB, mode } = sample;
      console.log(
        `${seconds()} s: ${role} ${mode}, heap ${heapMB.toFixed(2)} MB, RSS ${rssMB.toFixed(0)} MB`,
      );
    }
  }
}

async function ask<T>(child: ChildProcess, what: Ask): Promise<T> {
  const answer = once(child, 'message');
  child.send(what);
  const [message] = (await answer) as [T];
  return message;
}

function report(role: 'owner' | 'follower', { resources }: Left): void {
  const all = samples[role];
  const settled = all.filter(({ at }) => at >= WARM_MS);
  const { operations = 0 } = all.at(-1) ?? {};
  const degraded = all.filter(({ mode }) => mode === 'degraded').length;
  console.log(`${role}: ${operations} operations, degraded in ${degraded} of ${all.length} samples`);
  console.log(`  left after stop: ${resources.join(', ') || 'nothing'}`);
  isBad ||= resources.length > 0 || degraded * 4 < all.length;
  if (settled.length < 12) {
    console.log('  too short to measure how the heap grows: it takes at least four minutes');
    isBad = true;
    return;
  }
  const points = settled.map(({ at, heapMB }) => ({ x: at / 3_600_000, y: heapMB }));
  const { slope, error } = slopeOf(points);
  const heaps = settled.map(({ heapMB }) => heapMB);
  const rss = settled.map(({ rssMB }) => rssMB);
  const range = (of: number[]): string => `${Math.min(...of).toFixed(1)} to ${Math.max(...of).toFixed(1)} MB`;
  console.log(`  heap ${range(heaps)}, RSS ${range(rss)}`);
  console.log(
    `  heap grows ${slope.toFixed(2)} ± ${error.toFixed(2)} MB/h; the bound is ${BOUND_MB_PER_HOUR}`,
  );
  isBad ||= slope - 2 * error > BOUND_MB_PER_HOUR;
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1_000).toFixed(0);
}
