/** The options that all commands share which ask a Redis: where it is, what names begin with, and in which form. */
import { DEFAULT_PREFIX, requirePrefix } from '../redis/prefix.ts';
import type { TargetOptions } from '../redis/target.ts';
import { optionsOfUrl } from '../redis/url.ts';
import type { Console } from './console.ts';

/** For `parseArgs`. */
export const REACH = {
  redis: { type: 'string' },
  prefix: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** For the usage of a command. */
export const REACH_USAGE = `  --redis URL             where Redis is. Default REDIS_URL, else redis://127.0.0.1:6379
  --prefix PREFIX         as in connect({ prefix }). Default ${DEFAULT_PREFIX}
  --json                  JSON, one object a line
  -h, --help              prints this
`;

const DEFAULT_URL = 'redis://127.0.0.1:6379';

export interface Reach {
  /** The options of ioredis. They may hold a password, and are never printed. */
  readonly redis: TargetOptions;
  readonly prefix: string;
}

/** @throws TandemError `INVALID_OPTION`; it shows no part of the URL */
export function reachOf(
  values: { readonly redis?: string | undefined; readonly prefix?: string | undefined },
  { environment }: Pick<Console, 'environment'>,
): Reach {
  return {
    redis: optionsOfUrl(values.redis ?? (environment.REDIS_URL || DEFAULT_URL)),
    prefix: requirePrefix(values.prefix ?? DEFAULT_PREFIX),
  };
}
