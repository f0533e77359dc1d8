/** The state over HTTP: the list of spaces, a space, a key. Read from memory, as of one position. */
import type { Context } from 'koa';
import type { AnyDesk } from '../actor/desk.ts';
import { TandemError } from '../base/errors.ts';
import { compare, parsePosition } from '../state/position.ts';
import type { Tandem } from '../tandem.ts';
import { Problem } from './problem.ts';
import type { Query } from './query.ts';
import { readQuery } from './query.ts';
import type { Stamp, Truth } from './truth.ts';
import { inJson, setStamp, truthOf } from './truth.ts';

/** The list is as fresh as the stalest of its spaces. */
export function answerSpaces(ctx: Context, tandem: Tandem): void {
  requireRunning(tandem);
  const { maxStaleMs } = readQuery(ctx);
  const desks = tandem.spaces.map((space) => requireDesk(tandem, space));
  const spaces = desks.map((desk) => ({ space: desk.space.name, ...truthOf(desk) }));
  const stalest = spaces.reduce<Truth | undefined>(
    (a, b) => (a && a.staleMs >= b.staleMs ? a : b),
    undefined,
  );
  const list: Stamp = {
    position: spaces.map(({ space, head }) => `${space}:${head}`).join(','),
    freshness: spaces.length > 0 && spaces.every(({ freshness }) => freshness === 'live') ? 'live' : 'stale',
    staleMs: stalest?.staleMs ?? 0,
  };
  if (stalest) requireFresh(ctx, stalest, maxStaleMs);
  const areSettled = desks.length > 0 && desks.every((desk, n) => isSettled(desk, spaces[n]));
  if (isKnown(ctx, list, areSettled)) return;
  ctx.body = { name: tandem.name, spaces: spaces.map((space) => inJson(space)) };
}

export async function answerSpace(ctx: Context, desk: AnyDesk): Promise<void> {
  const { prefix, maxStaleMs } = await meetPosition(ctx, desk);
  const truth = truthOf(desk);
  requireFresh(ctx, truth, maxStaleMs);
  if (isKnown(ctx, truth, isSettled(desk))) return;
  ctx.body = wholeState(desk, truth, prefix);
}

/** The body that is all of a space, or the part of it that begins with a prefix. */
export function wholeState(desk: AnyDesk, truth: Truth, prefix = ''): Record<string, unknown> {
  // Without a prototype no key can be mistaken for something else.
  const state = Object.create(null) as Record<string, unknown>;
  for (const { key, value, position, freshness } of desk.entries(prefix))
    state[key] = { value, position, freshness };
  return { space: desk.space.name, ...inJson(truth), state };
}

export async function answerKey(ctx: Context, desk: AnyDesk, key: string): Promise<void> {
  // A key that is none is told before anyone waits.
  desk.space.requireSchema(key);
  const { maxStaleMs } = await meetPosition(ctx, desk);
  const reading = desk.get(key);
  const truth = truthOf(desk, reading);
  const { value } = reading;
  requireFresh(ctx, truth, maxStaleMs);
  if (value === undefined) {
    setStamp(ctx, truth);
    throw new Problem('NO_VALUE', `key "${key}" of space "${desk.space.name}" holds no value`, inJson(truth));
  }
  if (isKnown(ctx, truth, isSettled(desk, truth))) return;
  ctx.body = { space: desk.space.name, key, value, ...inJson(truth) };
}

/** @throws TandemError `STOPPED` once nothing is left to answer from */
export function requireRunning(tandem: Tandem): void {
  if (tandem.isStopping && tandem.spaces.length === 0)
    throw new TandemError('STOPPED', 'this process is stopping, and answers for no space any more');
}

/** @throws Problem `UNKNOWN_SPACE`; TandemError `STOPPED` */
export function requireDesk(tandem: Tandem, space = ''): AnyDesk {
  const desk = tandem.desk(space);
  if (desk) return desk;
  requireRunning(tandem);
  const known = tandem.spaces.join(', ') || 'none';
  throw new Problem('UNKNOWN_SPACE', `no space "${space}" in this process; there is: ${known}`);
}

/** Reads the query first, so that a bad one is told before anyone waits. */
async function meetPosition(ctx: Context, desk: AnyDesk): Promise<Query> {
  const query = readQuery(ctx);
  if (query.atLeast === undefined) return query;
  try {
    await desk.waitFor(query.atLeast, { timeoutMs: query.timeoutMs });
  } catch (error) {
    if (!(error instanceof TandemError && error.code === 'TIMEOUT')) throw error;
    const truth = truthOf(desk);
    setStamp(ctx, truth);
    throw new Problem('TIMEOUT', error.message, inJson(truth));
  }
  return query;
}

function requireFresh(ctx: Context, truth: Truth, maxStaleMs: number | undefined): void {
  if (maxStaleMs === undefined || truth.staleMs <= maxStaleMs) return;
  setStamp(ctx, truth);
  const what = `expected at most ${maxStaleMs} ms of staleness, it is ${truth.staleMs}`;
  throw new Problem('STALE', what, inJson(truth));
}

/**
 * Whether all is as it always is: live, through Redis, from an owner that is there, and no value of this position was ever put
 * right. Only then does the position name all that an answer says: a cache that is told 304 shows the freshness that it kept.
 */
function isSettled(
  desk: AnyDesk,
  { position, freshness, ownerAlive, source }: Truth = truthOf(desk),
): boolean {
  const { correctedAt, mode } = desk;
  const isWell = freshness === 'live' && ownerAlive && mode === 'connected' && source !== 'direct';
  return isWell && (correctedAt === undefined || compare(parsePosition(position), correctedAt) > 0);
}

/** Sets the headers of an answer; true when the client has it already, and 304 is what it gets. */
function isKnown(ctx: Context, stamp: Stamp, isSettled: boolean): boolean {
  ctx.status = 200;
  ctx.set('Cache-Control', 'no-cache');
  setStamp(ctx, stamp);
  if (!isSettled) return false;
  ctx.etag = stamp.position;
  if (!isNamed(ctx.get('If-None-Match'), stamp.position)) return false;
  ctx.status = 304;
  return true;
}

/**
 * Whether `If-None-Match` names the position (RFC 9110, 13.1.2). Koa's `fresh` will not say so to a client that
 * also sends `Cache-Control: no-cache`, as `fetch` does; but that is a word to caches, and this is the origin.
 */
function isNamed(ifNoneMatch: string, position: string): boolean {
  const names = ifNoneMatch.split(/,(?=\s*(?:W\/)?")/).map((name) => name.trim().replace(/^W\//, ''));
  return names.some((name) => name === '*' || name === `"${position}"`);
}
