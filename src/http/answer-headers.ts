/** How true an answer is, as it is told in headers and bodies. */
import type { Context } from 'koa';
import type { Mode } from '../state/mode.ts';
import type { AnyParticipant } from '../actor/participant.ts';
import type { Freshness, Reading, Source } from '../state/reading.ts';

/** What the headers of an answer say. */
export interface Stamp {
  readonly position: string;
  readonly freshness: Freshness;
  /** Whole ms, rounded up. */
  readonly staleMs: number;
}

/** How true an answer is: a reading's, or the whole space's. */
export interface AnswerHeaders extends Stamp {
  readonly source: Source;
  readonly ownerAlive: boolean;
  readonly mode: Mode;
  readonly head: string;
}

/**
 * What is true now, of the space or of one reading; asked once for an answer, so that its headers and its body say
 * the same. A reading bears the proof that it was made under, so it is asked itself.
 */
export function answerHeadersOf({ head, mode, proof }: AnyParticipant, reading?: Reading): AnswerHeaders {
  const { position, freshness, staleMs, source, ownerAlive } = reading ?? {
    position: head,
    freshness: proof.freshness(),
    staleMs: proof.staleMs(),
    source: proof.source,
    ownerAlive: proof.ownerAlive(),
  };
  return { position, freshness, staleMs: Math.ceil(staleMs), source, ownerAlive, mode, head };
}

/** `staleMs` is null where nothing was ever proven: JSON has no infinity. */
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
