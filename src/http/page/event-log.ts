/**
 * The event log of this process, for people: the last 30 transitions and the last 200 events of all spaces.
 * It is kept without any page, so a page that is opened later shows earlier events. Invariant: the log never
 * holds a value.
 */
import type { AnyParticipant } from '../../actor/participant.ts';
import type { ModeChanged, Observer } from '../../ports/observer.ts';
import type { OwnerState } from '../../state/reading.ts';
import type { Tandem } from '../../tandem.ts';
import { LatencyMeter } from './latency.ts';
import { Recent } from './recent.ts';

const KEPT_EVENTS = 200;
const KEPT_TRANSITIONS = 30;
/** An event of level `info` or `warn` with the same text within this time is left out. */
const AGAIN_MS = 5_000;
/** The same for events of each failed try. */
const TRIED_AGAIN_MS = 60_000;
/** A try to recover is shown as a transition once it takes longer than this. */
const LONG_TRY_MS = 1_000;

export type Level = 'good' | 'info' | 'warn' | 'bad';

export interface LogEntry {
  /** On `Time`, ms. */
  readonly at: number;
  /** `null`: the event concerns the whole process. */
  readonly space: string | null;
  readonly level: Level;
  readonly text: string;
}

export interface Transition {
  readonly at: number;
  readonly space: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** The state of a participant at the last look. */
interface Seen {
  readonly state: string;
  readonly freshness: string;
  readonly owner: OwnerState;
  readonly source: string;
}

export class EventLog {
  readonly log = new Recent<LogEntry>(KEPT_EVENTS);
  readonly transitions = new Recent<Transition>(KEPT_TRANSITIONS);
  readonly #tandem: Tandem;
  readonly #latencies = new Map<string, LatencyMeter>();
  readonly #seen = new WeakMap<AnyParticipant, Seen>();
  /** By space, the try to recover that is under way and not shown yet. */
  readonly #tries = new Map<string, Transition>();
  /** By space, the reason for which the last try failed. */
  readonly #failures = new Map<string, string>();
  readonly #stop: () => void;

  constructor(tandem: Tandem) {
    this.#tandem = tandem;
    this.#stop = tandem.observe(this.#observer());
  }

  stop(): void {
    this.#stop();
  }

  /** The latency meter of a space; made by the first call. */
  latency(space: string): LatencyMeter {
    let meter = this.#latencies.get(space);
    if (meter === undefined) this.#latencies.set(space, (meter = new LatencyMeter()));
    return meter;
  }

  get latencies(): ReadonlyMap<string, LatencyMeter> {
    return this.#latencies;
  }

  /** Adds the transitions and events of all spaces since the last look. */
  look(): void {
    const { participants } = this.#tandem;
    for (const participant of participants) this.#lookAt(participant);
    this.#forgetOthers(new Set(participants.map(({ space }) => space.name)));
    const now = this.#tandem.time.now();
    for (const [space, { at }] of this.#tries) if (now - at > LONG_TRY_MS) this.#showTry(space);
  }

  /** Spaces come and go: what is known of those that are gone must not add up. */
  #forgetOthers(spaces: ReadonlySet<string>): void {
    for (const bySpace of [this.#latencies, this.#tries])
      for (const space of bySpace.keys()) if (!spaces.has(space)) bySpace.delete(space);
  }

  #lookAt(participant: AnyParticipant): void {
    const { proof } = participant;
    const now: Seen = {
      state: participant.state,
      freshness: proof.freshness(),
      owner: proof.owner(),
      source: proof.source,
    };
    const before = this.#seen.get(participant);
    this.#seen.set(participant, now);
    const space = participant.space.name;
    const at = this.#tandem.time.now();
    const from = before?.state ?? '';
    if (from !== now.state) this.#moved({ at, space, from, to: now.state, reason: participant.reason });
    if (before === undefined) return;
    if (before.freshness !== now.freshness)
      this.#note(now.freshness === 'live' ? 'good' : 'bad', space, `the state is ${now.freshness} now`);
    if (before.owner !== now.owner) this.#noteOwner(now.owner, participant);
    if (before.source !== now.source)
      this.#note('info', space, `the state comes from ${SOURCES[now.source]}`);
  }

  /** Who cannot hear an owner cannot say that it is gone. */
  #noteOwner(owner: OwnerState, { space, mode, proof }: AnyParticipant): void {
    const isDeaf = owner === 'lost' && mode !== 'connected' && proof.source !== 'direct';
    if (isDeaf) this.#note('warn', space.name, 'nothing heard of the owner within its lease, without Redis');
    else this.#note(OWNERS[owner][0], space.name, OWNERS[owner][1]);
  }

