/** `doctor`: looks at a Redis and its spaces, and says what is wrong, what it means, and what mends it. */
import { TandemError } from '../base/errors.ts';
import { pause } from '../base/time.ts';
import type { AclRole, RedisVersion } from '../redis/acl.ts';
import { ROLES } from '../redis/acl.ts';
import { fleetKeysOf } from '../redis/keys.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { UsageError } from './console.ts';
import type { Finding } from './finding.ts';
import { countText, findingText, isBad } from './finding.ts';
import { fleetFindings, fleetProbes } from './fleet-findings.ts';
import { jsonLine } from './json-line.ts';
import { paintOf } from './paint.ts';
import { ASK, permissionFindings, probesOf } from './permission-probes.ts';
import type { Probe } from './permission-probes.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import type { ServerFacts } from './server-findings.ts';
import { infoFields, serverFindings } from './server-findings.ts';
import { otherwise, Server } from './server.ts';
import type { SpaceFacts } from './space-findings.ts';
import { spaceFindings } from './space-findings.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';
import { ownerOf } from './space-summary.ts';

const USAGE = `Usage: tandem-sync doctor [SPACE...] [options]

Looks at the server (version, persistence, eviction, limits, connections, round trip, clock), at the permissions of
this user one by one, and at the keys of each space. Each finding says what it means and what mends it. It changes
nothing. Exits with 1 where something is bad, and with 0 where there are warnings only.

  SPACE                   only these spaces. Default all
  --role ROLE             what this user is for: ${ROLES.join(', ')}. Default: a follower has to be possible
${REACH_USAGE}`;

const OPTIONS = { ...REACH, role: { type: 'string' } } as const;
const PINGS = 11;
/** An owner repairs its keys within this, ms. So what is wrong is looked at again. */
const REPAIR_MS = 1_500;
const CONFIGS = [
  'save',
  'client-output-buffer-limit',
  'proto-max-bulk-len',
  'client-query-buffer-limit',
  'maxclients',
];
const SECTIONS = ['server', 'replication', 'persistence', 'memory', 'clients'];
/** Names of unreadable values that are kept. */
const MOST_NAMES = 100;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  if (!positionals.every(isSpaceName)) throw new UsageError(EXPECTED_NAME);
  const role = roleOf(values.role);
  const server = await Server.open(reachOf(values, console));
  const findings: Finding[] = [];
  const paint = paintOf(console);
  const tell = (found: readonly Finding[]): void => {
    findings.push(...found);
    for (const finding of found)
      console.out(values.json === true ? jsonLine(finding) : findingText(finding, paint));
  };
  try {
    const facts = await serverFacts(server);
    tell(serverFindings(facts));
    const spaces = positionals.length > 0 ? positionals : await found(server, tell);
    const version: RedisVersion = Number.parseInt(facts.info.redis_version ?? '7', 10) >= 7 ? '7' : '6';
    // Rules name spaces, so those of one that is there are asked for.
    for (const space of positionals.length > 0 ? positionals : spaces.slice(0, 1))
      tell(await permissions(server, space, version, role));
    tell(await fleetPermissions(server));
    for (const space of spaces) tell(await lookedAt(server, space, console.ended));
    if (values.json !== true) console.out(`${countText(findings)}\n`);
    return findings.some(isBad) ? 1 : 0;
  } finally {
    server.close();
  }
}

function roleOf(text: string | undefined): AclRole | undefined {
  const role = ROLES.find((one) => one === text);
  if (text !== undefined && role === undefined) throw new UsageError(`--role: expected ${ROLES.join(', ')}`);
  return role;
}

/** All spaces, where this user may look for them. */
async function found(server: Server, tell: (found: readonly Finding[]) => void): Promise<string[]> {
  try {
    return await server.spaces();
  } catch (error) {
    if (!(error instanceof TandemError) || error.code !== 'REDIS_REFUSED') throw error;
    const remedy = 'name the spaces: tandem-sync doctor SPACE';
    tell([
      { severity: 'note', check: 'spaces', found: 'this user may not look for spaces (ACL: +scan)', remedy },
    ]);
    return [];
  }
}

async function serverFacts(server: Server): Promise<ServerFacts> {
  const info = await Promise.all(
    SECTIONS.map(async (section) => String(await server.ask('INFO', section).catch(otherwise('')))),
  );
  const config: Record<string, string> = {};
  for (const name of CONFIGS) {
    const reply = (await server.ask('CONFIG', 'GET', name).catch(otherwise([]))) as string[];
    if (reply[1] !== undefined) config[name] = reply[1];
  }
  const { time } = server;
  const roundTripsMs: number[] = [];
  let [clockMs, clockErrorMs] = [NaN, Infinity];
  for (let n = 0; n < PINGS; n += 1) {
    const [sentAt, wall] = [time.now(), time.wall()];
    const [seconds, micros] = (await server.ask('TIME')) as [string, string];
    const tookMs = time.now() - sentAt;
    roundTripsMs.push(tookMs);
    if (tookMs / 2 >= clockErrorMs) continue;
    clockErrorMs = tookMs / 2;
    clockMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - (wall + clockErrorMs);
  }
  return { info: infoFields(info.join('\n')), config, roundTripsMs, clockMs, clockErrorMs };
}

