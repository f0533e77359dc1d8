/** The events that a follower alone emits. */

/**
 * The whole state was read anew: single changes in between were not seen one by one. `head` is the position
 * now. `changed` is the number of keys that differ from before; on the direct path, of all keys.
 */
export type SyncEvent = { readonly type: 'sync'; readonly head: string; readonly changed: number };
