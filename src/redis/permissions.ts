/**
 * Permissions of an ACL: what scripts need, and the error for what is missing. Pure.
 *
 * Redis names a command that it was sent. It names neither a key, nor a channel, nor, before Redis 7.2, the
 * command of a script. So these are named here, from what was sent. Names of keys are no secret.
 */
import { listed, TandemError } from '../base/errors.ts';
import type { Keys } from './keys.ts';

/** The commands of scripts that only read; two of them are also called by themselves. */
export const READING_COMMANDS: readonly string[] =
  'get hget hlen hmget hstrlen pttl time type xrange xrevrange zcard zrangebyscore zscore'.split(' ');

/** The other commands of scripts: those of owners and standbys. */
export const WRITING_COMMANDS: readonly string[] =
  'append exists hdel hset pexpire publish rename set strlen unlink xadd xtrim zadd zrange zrem zremrangebyrank'.split(
    ' ',
  );

/** Whether an ACL withholds something from this user. */
export function isDenied(failure: unknown): failure is TandemError {
  return reasonOf(failure).startsWith('NOPERM ');
}

/** Whether a command of this name was refused by an ACL, or is none of this server's. */
export function lacks(failure: TandemError, ...commands: readonly string[]): boolean {
  const [, name = ''] = /(?:unknown command|to run the) '([^']*)'/.exec(reasonOf(failure)) ?? [];
  return commands.includes(name);
}

/** Whether Redis has not said which command of a script it refused. */
export function isUnnamed(failure: TandemError): boolean {
  return reasonOf(failure).endsWith('a command of a script');
}

/** The error for commands of a script that an ACL withholds. */
export function missingCommands(failure: TandemError, names: readonly string[]): TandemError {
  if (names.length === 0) return failure;
  const [quoted, rules] = [names.map((name) => `'${name}'`), names.map((name) => `+${name}`)];
  return missing(
    failure,
    `to run the ${listed(quoted)} command${names.length > 1 ? 's' : ''}`,
    rules.join(' '),
  );
}

/** The error as Redis has said it, with the keys or the channel that it left out. */
export function missingPlaces(failure: TandemError, keys: Keys, isReading: boolean): TandemError {
  const reason = reasonOf(failure);
  if (reason.endsWith('access a channel'))
    return missing(failure, `to use the channel ${keys.channel}`, `&${keys.pattern}`);
  if (!reason.endsWith('access a key')) return failure;
  const what = isReading ? 'to read the keys' : 'to read and write the keys';
  return missing(failure, `${what} ${keys.pattern}`, `${isReading ? '%R' : ''}~${keys.pattern}`);
}

/** The error as Redis has said it, with the pattern of channels that it left out. */
export function missingPattern(failure: TandemError, pattern: string): TandemError {
  if (!reasonOf(failure).endsWith('access a channel')) return failure;
  return missing(failure, `to use the pattern ${pattern} for channels`, `&${pattern}`);
}

/** The commands that a process keeps its record with, and those that read all records. */
export const REGISTERING_COMMANDS: readonly string[] = 'pexpire set zadd zremrangebyscore'.split(' ');
export const LISTING_COMMANDS: readonly string[] = 'get pttl zrevrange'.split(' ');

/** The error as Redis has said it, with all that the fleet needs: a selector, from Redis 7 on. */
export function missingFleet(failure: TandemError, pattern: string, isReading: boolean): TandemError {
  const commands = isReading ? LISTING_COMMANDS : REGISTERING_COMMANDS;
  const rules = commands.map((name) => `+${name}`).join(' ');
  const what = isReading ? 'to read' : 'to write';
  return missing(failure, `${what} the keys of the fleet`, `(${isReading ? '%R' : ''}~${pattern} ${rules})`);
}

function missing({ code, cause }: TandemError, what: string, rules: string): TandemError {
  const message = `Redis refused: NOPERM this user has no permissions ${what} (ACL: ${rules})`;
  return new TandemError(code, message, { cause });
}

/** The reply as text that holds no secret. */
function reasonOf(failure: unknown): string {
  return failure instanceof TandemError && failure.cause instanceof Error ? failure.cause.message : '';
}
