/** Figure 6: a busy trading loop while Redis is up, killed, hung and slow. */
import { Redis } from 'ioredis';
import type { Benchmark, Row } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import type { Figures } from './harness/rounds.ts';
import { alternate } from './harness/rounds.ts';
import { Server } from './harness/servers.ts';

const RATE = 1_000;
/** A slow Redis is blocked for this long, again and again. */
const SLOW_MS = 50;

async function whileSlow<T>(url: string, run: () => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  const over = new AbortController();
  const slow = (async () => {
    while (!over.signal.aborted) await redis.call('DEBUG', 'SLEEP', `${SLOW_MS / 1_000}`);
  })();
  try {
    return await run();
  } finally {
    over.abort();
    await slow;
    redis.disconnect();
  }
}

/** The fault begins first, so that the measurement shows the state and not only the change to it. */
const SETTLE_MS = 1_000;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

export const isolation: Benchmark = {
  name: 'isolation',
  title: `A trading loop with ${RATE} updates a second: Redis up, killed, hung, slow, against a store in memory`,
  run: async (settings) => {
    const load = { rate: RATE, seconds: settings.seconds };
    const servers: Server[] = [];
    const children: Child[] = [];
    const open = async (url?: string): Promise<Child> => {
      const child = new Child('trader');
      children.push(child);
      await child.ask('open', url);
      return child;
    };
    const onServer = async (): Promise<{ server: Server; child: Child }> => {
      const server = await Server.start('redis');
      servers.push(server);
      return { server, child: await open(server.url) };
    };
    try {
      const memory = await open();
      const again = await open();
      const up = await onServer();
      const killed = await onServer();
      killed.server.signal('SIGKILL');
      const hung = await onServer();
      const slow = await onServer();
      const bare = new Child('trader');
      children.push(bare);
      await bare.ask('openBare', up.server.url);
      const run = (child: Child): Promise<Figures> => child.ask<Figures>('run', load);
      const found = await alternate(settings, {
        memory: () => run(memory),
        again: () => run(again),
        bare: () => run(bare),
        up: () => run(up.child),
        killed: () => run(killed.child),
        hung: async () => {
          hung.server.signal('SIGSTOP');
          await settled();
          return run(hung.child).finally(() => hung.server.signal('SIGCONT'));
        },
        slow: () => whileSlow(slow.server.url, () => run(slow.child)),
      });
      const rows: Row[] = (['up', 'killed', 'hung', 'slow'] as const).flatMap((state) => {
        const pair = [found[state], found.memory] as const;
        return [
          ratio(`event-loop delay p99, Redis ${state}`, 'µs', 'delayP99', pair, { limit: 1.1 }),
          ratio(`set p99, Redis ${state}`, 'µs', 'setP99', pair, { limit: 1.1 }),
        ];
      });
      // Controls: the noise of the machine, and the cost of any Redis client in such a loop.
      const controls = { again: 'in memory, once more', bare: 'ioredis alone, a publish each' } as const;
      for (const [name, what] of Object.entries(controls)) {
        const pair = [found[name as keyof typeof controls], found.memory] as const;
        rows.push(ratio(`event-loop delay p99, ${what}`, 'µs', 'delayP99', pair));
        rows.push(ratio(`set p99, ${what}`, 'µs', 'setP99', pair));
      }
      return { rows, details: found };
    } finally {
      await Promise.all(children.map((child) => child.end()));
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
};
