/**
 * The runtime: everything that a process lends to its participants. They have no other access to the outside.
 */
import type { ServerClock } from '../base/clock.ts';
import type { Slices } from '../base/slices.ts';
import type { Time } from '../base/time.ts';
import type { Path, PathTarget, UpstreamOptions } from './path.ts';
import type { Observers } from './observer.ts';
import type { Registry } from './registry.ts';
import type { Channels, Store } from './store.ts';
import type { Tracer } from './tracer.ts';

export interface Runtime {
  /** The process's `connect({ name })`, as in "owned by". */
  readonly name: string;
  /** Tells this process from all others, also of the same name. Default: the name. */
  readonly id?: string | undefined;
  readonly store: Store;
  /** The way of the messages of a space. Default: the store. */
  readonly channels?: Channels | undefined;
  /**
   * What a follower does whose space was removed: it ends where it had heard of an owner of it, in any case, or
   * never. Default `endIfKnown`.
   */
  readonly onRemoval?: 'endIfKnown' | 'end' | 'goOn' | undefined;
  /** The clock of the store's server. */
  readonly clock: ServerClock;
  readonly time: Time;
  /** The queue for all work that grows with a state: one for the whole process. */
  readonly slices: Slices;
  /** The least number of deletes that a state remembers. Default: that of `RevisionMap`. */
  readonly tombstoneLimit?: number | undefined;
  /** Makes the direct path to the owner of a space, or to another process that follows it. */
  readonly path: (space: string, target: PathTarget, maxStaleMs: number) => Path;
  /** What a process without Redis follows. Default: it has Redis. */
  readonly upstream?: UpstreamOptions | undefined;
  readonly registry: Registry;
  readonly observers: Observers;
  readonly tracer: Tracer;
}