async function permissions(
  server: Server,
  space: string,
  redisVersion: RedisVersion,
  role: AclRole | undefined,
): Promise<Finding[]> {
  const { prefix } = server;
  const probes = probesOf(server.keys(space), prefix, space, redisVersion);
  const answers = (await asked(server, probes)) ?? (await tried(server, probes));
  const allowed = new Map(probes.map(({ rule }, at) => [rule, answers[at]]));
  const user = await server.ask('ACL', 'WHOAMI').catch(otherwise(undefined));
  return permissionFindings({ space, prefix, redisVersion, role, allowed, user: user as string | undefined });
}

/** Only where a script can ask: a try would write. */
async function fleetPermissions(server: Server): Promise<Finding[]> {
  const keys = fleetKeysOf(server.prefix);
  const probes = fleetProbes(keys);
  const answers = await asked(server, probes);
  if (answers === undefined) return [];
  return fleetFindings(new Map(probes.map(({ rule }, at) => [rule, answers[at]])), keys);
}

/** By a script that only asks; `undefined` where there is none, as before Redis 7. */
async function asked(server: Server, probes: readonly Probe[]): Promise<(boolean | undefined)[] | undefined> {
  const args = [ASK, '0', ...probes.map(({ command }) => JSON.stringify(command))];
  for (const name of ['EVAL_RO', 'EVAL']) {
    const reply = (await server.ask(name, ...args).catch(otherwise(undefined))) as number[] | undefined;
    // Where the script cannot ask, it knows no command.
    if (reply?.some((one) => one !== -1)) return reply.map((one) => (one === -1 ? undefined : one === 1));
  }
  return undefined;
}

/** By carrying the commands out, in forms that change nothing. */
function tried(server: Server, probes: readonly Probe[]): Promise<(boolean | undefined)[]> {
  return server.each(probes, async ({ command: [name = '', ...args], isOnlyAsked }) => {
    if (isOnlyAsked === true) return undefined;
    try {
      await server.ask(name, ...args);
      return true;
    } catch (error) {
      if (error instanceof TandemError && error.code === 'REDIS_REFUSED')
        return !error.message.includes('NOPERM');
      throw error;
    }
  });
}

/** What an owner is about to repair is not wrong. */
async function lookedAt(server: Server, space: string, signal: AbortSignal): Promise<Finding[]> {
  try {
    const facts = await spaceFacts(server, space);
    const findings = spaceFindings(facts);
    if (!findings.some(isBad) || ownerOf(facts.head) !== 'alive') return findings;
    await pause(server.time, REPAIR_MS, signal);
    return spaceFindings(await spaceFacts(server, space));
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    if (error.code === 'REDIS_UNAVAILABLE') throw error;
    return [{ severity: 'bad', check: 'keys', space, found: error.message, remedy: error.remedy }];
  }
}

async function spaceFacts(server: Server, space: string): Promise<SpaceFacts> {
  const { names } = server.keys(space).all;
  const [meta = '', state = '', index = ''] = names;
  for (let tries = 0; ; tries += 1) {
    const before = await server.head(space);
    const count = async (command: string, name: string): Promise<number | null> =>
      (await server.ask(command, name).catch(otherwise(null))) as number | null;
    const [values, indexed] = await Promise.all([count('HLEN', state), count('ZCARD', index)]);
    const sizes = (await server.ask('HMGET', meta, 'size', 'indexed').catch(otherwise([]))) as (
      string | null
    )[];
    const lives = await server.each(names, async (name) => Number(await server.ask('PTTL', name)));
    const { head, keys } = await server.state(space);
    // Counts and state are of one moment where nothing has changed between them; a busy space is taken as it is.
    const isSame = before.epoch === head.epoch && before.revision === head.revision;
    if (!isSame && tries < 20) continue;
    const unreadable = [...keys].filter(([, { json }]) => !isJson(json)).map(([key]) => key);
    return {
      space,
      head,
      names,
      lives,
      values: isSame ? values : head.size,
      indexed: isSame ? indexed : Number(sizes[1] ?? 0),
      reached: isSame && head.unsettled === 0 ? keys.size : isSame ? (values ?? 0) : head.size,
      unreadable: unreadable.slice(0, MOST_NAMES),
      size: isSame ? Number(sizes[0] ?? 0) : head.size,
      indexSize: Number(sizes[1] ?? 0),
    };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
