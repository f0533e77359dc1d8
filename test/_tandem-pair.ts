/** Two Tandems on one real Redis: one for an owner, and one for a follower. */
import type { ExecutionContext } from 'ava';
import { connect } from '../src/index.ts';
import type { Tandem } from '../src/index.ts';
import type { RedisServer } from './_redis-server.ts';

/** Both stop with the test, and then the server does. */
export function tandemPair(t: ExecutionContext, redis: RedisServer): { owning: Tandem; following: Tandem } {
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'follower' });
  t.teardown(async () => {
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  return { owning, following };
}
