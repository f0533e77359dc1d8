/** 8. Isolation: `set` never waits for Redis nor fails for it; nothing ever breaks into the loop of the user. */
import type { Checker } from './checker.ts';

/** What an owner may answer: the space is another's, or it is stopped. Never that Redis is out. */
const ALLOWED = new Set(['FENCED', 'OWNED_ELSEWHERE', 'STOPPED', 'STANDBY']);

export const isolation: Checker = {
  name: 'isolation',
  check({ history }, violated) {
    for (const { owner, code, at } of history.of('refused'))
      if (!ALLOWED.has(code)) violated(at, `${owner} was refused a set: ${code}`);
    for (const { what, at } of history.of('broken')) violated(at, what);
  },
};
