/** Holds a state, as a follower or as the bare Map of a user without Tandem. Reports its memory. */
import { Redis } from 'ioredis';
import { connect } from '../../src/index.ts';
import { serve } from '../harness/child.ts';
import { quotes } from '../ways/tandem.ts';

let held: unknown;

async function heapBytes(): Promise<number> {
  // Collects repeatedly: objects that the first collection finalizes are freed by the second.
  for (let times = 0; times < 3; times += 1) {
    (globalThis as { gc?: () => void }).gc!();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().heapUsed;
}

async function bareMap(url: string): Promise<Map<string, unknown>> {
  const redis = new Redis(url, { replyMapping: 'legacy' });
  const map = new Map<string, unknown>();
  let cursor = '0';
  do {
    const [next, flat] = await redis.hscan('tandem:{quotes}:state', cursor, 'COUNT', 5_000);
    for (let at = 0; at < flat.length; at += 2) map.set(flat[at]!, JSON.parse(flat[at + 1]!));
    cursor = next;
  } while (cursor !== '0');
  redis.disconnect();
  return map;
}

serve({
  /** The bytes that holding the state adds to the heap. */
  follow: async ({ url, position }: { url: string; position: string }) => {
    const before = await heapBytes();
    const follower = connect({ redis: url, commandTimeoutMs: 10_000 }).follow(quotes);
    await follower.ready({ timeoutMs: 120_000 });
    await follower.waitFor(position);
    held = follower;
    return (await heapBytes()) - before;
  },
  map: async (url: string) => {
    const before = await heapBytes();
    held = await bareMap(url);
    return (await heapBytes()) - before;
  },
  held: () => typeof held,
});
