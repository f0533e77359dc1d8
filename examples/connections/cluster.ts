/** A Redis Cluster: a function that makes a new client each time. All keys of a space are on one node. */
import { Cluster } from 'ioredis';
import { connect } from '../../src/index.ts';
import type { Tandem } from '../../src/index.ts';

export function connectByCluster(
  nodes: readonly { readonly host: string; readonly port: number }[],
  user: { readonly username: string; readonly password: string },
): Tandem {
  return connect({
    name: 'api-1',
    redis: () => new Cluster([...nodes], { lazyConnect: true, redisOptions: user }),
  });
}
