/** The events that a follower alone emits. */

/** The whole state was read anew: single changes in between are not shown one by one. */
export type SyncEvent = { readonly type: 'sync'; readonly head: string; readonly changed: number };
