/** The Redis of the demo: the one of `REDIS_URL`, a server from the PATH, or the embedded one. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { connect } from '../../src/index.ts';
import { trading } from './trading.ts';

const PROGRAMS = ['redis-server', 'valkey-server'];
const REACH_TIMEOUT_MS = 3_000;

/** A Redis that the processes can use. */
export interface Redis {
  /** For the processes. It may contain a password. */
  readonly url: string;
  /** A description for people. */
  readonly label: string;
  /** The command that reads from it. */
  readonly cli: string;
  /** The process id of a server that the demo has started. */
  readonly pid: number | undefined;
  /** How to cause an outage. */
  readonly toBreakIt: string;
}

/**
 * Resolves with the Redis of a URL, once a connection and a read have succeeded.
 *
 * @throws Error with one line for people, which never contains a password
 */
export async function reachRedis(url: string): Promise<Redis> {
  const place = withoutSecrets(url);
  const tandem = tryConnect(url);
  try {
    await tandem.follow(trading).ready({ timeoutMs: REACH_TIMEOUT_MS });
  } catch (error) {
    throw unusable(place, error);
  } finally {
    await tandem.stop({ timeoutMs: 500 });
  }
  return {
    url,
    label: `the Redis of REDIS_URL, ${place}`,
    cli: `redis-cli -u ${place}`,
    pid: undefined,
    toBreakIt: 'stop your Redis, and start it again',
  };
}

function tryConnect(url: string): ReturnType<typeof connect> {
  try {
    return connect({ redis: url, name: 'start', log: false });
  } catch (error) {
    throw unusable('which is not a URL', error);
  }
}

function unusable(place: string, error: unknown): Error {
  const { message, cause } = error as Error;
  // The cause of a timeout says more than the timeout.
  const because = cause instanceof Error ? cause.message : message;
  const todo = 'start it, or correct REDIS_URL, or unset it: the demo then starts a Redis of its own';
  return new Error(`cannot use the Redis of REDIS_URL, ${place}: ${because}; ${todo}`, { cause: error });
}

function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** The path of a server program, if there is one on the PATH. */
export function findProgram(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const files = PROGRAMS.flatMap((program) => directories.map((directory) => join(directory, program)));
  return files.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The version of a program, such as `7.0.15`; empty if it prints none. */
export function versionOf(program: string): string {
  try {
    const text = execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 2_000, stdio: 'pipe' });
    return /v=([\d.]+)/.exec(text)?.[1] ?? '';
  } catch {
    return '';
  }
}
