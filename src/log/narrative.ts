/**
 * The narrative of one participant: which of its events is a line of the log, at which level, in which words.
 * Pure: it hears events, and gives lines.
 *
 * One change of state is one line, although it comes as several events:
 *
 *   an error and a change of the mode    one line about the mode, with the code of the error (`Outage`)
 *   tries of a degraded participant      none. The first failure of another kind has a line
 *   an owner that leads or stops         the change of ownership. What it means to its own readings is none
 *   fenced                               one line, and one with the number of changes that are lost
 */
import type { ErrorEvent, FreshnessEvent, ModeEvent, OwnerChangedEvent } from '../actor/events.ts';
import type { OwnershipChangedEvent } from '../actor/ownership-driver.ts';
import type { TandemError } from '../base/errors.ts';
import type { Role } from '../ports/observer.ts';
import type { Ownership } from '../state/mode.ts';
import type { Line } from './line.ts';
import type { Moment } from './outage.ts';
import { Outage } from './outage.ts';
import type { State } from './phrases.ts';
import {
  connectedPhrase,
  livePhrase,
  ownerAlivePhrase,
  ownerGonePhrase,
  stalePhrase,
  staleReason,
  stoppedPhrase,
  tookOverPhrase,
  uncommittedPhrase,
  waitsPhrase,
} from './phrases.ts';
import { cut, safeText } from './safe-text.ts';

/** The events that make lines. */
export type Told =
  | ModeEvent
  | ErrorEvent
  | FreshnessEvent
  | OwnerChangedEvent
  | OwnershipChangedEvent
  | { readonly type: 'fenced'; readonly uncommitted: { readonly length: number } };

/** With these codes an owner has lost its space, or did not get it. */
const FENCED: ReadonlySet<string> = new Set(['FENCED', 'OWNED_ELSEWHERE']);
/** What a participant does that finds itself and Redis apart. */
const READS_AGAIN: Readonly<Record<Role, string>> = {
  owner: 'looks again at what Redis holds',
  follower: 'reads again what Redis holds',
};

export class Narrative {
  readonly #role: Role;
  readonly #outage: Outage;
  #state: State = { mode: 'recovering', freshness: 'stale', owner: 'never', ownerName: undefined };
  #ownership: Ownership | undefined;
  #hasLed = false;
  /** A standby leads now. Its mode was that of its follower, and begins anew: that is no news. */
  #isTakingOver = false;
  /** It is fenced, its space was removed, or it stops: what follows from that needs no line. */
  #isEnding = false;
  /** A line has said that something is wrong. */
  #isTroubled = false;
  /** The kinds of good news that came before. */
  readonly #begun = new Set<string>();
  /** Since when it is stale, as a line has said. */
  #staleSince: Moment | undefined;

  constructor(role: Role, begun: Moment) {
    this.#role = role;
    this.#outage = new Outage(begun);
  }

  /** The state as the events told it. */
  get state(): State {
    return this.#state;
  }

  get ownership(): Ownership | undefined {
    return this.#ownership;
  }

  /** Whether errors wait for the end of this turn: call `turnEnded` then. */
  get hasHeld(): boolean {
    return this.#outage.hasHeld;
  }

  hear(event: Told, at: Moment): readonly Line[] {
    return this.#noted(this.#linesOf(event, at));
  }

  /** The lines of the errors of this turn that no other line has named. */
  turnEnded(at: Moment): readonly Line[] {
    return this.#noted(this.#outage.release(at));
  }

