/**
 * The rules of Redis's ACL for a user of one role: least privilege. Pure.
 *
 *   owner      sets the state of a space, and announces it
 *   follower   shows it; from Redis 7 on its user can write nothing
 *   standby    a follower that becomes an owner
 *   reader     a follower, for people and their tools
 *
 * From Redis 7 on a selector lets each of them read the fleet, and all but a reader register there. Before, there
 * are no selectors, and a follower that may register could write what it follows: owners and standbys alone may.
 *
 * Where a name is a pattern, a follower and a reader may look for such spaces.
 *
 * In a Cluster each process asks nodes for the slot map, and owners publish to their shard.
 *
 * HELLO and AUTH need no rule. A database other than 0 needs `+select` as well.
 */
import { LISTING_COMMANDS, READING_COMMANDS, REGISTERING_COMMANDS, WRITING_COMMANDS } from './permissions.ts';
import { fleetKeysOf, keysOf } from './keys.ts';

export const ROLES = ['owner', 'follower', 'standby', 'reader'] as const;
export type AclRole = (typeof ROLES)[number];

/** From 7 on there are permissions to read a key, and scripts that only read. */
export const REDIS_VERSIONS = ['6', '7'] as const;
export type RedisVersion = (typeof REDIS_VERSIONS)[number];

export interface AclOptions {
  readonly role: AclRole;
  /** Names of spaces, or patterns of them: `bot:*`. */
  readonly spaces: readonly string[];
  /** As in `connect({ prefix })`. */
  readonly prefix: string;
  readonly redisVersion: RedisVersion;
  /** Whether Redis is a Cluster. Default false. */
  readonly isCluster?: boolean;
}

/** What every process asks for: signs of life, the eviction policy, and a name. */
const OF_ALL = ['ping', 'time', 'info|memory', 'client|setname'];
/** Announcements get no reply, and ECHO shows whether that works. */
const OF_ANNOUNCING = ['client|reply', 'echo'];
const OF_FOLLOWING = ['subscribe', 'unsubscribe'];
const OF_CLUSTER = ['cluster|slots', 'cluster|info'];
const OF_FOLLOWING_A_SHARD = ['ssubscribe', 'sunsubscribe'];
const OF_FINDING = ['psubscribe', 'punsubscribe', 'scan'];

/** The rules, one after the other. They take back what the user had before, but for its passwords. */
export function aclRules({ role, spaces, prefix, redisVersion, isCluster = false }: AclOptions): string[] {
  const isNew = redisVersion !== '6';
  const writes = role === 'owner' || role === 'standby';
  const fleet = fleetKeysOf(prefix).pattern;
  const patterns = [...new Set(spaces)].map((space) => keysOf(space, 0, prefix).pattern);
  const commands = [
    ...OF_ALL,
    ...(role === 'owner' ? [] : OF_FOLLOWING),
    ...(isCluster ? OF_CLUSTER : []),
    ...(isCluster && isNew && writes ? ['spublish'] : []),
    ...(isCluster && isNew && role !== 'owner' ? OF_FOLLOWING_A_SHARD : []),
    ...(isNew ? ['eval_ro', 'evalsha_ro'] : []),
    ...(writes || !isNew ? ['eval', 'evalsha'] : []),
    ...READING_COMMANDS,
    ...(writes ? [...WRITING_COMMANDS, ...OF_ANNOUNCING] : []),
    ...(role !== 'owner' && spaces.some(isPattern) ? OF_FINDING : []),
    ...(isNew ? [] : [...LISTING_COMMANDS, ...(writes ? REGISTERING_COMMANDS : [])]),
  ];
  return [
    'on',
    'resetkeys',
    'resetchannels',
    '-@all',
    ...(isNew ? ['clearselectors'] : []),
    ...patterns.map((pattern) => `${writes || !isNew ? '' : '%R'}~${pattern}`),
    ...(isNew ? [] : [`~${fleet}`]),
    ...patterns.map((pattern) => `&${pattern}`),
    ...[...new Set(commands)].toSorted().map((command) => `+${command}`),
    ...(isNew ? [fleetSelector(role, fleet)] : []),
  ];
}

/** A selector has rules of its own, for keys of its own. */
function fleetSelector(role: AclRole, pattern: string): string {
  const isReader = role === 'reader';
  const commands = [...(isReader ? [] : REGISTERING_COMMANDS), ...LISTING_COMMANDS];
  const rules = commands.toSorted().map((command) => `+${command}`);
  return `(${isReader ? '%R' : ''}~${pattern} ${rules.join(' ')})`;
}

function isPattern(space: string): boolean {
  return /[*?]/.test(space);
}
