/**
 * The page feed: the status of each space, its changed keys, the event log, latencies and chart points.
 *
 * A page is a reader with a cursor. At most every 100 ms it gets everything that is newer than its cursor. A
 * value is cut at 240 characters, and a space is cut at 2,000 keys.
 */
import { connectionMachine } from '../../../machines/connection.ts';
import type { AnyParticipant } from '../../actor/participant.ts';
import { Owner } from '../../owner/owner.ts';
import type { Position } from '../../state/position.ts';
import { isSame, parsePosition } from '../../state/position.ts';
import type { Row } from '../../state/reading.ts';
import type { Reader, Sink, Step } from '../../base/readers.ts';
import { Readers } from '../../base/readers.ts';
import type { Tandem } from '../../tandem.ts';
import type { Cancel } from '../../base/time.ts';
import type { ChartOptions } from './charts.ts';
import { ChartRecorder } from './charts.ts';
import { EventLog } from './event-log.ts';
import { eventText } from '../event-stream.ts';
import { LATENCY_BOUNDS_MS } from './latency.ts';
import { chartOf } from '../../actor/machine-chart.ts';
import { diagnosisOf } from '../diagnosis.ts';
import { inJson, answerHeadersOf } from '../answer-headers.ts';

const LOOK_MS = 100;
const BEAT_MS = 250;
const SECOND_MS = 1_000;
const STALL_MS = 30_000;
/** The greatest number of keys in one update of a space. */
const MAX_ROWS = 2_000;
/** The greatest length of a value's text. */
const MAX_TEXT = 240;

/** The parts of each source that a page has been sent. */
interface Cursor {
  readonly rows: ReadonlyMap<
    AnyParticipant,
    { readonly from: Position; readonly correctedAt: Position | undefined }
  >;
  readonly log: number;
  readonly transitions: number;
  readonly seconds: ReadonlyMap<string, number>;
  readonly points: number;
}

export class PageFeed {
  readonly #tandem: Tandem;
  readonly #charts: readonly ChartOptions[];
  readonly #recorder: ChartRecorder;
  readonly #eventLog: EventLog;
  readonly #readers: Readers<Cursor | undefined>;
  #cancel: Cancel;
  #lookedAt: number;
  #secondAt: number;
  /** The worst delay of this process's own timers in the last full second, ms: requests waited as long. */
  #delayMs = 0;
  #worstDelayMs = 0;

