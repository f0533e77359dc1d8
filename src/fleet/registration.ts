/**
 * The registration of a process: it writes what its participants are and were, so that others can ask for them.
 *
 * One write at a time, when `Pace` says so, and only while the link is up. It never disturbs a participant: where
 * the server refuses it, that is told once, and tried again after a minute.
 */
import type { AnyParticipant } from '../actor/participant.ts';
import type { TandemError } from '../base/errors.ts';
import type { Sliced, Slices } from '../base/slices.ts';
import { finish } from '../base/slices.ts';
import type { Cancel, Time } from '../base/time.ts';
import type { Roster } from '../ports/roster.ts';
import type { Link } from '../ports/store.ts';
import type { Heard } from './member-history.ts';
import { MemberHistory } from './member-history.ts';
import { Pace } from './pace.ts';
import type { FleetRole, MemberRecord, ProcessFacts, ProcessRecord } from './record.ts';
import { encodeRecord } from './record.ts';

/** How long the record of a process is kept after its last word, and after its goodbye, ms. */
export const KEPT_MS = 3_600_000;
export const STOPPED_KEPT_MS = 900_000;
/** After a refusal, the next try comes so much later, ms. */
const REFUSED_PAUSE_MS = 60_000;
/** The longest wait for the goodbye, ms. */
const GOODBYE_MS = 250;

const HEARD: ReadonlySet<string> = new Set<Heard['type']>(['mode', 'freshness', 'ownerChanged']);

/**
 * Whether this process is on the roster. `unregistered`: the server refuses it. `pending`: it has not written yet,
 * or could not for a while. `off`: it was told not to.
 */
export type RegistrationState = 'registered' | 'unregistered' | 'pending' | 'off';