  /**
   * A try that fails like the one before is left out: many of them would push the begin of the outage out of
   * sight.
   */
  #moved(transition: Transition): void {
    const { space, from, to, reason } = transition;
    const last = this.transitions.items.findLast((one) => one.space === space);
    const hasFailedAgain = from === 'recovering' && last?.to === to && last.reason === reason;
    if (this.#tries.has(space) && hasFailedAgain) return void this.#tries.delete(space);
    this.#showTry(space);
    if (to === 'recovering' && from.startsWith('degraded')) this.#tries.set(space, transition);
    else this.transitions.add(transition);
  }

  #showTry(space: string): void {
    const held = this.#tries.get(space);
    this.#tries.delete(space);
    if (held) this.transitions.add(held);
  }

  #noteMode({ space, mode, from, reason }: ModeChanged): void {
    const text = `${from} → ${mode}: ${reason}`;
    if (mode === 'connected') {
      this.#failures.delete(space);
      return this.#note('good', space, text);
    }
    if (mode === 'recovering') return this.#note('warn', space, text, TRIED_AGAIN_MS);
    const isAgain = from === 'recovering' && this.#failures.get(space) === reason;
    this.#failures.set(space, reason);
    if (!isAgain) this.#note('bad', space, text);
  }

  #note(level: Level, space: string | null, text: string, againMs = AGAIN_MS): void {
    const at = this.#tandem.time.now();
    const isAgain = this.log.items.some(
      (entry) => entry.text === text && entry.space === space && at - entry.at < againMs,
    );
    // Events of level good and bad are always logged: the last lines must show the current state.
    if (isAgain && level !== 'good' && level !== 'bad') return;
    this.log.add({ at, space, level, text });
  }

  #observer(): Observer {
    return {
      applied: ({ space, updateLatencyMs, errorMs }) => {
        if (updateLatencyMs !== undefined) this.latency(space).note(Math.max(0, updateLatencyMs), errorMs);
      },
      mode: (change) => {
        this.look();
        this.#noteMode(change);
      },
      ownership: ({ space, ownership }) => this.#note('info', space, `ownership: ${ownership}`),
      claimed: ({ space, epoch }) => this.#note('good', space, `claimed, epoch ${epoch}`),
      fenced: ({ space, uncommitted }) =>
        this.#note('bad', space, `another owner has claimed the space; ${uncommitted} changes not committed`),
      synced: ({ space, isFull, keys, updateLatencyMs, errorMs }) => {
        if (updateLatencyMs !== undefined) this.latency(space).note(updateLatencyMs, errorMs);
        if (isFull) this.#note('info', space, `whole state read from Redis, ${keys} keys`);
      },
      rejected: ({ space, reason }) => this.#note('warn', space, `refused: ${REFUSED[reason]}`),
      link: ({ link, isUp, code }) =>
        this.#note(
          isUp ? 'good' : 'bad',
          null,
          `${LINKS[link]} ${isUp ? 'is up' : `is down (${code ?? '?'})`}`,
        ),
      error: ({ space, code }) => this.#note('warn', space, `error ${code}`, TRIED_AGAIN_MS),
    };
  }
}

const OWNERS: Readonly<Record<OwnerState, readonly [level: Level, text: string]>> = {
  alive: ['good', 'the owner is alive'],
  released: ['info', 'the owner has released the space, with all of its changes committed'],
  lost: ['bad', 'no sign of the owner within its lease'],
  never: ['info', 'nobody owns the space yet'],
};

const SOURCES: Readonly<Record<string, string>> = {
  redis: 'Redis',
  direct: 'the owner, directly',
  memory: 'memory alone',
};

const LINKS = {
  commands: 'Redis, commands:',
  subscriber: 'Redis, subscription:',
  direct: 'the direct path',
} as const;

const REFUSED = {
  frame: 'a message that cannot be read',
  version: 'a message of another version',
  kind: 'a message of an unknown kind',
  value: 'a value that its schema refuses',
  epoch: 'a position that no owner can have reached',
  fenced: 'a frame of an owner that lost the space',
} as const;
