/**
 * Error replies of Redis as text that holds no secret. Pure.
 *
 * Redis quotes what it was sent: `unknown command 'auth', with args beginning with: 'user' 'password'`. So
 * nothing of a reply is kept but its code, numbers, and the names of commands that this client sends. The
 * words are ours, one text for each code or shape. All other text is left out.
 */

/** By the code, which is the first word of a reply. */
const BY_CODE: Readonly<Record<string, string>> = {
  ASK: 'the slot is being moved to another node',
  BUSY: 'Redis is busy running a script',
  CLUSTERDOWN: 'the cluster is down, or serves no node for this slot',
  CROSSSLOT: "keys in request don't hash to the same slot",
  DENIED: 'Redis is in protected mode: it takes connections from its own machine only',
  EXECABORT: 'transaction discarded because of previous errors',
  LOADING: 'Redis is loading the dataset in memory',
  MASTERDOWN: "link with MASTER is down and replica-serve-stale-data is set to 'no'",
  MISCONF: 'Redis cannot save to disk, and refuses writes (stop-writes-on-bgsave-error)',
  MOVED: 'the slot is on another node',
  NOAUTH: 'authentication required',
  NOPERM: 'this user has no permissions',
  NOPROTO: 'unsupported protocol version',
  NOREPLICAS: 'not enough good replicas to write',
  NOSCRIPT: 'no matching script',
  OOM: "command not allowed when used memory > 'maxmemory'",
  READONLY: "you can't write against a read only replica",
  TRYAGAIN: 'the slot is being moved between nodes',
  UNKILLABLE: 'the running script has written already',
  WRONGPASS: 'invalid username-password pair or user is disabled',
  WRONGTYPE: 'operation against a key holding the wrong kind of value',
};

/**
 * The commands that this client, its scripts and ioredis send. A reply may name one of them, and no other.
 */
const COMMANDS: ReadonlySet<string> = new Set(
  (
    'auth hello select client info ping time echo eval evalsha eval_ro evalsha_ro script subscribe unsubscribe psubscribe punsubscribe publish ' +
    'ssubscribe sunsubscribe spublish readonly asking cluster sentinel role command config quit acl pubsub ' +
    'del exists expire get getrange hdel hget hgetall hincrby hkeys hlen hmget hmset hscan hset hstrlen hvals ' +
    'incr incrby mget persist pexpire pexpireat pttl ttl rename scan set strlen type unlink ' +
    'zadd zcard zcount zrange zrangebyscore zrem zremrangebyrank zremrangebyscore zrevrange zscan zscore'
  ).split(' '),
);

/** Shapes of `ERR …`, and what is said instead. */
const BY_SHAPE: readonly (readonly [shape: RegExp, say: (found: RegExpExecArray) => string])[] = [
  [/^unknown command [`']([^`']*)/i, ([, name]) => unknownCommand(name)],
  [
    /^wrong number of arguments for '([^']*)'/i,
    ([, name]) => `wrong number of arguments for${named(name) || ' a command'}`,
  ],
  [
    /unknown (?:redis )?command (?:called )?from/i,
    () => 'a script called a command that this server does not have (renamed or disabled)',
  ],
  [/not allowed from/i, () => 'a script called a command that this server does not allow there'],
  [/^max number of clients/i, () => 'max number of clients reached'],
  [/^(?:invalid DB index|DB index is out of range)/i, () => 'DB index is out of range'],
  [/^SELECT is not allowed in cluster mode/i, () => 'SELECT is not allowed in cluster mode'],
  [
    /^(?:Client sent AUTH, but no password is set|AUTH <password> called without any password)/i,
    () => 'AUTH was sent a password, and this server has none configured for the default user',
  ],
  [
    /^Protocol error: (invalid bulk length|invalid multibulk length)/i,
    ([, what]) => `Protocol error: ${what}`,
  ],
  [/^Protocol error: (unauthenticated (?:multi)?bulk length)/i, ([, what]) => `Protocol error: ${what}`],
  [
    /^Protocol error: (too big (?:mbulk count|bulk count) string|too big inline request)/i,
    ([, what]) => `Protocol error: ${what}`,
  ],
  [/^string exceeds maximum allowed size/i, () => 'string exceeds maximum allowed size (proto-max-bulk-len)'],
  [/^value is not an integer or out of range/i, () => 'value is not an integer or out of range'],
  [/^value is not a valid float/i, () => 'value is not a valid float'],
  [/^syntax error/i, () => 'syntax error'],
  [/^no such key/i, () => 'no such key'],
  [/^operation not permitted/i, () => 'operation not permitted'],
  [/too many results to unpack/i, () => 'too many results to unpack in a script'],
  [/script killed by user/i, () => 'script killed by user'],
  [/(?:user_script|@user_script): ?(\d+):/, ([, line]) => `a script failed at its line ${line}`],
];

