/**
 * The page feed: the status of each space, its changed keys, the event log, latencies and chart points, and
 * the load of the process.
 *
 * A page is a reader with a cursor. At most every 100 ms it gets everything that is newer than its cursor. A
 * value is cut at 240 characters, a space is cut at 2,000 keys, and of many spaces a page shows a selection.
 */
import { connectionMachine } from '../../../machines/connection.ts';
import type { AnyParticipant } from '../../actor/participant.ts';
import type { Position } from '../../state/position.ts';
import { isSame, parsePosition, printPosition } from '../../state/position.ts';
import type { Row } from '../../state/reading.ts';
import type { Reader, Sink, Step } from '../../base/readers.ts';
import { Readers } from '../../base/readers.ts';
import type { Text } from '../../base/text.ts';
import { messageOf } from '../../base/text.ts';
import type { Tandem } from '../../tandem.ts';
import type { Cancel } from '../../base/time.ts';
import type { ChartOptions } from './charts.ts';
import { ChartRecorder } from './charts.ts';
import { EventLog } from './event-log.ts';
import { EVENT_END, eventHead } from '../event-stream.ts';
import { LATENCY_BOUNDS_MS } from './latency.ts';
import { chartOf } from '../../actor/machine-chart.ts';
import type { Timelines } from './timelines.ts';
import { factsOf } from './own-facts.ts';
import { select } from './selection.ts';
import { SpaceStatuses } from './space-status.ts';

const LOOK_MS = 100;
const BEAT_MS = 250;
const SECOND_MS = 1_000;
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
  readonly timelines: ReadonlyMap<string, number>;
}

/** What takes pages from one place to the next. */
interface Update {
  readonly from: Cursor | undefined;
  readonly to: Cursor;
  readonly hasNews: boolean;
  readonly parts: Iterator<string, void, void>;
  /** Made for the first page that gets it. */
  text: string | Text | undefined;
}

/** A space that has rows for a page: those since a position, or all. */
interface Place {
  readonly participant: AnyParticipant;
  readonly from: Position | undefined;
}

export class PageFeed {
  readonly #tandem: Tandem;
  readonly #charts: readonly ChartOptions[];
  readonly #recorder: ChartRecorder;
  readonly #eventLog: EventLog;
  readonly #timelines: Timelines;
  readonly #statuses: SpaceStatuses;
  readonly #readers: Readers<Cursor | undefined>;
  #cancel: Cancel;
  #lookedAt: number;
  #secondAt: number;
  /** The worst delay of this process's own timers in the last full second, ms: requests waited as long. */
  #delayMs = 0;
  #worstDelayMs = 0;
  #update: Update | undefined;

  constructor(tandem: Tandem, charts: readonly ChartOptions[], timelines: Timelines) {
    const { time, slices } = tandem;
    this.#tandem = tandem;
    this.#charts = charts;
    this.#recorder = new ChartRecorder(charts);
    this.#eventLog = new EventLog(tandem);
    this.#timelines = timelines;
    this.#statuses = new SpaceStatuses(time, timelines);
    this.#readers = new Readers<Cursor | undefined>({
      time,
      stretches: slices.stretches,
      beatMs: BEAT_MS,
      paceMs: LOOK_MS,
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
    this.#timelines.look();
    this.#statuses.look(tandem.participants);
    this.#recorder.sample(tandem, now);
    if (now - this.#secondAt >= SECOND_MS) this.#closeSecond(now);
    this.#dropUpdate();
    this.#readers.changed();
    // After the stop no further timer is set: it would keep the process alive.
    if (tandem.isStopping && tandem.spaces.length === 0) {
      this.#stopListening();
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
    this.#stopListening();
    this.#readers.end();
  }

  #stopListening(): void {
    this.#eventLog.stop();
    this.#timelines.stop();
  }

  #next(cursor: Cursor | undefined, isBeat: boolean): Step<Cursor> {
    const update = this.#updateFor(cursor);
    if (!update.hasNews && !isBeat && cursor) return 'nothing';
    const { slices, time } = this.#tandem;
    update.text ??= messageOf(update.parts, slices, time);
    const { text, to } = update;
    return {
      message: typeof text === 'string' ? text : { head: '', body: text.open(), tail: '' },
      cursor: to,
    };
  }

