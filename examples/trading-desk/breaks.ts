/** The six breaks of the drill: how each is made, how it is mended, and what names it. */
import { Redis } from 'ioredis';
import type { Lasting } from './lasting.ts';
import type { OwnRedis } from './own-redis.ts';

/** What the drill can break. */
export interface Scene {
  readonly redis: OwnRedis;
  readonly trading: Lasting;
  readonly api: Lasting;
}

export interface Break {
  readonly title: string;
  readonly begin: (scene: Scene) => unknown;
  readonly mend: (scene: Scene) => unknown;
  /** The headlines of the page, one after the other, by their names in `docs/on-call.md`. */
  readonly headlines: readonly string[];
  /** What the log says of it. */
  readonly log: RegExp;
  /** What `npx tandem-sync doctor` says of it. */
  readonly doctor: RegExp;
  /** What to look at besides. */
  readonly look: string;
}

const OWNER_GONE = {
  headlines: ['owner-silent', 'owner-gone'],
  log: /owner "trading-1" as lost/,
  doctor: /lost/,
};

/** That of the API process comes first: with it goes what its page remembers. */
export const BREAKS: readonly Break[] = [
  {
    title: 'the API process is killed',
    begin: ({ api }) => signal(api.pid, 'SIGKILL'),
    mend: ({ api }) => api.startNow(),
    headlines: ['no-contact'],
    log: /api-1, pid \d+, is gone/,
    doctor: /nothing is wrong/,
    look: 'the page is grey, and says that it has no contact; the owner goes on as if nothing were',
  },
  {
    title: 'Redis is killed',
    begin: ({ redis }) => signal(redis.pid, 'SIGKILL'),
    mend: ({ redis }) => redis.startNow(),
    headlines: ['redis-out'],
    log: /api-1: .* degraded .*/,
    doctor: /ECONNREFUSED|cannot be reached/,
    look: 'the lamp Redis names the error; the owner keeps all changes, and Redis comes back empty',
  },
  {
    title: 'Redis hangs',
    begin: ({ redis }) => signal(redis.pid, 'SIGSTOP'),
    mend: ({ redis }) => signal(redis.pid, 'SIGCONT'),
    headlines: ['redis-out'],
    log: /api-1: .* degraded .*did not answer/,
    doctor: /did not answer|within \d+ ms|cannot be reached/,
    look: 'the reason is not that of a dead Redis: it did not answer in time',
  },
  {
    title: 'the owner is killed',
    begin: ({ trading }) => signal(trading.pid, 'SIGKILL'),
    mend: ({ trading }) => trading.startNow(),
    ...OWNER_GONE,
    look: 'Redis and this process are well; the owner is silent first, and gone when its lease has run out',
  },
  {
    title: 'the owner stands still',
    begin: ({ trading }) => signal(trading.pid, 'SIGSTOP'),
    mend: ({ trading }) => signal(trading.pid, 'SIGCONT'),
    ...OWNER_GONE,
    look: 'from outside it is as dead as a killed one; once it goes on, it claims its space anew',
  },
  {
    title: 'Redis loses everything',
    begin: ({ redis }) => wipe(redis.url),
    mend: () => {},
    headlines: [],
    log: /KEYS_LOST|trading-1: .* looks again at what Redis holds/,
    doctor: /nothing is wrong/,
    look: 'the owner puts all of it back within milliseconds: its log says so, and the page stays well',
  },
];

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(pid, name);
}

/** FLUSHALL, as somebody by mistake would. */
async function wipe(url: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}
