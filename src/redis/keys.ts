/** The keys and the channel of a space. One hash tag, so that a space lives on one node of a Cluster. */
export interface Keys {
  /** meta, state, index, lease: what every script is given, in this order. */
  readonly all: readonly string[];
  /** Where a whole state is staged: state, index. */
  readonly next: readonly string[];
  /** All of them, for the scripts that stage. */
  readonly staging: readonly string[];
  readonly channel: string;
}

/** @param database the number given to SELECT: channels know none, so it is part of the channel's name */
export function keysOf(space: string, database = 0): Keys {
  const key = (name: string): string => `tandem:{${space}}:${name}`;
  const all = ['meta', 'state', 'index', 'lease'].map(key);
  const next = ['state:next', 'index:next'].map(key);
  return {
    all,
    next,
    staging: [...all, ...next],
    channel: key(database === 0 ? 'frames' : `frames@${database}`),
  };
}
