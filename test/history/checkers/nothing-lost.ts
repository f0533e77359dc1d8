/**
 * 10. Nothing lost: at the end every participant, a new follower included, holds the owner's last changes.
 * Flushed changes outlive their owner. A fenced owner names the changes that it could not commit.
 */
import { comparePlaces, placeOf } from '../place.ts';
import type { EventOf } from '../event.ts';
import type { OwnerLife, OwnerLine } from '../lines.ts';
import type { Phase } from '../phases.ts';
import { phasesOf } from '../phases.ts';
import type { Checker, Material } from './checker.ts';

type Violated = (at: number, what: string) => void;

export const nothingLost: Checker = {
  name: 'nothing lost',
  check(material, violated) {
    for (const { finals } of phasesOf(material.history)) checkFinals(material, finals, violated);
    const { history } = material;
    const losses = [...history.of('fault').filter(({ losesData }) => losesData), ...history.of('loss')];
    const hasLost = (from: number, to: number): boolean =>
      losses.some(({ at }) => at >= from - 1_000 && at <= to);
    for (const life of material.lines.lives.values()) {
      checkFlushed(material, life, hasLost, violated);
      checkClaims(life, violated);
    }
    checkStored(material, hasLost, violated);
    checkTakeovers(material, violated);
    checkUncommitted(material, hasLost, violated);
  },
};

/** At the end of a phase, the owner holds what it did, and every follower holds the same. */
function checkFinals({ lines }: Material, finals: Phase['finals'], violated: Violated): void {
  const leader = finals[0];
  if (leader === undefined) return;
  const { epoch, revision } = placeOf(leader.head);
  const done = lines
    .of(epoch)
    .find(({ owner }) => owner === leader.participant)
    ?.stateAt(revision);
  if (done === undefined)
    violated(leader.at, `${leader.participant} ends at ${leader.head}, a position that it never had`);
  const expected = new Map(leader.state.map(([key, id]) => [key, id]));
  for (const [key, id] of done ?? [])
    if (expected.get(key) !== id)
      violated(leader.at, `${leader.participant} ends with ${key}=${expected.get(key)}, but had set ${id}`);
  for (const { participant, state, at } of finals) {
    const held = new Map(state.map(([key, id]) => [key, id]));
    for (const key of new Set([...expected.keys(), ...held.keys()]))
      if (expected.get(key) !== held.get(key))
        violated(at, `${participant} ends with ${key}=${held.get(key)}, its owner with ${expected.get(key)}`);
  }
}

/** When an owner claims, its state includes everything that it did before. */
function checkClaims({ owner, ops, lines }: OwnerLife, violated: Violated): void {
  for (const { startIndex, startState, claimedAt, epoch } of lines) {
    for (const [key, id] of lastOf(ops.slice(0, startIndex)))
      if ((startState.get(key) ?? null) !== id)
        violated(
          claimedAt,
          `${owner} claimed ${epoch} with ${key}=${startState.get(key)}, but had set ${id}`,
        );
  }
}

/** Redis holds what `flush` confirmed. */
function checkStored(
  { history }: Material,
  hasLost: (from: number, to: number) => boolean,
  violated: Violated,
): void {
  for (const { at, owner, askedAt, position, stored } of history.of('flushed')) {
    // A paused owner learns of a commit late. Redis may have lost the data by then.
    if (stored === undefined || hasLost(askedAt - 1_000, at)) continue;
    if (comparePlaces(stored, position) < 0)
      violated(at, `${owner} had flushed ${position}, but Redis was at ${stored}`);
  }
}

/** An owner that takes over holds no less than it held as a standby. */
function checkTakeovers({ history, lines }: Material, violated: Violated): void {
  const setAt = new Map(history.of('op').map(({ id, at }) => [id, at]));
  const isReplaced = (key: string, from: number, to: number): boolean =>
    history.of('op').some((op) => op.key === key && op.at > from && op.at <= to);
  for (const { owner, lines: own } of lines.lives.values()) {
    const claim = own[1];
    const held = history.of('held').findLast((event) => event.owner === owner);
    if (claim === undefined || held === undefined || held.at > claim.claimedAt) continue;
    // Another owner may have led in between without those changes. The standby need not even have heard of
    // that owner.
    if (lines.newestAt(claim.claimedAt - 0.001)?.epoch !== placeOf(held.head).epoch) continue;
    for (const [key, id] of held.state) {
      const now = claim.startState.get(key);
      if (now === id || isReplaced(key, setAt.get(id) ?? 0, claim.claimedAt)) continue;
      violated(claim.claimedAt, `${owner} took over with ${key}=${now}, but had held ${id}`);
    }
  }
}

/** The next owner's first state has everything that was flushed. */
function checkFlushed(
  { history, lines }: Material,
  { owner, ops, lines: own }: OwnerLife,
  hasLost: (from: number, to: number) => boolean,
  violated: Violated,
): void {
  const flushed = history.of('flushed').findLast((event) => event.owner === owner);
  const line = own.at(-1)!;
  const next = lines.all.find((other) => other.owner !== owner && other.epoch > line.epoch);
  if (flushed === undefined || next === undefined) return;
  // Where Redis has lost the next owner's claim, the previous owner may flush once more. An owner whose loop is
  // blocked learns of a commit late, and Redis may have lost the data by then.
  const from = Math.min(flushed.askedAt, next.claimedAt);
  if (hasLost(from, Math.max(flushed.at, next.claimedAt))) return;
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
        `${heir} began with ${key}=${startState.get(key)}, but ${owner} had flushed ${id}`,
      );
  }
}

/** A fenced owner names every change that it made and the next owner did not take over. */
function checkUncommitted(
  { history, lines }: Material,
  hasLost: (from: number, to: number) => boolean,
  violated: Violated,
): void {
  for (const fenced of history.of('fenced')) {
    const { ops, lines: own } = lines.life(fenced.owner);
    const line = own.at(-1)!;
    const next = lines.all.find(({ owner, epoch }) => owner !== fenced.owner && epoch > line.epoch);
    if (next === undefined || line.epoch === 0) continue;
    // An owner that takes over from a living one reads the state only after that one is fenced.
    if (hasLost(line.claimedAt, Math.max(fenced.at, next.claimedAt))) continue;
    const named = new Map(fenced.uncommitted);
    const redone = new Set(
      lines
        .life(next.owner)
        .ops.slice(0, next.startIndex)
        .map(({ key }) => key),
    );
    for (const [key, id] of lastOf(ops)) {
      if (redone.has(key) || isTaken(next, key, id) || named.get(key) === id) continue;
      violated(fenced.at, `${fenced.owner} was fenced, but did not name ${key}=${id} as uncommitted`);
    }
  }
}

function isTaken({ startState }: OwnerLine, key: string, id: number | null): boolean {
  return (startState.get(key) ?? null) === id;
}

/** The last operation on each key. */
function lastOf(ops: readonly EventOf<'op'>[]): Map<string, number | null> {
  return new Map(ops.map(({ key, id }) => [key, id]));
}
