/** Keys as a script is given them. */
export interface KeyList {
  readonly names: readonly string[];
  /** Their names, as they travel. */
  readonly text: string;
}

/** The keys and the channel of a space. One hash tag, so that a space lives on one node of a Cluster. */
export interface Keys {
  /** meta, state, index, lease: what every script is given, in this order. */
  readonly all: KeyList;
  /** All of them, for the scripts that stage. */
  readonly staging: KeyList;
  readonly channel: string;
  /** `PUBLISH` on the channel, as it travels, but for the message. */
  readonly publish: string;
}

/** @param database the number given to SELECT: channels know none, so it is part of the channel's name */
export function keysOf(space: string, database = 0): Keys {
  const key = (name: string): string => `tandem:{${space}}:${name}`;
  const all = ['meta', 'state', 'index', 'lease'].map(key);
  const next = ['state:next', 'index:next'].map(key);
  const channel = key(database === 0 ? 'frames' : `frames@${database}`);
  return {
    all: listOf(all),
    // With those where a whole state is staged.
    staging: listOf([...all, ...next]),
    channel,
    publish: `*3\r\n${bulk('publish')}${bulk(channel)}`,
  };
}

function listOf(names: readonly string[]): KeyList {
  return { names, text: names.map(bulk).join('') };
}

/**
 * An argument of a command, as it travels:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings
 */
export function bulk(argument: string): string {
  return `$${Buffer.byteLength(argument)}\r\n${argument}\r\n`;
}
