/**
 * Figure 7: the cost of a catch-up, by the number of changes and by the size of the state; and the effect of
 * a full sync on other clients.
 */
import { Redis } from 'ioredis';
import type { Benchmark, Row, Settings } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { Gate } from './harness/gate.ts';
import type { Percentiles } from './harness/histogram.ts';
import { between, usage } from './harness/redis-info.ts';
import type { Figures } from './harness/rounds.ts';
import { alternate } from './harness/rounds.ts';
import type { Server } from './harness/servers.ts';
import { withServer } from './harness/servers.ts';

/** The number of changes, and the number of keys. */
const CURVE = [
  { changed: 100, keys: 1_000 },
  { changed: 100, keys: 10_000 },
  { changed: 100, keys: 100_000 },
  { changed: 1_000, keys: 100_000 },
  { changed: 10_000, keys: 100_000 },
];
const QUICK_CURVE = CURVE.slice(0, 2);

/** Measures a catch-up after an outage: its duration, and the work of Redis for it. */
async function resuming(
  server: Server,
  keys: number,
  changes: readonly number[],
  settings: Settings,
): Promise<Map<number, Figures>> {
  const loader = new Child('loader');
  const returner = new Child('returner');
  const gate = await Gate.to(server.port);
  const redis = new Redis(server.url);
  const found = new Map<number, Figures>();
  try {
    await loader.ask('open', server.url);
    await loader.ask('set', { count: keys, keys });
    await returner.ask('open', gate.url);
    for (const changed of changes) {
      const { resumed } = await alternate(settings, {
        resumed: async () => {
          gate.shut();
          await returner.ask('lost');
          const position = await loader.ask<string>('set', { count: changed, keys });
          const before = await usage(redis);
          const resumed = returner.ask<number>('resumed', position);
          gate.open();
          const ms = await resumed;
          const { bytesOut, scriptUs } = between(before, await usage(redis));
          return { ms, bytesOut, scriptUs };
        },
      });
      found.set(changed, resumed.medians);
    }
    return found;
  } finally {
    redis.disconnect();
    gate.close();
    await Promise.all([loader.end(), returner.end()]);
  }
}

/**
 * Measures a full sync, and how long another client of that Redis waits meanwhile. As a control, the same
 * while other processes only compute for as long.
 */
async function fullSyncs(server: Server, keys: number, settings: Settings): Promise<Figures> {
  const loader = new Child('loader');
  const prober = new Child('prober');
  const burners = [new Child('burner'), new Child('burner')];
  try {
    await loader.ask('open', server.url);
    await loader.ask('set', { count: keys, keys });
    await prober.ask('open', server.url);
    const { synced } = await alternate(settings, {
      synced: async () => {
        const returner = new Child('returner');
        try {
          // The start of the process itself must not count.
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          await prober.ask('take');
          const ms = await returner.ask<number>('open', server.url);
          const { max } = await prober.ask<Percentiles>('take');
          await new Promise((resolve) => setTimeout(resolve, ms));
          const calm = await prober.ask<Percentiles>('take');
          await Promise.all(burners.map((one) => one.ask('burn', ms / 1_000)));
          const crowded = await prober.ask<Percentiles>('take');
          return { ms, waitedMs: max / 1_000, calmMs: calm.max / 1_000, crowdedMs: crowded.max / 1_000 };
        } finally {
          await returner.end();
        }
      },
    });
    return synced.medians;
  } finally {
    await Promise.all([loader, prober, ...burners].map((child) => child.end()));
  }
}

export const resume: Benchmark = {
  name: 'resume',
  title: 'Coming back after an outage, by what changed and by what there is; a full sync of 100,000 keys',
  run: async (settings) => {
    const { quick } = settings;
    const curve = quick ? QUICK_CURVE : CURVE;
    const rows: Row[] = [];
    for (const keys of new Set(curve.map(({ keys }) => keys))) {
      const changes = curve.filter((one) => one.keys === keys).map(({ changed }) => changed);
      const found = await withServer('redis', (server) => resuming(server, keys, changes, settings));
      for (const [changed, { ms, bytesOut, scriptUs }] of found) {
        const what = `${changed} of ${keys} keys`;
        rows.push({ what: `${what}: back after`, unit: 'ms', ours: ms! });
        rows.push({ what: `${what}: from Redis`, unit: 'KiB', ours: bytesOut! / 1_024 });
        rows.push({ what: `${what}: in its scripts`, unit: 'ms', ours: scriptUs! / 1_000 });
      }
    }
    const keys = quick ? 10_000 : 100_000;
    const { ms, waitedMs, calmMs, crowdedMs } = await withServer('redis', (server) =>
      fullSyncs(server, keys, settings),
    );
    rows.push({ what: `full sync of ${keys} keys`, unit: 'ms', ours: ms!, limit: 1_000 });
    rows.push({ what: 'another client waited, at most', unit: 'ms', ours: waitedMs!, limit: 10 });
    rows.push({ what: 'the same with no sync under way', unit: 'ms', ours: calmMs! });
    rows.push({ what: 'the same while two processes compute', unit: 'ms', ours: crowdedMs! });
    return { rows };
  },
};
