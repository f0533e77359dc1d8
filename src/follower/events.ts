/** The events that a follower alone emits. */

/**
 * The whole state was read anew: single changes in between were not seen one by one. It comes once the
 * watchers were called. `head` is the position now. `changed` is the number of keys that differ from before.
 */
export type SyncEvent = { readonly type: 'sync'; readonly head: string; readonly changed: number };
