/**
 * 8. Isolation: `set` never waits for Redis and never fails for it, and no error ever enters the user's event
 * loop.
 */
import type { Checker } from './checker.ts';

/** The reasons for which an owner may refuse a `set`. An outage of Redis is none. */
const ALLOWED = new Set(['FENCED', 'OWNED_ELSEWHERE', 'STOPPED', 'STANDBY']);

export const isolation: Checker = {
  name: 'isolation',
  check({ history }, violated) {
    for (const { owner, code, at } of history.of('refused'))
      if (!ALLOWED.has(code)) violated(at, `${owner} was refused a set: ${code}`);
    for (const { what, at } of history.of('broken')) violated(at, what);
  },
};
