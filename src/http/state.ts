/** The state over HTTP: the list of spaces, a space, a key. Read from memory, as of one position. */
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { TandemError } from '../base/errors.ts';
import { compare, parsePosition } from '../state/position.ts';
import type { Tandem } from '../tandem.ts';
import { Problem } from './problem.ts';
import type { Query } from './query.ts';
import { readQuery } from './query.ts';
import type { Stamp, AnswerHeaders } from './answer-headers.ts';
import { inJson, setStamp, answerHeadersOf } from './answer-headers.ts';

/** The list is as fresh as the stalest of its spaces. */
export function answerSpaces(ctx: Context, tandem: Tandem): void {
  requireRunning(tandem);
  const { maxStaleMs } = readQuery(ctx);
  const participants = tandem.spaces.map((space) => requireParticipant(tandem, space));
  const spaces = participants.map((participant) => ({
    space: participant.space.name,
    ...answerHeadersOf(participant),
  }));
  const stalest = spaces.reduce<AnswerHeaders | undefined>(
    (a, b) => (a && a.staleMs >= b.staleMs ? a : b),
    undefined,
  );
  const list: Stamp = {
    position: spaces.map(({ space, head }) => `${space}:${head}`).join(','),
    freshness: spaces.length > 0 && spaces.every(({ freshness }) => freshness === 'live') ? 'live' : 'stale',
    staleMs: stalest?.staleMs ?? 0,
  };
  if (stalest) requireFresh(ctx, stalest, maxStaleMs);
  const areSettled =
    participants.length > 0 && participants.every((participant, n) => isSettled(participant, spaces[n]));
  if (isKnown(ctx, list, areSettled)) return;
  ctx.body = { name: tandem.name, spaces: spaces.map((space) => inJson(space)) };
}

export async function answerSpace(ctx: Context, participant: AnyParticipant): Promise<void> {
  const { prefix, maxStaleMs } = await meetPosition(ctx, participant);
  const headers = answerHeadersOf(participant);
  requireFresh(ctx, headers, maxStaleMs);
  if (isKnown(ctx, headers, isSettled(participant))) return;
  ctx.body = wholeState(participant, headers, prefix);
}

/** The body that is all of a space, or the part of it that begins with a prefix. */
export function wholeState(
  participant: AnyParticipant,
  headers: AnswerHeaders,
  prefix = '',
): Record<string, unknown> {
  // Without a prototype no key can be mistaken for something else.
  const state = Object.create(null) as Record<string, unknown>;
  for (const { key, value, position, freshness } of participant.entries(prefix))
    state[key] = { value, position, freshness };
  return { space: participant.space.name, ...inJson(headers), state };
}

export async function answerKey(ctx: Context, participant: AnyParticipant, key: string): Promise<void> {
  // A key that is none is told before anyone waits.
  participant.space.requireSchema(key);
  const { maxStaleMs } = await meetPosition(ctx, participant);
  const reading = participant.get(key);
  const headers = answerHeadersOf(participant, reading);
  const { value } = reading;
  requireFresh(ctx, headers, maxStaleMs);
  if (value === undefined) {
    setStamp(ctx, headers);
    throw new Problem(
      'NO_VALUE',
      `key "${key}" of space "${participant.space.name}" holds no value`,
      inJson(headers),
    );
  }
  if (isKnown(ctx, headers, isSettled(participant, headers))) return;
  ctx.body = { space: participant.space.name, key, value, ...inJson(headers) };
}

/** @throws TandemError `STOPPED` once nothing is left to answer from */
export function requireRunning(tandem: Tandem): void {
  if (tandem.isStopping && tandem.spaces.length === 0)
    throw new TandemError('STOPPED', 'this process is stopping, and answers for no space any more');
}

/** @throws Problem `UNKNOWN_SPACE`; TandemError `STOPPED` */
export function requireParticipant(tandem: Tandem, space = ''): AnyParticipant {
  const participant = tandem.get(space);
  if (participant) return participant;
  requireRunning(tandem);
  const known = tandem.spaces.join(', ') || 'none';
  throw new Problem('UNKNOWN_SPACE', `no space "${space}" in this process; there is: ${known}`);
}

/** Reads the query first, so that a bad one is told before anyone waits. */
async function meetPosition(ctx: Context, participant: AnyParticipant): Promise<Query> {
  const query = readQuery(ctx);
  if (query.atLeast === undefined) return query;
  try {
    await participant.waitFor(query.atLeast, { timeoutMs: query.timeoutMs });
  } catch (error) {
    if (!(error instanceof TandemError && error.code === 'TIMEOUT')) throw error;
    const headers = answerHeadersOf(participant);
    setStamp(ctx, headers);
    throw new Problem('TIMEOUT', error.message, inJson(headers));
  }
  return query;
}

function requireFresh(ctx: Context, headers: AnswerHeaders, maxStaleMs: number | undefined): void {
  if (maxStaleMs === undefined || headers.staleMs <= maxStaleMs) return;
  setStamp(ctx, headers);
  const what = `expected at most ${maxStaleMs} ms of staleness, it is ${headers.staleMs}`;
  throw new Problem('STALE', what, inJson(headers));
}

/**
 * Whether all is as it always is: live, through Redis, from an owner that is there, and no value of this position was ever put
 * right. Only then does the position name all that an answer says: a cache that is told 304 shows the freshness that it kept.
 */
function isSettled(
  participant: AnyParticipant,
  { position, freshness, ownerAlive, source }: AnswerHeaders = answerHeadersOf(participant),
): boolean {
  const { correctedAt, mode } = participant;
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
