/**
 * The changes that the store is not known to have, as of the end of an owner; after a takeover, those that the
 * new owner's line does not continue. Pure.
 */
import type { Uncommitted } from '../actor/stopped.ts';
import type { Sliced } from '../base/slices.ts';
import type { Captured } from '../state/captured.ts';
import { printPosition } from '../state/position.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Books } from './books.ts';

export function hasUncommitted(books: Books): boolean {
  return books.ledger.hasWithheld || books.ledger.hasChangedSince(confirmed(books));
}

/** Oldest first. Nothing is set any more while this goes on. */
export function* findUncommitted(books: Books): Sliced<readonly Uncommitted[]> {
  const { ledger } = books;
  const revision = confirmed(books);
  const found: Uncommitted[] = [];
  // planted: uncommitted
  const changes = ledger.changedSince(revision);
  for (const change of changes) {
    found.push(asUncommitted(change));
    yield;
  }
  for (const key of ledger.withheld) {
    const entry = ledger.get(key)!;
    if (entry.revision <= revision) found.push(asUncommitted(entry));
  }
  return found;
}

/** The revision up to which the store has all changes, or a new owner goes on from them. */
function confirmed({ ledger, progress, lease }: Books): number {
  const { epoch } = ledger.line;
  const { lostTo } = lease;
  const revision = progress.confirmed(ledger.line);
  if (lostTo === undefined) return revision;
  if (lostTo.epoch === epoch) return Math.min(revision, lostTo.revision);
  return lostTo.base.epoch === epoch ? lostTo.base.revision : 0;
}

function asUncommitted({
  key,
  epoch,
  revision,
  value: captured,
}: Omit<Entry<Captured>, 'memo'>): Uncommitted {
  const json = captured?.withheld ?? captured?.json;
  return { key, value: parsed(json), position: printPosition({ epoch, revision }) };
}

/** A key that the space does not define may hold text that is no JSON: it was read from the store as it was. */
function parsed(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return json;
  }
}
