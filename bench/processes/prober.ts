/** Another client of the same Redis. It asks for a key every ms, and records how long each answer took. */
import { Redis } from 'ioredis';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Latencies, percentiles } from '../harness/histogram.ts';

const latencies = new Latencies();
let timer: NodeJS.Timeout | undefined;

serve({
  open: async (url: string) => {
    const redis = new Redis(url);
    await redis.ping();
    timer = setInterval(() => {
      const asked = monotonicMs();
      void redis.get('of no interest').then(() => latencies.record(monotonicMs() - asked));
    }, 1);
  },
  take: () => percentiles([latencies.take()]),
  close: () => clearInterval(timer),
});