  constructor(tandem: Tandem, charts: readonly ChartOptions[]) {
    const { time } = tandem;
    this.#tandem = tandem;
    this.#charts = charts;
    this.#recorder = new ChartRecorder(charts);
    this.#eventLog = new EventLog(tandem);
    this.#readers = new Readers<Cursor | undefined>({
      time,
      beatMs: BEAT_MS,
      paceMs: LOOK_MS,
      stallMs: STALL_MS,
      next: (cursor, { isBeat }) => {
        try {
          return this.#next(cursor, isBeat);
        } catch {
          // The state cannot be read now. The page reconnects and tries again.
          return 'over';
        }
      },
    });
    this.#lookedAt = time.now();
    this.#secondAt = this.#lookedAt;
    this.#cancel = time.after(LOOK_MS, () => this.#look());
  }

  /** Opens a reader. A new page has no cursor. */
  open(cursor: Cursor | undefined, sink: Sink<Cursor | undefined>): Reader {
    return this.#readers.open(cursor, sink);
  }

  #look(): void {
    const tandem = this.#tandem;
    const now = tandem.time.now();
    this.#worstDelayMs = Math.max(this.#worstDelayMs, now - this.#lookedAt - LOOK_MS);
    this.#lookedAt = now;
    this.#eventLog.look();
    this.#recorder.sample(tandem, now);
    if (now - this.#secondAt >= SECOND_MS) this.#closeSecond(now);
    this.#readers.changed();
    // After the stop no further timer is set: it would keep the process alive.
    if (tandem.isStopping && tandem.spaces.length === 0) {
      this.#eventLog.stop();
      this.#readers.end();
    } else this.#cancel = tandem.time.after(LOOK_MS, () => this.#look());
  }

  #closeSecond(now: number): void {
    this.#secondAt = now;
    this.#delayMs = this.#worstDelayMs;
    this.#worstDelayMs = 0;
    for (const space of this.#tandem.spaces) this.#eventLog.latency(space).close(now);
  }

  /** Ends the feed and all its pages. */
  end(): void {
    this.#cancel();
    this.#eventLog.stop();
    this.#readers.end();
  }

  #next(cursor: Cursor | undefined, isBeat: boolean): Step<Cursor> {
    const participants = this.#tandem.spaces.flatMap((space) => this.#tandem.get(space) ?? []);
    const { log, transitions } = this.#eventLog;
    const rows = participants.flatMap(
      (participant) => rowsSince(participant, cursor?.rows.get(participant)) ?? [],
    );
    const fresh = {
      log: log.since(cursor?.log ?? 0),
      transitions: transitions.since(cursor?.transitions ?? 0),
      seconds: [...this.#eventLog.latencies].flatMap(([space, { seconds }]) =>
        seconds.since(cursor?.seconds.get(space) ?? 0).map((second) => ({ space, ...second })),
      ),
      points: this.#recorder.points.since(cursor?.points ?? 0),
    };
    const hasNews = rows.length > 0 || Object.values(fresh).some(({ length }) => length > 0);
    if (!hasNews && !isBeat && cursor) return 'nothing';
    const message = eventText('update', {
      now: this.#tandem.time.now(),
      delayMs: this.#delayMs,
      ...(cursor === undefined && { hello: this.#hello() }),
      spaces: participants.map(statusOf),
      rows,
      ...fresh,
    });
    return { message, cursor: this.#cursorNow(participants) };
  }

  #cursorNow(participants: readonly AnyParticipant[]): Cursor {
    const { log, transitions, latencies } = this.#eventLog;
    return {
      rows: new Map(
        participants.map((participant) => [
          participant,
          { from: parsePosition(participant.head), correctedAt: participant.correctedAt },
        ]),
      ),
      log: log.count,
      transitions: transitions.count,
      seconds: new Map([...latencies].map(([space, { seconds }]) => [space, seconds.count])),
      points: this.#recorder.points.count,
    };
  }

  /** The first message of a page: facts that do not change while this process runs. */
  #hello(): Record<string, unknown> {
    return {
      name: this.#tandem.name,
      machine: chartOf(connectionMachine),
      boundsMs: LATENCY_BOUNDS_MS,
      beatMs: BEAT_MS,
      maxRows: MAX_ROWS,
      charts: this.#charts.map(({ title, space, format = 'number', bands }) => ({
        title,
        space,
        format,
        tones: bands?.tones ?? {},
      })),
    };
  }
}

function statusOf(participant: AnyParticipant): Record<string, unknown> {
  const { up, error } = participant.link;
  return {
    space: participant.space.name,
    role: roleOf(participant),
    ownership: participant instanceof Owner ? participant.ownership : null,
    ...diagnosisOf(participant),
    ...inJson(answerHeadersOf(participant)),
    state: participant.state,
    reason: participant.reason,
    leaseMs: Math.ceil(participant.proof.leaseMs()),
    keys: participant.size,
    link: { up, error: error?.message ?? null },
  };
}

/** A standby has its own role on the page until it leads. */
function roleOf(participant: AnyParticipant): 'owner' | 'standby' | 'follower' {
  if (!(participant instanceof Owner)) return 'follower';
  return participant.ownership === 'standby' ? 'standby' : 'owner';
}

/**
 * The rows of a space's table that are new to a page; all rows where the page cannot go on from its position.
 */
function rowsSince(
  participant: AnyParticipant,
  place: { from: Position; correctedAt: Position | undefined } | undefined,
): Record<string, unknown> | undefined {
  const isWrong =
    place &&
    participant.correctedAt &&
    participant.correctedAt !== place.correctedAt &&
    isSame(place.from, participant.correctedAt);
  const since = place && !isWrong ? participant.rowsSince(place.from) : undefined;
  if (since?.length === 0) return undefined;
  const rows = since ?? some(participant.rows(), MAX_ROWS);
  return {
    space: participant.space.name,
    isWhole: since === undefined,
    changes: rows.slice(0, MAX_ROWS).map(rowOf),
  };
}

/**
 * A row: a key, the position of its last change, and its value as text, cut at 240; `null` after a delete.
 */
function rowOf({ key, value, position }: Row): [key: string, position: string, text: string | null] {
  const text = value === undefined ? null : JSON.stringify(value);
  return [key, position, text && text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text];
}

function some<T>(items: Iterable<T>, max: number): T[] {
  const found: T[] = [];
  for (const item of items) {
    if (found.length === max) break;
    found.push(item);
  }
  return found;
}
