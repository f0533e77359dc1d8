/** What is to be said about a Redis server, by what it tells of itself. Pure. */
import { inWords } from './duration.ts';
import type { Finding } from './finding.ts';

/** What a server tells. Each part is empty, or `undefined`, where this user may not ask. */
export interface ServerFacts {
  /** The fields of INFO. */
  readonly info: Readonly<Record<string, string>>;
  /** The settings that CONFIG GET tells. */
  readonly config: Readonly<Record<string, string>>;
  /** Round trips, ms. */
  readonly roundTripsMs: readonly number[];
  /** The server's time less that of this machine, and the error of that, ms. */
  readonly clockMs: number;
  readonly clockErrorMs: number;
}

const MIB = 1024 * 1024;
/** A frame has at most 2 MiB, and a value 1 MiB. */
const LEAST_PUBSUB = 8 * MIB;
const LEAST_BULK = 4 * MIB;
/** A commit waits for it, ms. By default Redis counts as dead after 500. */
const SLOW_MS = 20;
const TOO_SLOW_MS = 250;
/** People compare logs; nothing else does, ms. */
const CLOCK_MS = 1_000;

export function serverFindings(facts: ServerFacts): Finding[] {
  return [
    ...version(facts),
    ...role(facts),
    ...persistence(facts),
    ...memory(facts),
    ...outputBuffer(facts),
    ...inputLimits(facts),
    ...connections(facts),
    ...roundTrip(facts),
    ...clock(facts),
  ];
}

