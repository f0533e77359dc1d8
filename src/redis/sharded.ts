/**
 * Publishing within a shard of a Cluster (`SPUBLISH`, `SSUBSCRIBE`): what is published goes to the subscribers of
 * that shard, and not to all nodes. Redis 7 and later have it.
 *
 * A subscriber hears both ways: an owner of an earlier version of this package, and a node before Redis 7, publish
 * to all nodes.
 *
 * ioredis drops every message once the server counts no subscription of one kind, although there are some of the
 * other. Each channel has one of both kinds; patterns have to be renewed: see `RedisFinder.renew`.
 */
import type { Redis } from 'ioredis';
import { TandemError } from '../base/errors.ts';
import type { Client } from './target.ts';

const UNKNOWN = /unknown command/i;

/**
 * Whether a server has `SPUBLISH`. It is called without arguments, which is refused in any case, and before an ACL
 * is asked.
 */
export async function publishesSharded(client: Client): Promise<boolean> {
  try {
    await (client as Redis).call('SPUBLISH');
    return true;
  } catch (error) {
    if (!(error instanceof Error) || !/wrong number of arguments|unknown command/i.test(error.message))
      throw error;
    return !UNKNOWN.test(error.message);
  }
}

export async function subscribeSharded(client: Client, channel: string): Promise<void> {
  const sharded = client.ssubscribe(channel).catch((error: unknown) => {
    if (!(error instanceof Error) || !UNKNOWN.test(error.message)) throw error;
  });
  await Promise.all([sharded, client.subscribe(channel)]);
}

export async function unsubscribeSharded(client: Client, channel: string): Promise<void> {
  // A node before Redis 7 has none, and one that has given the slot away has ended it.
  const sharded = client.sunsubscribe(channel).catch(() => {});
  await Promise.all([sharded, client.unsubscribe(channel)]);
}

/** The warning of a node before Redis 7. */
export function unsharded(): TandemError {
  return new TandemError(
    'NOT_SHARDED',
    'a node of the Cluster is older than Redis 7: all that is published there crosses the bus to every node',
  );
}
