/** Puts a whole state in place of a replica's, as a full sync does, but in one stretch. */
import { finish } from '../src/base/slices.ts';
import { Draft } from '../src/state/draft.ts';
import type { Line } from '../src/state/position.ts';
import { isSame } from '../src/state/position.ts';
import type { ReadChange, UnreadChange } from '../src/state/read-change.ts';
import type { Replica } from '../src/state/replica.ts';
import type { RevisionMap } from '../src/state/revision-map.ts';

/** Returns the state before. */
export function swap(
  replica: Replica,
  to: Line & { readonly revision: number },
  changes: readonly ReadChange[],
  unread: readonly UnreadChange[] = [],
): RevisionMap<unknown> {
  const draft = new Draft();
  for (const change of changes) draft.set(change, to);
  for (const change of unread) draft.leave(change);
  finish(replica.complete(draft, to.revision));
  const isDifferent = !isSame(to, replica.position) || finish(replica.differs(draft));
  return replica.swap(to, draft, { isFull: true, isDifferent });
}
