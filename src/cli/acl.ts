/** `acl`: prints the line that gives a Redis user the permissions of a role, and no others. */
import { DEFAULT_PREFIX, requirePrefix } from '../redis/prefix.ts';
import type { RedisVersion } from '../redis/acl.ts';
import { aclRules, REDIS_VERSIONS, ROLES } from '../redis/acl.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { UsageError } from './console.ts';
import { EXPECTED_PATTERN, isSpacePattern } from '../state/space-name.ts';

const USAGE = `Usage: tandem-sync acl owner|follower|standby|reader --space NAME [options]

Prints an ACL SETUSER line for redis-cli: all that a user of this role needs, and no more. It keeps the
passwords of a user that exists. A new one needs its password as well: ACL SETUSER NAME >PASSWORD

  --space NAME            a space, or a pattern such as 'bot:*'. May come several times
  --prefix PREFIX         as in connect({ prefix }). Default ${DEFAULT_PREFIX}
  --user NAME             the user. Default tandem-<role>
  --redis-version 6|7     7 stands for all later ones, too. Default 7
  --cluster               Redis is a Cluster
  -h, --help              prints this
`;

const OPTIONS = {
  space: { type: 'string', multiple: true },
  prefix: { type: 'string' },
  user: { type: 'string' },
  'redis-version': { type: 'string' },
  cluster: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const USER = /^[\w.:@-]{1,128}$/;

/** @throws UsageError, or TandemError `INVALID_OPTION` for the prefix */
export function run(args: readonly string[], { out }: Pick<Console, 'out'>): ExitCode {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) {
    out(USAGE);
    return 0;
  }
  const [name, ...others] = positionals;
  const role = ROLES.find((one) => one === name);
  if (role === undefined || others.length > 0) throw new UsageError(`expected one role: ${ROLES.join(', ')}`);
  const spaces = values.space ?? [];
  if (spaces.length === 0)
    throw new UsageError('--space is missing: the name of a space, or a pattern of names');
  if (!spaces.every(isSpacePattern)) throw new UsageError(`--space: ${EXPECTED_PATTERN}`);
  const { prefix = DEFAULT_PREFIX, user = `tandem-${role}`, 'redis-version': version = '7' } = values;
  if (!USER.test(user)) throw new UsageError("--user: expected letters, digits, '_', '.', ':', '@' or '-'");
  const redisVersion = versionOf(version);
  const isCluster = values.cluster === true;
  const rules = aclRules({ role, spaces, prefix: requirePrefix(prefix), redisVersion, isCluster });
  out(`ACL SETUSER ${user} ${rules.join(' ')}\n`);
  return 0;
}

function versionOf(version: string): RedisVersion {
  const found = REDIS_VERSIONS.find((one) => one === version);
  if (found === undefined) throw new UsageError(`--redis-version: expected ${REDIS_VERSIONS.join(' or ')}`);
  return found;
}
