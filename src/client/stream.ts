/**
 * The stream of events: opened, and after each end opened again, until an error that does not pass.
 *
 * The pause before the next one doubles with each failure, and has a random part, so that the clients of a
 * server that comes back do not all come at once. A pause that the server names is kept.
 */
import { asClientError, failureOf, unavailable } from './client-error.ts';
import type { ClientError } from './client-error.ts';
import type { ClientTime } from './client-time.ts';
import type { ChangeEvent, StateEvent } from './copy.ts';
import { eventParser } from './event-parser.ts';
import type { LatestClock } from './latest-clock.ts';
import { latestClock } from './latest-clock.ts';
import type { Word } from './proof.ts';

/** How to ask the server. `path` begins after the address of the space. */
export type Ask = (path: string, signal: AbortSignal) => Promise<Response>;

/** What takes the events. */
export interface Listener {
  /** The position from which the server is asked to go on; empty for a whole state. */
  from(): string;
  /** Takes an event of a type. One that is not known changes nothing. */
  take(type: string, data: StateEvent & ChangeEvent & Word, clock: LatestClock): void;
  /** All events of a piece were given. */
  settled(): void;
  /** The stream is lost, and will be opened again. */
  lost(error: ClientError): void;
  /** It is not opened again. */
  ended(error: ClientError): void;
}

/** No stream begins its answer later than this: it may wait for a position, or for the text of a large state. */
const BEGIN_MS = 15_000;
const TICK_MS = 1_000;
/** The clock is read at least once in so many ticks. */
const MAX_TICKS = 300;

const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
/** A stream that lasted so long has not failed. */
const LASTING_MS = 5_000;
/** A stream that was quiet for so long may be one of a network that is gone. */
const QUIET_MS = 1_500;
/** The machine slept, or the network came back: what was measured, and what is open, may be worth nothing. */
const AWAKE = 'awake';
const page = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;

/**
 * @param silenceMs the longest silence of a stream that has begun
 * @param asking resolves with the way to ask, as of now
 * @returns a function that ends it
 */
export function openStream(
  listener: Listener,
  time: ClientTime,
  silenceMs: number,
  asking: () => Promise<Ask>,
): () => void {
  let isClosed = false;
  let abort = new AbortController();
  let resume = (): void => {};
  let cancelTick = (): void => {};
  /** When the last piece arrived, or the request was sent. */
  let heardAt = 0;
  /** Whether an event of this stream has come. */
  let hasBegun = false;
  const quietMs = (): number => time.now() - heardAt;

  const wake = (): void => {
    resume();
    if (quietMs() > QUIET_MS) abort.abort(AWAKE);
  };
  const unwatch = time.onWake(() => abort.abort(AWAKE));
  // In a browser: the network is back.
  page.addEventListener?.('online', wake);
  void run();

  return () => {
    isClosed = true;
    abort.abort(AWAKE);
    cancelTick();
    resume();
    unwatch();
    page.removeEventListener?.('online', wake);
  };

  async function run(): Promise<void> {
    let failures = 0;
    // oxlint-disable-next-line no-unmodified-loop-condition -- the function that ends it changes it
    while (!isClosed) {
      const begunAt = time.now();
      abort = new AbortController();
      const { signal } = abort;
      hasBegun = false;
      try {
        await follow(await asking(), signal);
      } catch (error) {
        const why: unknown = signal.aborted ? signal.reason : error;
        abort.abort();
        cancelTick();
        // A network, or a machine, that is back is no failure of the server.
        if (isClosed || why === AWAKE) continue;
        const failure = asClientError(why);
        if (!failure.retryable) return listener.ended(failure);
        if (hasBegun && time.now() - begunAt >= LASTING_MS) failures = 0;
        listener.lost(failure);
        await pause(failures, failure.retryMs);
        failures += 1;
      }
    }
  }

  /** One answer of the server, from the request to its end: throws where it ends. */
  async function follow(ask: Ask, signal: AbortSignal): Promise<never> {
    // It may have been closed while the headers were asked for.
    signal.throwIfAborted();
    const clock = latestClock(time);
    const sentAt = (heardAt = time.now());
    let reason = 'the stream ended';
    const parser = eventParser((type, text) => {
      const data = JSON.parse(text) as StateEvent & ChangeEvent & Word & { readonly reason: string };
      if (type === 'goodbye') reason = data.reason;
      if (data.now !== undefined) {
        // The first event was written after the request had been sent.
        if (clock.latest() === Infinity) clock.sample(sentAt, data.now);
        if (!clock.heard(data.now)) throw unavailable('the clock was set');
      }
      listener.take(type, data, clock);
      hasBegun = true;
    });
    let [ticks, wasSilent] = [-1, false];
    tick();
    const from = listener.from();
    const response = await ask(`changes${from && `?from=${from}`}`, signal);
    const type = response.headers.get('Content-Type');
    if (!response.ok) throw await failureOf(response);
    if (!type?.startsWith('text/event-stream')) throw unavailable(`expected events, got ${type}`);
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) throw unavailable(reason, parser.retryMs);
      heardAt = time.now();
      try {
        parser.push(decoder.decode(value, { stream: true }));
      } finally {
        listener.settled();
      }
    }

    /**
     * Once in a second: gives up a stream that is silent, and reads the server's clock, after 1 s, 2 s, 4 s and so
     * on, and every 5 minutes. A round trip on an open connection tells the time better than the one that opened it.
     */
    function tick(): void {
      cancelTick = time.after(TICK_MS, tick);
      const isSilent = quietMs() > (hasBegun ? silenceMs : BEGIN_MS);
      // What has arrived is read before a timer that is late gives the stream up.
      if (isSilent && wasSilent) abort.abort(unavailable('the stream is silent'));
      wasSilent = isSilent;
      ticks += 1;
      const isDue = (ticks & (ticks - 1)) === 0 || ticks % MAX_TICKS === 0;
      if (!hasBegun || !isDue) return;
      const askedAt = time.now();
      ask('clock', signal)
        .then((answer) => answer.json() as Promise<{ now: number }>)
        .then(({ now }) => clock.sample(askedAt, now))
        .catch(() => {});
    }
  }

  async function pause(failures: number, least = 0): Promise<void> {
    const ms = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** failures);
    const chance = time.random();
    await new Promise<void>((resolve) => {
      const cancel = time.after(Math.max(ms * (0.5 + chance / 2), least * (1 + chance / 4)), resolve);
      resume = () => {
        // Nobody comes back sooner than the server wants.
        if (least > 0 && !isClosed) return;
        cancel();
        resolve();
      };
    });
  }
}
