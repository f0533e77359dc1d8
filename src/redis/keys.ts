/** The keys and the channel of a space. One hash tag, so that a space lives on one node of a Cluster. */
export interface Keys {
  /** meta, state, index, lease: what every script is given, in this order. */
  readonly all: readonly string[];
  /** Where a whole state is staged: state, index. */
  readonly next: readonly string[];
  readonly channel: string;
}

export function keysOf(space: string): Keys {
  const key = (name: string): string => `tandem:{${space}}:${name}`;
  return {
    all: ['meta', 'state', 'index', 'lease'].map(key),
    next: ['state:next', 'index:next'].map(key),
    channel: key('frames'),
  };
}
