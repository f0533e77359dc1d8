/**
 * One half of the soak, in a process of its own. The owner sets and deletes at a given rate and serves the
 * direct path; the follower watches and reads. On request, either reports the size of its heap after a
 * garbage collection, and the resources that it has left after its stop.
 *
 * `soak-process.ts owner <redis> <port>`, `soak-process.ts follower <redis> <port of the owner>`
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import type { Tandem } from '../../src/index.ts';

export type Ask = 'sample' | 'stop';
export interface Sample {
  readonly heapMB: number;
  readonly rssMB: number;
  /** Sets and deletes of an owner; changes that a follower saw. */
  readonly operations: number;
  readonly mode: string;
}
export interface Left {
  /** The active resources beyond those that the process had before Tandem started. */
  readonly resources: readonly string[];
}

const KEYS = 2_000;
const PER_SECOND = 500;
const TICK_MS = 20;
const DELETES = 0.1;
const TOKEN = 'a token of the soak';
/** By then, closed resources are gone, and calls with deadlines have met them. */
const AFTERWARDS_MS = 2_000;

const [, , role, redis, port] = process.argv as [string, string, 'owner' | 'follower', string, string];
const space = defineSpace('soak', { 'key/*': json<{ n: number; text: string }>() });
process.on('disconnect', () => process.exit(1));
const before = process.getActiveResourcesInfo();
const tandem = connect({ redis, name: role });
let operations = 0;
const { participant, end } = role === 'owner' ? await own(tandem) : follow(tandem);
process.send!('ready');

process.on('message', (ask: Ask) => {
  if (ask === 'sample') process.send!(sample());
  else void leave();
});

async function own(tandem: Tandem) {
  const owner = tandem.own(space);
  const server: Server = new Koa()
    .use(directRouter(tandem, { token: TOKEN }).routes())
    .listen(Number(port), '127.0.0.1');
  await once(server, 'listening');
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * PER_SECOND;
    for (; operations < due; operations += 1) {
      const key = `key/${Math.floor(Math.random() * KEYS)}` as const;
      if (Math.random() < DELETES) owner.delete(key);
      else owner.set(key, { n: operations, text: 'x'.repeat(100) });
    }
  }, TICK_MS);
  const end = (): void => {
    clearInterval(timer);
    server.close();
    server.closeAllConnections();
  };
  return { participant: owner, end };
}

function follow(tandem: Tandem) {
  const follower = tandem.follow(space, { direct: { url: `http://127.0.0.1:${port}`, token: TOKEN } });
  follower.watch('*', () => (operations += 1));
  const timer = setInterval(() => follower.get(`key/${operations % KEYS}`).staleMs, TICK_MS);
  return { participant: follower, end: () => clearInterval(timer) };
}

function sample(): Sample {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMB: heapUsed / 2 ** 20, rssMB: rss / 2 ** 20, operations, mode: participant.mode };
}

async function leave(): Promise<void> {
  end();
  await tandem.stop();
  await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
  const resources = process.getActiveResourcesInfo();
  for (const name of before) {
    const at = resources.indexOf(name);
    if (at >= 0) resources.splice(at, 1);
  }
  const left: Left = { resources };
  process.send!(left, () => process.exit(0));
}