export interface RegistrationOptions {
  readonly facts: ProcessFacts;
  /** `undefined`: nothing is written. */
  readonly roster: Roster | undefined;
  /** Whatever the roster needs is there while this is up. */
  readonly link: Link;
  readonly time: Time;
  readonly slices: Slices;
  /** Those of this process now. */
  readonly participants: Iterable<AnyParticipant>;
  readonly roleOf: (participant: AnyParticipant) => FleetRole;
  /** Told once that the server refuses it. */
  readonly refused: (error: TandemError) => void;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #histories = new WeakMap<AnyParticipant, MemberHistory>();
  readonly #startedAt: number;
  #pace: Pace | undefined;
  /** Those of the end, once it has begun. */
  #last: readonly AnyParticipant[] | undefined;
  #state: RegistrationState;
  #isRefusalTold = false;
  #isWriting = false;
  #dueAt = Infinity;
  #cancel: Cancel = () => {};
  #unwatch: Cancel = () => {};

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#startedAt = options.time.now();
    this.#state = options.roster === undefined ? 'off' : 'pending';
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** A participant has entered. */
  attach(participant: AnyParticipant): void {
    const { time, roster, link } = this.#options;
    const history = new MemberHistory(time.now());
    this.#histories.set(participant, history);
    participant.tap((event) => {
      if (!HEARD.has(event.type)) return;
      history.hear(event as Heard, time.now(), time.wall(), participant.reason);
      this.#changed();
    });
    if (roster === undefined || this.#last !== undefined) return;
    if (this.#pace === undefined) {
      this.#pace = new Pace(time.now());
      this.#unwatch = link.watch(() => this.#arm());
    }
    this.#changed();
  }

  /** What this process knows of itself now. */
  get record(): ProcessRecord {
    const members = [...this.#participants].map((participant) => this.#memberOf(participant));
    return { ...this.#facts(), members, leftOut: 0 };
  }

  /** No more signs of life: the goodbye follows. Call it before the participants stop. */
  end(): void {
    this.#last = [...this.#options.participants];
    this.#cancel();
    this.#unwatch();
  }

  /**
   * Writes the goodbye. It waits for it no longer than this, and never fails.
   * @param timeoutMs ms
   */
  async sayGoodbye(timeoutMs: number): Promise<void> {
    const { roster, link, time, facts } = this.#options;
    if (roster === undefined || this.#pace === undefined || !link.up || this.#state === 'unregistered')
      return;
    const text = finish(this.#text(STOPPED_KEPT_MS));
    const written = roster.write(facts.id, text, STOPPED_KEPT_MS).catch(() => {});
    await new Promise<void>((resolve) => {
      const cancel = time.after(Math.min(timeoutMs, GOODBYE_MS), resolve);
      void written.then(() => (cancel(), resolve()));
    });
  }

  get #participants(): Iterable<AnyParticipant> {
    return this.#last ?? this.#options.participants;
  }

  #changed(): void {
    this.#pace?.changed(this.#options.time.now());
    this.#arm();
  }

  /** Sets the timer, where it is due earlier than it was. */
  #arm(): void {
    const pace = this.#pace;
    const { link, time } = this.#options;
    if (pace === undefined || this.#last !== undefined || this.#isWriting || !link.up) return;
    const { dueAt } = pace;
    if (dueAt >= this.#dueAt || this.#state === 'unregistered') return;
    this.#setTimer(dueAt, time.now());
  }

  #setTimer(dueAt: number, now: number): void {
    this.#cancel();
    this.#dueAt = dueAt;
    this.#cancel = this.#options.time.after(Math.max(0, dueAt - now), () => {
      this.#dueAt = Infinity;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    const { roster, link, slices, time, facts } = this.#options;
    if (roster === undefined || this.#pace === undefined || !link.up || this.#last !== undefined) return;
    this.#isWriting = true;
    this.#pace.writes(time.now());
    try {
      const text = await slices.run(this.#text(KEPT_MS));
      if (this.#last !== undefined) return;
      await roster.write(facts.id, text, KEPT_MS);
      this.#state = 'registered';
    } catch (error) {
      this.#failed(error as TandemError);
    }
    this.#isWriting = false;
    if (this.#last !== undefined) return;
    if (this.#state === 'unregistered') this.#setTimer(time.now() + REFUSED_PAUSE_MS, time.now());
    else this.#arm();
  }

  #failed(error: TandemError): void {
    const isRefused = error.code === 'REDIS_REFUSED' && !error.retryable;
    this.#state = isRefused ? 'unregistered' : 'pending';
    if (!isRefused || this.#isRefusalTold) return;
    this.#isRefusalTold = true;
    this.#options.refused(error);
  }

  *#text(keptMs: number): Sliced<string> {
    const members: MemberRecord[] = [];
    const participants = [...this.#participants];
    for (const participant of participants) {
      members.push(this.#memberOf(participant));
      this.#noteHead(participant);
      yield;
    }
    return yield* encodeRecord({ ...this.#facts(), members, keptMs });
  }

  #facts(): Omit<ProcessRecord, 'members' | 'leftOut'> {
    const { facts, time } = this.#options;
    const startedAgoMs = time.now() - this.#startedAt;
    return { ...facts, keptMs: KEPT_MS, isStopped: this.#last !== undefined, startedAgoMs };
  }

  #noteHead(participant: AnyParticipant): void {
    if (participant.isOwner)
      this.#histories.get(participant)?.noteHead(participant.head, this.#options.time.now());
  }

  #memberOf(participant: AnyParticipant): MemberRecord {
    const now = this.#options.time.now();
    const history = this.#histories.get(participant) ?? new MemberHistory(now);
    const { freshness, staleMs, owner, ownerName = '' } = participant.status;
    return {
      space: participant.space.name,
      role: this.#options.roleOf(participant),
      mode: participant.mode,
      reason: participant.reason,
      freshness,
      staleMs,
      owner,
      ownerName,
      head: participant.head,
      openedAgoMs: now - history.openedAt,
      modeAgoMs: now - history.modeAt,
      freshnessAgoMs: now - history.freshnessAt,
      connectedAgoMs: history.connectedAt === undefined ? undefined : now - history.connectedAt,
      outages: history.outages,
      earlierHeads: history.heads.map(({ head, at }) => ({ head, agoMs: now - at })),
      transitions: history.transitions.map((one) => ({ ...one, at: now - one.at })),
    };
  }
}
