/** The store of a process without Redis: it follows others, and has nothing to ask. */
import { TandemError } from '../base/errors.ts';
import type { Link, Store } from '../ports/store.ts';

/** @param what was called */
export function noRedis(what: string): TandemError {
  return new TandemError('NO_REDIS', `${what}: this process follows others upstream, and has no Redis`);
}

const DOWN: Link = { up: false, error: undefined, watch: () => () => {} };
const refuse = (what: string) => (): Promise<never> => Promise.reject(noRedis(what));

export const noStore: Store = {
  commands: DOWN,
  subscriber: DOWN,
  capacity: { usual: 0, changes: 0, length: 0, mostChanges: 0 },
  canAnnounce: false,
  announce: () => {},
  claim: refuse('claim'),
  commit: refuse('commit'),
  commitTurn: refuse('commitTurn'),
  settle: refuse('settle'),
  history: refuse('history'),
  replaceAll: refuse('replaceAll'),
  since: refuse('since'),
  renew: refuse('renew'),
  release: refuse('release'),
  remove: refuse('remove'),
  subscribe: refuse('subscribe'),
  unsubscribe: () => Promise.resolve(),
};
