/** Owns which Redis the demo runs on: the one of `REDIS_URL`, a server from the PATH, or the embedded one. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { connect } from '../../src/index.ts';
import { trading } from './trading.ts';

const PROGRAMS = ['redis-server', 'valkey-server'];
const REACH_TIMEOUT_MS = 3_000;

/** A Redis that the processes can use. */
export interface Redis {
  /** For the processes; it may hold a password. */
  readonly url: string;
  /** Which one, for people. */
  readonly label: string;
  /** The command that looks into it. */
  readonly cli: string;
  /** Of the server, where the demo has started it. */
  readonly pid: number | undefined;
  /** What to do to it to see an outage. */
  readonly toBreakIt: string;
}

/**
 * The Redis of a URL, once it is known that it can be reached and read.
 * @throws Error with a line for people; no password is ever in it
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
    label: `the one of REDIS_URL, ${place}`,
    cli: `redis-cli -u ${place}`,
    pid: undefined,
    toBreakIt: 'stop your Redis, and start it again',
  };
}

function tryConnect(url: string): ReturnType<typeof connect> {
  try {
    return connect({ redis: url, name: 'start' });
  } catch (error) {
    throw unusable('which is no URL', error);
  }
}

function unusable(place: string, error: unknown): Error {
  const { message, cause } = error as Error;
  // What lies underneath a timeout says more than the timeout.
  const because = cause instanceof Error ? cause.message : message;
  const todo = 'start it, or correct REDIS_URL, or unset it: the demo then starts a Redis of its own';
  return new Error(`cannot use the Redis of REDIS_URL, ${place}: ${because}; ${todo}`, { cause: error });
}

function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** A server program from the PATH, if there is one. */
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

/** Its version, such as `7.0.15`; empty when it will not say. */
export function versionOf(program: string): string {
  try {
    const text = execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 2_000, stdio: 'pipe' });
    return /v=([\d.]+)/.exec(text)?.[1] ?? '';
  } catch {
    return '';
  }
}
