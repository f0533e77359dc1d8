/**
 * The history of one participant: since when it is what it is, and what it was before. Pure: it hears the events
 * of the participant. All moments are on `Time`.
 */
import type { FreshnessEvent, ModeEvent, OwnerChangedEvent } from '../actor/events.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';
import type { Mode } from '../state/mode.ts';
import type { Transition, TransitionKind } from './transition.ts';

/** The events that are transitions. */
export type Heard = ModeEvent | FreshnessEvent | OwnerChangedEvent;

/** The most transitions that are kept of one participant. */
export const MOST_OF_MEMBER = 20;
/** Why a participant is stale whose connection is well. */
const UNPROVEN = 'the owner has not proved the state current';
/** The earlier heads of an owner that are kept, so that the heads of followers can be compared with them. */
const HEADS = 2;

/** The head of an owner at a moment, ms. */
export interface HeadAt {
  readonly head: string;
  readonly at: number;
}

export class MemberHistory {
  readonly openedAt: number;
  /** When it was last connected anew; `undefined` where it never was. */
  connectedAt: number | undefined;
  /** How often it was connected, and then no more. */
  outages = 0;
  modeAt: number;
  freshnessAt: number;
  ownerAt: number;
  /** Oldest first. */
  readonly transitions: Transition[] = [];
  /** Oldest first. */
  readonly heads: HeadAt[] = [];
  #mode: Mode = 'recovering';
  #freshness: Freshness = 'stale';
  #owner: OwnerState = 'never';

  constructor(now: number) {
    this.openedAt = this.modeAt = this.freshnessAt = this.ownerAt = now;
  }

  /**
   * @param now on `Time`, ms
   * @param wall the same moment by the wall clock, by which events tell their moments
   * @param reason of the participant's mode
   */
  hear(event: Heard, now: number, wall: number, reason: string): void {
    if (event.type === 'mode') return this.#heardMode(event, now);
    const at = now - Math.max(0, wall - event.since);
    if (event.type === 'freshness') {
      const why = this.#mode === 'connected' ? UNPROVEN : reason;
      this.#note('freshness', this.#freshness, event.freshness, event.freshness === 'live' ? '' : why, at);
      this.#freshness = event.freshness;
      this.freshnessAt = at;
    } else {
      this.#note('owner', this.#owner, event.owner, event.ownerName ?? '', at);
      this.#owner = event.owner;
      this.ownerAt = at;
    }
  }

  /** The owner has this head now. */
  noteHead(head: string, now: number): void {
    this.heads.push({ head, at: now });
    if (this.heads.length > HEADS) this.heads.shift();
  }

  #heardMode({ mode, from, reason }: ModeEvent, now: number): void {
    this.#note('mode', from, mode, reason, now);
    this.#mode = mode;
    this.modeAt = now;
    const [is, was]: readonly Mode[] = [mode, from];
    if (is === 'connected') this.connectedAt = now;
    if (was === 'connected' && is !== 'stopped') this.outages += 1;
  }

  #note(kind: TransitionKind, from: string, to: string, reason: string, at: number): void {
    this.transitions.push({ kind, from, to, reason, at });
    if (this.transitions.length > MOST_OF_MEMBER) this.transitions.shift();
  }
}