  #noted(lines: readonly Line[]): readonly Line[] {
    if (lines.some(({ level }) => level !== 'info')) this.#isTroubled = true;
    return lines;
  }

  #linesOf(event: Told, at: Moment): readonly Line[] {
    switch (event.type) {
      case 'error':
        return this.#heardError(event.error, at);
      case 'mode':
        return this.#heardMode(event, at);
      case 'freshness':
        return listed(this.#heardFreshness(event, at));
      case 'ownerChanged':
        return listed(this.#heardOwner(event));
      case 'ownership':
        return listed(this.#heardOwnership(event, at));
      case 'fenced':
        return listed(uncommittedLine(event.uncommitted.length, at));
      default:
        return event satisfies never;
    }
  }

  // ---- errors, and the mode ----

  #heardError(error: TandemError, at: Moment): readonly Line[] {
    const ending = endOf(this.#role, error, at);
    if (ending === undefined) {
      this.#outage.heard(error);
      return [];
    }
    const wasEnding = this.#isEnding;
    this.#isEnding = true;
    return wasEnding ? [] : [...this.turnEnded(at), ending];
  }

  #heardMode({ mode, from, reason }: ModeEvent, at: Moment): readonly Line[] {
    this.#state = { ...this.#state, mode };
    if (mode === 'stopped') return [...this.turnEnded(at), ...listed(this.#stopped(at))];
    if (mode === 'connected') return [...this.turnEnded(at), ...listed(this.#connected(reason, at))];
    if (from === 'connected') this.#outage.begins(at);
    if (mode === 'degraded') return listed(this.#outage.degraded(reason, at));
    const isNews = from === 'connected' && !this.#isTakingOver;
    return isNews ? [...this.turnEnded(at), this.#readsAgain(cut(reason), at)] : [];
  }

  #connected(reason: string, at: Moment): Line | undefined {
    const isTakingOver = this.#isTakingOver && this.#outage.reason === undefined;
    this.#isTakingOver = false;
    const lastedMs = this.#outage.ends(at);
    if (isTakingOver) return undefined;
    const phrase = connectedPhrase(lastedMs, this.#begun.has('connected'));
    const line = { ...this.#goodNews('connected', 'mode', phrase, at.wall), reason };
    return lastedMs === undefined ? line : { ...line, lastedMs };
  }

  #readsAgain(reason: string, { wall }: Moment): Line {
    this.#outage.explained(reason);
    const phrase = `${READS_AGAIN[this.#role]}: ${reason}`;
    return { level: 'info', event: 'mode', phrase, since: wall, reason };
  }

  #stopped({ wall }: Moment): Line | undefined {
    // One that was fenced, or whose space was removed, has its last line.
    if (this.#isEnding && this.#ownership !== 'released') return undefined;
    this.#isEnding = true;
    const { owner } = this.#state;
    const isLoss = this.#hasLed && owner !== 'released';
    const phrase = stoppedPhrase(this.#hasLed, owner);
    const line = { event: 'mode', phrase, since: wall, isFinal: true } as const;
    return isLoss ? { ...line, level: 'warn' } : { ...line, level: 'info', isRoutine: true };
  }

  // ---- freshness, and the owner ----

  #heardFreshness({ freshness, since, staleMs }: FreshnessEvent, { now, wall }: Moment): Line | undefined {
    this.#state = { ...this.#state, freshness };
    if (this.#isEnding) return undefined;
    if (freshness === 'live') return this.#live(since, now);
    this.#staleSince = { now: now - Math.max(0, wall - since), wall: since };
    const reason = this.#staleReason(staleMs);
    const level = this.#state.owner === 'released' ? 'info' : 'warn';
    return { level, event: 'freshness', phrase: stalePhrase(since, reason), since, reason };
  }

  #live(since: number, now: number): Line | undefined {
    const lastedMs = this.#staleSince && now - this.#staleSince.now;
    this.#staleSince = undefined;
    // Of an owner, the line that it leads has said it.
    if (lastedMs === undefined && this.#isOwn) return undefined;
    const line = this.#goodNews('live', 'freshness', livePhrase(lastedMs), since);
    return lastedMs === undefined ? line : { ...line, lastedMs };
  }

  #staleReason(staleMs: number): string {
    if (this.#hasLed) return 'this process stood still for longer than its lease, or its machine slept';
    const { reason, heldText } = this.#outage;
    return reason ?? heldText ?? staleReason(this.#state, staleMs);
  }

  #heardOwner({ owner, ownerName, since }: OwnerChangedEvent): Line | undefined {
    const before = this.#state;
    this.#state = { ...before, owner, ownerName };
    // Of an owner that leads, or claims, the lines about ownership and freshness say it.
    if (this.#isEnding || this.#isOwn) return undefined;
    if (owner === 'alive') {
      const kind = before.owner === 'never' ? 'alive' : 'again';
      return this.#goodNews(kind, 'owner', ownerAlivePhrase(ownerName, before), since);
    }
    const line = {
      event: 'owner',
      phrase: ownerGonePhrase(this.#state, since, this.#outage.isOut),
      since,
    } as const;
    return { ...line, level: owner === 'lost' ? 'warn' : 'info' };
  }

  // ---- ownership ----

  /** It is an owner, and no standby: its events about the owner are about itself. */
  get #isOwn(): boolean {
    return this.#ownership !== undefined && this.#ownership !== 'standby';
  }

  #heardOwnership({ ownership, heldBy }: OwnershipChangedEvent, { wall }: Moment): Line | undefined {
    const before = this.#ownership;
    this.#ownership = ownership;
    if (heldBy !== undefined)
      return { level: 'info', event: 'ownership', phrase: waitsPhrase(heldBy), since: wall };
    if (ownership === before) return undefined;
    if (ownership === 'leading') return this.#leads(wall);
    if (ownership === 'released') this.#isEnding = true;
    // A claim that fails leads back here, and is no news.
    if (ownership !== 'standby' || before !== undefined) return undefined;
    return this.#goodNews('standby', 'ownership', 'stands by until the space is free', wall);
  }

  #leads(wall: number): Line {
    const isFirst = !this.#hasLed;
    this.#hasLed = true;
    if (!isFirst) return this.#goodNews('again', 'ownership', 'leads the space again, by a new claim', wall);
    this.#isTakingOver = this.#begun.has('standby');
    if (!this.#isTakingOver) return this.#goodNews('leading', 'ownership', 'leads the space', wall);
    const phrase = tookOverPhrase(this.#state);
    const level = this.#state.owner === 'lost' ? 'warn' : 'info';
    return { level, event: 'ownership', phrase, since: wall };
  }

  /** A line of level info. It is routine where it is the first of its kind, and nothing was wrong before. */
  #goodNews(kind: string, event: Line['event'], phrase: string, since: number): Line {
    const isRoutine = !this.#isTroubled && kind !== 'again' && !this.#begun.has(kind);
    this.#begun.add(kind);
    return { level: 'info', event, phrase, since, isRoutine };
  }
}

/** The line of an error that ends its participant for good; `undefined` for any other. */
function endOf(role: Role, error: TandemError, { wall }: Moment): Line | undefined {
  const { code } = error;
  const reason = safeText(error);
  const line = { since: wall, reason, code, isFinal: true } as const;
  if (code === 'REMOVED') return { ...line, level: 'warn', event: 'removed', phrase: `has ended: ${reason}` };
  if (role !== 'owner' || !FENCED.has(code)) return undefined;
  const what = code === 'FENCED' ? 'was fenced' : 'did not get the space';
  return { ...line, level: 'error', event: 'fenced', phrase: `${what}: ${reason}` };
}

function uncommittedLine(uncommitted: number, { wall }: Moment): Line | undefined {
  if (uncommitted === 0) return undefined;
  const phrase = uncommittedPhrase(uncommitted);
  return { level: 'error', event: 'uncommitted', phrase, since: wall, uncommitted, isFinal: true };
}

function listed(line: Line | undefined): readonly Line[] {
  return line === undefined ? [] : [line];
}
