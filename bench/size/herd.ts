/** Followers that join at once where the values are large. */
import { Redis } from 'ioredis';
import type { Row } from '../harness/benchmark.ts';
import { monotonicMs } from '../harness/clock.ts';
import { withServer } from '../harness/servers.ts';
import { SlowLog } from '../harness/slow-log.ts';
import type { Seen } from './children.ts';
import { withChildren } from './children.ts';
import { bounded, scripts } from './rows.ts';

export interface HerdSize {
  readonly values: number;
  readonly followers: number;
}

const BYTES = 1024 * 1024 - 10;

export function herd({ values, followers }: HerdSize): Promise<Row[]> {
  return withServer('redis', ({ url }) =>
    withChildren(url, async (children) => {
      const texts = { count: values, bytes: BYTES };
      const writer = await children.bare();
      await writer.ask('writeTexts', texts);
      const readers = await Promise.all(Array.from({ length: followers }, () => children.bare()));
      const bareFrom = monotonicMs();
      await Promise.all(readers.map((reader) => reader.ask('readTexts', values)));
      const bareMs = monotonicMs() - bareFrom;
      await Promise.all([writer, ...readers].map((child) => child.end()));

      const owner = await children.giant('owner');
      await owner.ask('own', {});
      await owner.ask('fillTexts', texts);
      const redis = new Redis(url, { replyMapping: 'legacy' });
      await redis.del('bare:state');
      const slowLog = await SlowLog.of(redis);
      const joining = await Promise.all(
        Array.from({ length: followers }, (_, n) => children.giant(`follower ${n}`)),
      );
      await owner.ask('begin');
      await slowLog.take();
      const from = monotonicMs();
      await Promise.all(joining.map((follower) => follower.ask('follow')));
      const ms = monotonicMs() - from;
      const { outages, fences, stretchMs } = await owner.ask<Seen>('end');
      const taken = await slowLog.take();
      redis.disconnect();
      const what = `${values} values of 1 MiB, ${followers} followers at once`;
      return [
        {
          what: `${what}: all in; ioredis reads the same`,
          unit: 'ms',
          ours: ms,
          reference: bareMs,
          limit: 2,
        },
        bounded(`${what}: owner not connected`, 'times', outages + fences, 0),
        ...scripts(what, taken),
        bounded(`${what}: owner's longest stretch`, 'ms', stretchMs, 50),
      ];
    }),
  );
}
