/** Permissions one by one: how each is asked for without changing anything, and what is missing. Pure. */
import { aclRules, ROLES } from '../redis/acl.ts';
import type { AclRole, RedisVersion } from '../redis/acl.ts';
import type { Keys } from '../redis/keys.ts';
import type { Finding } from './finding.ts';

/** A command in a form that changes nothing, also where it is carried out. */
export interface Probe {
  /** As an ACL names it: `info|memory`. */
  readonly rule: string;
  readonly command: readonly string[];
  /** It cannot be carried out without an effect, so it can only be asked for. */
  readonly isOnlyAsked?: boolean;
}

/** Runs in Redis 7 and later: which of these commands this user may run. 1, 0, or -1 for an unknown command. */
export const ASK = `local r = {}
for i = 1, #ARGV do
  local known, may = pcall(redis.acl_check_cmd, unpack(cjson.decode(ARGV[i])))
  r[i] = known and (may and 1 or 0) or -1
end
return r`;

const NO_SCRIPT = '0'.repeat(40);

/** The probes of all commands that some role needs. */
export function probesOf(keys: Keys, prefix: string, space: string, redisVersion: RedisVersion): Probe[] {
  const rules = new Set(ROLES.flatMap((role) => commandsOf(role, space, prefix, redisVersion)));
  return [...rules].toSorted().map((rule) => probe(rule, keys, prefix));
}

/** The commands of a role, as an ACL names them. */
export function commandsOf(
  role: AclRole,
  space: string,
  prefix: string,
  redisVersion: RedisVersion,
): string[] {
  return aclRules({ role, spaces: [space], prefix, redisVersion })
    .filter((rule) => rule.startsWith('+'))
    .map((rule) => rule.slice(1));
}

function probe(rule: string, { live, channel, pattern }: Keys, prefix: string): Probe {
  const [meta = '', state = '', index = '', lease = ''] = live.names;
  const none = `${meta}:none`;
  const args: Readonly<Record<string, readonly string[]>> = {
    append: [none, ''],
    'client|reply': ['ON'],
    'client|setname': [`${prefix}:cli`],
    echo: [''],
    eval: ['return 1', '0'],
    eval_ro: ['return 1', '0'],
    evalsha: [NO_SCRIPT, '0'],
    evalsha_ro: [NO_SCRIPT, '0'],
    exists: [meta],
    get: [lease],
    hdel: [none, ''],
    hget: [meta, 'fence'],
    hlen: [state],
    hmget: [meta, 'fence'],
    hset: [meta, 'a', 'b'],
    hstrlen: [state, ''],
    pexpire: [none, '1'],
    psubscribe: [pattern],
    pttl: [lease],
    publish: [channel, ''],
    punsubscribe: [pattern],
    rename: [none, none],
    scan: ['0', 'MATCH', none],
    set: [none, '', 'XX'],
    strlen: [lease],
    subscribe: [channel],
    type: [meta],
    unlink: [none],
    unsubscribe: [channel],
    xadd: [none, '0-0', 'k', ''],
    xrange: [none, '-', '+', 'COUNT', '1'],
    xrevrange: [none, '+', '-', 'COUNT', '1'],
    xtrim: [none, 'MAXLEN', '~', '1'],
    zadd: [none, 'XX', '0', ''],
    zcard: [index],
    zrange: [index, '0', '0'],
    zrangebyscore: [index, '0', '0'],
    zrem: [none, ''],
    zremrangebyrank: [none, '1', '0'],
    zremrangebyscore: [none, '0', '0'],
    zrevrange: [index, '0', '0'],
    zscore: [index, ''],
  };
  return { rule, command: [...rule.split('|'), ...(args[rule] ?? [])], isOnlyAsked: ASKED.has(rule) };
}

const ASKED = new Set([
  'append',
  'client|reply',
  'client|setname',
  'hset',
  'publish',
  'subscribe',
  'psubscribe',
  'unsubscribe',
  'punsubscribe',
]);

/** Without these all goes on, a little worse: docs/acl.md. */
const OPTIONAL = new Set(['client|reply', 'client|setname', 'echo', 'info|memory']);

export interface PermissionFacts {
  readonly space: string;
  readonly prefix: string;
  readonly redisVersion: RedisVersion;
  /** The name of this user; `undefined` where it is not known. */
  readonly user: string | undefined;
  /** Whether it may run a command; `undefined` where that cannot be known. */
  readonly allowed: ReadonlyMap<string, boolean | undefined>;
  /** The role that it is for. Default: none, so a missing permission to own is no fault. */
  readonly role?: AclRole | undefined;
}

/** One finding for each role, which names each permission that is missing. */
export function permissionFindings(facts: PermissionFacts): Finding[] {
  const { role } = facts;
  if (role !== undefined) return [permission(facts, role, 'bad')];
  return [permission(facts, 'follower', 'bad'), permission(facts, 'owner', 'note')];
}

function permission(facts: PermissionFacts, role: AclRole, severity: 'bad' | 'note'): Finding {
  const { space, prefix, redisVersion, allowed, user = 'USER' } = facts;
  const check = `permissions of ${role === 'owner' ? 'an owner' : `a ${role}`}`;
  const rules = commandsOf(role, space, prefix, redisVersion);
  const missing = rules.filter((rule) => allowed.get(rule) === false);
  const unknown = rules.filter((rule) => allowed.get(rule) === undefined);
  const unasked = unknown.length === 0 ? '' : `; not known: ${unknown.map(withPlus).join(' ')}`;
  if (missing.length === 0)
    return { severity: 'good', check, space, found: `all ${rules.length} are there${unasked}` };
  const isOptional = missing.every((rule) => OPTIONAL.has(rule));
  return {
    severity: isOptional && severity === 'bad' ? 'warning' : severity,
    check,
    space,
    found: `missing ${missing.map(withPlus).join(' ')}${unasked}`,
    meaning: isOptional
      ? 'All goes on without these, a little worse: see docs/acl.md.'
      : `A process with this user cannot ${role === 'owner' || role === 'standby' ? 'own' : 'follow'} the space. The keys or the channel may be missing as well.`,
    remedy: `npx tandem-sync acl ${role} --space ${space}${prefix === 'tandem' ? '' : ` --prefix ${prefix}`} --user ${user} | redis-cli`,
  };
}

function withPlus(rule: string): string {
  return `+${rule}`;
}
