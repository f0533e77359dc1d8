/** One turn of the event loop changes many keys of a large state. */
import { Redis } from 'ioredis';
import type { Row } from '../harness/benchmark.ts';
import { withServer } from '../harness/servers.ts';
import { SlowLog } from '../harness/slow-log.ts';
import { keyOf } from '../harness/tick.ts';
import type { Seen } from './children.ts';
import { withChildren } from './children.ts';
import { bounded, scripts } from './rows.ts';

export interface TurnSize {
  readonly keys: number;
  readonly changed: number;
}

interface Turned {
  readonly position: string;
  readonly setMs: number;
  readonly ms: number;
}

export function turn({ keys, changed }: TurnSize): Promise<Row[]> {
  return withServer('redis', ({ url }) =>
    withChildren(url, async (children) => {
      const redis = new Redis(url, { replyMapping: 'legacy' });
      try {
        const slowLog = await SlowLog.of(redis);
        const bare = await children.bare();
        await bare.ask('write', keys);
        await slowLog.take();
        await bare.ask('begin');
        const { ms: bareMs } = await bare.ask<Turned>('turn', changed);
        const beside = await bare.ask<Seen>('end');
        const bareTaken = await slowLog.take();
        await bare.end();
        await redis.flushall();

        const owner = await children.giant('owner');
        await owner.ask('own', {});
        await owner.ask('fill', { keys });
        const follower = await children.giant('follower');
        await follower.ask('follow');
        await follower.ask('watchTurn', [keyOf(0), keyOf(changed - 1, Infinity)]);
        // The first turn makes the first and the last key equal.
        const { position } = await owner.ask<Turned>('turn', changed);
        await follower.ask('waitFor', position);
        await Promise.all([owner, follower].map((child) => child.ask('begin')));
        await slowLog.take();
        const turned = await owner.ask<Turned>('turn', changed);
        await follower.ask('waitFor', turned.position);
        const taken = await slowLog.take();
        const [atOwner, atFollower] = await Promise.all(
          [owner, follower].map((child) => child.ask<Seen>('end')),
        );
        const what = `a turn of ${changed} of ${keys} keys`;
        // The application's own loop of sets is no work of ours that could be cut.
        const ownStretchMs = Math.max(0, atOwner!.stretchMs - turned.setMs);
        const limit = keys > 300_000 ? 120 : 50;
        return [
          bounded(`${what}: its followers are stale`, 'ms', atFollower!.staleMs, 0),
          bounded(`${what}: seen in part`, 'times', atFollower!.torn, 0),
          ...scripts(what, taken, bareTaken),
          bounded(`${what}: owner's longest stretch`, 'ms', ownStretchMs, limit, beside.stretchMs),
          bounded(`${what}: follower's longest stretch`, 'ms', atFollower!.stretchMs, limit),
          { what: `${what}: committed`, unit: 'ms', ours: turned.ms, reference: bareMs },
        ];
      } finally {
        redis.disconnect();
      }
    }),
  );
}
