/** The fields of an answer, in headers and body, that show how current it is. */
import type { Context } from 'koa';
import type { Mode } from '../state/mode.ts';
import type { AnyParticipant } from '../actor/participant.ts';
import type { Freshness, OwnerState, Reading, Source } from '../state/reading.ts';

/** The values of the headers. */
export interface Stamp {
  readonly position: string;
  readonly freshness: Freshness;
  /** Whole ms, rounded up. */
  readonly staleMs: number;
}

/** The fields of the body: those of one reading, or of the whole space. */
export interface AnswerHeaders extends Stamp {
  readonly source: Source;
  readonly ownerAlive: boolean;
  readonly owner: OwnerState;
  readonly mode: Mode;
  readonly head: string;
}

/**
 * The fields as of now, for the space or for one reading. An answer calls this once, so that its headers and
 * its body agree. A reading gives its own values, since it keeps the proof under which it was made.
 */
export function answerHeadersOf({ head, mode, proof }: AnyParticipant, reading?: Reading): AnswerHeaders {
  const { position, freshness, staleMs, source, ownerAlive, owner } = reading ?? {
    position: head,
    freshness: proof.freshness(),
    staleMs: proof.staleMs(),
    source: proof.source,
    ownerAlive: proof.ownerAlive(),
    owner: proof.owner(),
  };
  return { position, freshness, staleMs: Math.ceil(staleMs), source, ownerAlive, owner, mode, head };
}

/** The fields for JSON. JSON has no Infinity, so `staleMs` is null where no proof was ever received. */
export function inJson<T extends { readonly staleMs: number }>(
  headers: T,
): Omit<T, 'staleMs'> & { staleMs: number | null } {
  return { ...headers, staleMs: Number.isFinite(headers.staleMs) ? headers.staleMs : null };
}

export function setStamp(ctx: Context, { position, freshness, staleMs }: Stamp): void {
  ctx.set({
    'Tandem-Position': position,
    'Tandem-Freshness': freshness,
    'Tandem-Staleness-Ms': String(staleMs),
  });
}
