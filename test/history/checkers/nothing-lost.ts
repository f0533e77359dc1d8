/**
 * 10. Nothing lost: at the end everyone, and a newcomer, holds what the owner did last; what was flushed outlives its
 * owner; and what a fenced owner could not commit, it says.
 */
import { comparePlaces, placeOf } from '../place.ts';
import type { EventOf } from '../event.ts';
import type { OwnerLife, OwnerLine } from '../lines.ts';
import type { Phase } from '../phases.ts';
import { phasesOf } from '../phases.ts';
import type { Checker, FreshnessTracker } from './checker.ts';

type Violated = (at: number, what: string) => void;

export const nothingLost: Checker = {
  name: 'nothing lost',
  check(evidence, violated) {
    for (const { finals } of phasesOf(evidence.history)) checkFinals(evidence, finals, violated);
    const { history } = evidence;
    const losses = [...history.of('fault').filter(({ losesData }) => losesData), ...history.of('loss')];
    const hasLost = (from: number, to: number): boolean =>
      losses.some(({ at }) => at >= from - 1_000 && at <= to);
    for (const life of evidence.lines.lives.values()) {
      checkFlushed(evidence, life, hasLost, violated);
      checkClaims(life, violated);
    }
    checkStored(evidence, hasLost, violated);
    checkTakeovers(evidence, violated);
    checkUncommitted(evidence, hasLost, violated);
  },
};

/** The owner at the end of a phase holds what it did, and all others hold the same. */
function checkFinals({ lines }: FreshnessTracker, finals: Phase['finals'], violated: Violated): void {
  const leader = finals[0];
  if (leader === undefined) return;
  const { epoch, revision } = placeOf(leader.head);
  const done = lines
    .of(epoch)
    .find(({ owner }) => owner === leader.participant)
    ?.stateAt(revision);
  if (done === undefined)
    violated(leader.at, `${leader.participant} ends at ${leader.head}, where it never was`);
  const truth = new Map(leader.state.map(([key, id]) => [key, id]));
  for (const [key, id] of done ?? [])
    if (truth.get(key) !== id)
      violated(leader.at, `${leader.participant} ends with ${key}=${truth.get(key)}, it did ${id}`);
  for (const { participant, state, at } of finals) {
    const held = new Map(state.map(([key, id]) => [key, id]));
    for (const key of new Set([...truth.keys(), ...held.keys()]))
      if (truth.get(key) !== held.get(key))
        violated(at, `${participant} ends with ${key}=${held.get(key)}, its owner with ${truth.get(key)}`);
  }
}

/** What an owner has done it holds, also when it claims. */
function checkClaims({ owner, ops, lines }: OwnerLife, violated: Violated): void {
  for (const { startIndex, startState, claimedAt, epoch } of lines) {
    for (const [key, id] of lastOf(ops.slice(0, startIndex)))
      if ((startState.get(key) ?? null) !== id)
        violated(
          claimedAt,
          `${owner} claimed ${epoch} with ${key}=${startState.get(key)}, and had done ${id}`,
        );
  }
}

/** What is said to be flushed Redis has. */
function checkStored(
  { history }: FreshnessTracker,
  hasLost: (from: number, to: number) => boolean,
  violated: Violated,
): void {
  for (const { at, owner, askedAt, position, stored } of history.of('flushed')) {
    // Who is paused hears late of what was there, and may be gone by then.
    if (stored === undefined || hasLost(askedAt - 1_000, at)) continue;
    if (comparePlaces(stored, position) < 0)
      violated(at, `${owner} had flushed ${position}, and Redis was at ${stored}`);
  }
}

/** Who takes over has no less than it held when it stood by. */
function checkTakeovers({ history, lines }: FreshnessTracker, violated: Violated): void {
  const setAt = new Map(history.of('op').map(({ id, at }) => [id, at]));
  const isReplaced = (key: string, from: number, to: number): boolean =>
    history.of('op').some((op) => op.key === key && op.at > from && op.at <= to);
  for (const { owner, lines: own } of lines.lives.values()) {
    const claim = own[1];
    const held = history.of('held').findLast((event) => event.owner === owner);
    if (claim === undefined || held === undefined || held.at > claim.claimedAt) continue;
    // Another may have led in between, and not have had it: also where who stood by had not heard of it yet.
    if (lines.newestAt(claim.claimedAt - 0.001)?.epoch !== placeOf(held.head).epoch) continue;
    for (const [key, id] of held.state) {
      const now = claim.startState.get(key);
      if (now === id || isReplaced(key, setAt.get(id) ?? 0, claim.claimedAt)) continue;
      violated(claim.claimedAt, `${owner} took over with ${key}=${now}, and had held ${id}`);
    }
  }
}

/** What was flushed is in the state that the next owner goes on from. */
function checkFlushed(
  { history, lines }: FreshnessTracker,
  { owner, ops, lines: own }: OwnerLife,
  hasLost: (from: number, to: number) => boolean,
  violated: Violated,
): void {
  const flushed = history.of('flushed').findLast((event) => event.owner === owner);
  const line = own.at(-1)!;
  const next = lines.all.find((other) => other.owner !== owner && other.epoch > line.epoch);
  if (flushed === undefined || next === undefined) return;
  // Where Redis has lost the next claim, the one before may flush once more.
  const [from, to] = [flushed.at, next.claimedAt].toSorted((a, b) => a - b) as [number, number];
  if (hasLost(from, to)) return;
  const { startState, startIndex, owner: heir } = next;
  const redone = new Set(
    lines
      .life(heir)
      .ops.slice(0, startIndex)
      .map(({ key }) => key),
  );
  for (const [key, id] of lastOf(ops.slice(0, flushed.ops))) {
    const isReplaced = redone.has(key) || ops.slice(flushed.ops).some((op) => op.key === key);
    if (!isReplaced && startState.get(key) !== (id ?? undefined))
      violated(
        next.claimedAt,
        `${heir} began with ${key}=${startState.get(key)}; ${owner} had flushed ${id}`,
      );
  }
}

/** What a fenced owner did, and the next did not take over, it names. */
function checkUncommitted(
  { history, lines }: FreshnessTracker,
  hasLost: (from: number, to: number) => boolean,
  violated: Violated,
): void {
  for (const fenced of history.of('fenced')) {
    const { ops, lines: own } = lines.life(fenced.owner);
    const line = own.at(-1)!;
    const next = lines.all.find(({ owner, epoch }) => owner !== fenced.owner && epoch > line.epoch);
    if (next === undefined || line.epoch === 0 || hasLost(line.claimedAt, fenced.at)) continue;
    const named = new Map(fenced.uncommitted);
    const redone = new Set(
      lines
        .life(next.owner)
        .ops.slice(0, next.startIndex)
        .map(({ key }) => key),
    );
    for (const [key, id] of lastOf(ops)) {
      if (redone.has(key) || isTaken(next, key, id) || named.get(key) === id) continue;
      violated(fenced.at, `${fenced.owner} was fenced, and did not name ${key}=${id} as uncommitted`);
    }
  }
}

function isTaken({ startState }: OwnerLine, key: string, id: number | null): boolean {
  return (startState.get(key) ?? null) === id;
}

/** The last operation of each key. */
function lastOf(ops: readonly EventOf<'op'>[]): Map<string, number | null> {
  return new Map(ops.map(({ key, id }) => [key, id]));
}
