/** The events that a follower alone emits. */

/**
 * The whole state was read anew: single changes in between were not seen one by one. It comes once the
 * watchers were called.
 */
export type SyncEvent = {
  /** The type, for `on`. */
  readonly type: 'sync';
  /** The position now, `epoch-revision`. */
  readonly head: string;
  /** The number of keys that differ from before. */
  readonly changed: number;
};