/** The first word of a reply that Redis, or one of this client's scripts, may give. */
const CODE = /^(?:ERR|TANDEM|[A-Z]{3,20})(?= |$)/;
/** Redis 6 wraps the error of a command inside a script. */
const WRAPPED = /^ERR Error (?:running|compiling) script .*?(?:@\w+: ?\d+: )+-?(.*)$/s;
const WRAPPED_OTHERWISE = /^ERR Error running script .*?-([A-Z]+ .*)$/s;

/** What an ACL forbids a script: before Redis 7.2, and since. */
const OF_SCRIPT = /^The user executing the script can't|^ACL failure in script/i;

/** Whether text is worded as an error reply that this file has words for. */
export function isReply(message: string): boolean {
  const code = CODE.exec(message)?.[0] ?? '';
  return code === 'ERR' || code === 'TANDEM' || code in BY_CODE;
}

/** The reply as text that holds no secret. It begins with the reply's code. */
export function safeReply(message: string): string {
  const inner = WRAPPED.exec(message)?.[1] ?? WRAPPED_OTHERWISE.exec(message)?.[1];
  if (inner !== undefined && isReply(inner)) return safeReply(inner);
  const code = CODE.exec(message)?.[0];
  // These are the words of this client's own scripts: names of keys, and numbers.
  if (code === 'TANDEM') return message;
  if (code === 'NOPERM') return `NOPERM ${permissionWords(message)}`;
  if (code !== undefined && code in BY_CODE) return `${code} ${BY_CODE[code]}`;
  if (code !== undefined && code !== 'ERR') return `${code} (${LEFT_OUT})`;
  const text = inner ?? message.replace(/^ERR /, '');
  if (OF_SCRIPT.test(text)) return `NOPERM ${permissionWords(text)}`;
  for (const [shape, say] of BY_SHAPE) {
    const found = shape.exec(text);
    if (found !== null) return `ERR ${say(found)}`;
  }
  return `ERR (${LEFT_OUT})`;
}

const LEFT_OUT = 'the rest of the reply is left out, since it may quote a secret';

/** What an ACL forbids: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ */
function permissionWords(message: string): string {
  const [, name] = /the '([^']*)' (?:command|subcommand)/.exec(message) ?? [];
  const known = named(name);
  if (known !== '')
    return `this user has no permissions to run the${known} command (ACL: +${known.slice(2, -1)})`;
  if (name !== undefined) return 'this user has no permissions to run the command';
  if (/\bchannels?\b/.test(message)) return 'this user has no permissions to access a channel';
  if (/\bkeys?\b/.test(message)) return 'this user has no permissions to access a key';
  if (/\bscript\b/.test(message)) return 'this user has no permissions to run a command of a script';
  return BY_CODE.NOPERM!;
}

function unknownCommand(name = ''): string {
  return `unknown command${named(name)} (renamed or disabled on this server)`;
}

/** The name of a command where this client sends that command; else nothing. */
function named(name = ''): string {
  const [command = '', sub] = name.toLowerCase().split('|');
  if (!COMMANDS.has(command)) return '';
  return ` '${command}${sub !== undefined && SUBCOMMANDS.has(sub) ? `|${sub}` : ''}'`;
}

const SUBCOMMANDS: ReadonlySet<string> = new Set(
  'reply setname setinfo id getname load exists slots shards nodes info get getuser dryrun whoami numsub'.split(
    ' ',
  ),
);