function version({ info }: ServerFacts): Finding[] {
  const check = 'version';
  const { redis_version: redis, valkey_version: valkey } = info;
  if (redis === undefined) return [notAsked(check, 'info|server')];
  const found = valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`;
  const [major = 0, minor = 0] = redis.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    const meaning = 'Tandem is tested with Redis 6.2 and later, and with Valkey.';
    return [{ severity: 'bad', check, found, meaning, remedy: 'upgrade the server' }];
  }
  if (major >= 7) return [{ severity: 'good', check, found }];
  const meaning =
    'Before Redis 7 no ACL rule parts reading from writing, so the user of a follower may write keys.';
  return [{ severity: 'note', check, found, meaning }];
}

function role({ info }: ServerFacts): Finding[] {
  const check = 'role';
  if (info.role === undefined) return [];
  if (info.role === 'master') return [{ severity: 'good', check, found: 'master' }];
  const meaning = 'An owner cannot write here, and a follower is as late as the replication.';
  const at = info.master_host === undefined ? '' : `: its master is ${info.master_host}:${info.master_port}`;
  return [{ severity: 'bad', check, found: `replica${at}`, meaning, remedy: 'connect to the master' }];
}

function persistence({ info, config }: ServerFacts): Finding[] {
  const check = 'persistence';
  const { aof_enabled: aof, rdb_last_bgsave_status: saved, aof_last_write_status: written } = info;
  if (aof === undefined) return [notAsked(check, 'info|persistence')];
  const failed =
    aof === '1' && written === 'err' ? 'append-only file' : saved === 'err' ? 'snapshot' : undefined;
  if (failed !== undefined) {
    const meaning =
      'With stop-writes-on-bgsave-error Redis refuses every write (MISCONF), so owners cannot commit.';
    const remedy = 'free the disk, then: redis-cli BGSAVE';
    return [{ severity: 'bad', check, found: `the last ${failed} could not be written`, meaning, remedy }];
  }
  if (aof === '1') return [{ severity: 'good', check, found: 'append-only file' }];
  const remedy = 'redis-cli CONFIG SET appendonly yes';
  if (config.save === '') {
    const meaning =
      'After a restart Redis is empty. Owners that live put their state back; that of an owner that is gone is lost.';
    return [{ severity: 'warning', check, found: 'none', meaning, remedy }];
  }
  const found = config.save === undefined ? 'no append-only file' : `snapshots (save ${config.save})`;
  const meaning = 'After a crash Redis goes back to its last snapshot. Owners that live mend that.';
  return [{ severity: 'note', check, found, meaning, remedy }];
}

function memory({ info }: ServerFacts): Finding[] {
  const { maxmemory_policy: policy, maxmemory, used_memory: used } = info;
  if (policy === undefined) return [notAsked('eviction', 'info|memory')];
  const limit = Number(maxmemory ?? 0);
  const findings: Finding[] = [];
  if (policy === 'noeviction') findings.push({ severity: 'good', check: 'eviction', found: policy });
  else {
    const meaning = 'When its memory is full, Redis evicts keys: parts of a state, and leases.';
    const remedy = 'redis-cli CONFIG SET maxmemory-policy noeviction';
    // Without a limit nothing is evicted yet.
    const severity = limit > 0 ? 'bad' : 'warning';
    findings.push({ severity, check: 'eviction', found: policy, meaning, remedy });
  }
  if (limit === 0 || used === undefined) return findings;
  const share = Number(used) / limit;
  const found = `${Math.round(share * 100)} % of maxmemory used`;
  if (share < 0.9) return [...findings, { severity: 'good', check: 'memory', found }];
  const meaning = 'Without memory Redis refuses writes (OOM), and owners cannot commit.';
  const remedy = `redis-cli CONFIG SET maxmemory ${Math.ceil((limit * 2) / MIB)}mb`;
  const severity = share >= 1 ? 'bad' : 'warning';
  return [...findings, { severity, check: 'memory', found, meaning, remedy }];
}

function outputBuffer({ config }: ServerFacts): Finding[] {
  const check = 'output buffer';
  const setting = config['client-output-buffer-limit'];
  if (setting === undefined) return [notAsked(check, 'config|get')];
  const [, hard = '0', soft = '0', seconds = '0'] = /\bpubsub (\d+) (\d+) (\d+)/.exec(setting) ?? [];
  const found = `client-output-buffer-limit pubsub ${hard} ${soft} ${seconds}`;
  const isEnough = (bytes: string, least: number): boolean => bytes === '0' || Number(bytes) >= least;
  if (isEnough(hard, LEAST_PUBSUB) && isEnough(soft, LEAST_PUBSUB / 2))
    return [{ severity: 'good', check, found }];
  const meaning =
    'A frame has up to 2 MiB. Redis drops a follower that is a few frames behind, which then reads the state anew.';
  const remedy = 'redis-cli CONFIG SET client-output-buffer-limit "pubsub 32mb 8mb 60"';
  return [{ severity: 'warning', check, found, meaning, remedy }];
}

function inputLimits({ config }: ServerFacts): Finding[] {
  return (['proto-max-bulk-len', 'client-query-buffer-limit'] as const).flatMap((name): Finding[] => {
    const bytes = Number(config[name] ?? Infinity);
    if (bytes >= LEAST_BULK) return [];
    const meaning =
      'A value has up to 1 MiB and a commit up to 2 MiB. Redis refuses what is longer than this.';
    const remedy = `redis-cli CONFIG SET ${name} 512mb`;
    return [{ severity: 'warning', check: 'input limit', found: `${name} ${bytes}`, meaning, remedy }];
  });
}

function connections({ info, config }: ServerFacts): Finding[] {
  const check = 'connections';
  if (info.connected_clients === undefined) return [notAsked(check, 'info|clients')];
  const used = Number(info.connected_clients);
  const most = Number(info.maxclients ?? config.maxclients ?? Infinity);
  if (most === Infinity) return [{ severity: 'good', check, found: `${used} used` }];
  const found = `${used} of ${most} used`;
  if (used / most < 0.8) return [{ severity: 'good', check, found }];
  const meaning = 'A process of Tandem has two connections. Beyond the limit Redis takes no further one.';
  const remedy = `redis-cli CONFIG SET maxclients ${most * 2}`;
  return [{ severity: used / most < 0.95 ? 'warning' : 'bad', check, found, meaning, remedy }];
}

function roundTrip({ roundTripsMs }: ServerFacts): Finding[] {
  const check = 'round trip';
  const median = medianOf(roundTripsMs);
  const found = `${median.toFixed(median < 10 ? 2 : 0)} ms, the median of ${roundTripsMs.length}`;
  if (median < SLOW_MS) return [{ severity: 'good', check, found }];
  const meaning =
    'An update that is committed takes a round trip more. By default Redis counts as dead after 500 ms without an answer.';
  const remedy = 'put Redis nearer, find what holds it up (redis-cli SLOWLOG GET), or raise commandTimeoutMs';
  return [{ severity: median < TOO_SLOW_MS ? 'warning' : 'bad', check, found, meaning, remedy }];
}

function clock({ clockMs, clockErrorMs }: ServerFacts): Finding[] {
  const check = 'clock';
  if (Number.isNaN(clockMs)) return [];
  const off = Math.abs(clockMs);
  const found = `${inWords(off)} ${clockMs < 0 ? 'behind' : 'ahead of'} this machine, give or take ${inWords(Math.ceil(clockErrorMs))}`;
  if (off - clockErrorMs < CLOCK_MS) return [{ severity: 'good', check, found }];
  const meaning =
    'Tandem measures by the server’s clock alone. But times in logs of different machines do not agree.';
  return [{ severity: 'warning', check, found, meaning, remedy: 'let NTP set both clocks' }];
}

function notAsked(check: string, command: string): Finding {
  return { severity: 'note', check, found: `this user may not ask (ACL: +${command})` };
}

export function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

/** The lines of INFO as fields. */
export function infoFields(text: string): Record<string, string> {
  const fields = [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]);
  return Object.fromEntries(fields) as Record<string, string>;
}
