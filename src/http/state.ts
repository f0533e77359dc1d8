/**
 * The state over HTTP: the list of spaces, a space, a key. Each answer is read from memory, as of one
 * position.
 */
import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { listed, TandemError } from '../base/errors.ts';
import { compare, parsePosition } from '../state/position.ts';
import type { Tandem } from '../tandem.ts';
import { Problem } from './problem.ts';
import { readMaxStale, readPrefix, readWait } from './query.ts';
import type { Stamp, AnswerHeaders } from './answer-headers.ts';
import { inJson, setStamp, answerHeadersOf } from './answer-headers.ts';
import type { SpaceTexts } from './space-texts.ts';
import { stateMessage } from './space-texts.ts';

/** Of the position of a list of spaces, characters. */
const LONGEST_POSITION = 1_000;

/**
 * The list of spaces. It is as fresh as the stalest of them.
 * @param participants of the spaces that the client may read
 */
export function answerSpaces(ctx: Context, tandem: Tandem, participants: readonly AnyParticipant[]): void {
  requireRunning(tandem);
  const maxStaleMs = readMaxStale(ctx);
  const spaces = participants.map((participant) => ({
    space: participant.space.name,
    ...answerHeadersOf(participant),
  }));
  const stalest = spaces.reduce<AnswerHeaders | undefined>(
    (a, b) => (a && a.staleMs >= b.staleMs ? a : b),
    undefined,
  );
  const list: Stamp = {
    position: positionOf(spaces.map(({ space, head }) => `${space}:${head}`).join(',')),
    freshness: spaces.length > 0 && spaces.every(({ freshness }) => freshness === 'live') ? 'live' : 'stale',
    staleMs: stalest?.staleMs ?? 0,
  };
  if (stalest) requireFresh(ctx, stalest, maxStaleMs);
  const areSettled =
    participants.length > 0 && participants.every((participant, n) => isSettled(participant, spaces[n]));
  if (isKnown(ctx, list, areSettled)) return;
  ctx.body = { name: tandem.name, spaces: spaces.map((space) => inJson(space)) };
}

/** Headers of many kilobytes are refused on the way: the position of a long list is a digest. */
function positionOf(all: string): string {
  return all.length <= LONGEST_POSITION ? all : createHash('sha256').update(all).digest('base64url');
}

/** Answers with all keys of a space, or with those that begin with `?prefix=`, as of one moment. */
export async function answerSpace(
  ctx: Context,
  participant: AnyParticipant,
  texts: SpaceTexts,
): Promise<void> {
  const prefix = readPrefix(ctx);
  const maxStaleMs = readMaxStale(ctx);
  await awaitPosition(ctx, participant);
  const early = answerHeadersOf(participant);
  requireFresh(ctx, early, maxStaleMs);
  if (isSettled(participant, early) && isNamed(ctx.get('If-None-Match'), early.position))
    return void isKnown(ctx, early, true);
  let rows = texts.open(participant, prefix);
  while (rows === undefined) {
    await texts.free(participant);
    if (ctx.res.closed) return;
    rows = texts.open(participant, prefix);
  }
  const reader = rows;
  ctx.res.once('close', () => reader.close());
  // All of the answer is as of this moment, at which the rows are those of the head.
  const headers = answerHeadersOf(participant);
  const areSettled = isSettled(participant, headers);
  try {
    await reader.text.made;
    requireFresh(ctx, headers, maxStaleMs);
    if (isKnown(ctx, headers, areSettled)) return reader.close();
  } catch (error) {
    reader.close();
    throw error;
  }
  texts.answer(ctx, stateMessage(participant.space.name, headers, reader));
}

export async function answerKey(ctx: Context, participant: AnyParticipant, key: string): Promise<void> {
  // An unknown key is an error at once, before any wait.
  participant.space.requireSchema(key);
  const maxStaleMs = readMaxStale(ctx);
  await awaitPosition(ctx, participant);
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
  const { changedAt } = reading;
  ctx.body = { space: participant.space.name, key, value, changedAt, ...inJson(headers) };
}

/** @throws TandemError `STOPPED` once the process is stopping and has no space left */
export function requireRunning(tandem: Tandem): void {
  if (tandem.isStopping && tandem.spaces.length === 0)
    throw new TandemError('STOPPED', 'this process is stopping, and answers for no space any more');
}

/**
 * The participant of a space.
 * @throws Problem `UNKNOWN_SPACE`; TandemError `STOPPED`
 */
export function requireParticipant(tandem: Tandem, space = ''): AnyParticipant {
  const participant = tandem.get(space);
  if (participant) return participant;
  requireRunning(tandem);
  const known = listed(tandem.spaces);
  throw new Problem('UNKNOWN_SPACE', `this process has no space "${space}"; it has: ${known}`);
}

/** Waits until the head is at `?atLeast=`. Read the rest of the query before: what is invalid waits for nothing. */
async function awaitPosition(ctx: Context, participant: AnyParticipant): Promise<void> {
  const { atLeast, timeoutMs } = readWait(ctx);
  if (atLeast === undefined) return;
  try {
    await participant.waitFor(atLeast, { timeoutMs });
  } catch (error) {
    if (!(error instanceof TandemError && error.code === 'TIMEOUT')) throw error;
    const headers = answerHeadersOf(participant);
    setStamp(ctx, headers);
    throw new Problem('TIMEOUT', error.message, inJson(headers));
  }
}

function requireFresh(ctx: Context, headers: AnswerHeaders, maxStaleMs: number | undefined): void {
  if (maxStaleMs === undefined || headers.staleMs <= maxStaleMs) return;
  setStamp(ctx, headers);
  const detail = `expected at most ${maxStaleMs} ms of staleness, got ${headers.staleMs}`;
  throw new Problem('STALE', detail, inJson(headers));
}

/**
 * Whether the position identifies the whole answer, so that it can be an `ETag`. It does when the state is
 * live through Redis, the owner is alive, and no value at this position was ever corrected. In any other case
 * the freshness is part of the answer too, and a cache that gets a 304 would show the freshness that it had
 * stored.
 */
function isSettled(
  participant: AnyParticipant,
  { position, freshness, ownerAlive, source }: AnswerHeaders = answerHeadersOf(participant),
): boolean {
  const { correctedAt, mode } = participant;
  const isWell = freshness === 'live' && ownerAlive && mode === 'connected' && source !== 'direct';
  return isWell && (correctedAt === undefined || compare(parsePosition(position), correctedAt) > 0);
}

/** Sets the headers of an answer. Returns true when the client has the answer already, and gets a 304. */
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
 * Whether `If-None-Match` names the position (RFC 9110, 13.1.2). Koa's `fresh` is always false for a client
 * that also sends `Cache-Control: no-cache`, as `fetch` does. But that directive is for caches, and this is
 * the origin.
 */
function isNamed(ifNoneMatch: string, position: string): boolean {
  const names = ifNoneMatch.split(/,(?=\s*(?:W\/)?")/).map((name) => name.trim().replace(/^W\//, ''));
  return names.some((name) => name === '*' || name === `"${position}"`);
}
