import { DEFAULT_PREFIX } from './prefix.ts';

/** The keys that a script is given. */
export interface KeyList {
  readonly names: readonly string[];
  /** Their names as they travel in a command. */
  readonly text: string;
}

/** The keys and the channel of a space. One hash tag, so that a space lives on one node of a Cluster. */
export interface Keys {
  /** meta, state, index, lease, times: every script is given these, in this order. */
  readonly short: KeyList;
  /** These, and the history. */
  readonly live: KeyList;
  /** These, and the state and index of a large turn. */
  readonly turn: KeyList;
  /** These, and the next state and index: for scripts that stage something, or look at all keys. */
  readonly all: KeyList;
  readonly channel: string;
  /** All names of the space, as a pattern of an ACL. */
  readonly pattern: string;
  /** `PUBLISH` on the channel as it travels, without the message. */
  readonly publish: string;
  /** The same with `SPUBLISH`, for a shard of a Cluster. */
  readonly spublish: string;
}

/**
 * @param database its number. Channels belong to no database, so the name of a space's channel says it
 * @param prefix what all names begin with
 */
export function keysOf(space: string, database = 0, prefix = DEFAULT_PREFIX): Keys {
  const key = (name: string): string => `${prefix}:{${space}}:${name}`;
  const short = ['meta', 'state', 'index', 'lease', 'times'].map(key);
  const live = [...short, key('history')];
  const turn = ['state:turn', 'index:turn'].map(key);
  const next = ['state:next', 'index:next'].map(key);
  const channel = key(database === 0 ? 'frames' : `frames@${database}`);
  return {
    short: listOf(short),
    live: listOf(live),
    turn: listOf([...live, ...turn]),
    all: listOf([...live, ...turn, ...next]),
    channel,
    pattern: key('*'),
    publish: `*3\r\n${bulk('publish')}${bulk(channel)}`,
    spublish: `*3\r\n${bulk('spublish')}${bulk(channel)}`,
  };
}

/** The hash tag of the fleet. */
export const FLEET_TAG = '@fleet';

/** The keys of the fleet. Their hash tag is the name of no space, so they are nobody's state. */
export interface FleetKeys {
  /** The ids of the processes, each with the time of its last word. */
  readonly index: string;
  /** What the key of a process begins with: its id follows. */
  readonly start: string;
  /** All of them, as a pattern of an ACL. */
  readonly pattern: string;
}

/** @param prefix what all names begin with */
export function fleetKeysOf(prefix = DEFAULT_PREFIX): FleetKeys {
  const all = `${prefix}:{${FLEET_TAG}}:`;
  return { index: `${all}index`, start: `${all}process:`, pattern: `${all}*` };
}

function listOf(names: readonly string[]): KeyList {
  return { names, text: names.map(bulk).join('') };
}

/**
 * An argument as it travels in a command:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings
 */
export function bulk(argument: string): string {
  return `$${Buffer.byteLength(argument)}\r\n${argument}\r\n`;
}