  /** The pages that are at the same place share an update from one look to the next. */
  #updateFor(cursor: Cursor | undefined): Update {
    const known = this.#update;
    const isOpen = typeof known?.text !== 'object' || known.text.isOpen;
    if (known !== undefined && known.from === cursor && isOpen) return known;
    this.#dropUpdate();
    this.#update = this.#newUpdate(cursor);
    return this.#update;
  }

  #dropUpdate(): void {
    if (typeof this.#update?.text === 'object') this.#update.text.seal();
    this.#update = undefined;
  }

  #newUpdate(cursor: Cursor | undefined): Update {
    const { shown, others } = select(candidatesOf(this.#tandem));
    const participants = shown.map(({ participant }) => participant);
    const { log, transitions } = this.#eventLog;
    const places = participants.flatMap(
      (participant) => placeOf(participant, cursor?.rows.get(participant)) ?? [],
    );
    const fresh = {
      log: log.since(cursor?.log ?? 0),
      transitions: transitions.since(cursor?.transitions ?? 0),
      seconds: [...this.#eventLog.latencies].flatMap(([space, meter]) =>
        meter.since(cursor?.seconds.get(space) ?? 0).map((second) => ({ space, ...second })),
      ),
      points: this.#recorder.since(cursor?.points ?? 0),
      timelines: participants.flatMap(({ space }) => this.#timelineOf(space.name, cursor) ?? []),
    };
    const fields = {
      now: this.#tandem.time.now(),
      wall: this.#tandem.time.wall(),
      redis: this.#tandem.place ?? null,
      delayMs: this.#delayMs,
      load: this.#tandem.load,
      ...(cursor === undefined && { hello: this.#hello() }),
      spaces: participants.map((participant) => this.#statuses.of(participant)),
      others,
      ...fresh,
    };
    return {
      from: cursor,
      to: this.#cursorNow(participants),
      hasNews: places.length > 0 || Object.values(fresh).some(({ length }) => length > 0),
      parts: updateParts(fields, places),
      text: undefined,
    };
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
      timelines: new Map(
        participants.map(({ space }) => [space.name, this.#timelines.of(space.name)?.version ?? 0]),
      ),
    };
  }

  /** The timeline of a space, where it is news to a page. */
  #timelineOf(space: string, cursor: Cursor | undefined) {
    const timeline = this.#timelines.of(space);
    if (timeline === undefined || cursor?.timelines.get(space) === timeline.version) return undefined;
    return { space, spans: timeline.spans, ...timeline.summary(this.#tandem.time.wall()) };
  }

  /** The first message of a page: facts that do not change while this process runs. */
  #hello(): Record<string, unknown> {
    return {
      name: this.#tandem.name,
      process: factsOf(),
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

function candidatesOf({ participants, spacesByName }: Tandem) {
  const byName = new Set(spacesByName);
  return participants.map((participant) => {
    const { name } = participant.space;
    const isLive = participant.proof.freshness() === 'live';
    return { participant, name, isByName: byName.has(name), isLive };
  });
}

/** The place of a page in a space that has rows for it; `undefined` where it has none. */
function placeOf(
  participant: AnyParticipant,
  place: { from: Position; correctedAt: Position | undefined } | undefined,
): Place | undefined {
  const isWrong =
    place &&
    participant.correctedAt &&
    participant.correctedAt !== place.correctedAt &&
    isSame(place.from, participant.correctedAt);
  if (place === undefined || isWrong || !participant.canContinue(place.from))
    return { participant, from: undefined };
  return printPosition(place.from) === participant.head ? undefined : { participant, from: place.from };
}

/** The parts of an update. */
function* updateParts(
  fields: Record<string, unknown>,
  places: readonly Place[],
): Generator<string, void, void> {
  yield `${eventHead('update')}${JSON.stringify(fields).slice(0, -1)},"rows":[`;
  for (const [n, { participant, from }] of places.entries()) {
    const isWhole = from === undefined;
    const space = JSON.stringify(participant.space.name);
    yield `${n === 0 ? '' : ','}{"space":${space},"isWhole":${isWhole},"changes":[`;
    let count = 0;
    for (const row of isWhole ? participant.rows() : participant.snapshotRows(from)) {
      if (row === undefined || (isWhole && row.value === undefined)) {
        yield '';
        continue;
      }
      if (count === MAX_ROWS) break;
      yield `${count === 0 ? '' : ','}${JSON.stringify(rowOf(row))}`;
      count += 1;
    }
    yield ']}';
  }
  yield `]}${EVENT_END}`;
}

type PageRow = [key: string, position: string, text: string | null, changedAt: number | null];

/**
 * A row: a key, the position of its last change, its value as text, cut at 240, and when it was set, in ms on the clock
 * of Redis. The text is `null` after a delete, the time where it is not known.
 */
function rowOf({ key, value, position, changedAt }: Row): PageRow {
  const text = value === undefined ? null : JSON.stringify(value);
  const cut = text && text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return [key, position, cut, changedAt ?? null];
}
