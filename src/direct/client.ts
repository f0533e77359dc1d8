/**
 * The direct path, follower's side: reads frames from the owner's process, without Redis between.
 *
 * First the state, where the follower has none to go on from, then what changed since, for as long as it lasts.
 * The address comes from configuration only, no redirect is followed, and everything has a limit in size and time.
 */
import { ServerClock } from '../clock.ts';
import { asTandemError, show, TandemError } from '../errors.ts';
import { decodeFrame } from '../frame.ts';
import type { DirectOptions, Path, PathListener } from '../path.ts';
import { printPosition } from '../position.ts';
import type { Time } from '../time.ts';
import { backoffMs, jittered, pause, withDeadline } from '../time.ts';

/** Nothing that a follower reads may be larger, in UTF-16 code units. */
const MAX_LENGTH = 256 * 1024 * 1024;
const ANSWER_TIMEOUT_MS = 1_000;
const STATE_TIMEOUT_MS = 30_000;
const CLOCK_SAMPLES = 3;
/** A wrong token does not get right by itself. */
const REFUSED_PAUSE_MS = 5_000;

export class DirectPath implements Path {
  readonly clock: ServerClock;
  readonly #time: Time;
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #space: string;
  readonly #silenceMs: number;
  #abort: AbortController | undefined;

  constructor(space: string, { url, token }: DirectOptions, silenceMs: number, time: Time) {
    this.clock = new ServerClock(time);
    this.#time = time;
    this.#space = encodeURIComponent(space);
    this.#base = baseOf(url);
    this.#headers = { Authorization: `Bearer ${token}` };
    this.#silenceMs = silenceMs;
  }

  open(listener: PathListener): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    void this.#run(listener, this.#abort.signal);
  }

  close(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  /** Never rejects: what fails is told, and tried again after a jittered pause. */
  async #run(listener: PathListener, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const session = new AbortController();
      const abort = (): void => session.abort();
      signal.addEventListener('abort', abort, { once: true });
      let pauseMs = backoffMs(this.#time, failures);
      try {
        await this.#session(listener, session.signal, () => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        const failure = asTandemError(error, 'DIRECT_UNAVAILABLE', 'the direct path failed');
        if (!failure.retryable) pauseMs = jittered(this.#time, REFUSED_PAUSE_MS);
        listener.down(failure);
      } finally {
        session.abort();
        signal.removeEventListener('abort', abort);
      }
      await pause(this.#time, pauseMs, signal);
    }
  }

  async #session(listener: PathListener, signal: AbortSignal, succeeded: () => void): Promise<void> {
    this.clock.reset();
    for (let n = 0; n < CLOCK_SAMPLES; n += 1) await this.#sampleClock(signal);
    for (let needsState = listener.position().revision === 0; ; needsState = true) {
      if (needsState && !listener.replace(await this.#readState(signal))) {
        throw new TandemError('BEHIND', 'the owner is behind what was seen here', { retryable: true });
      }
      const response = await this.#ask(
        `/direct/${this.#space}/frames?from=${printPosition(listener.position())}`,
        signal,
      );
      if (response.status === 410 && !needsState) continue;
      await requireOk(response);
      if (await this.#follow(response, listener, succeeded)) throw unavailable('the owner ended the feed');
    }
  }

  /** Takes frames in until the feed ends (true), or one does not follow (false). */
  async #follow(response: Response, listener: PathListener, succeeded: () => void): Promise<boolean> {
    let isUp = false;
    for await (const message of this.#messages(response)) {
      if (!listener.take(decodeFrame(message, MAX_LENGTH))) return false;
      if (!isUp) listener.up();
      isUp = true;
      succeeded();
    }
    return true;
  }

  /** The events of a feed. One that is silent past the bound is taken for dead: beacons come more often. */
  async *#messages(response: Response): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    let text = '';
    try {
      for (;;) {
        const silent = (): Error => unavailable(`the owner was silent for ${this.#silenceMs} ms`);
        const { done, value } = await withDeadline(this.#time, this.#silenceMs, reader.read(), silent);
        if (done) return;
        text += decoder.decode(value, { stream: true });
        requireSize(text.length);
        const events = text.split('\n\n');
        text = events.pop()!;
        for (const event of events) yield messageOf(event);
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  async #readState(signal: AbortSignal): Promise<ReturnType<typeof decodeFrame>> {
    const response = await this.#ask(`/direct/${this.#space}/state`, signal);
    await requireOk(response);
    const late = (): Error => unavailable(`the owner's state did not come within ${STATE_TIMEOUT_MS} ms`);
    const read = async (): Promise<string> => {
      const decoder = new TextDecoder();
      const pieces: string[] = [];
      let length = 0;
      for await (const piece of response.body!) {
        pieces.push(decoder.decode(piece, { stream: true }));
        length += pieces.at(-1)!.length;
        requireSize(length);
      }
      return pieces.join('');
    };
    return decodeFrame(await withDeadline(this.#time, STATE_TIMEOUT_MS, read(), late), MAX_LENGTH);
  }

  async #sampleClock(signal: AbortSignal): Promise<void> {
    const sentAt = this.#time.now();
    const response = await this.#ask('/direct/clock', signal);
    const receivedAt = this.#time.now();
    await requireOk(response);
    const { now } = (await response.json()) as { now: unknown };
    this.clock.sample(sentAt, Number(now), receivedAt);
  }

  async #ask(path: string, signal: AbortSignal): Promise<Response> {
    const answer = fetch(this.#base + path, { headers: this.#headers, redirect: 'error', signal });
    const late = (): Error => unavailable(`the owner did not answer within ${ANSWER_TIMEOUT_MS} ms`);
    try {
      return await withDeadline(this.#time, ANSWER_TIMEOUT_MS, answer, late);
    } catch (error) {
      if (error instanceof TandemError) throw error;
      const { cause, message } = error as Error;
      throw unavailable(
        `the owner cannot be reached: ${cause instanceof Error ? cause.message : message}`,
        error,
      );
    }
  }
}

/** @throws TandemError `INVALID_OPTION` */
function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/\/$/, '');
  throw new TandemError(
    'INVALID_OPTION',
    `direct.url: expected an address such as "http://127.0.0.1:7070", got ${show(url)}`,
  );
}

async function requireOk(response: Response): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  if (response.status === 401)
    throw new TandemError('DIRECT_REFUSED', 'the owner refused the token of the direct path');
  throw unavailable(`the owner answered ${response.status}`);
}

function requireSize(length: number): void {
  if (length > MAX_LENGTH)
    throw new TandemError('INVALID_FRAME', `expected at most ${MAX_LENGTH} characters from the owner`, {
      retryable: true,
    });
}

/** The data of one server-sent event: its `data:` lines. */
function messageOf(event: string): string {
  const lines = event.split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => line.slice(6)).join('\n');
}

function unavailable(message: string, cause?: unknown): TandemError {
  return new TandemError('DIRECT_UNAVAILABLE', message, { retryable: true, cause });
}
