/**
 * The life of one large space: it is started, followed, served, repaired, resumed and taken over. Each phase
 * has its longest stretch of the event loop and its longest script, beside those of bare programs.
 */
import { Redis } from 'ioredis';
import type { Row } from '../harness/benchmark.ts';
import type { Child } from '../harness/child.ts';
import { withServer } from '../harness/servers.ts';
import type { Taken } from '../harness/slow-log.ts';
import { SlowLog } from '../harness/slow-log.ts';
import type { Fetched } from '../processes/clients.ts';
import type { Seen } from './children.ts';
import { withChildren } from './children.ts';
import { bounded, scripts } from './rows.ts';

/** Up to so many keys the shorter bound holds. Beyond it, a `Map` of the language takes long to grow. */
const FEW = 300_000;
const [FEW_MS, MANY_MS] = [50, 120];

interface Phase {
  readonly stretchMs: number;
  readonly taken: Taken;
}

export function phases(keys: number): Promise<Row[]> {
  return withServer('redis', async ({ url }) => {
    const redis = new Redis(url, { replyMapping: 'legacy' });
    try {
      const slowLog = await SlowLog.of(redis);
      return await withChildren(url, async (children) => {
        const during = async (child: Child, run: () => Promise<unknown>): Promise<Phase> => {
          await child.ask('begin');
          await slowLog.take();
          await run();
          const { stretchMs } = await child.ask<Seen>('end');
          return { stretchMs, taken: await slowLog.take() };
        };
        const bare = await bareOf(keys, during, await children.bare(), children.clients());
        await redis.flushall();
        const rows: Row[] = [];
        const note = (name: string, { stretchMs, taken }: Phase, beside: Phase): void => {
          const what = `${keys} keys, ${name}`;
          rows.push(
            bounded(
              `${what}: longest stretch`,
              'ms',
              stretchMs,
              keys > FEW ? MANY_MS : FEW_MS,
              beside.stretchMs,
            ),
          );
          if (name !== 'serving') rows.push(...scripts(what, taken, beside.taken));
        };

        const first = await children.giant('first');
        const starting = await during(first, async () => {
          await first.ask('own', {});
          await first.ask('fill', { keys });
        });
        note('starting', starting, bare.write);

        const follower = await children.giant('follower');
        note('syncing', await during(follower, () => follower.ask('follow')), bare.read);

        const port = await follower.ask<number>('serve', 10);
        const clients = children.clients();
        const fetch = { port, path: '/spaces/giant', clients: 1 };
        note('serving', await during(follower, () => clients.ask('fetch', fetch)), bare.serve);
        await follower.end();

        const repairing = await during(first, async () => {
          await redis.flushall();
          await isWhole(redis, keys);
        });
        note('repairing', repairing, bare.write);

        const heir = await children.giant('heir');
        await heir.ask('own', { standby: true });
        await isWhole(redis, keys);
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        const claiming = await during(heir, async () => {
          await first.ask('stop');
          await heir.ask('led');
        });
        note('claiming', claiming, bare.read);
        await first.end();
        // It ends without a word, as one that is killed.
        await heir.end();

        const next = await children.giant('next');
        note('resuming', await during(next, () => next.ask('own', {})), bare.read);
        return rows;
      });
    } finally {
      redis.disconnect();
    }
  });
}

/** The state in Redis has all keys, and a commit after it was put there. */
async function isWhole(redis: Redis, keys: number): Promise<void> {
  const deadline = performance.now() + 120_000;
  while ((await redis.hlen('tandem:{giant}:state')) < keys) {
    if (performance.now() > deadline) throw new Error(`Redis does not hold ${keys} keys after two minutes`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The same work without Tandem. */
async function bareOf(
  keys: number,
  during: (child: Child, run: () => Promise<unknown>) => Promise<Phase>,
  bare: Child,
  clients: Child,
): Promise<Record<'write' | 'read' | 'serve', Phase>> {
  const write = await during(bare, () => bare.ask('write', keys));
  const read = await during(bare, () => bare.ask('read'));
  const port = await bare.ask<number>('serve', keys * TEXT_OF_A_KEY);
  const serve = await during(bare, () => clients.ask<Fetched>('fetch', { port, path: '/', clients: 1 }));
  await Promise.all([bare.end(), clients.end()]);
  return { write, read, serve };
}

/** About what one key takes in the answer of `/spaces/:space`, bytes. */
const TEXT_OF_A_KEY = 240;
