/** The messages of a space's channel: it decodes each, and counts those that cannot be used. */
import type { Context } from '../actor/participant.ts';
import type { TandemError } from '../base/errors.ts';
import { asTandemError } from '../base/errors.ts';
import type { Frame } from '../state/frame.ts';
import { decodeMessage } from '../state/message.ts';
import type { Meter } from './meter.ts';

export class Messages {
  readonly #context: Context;
  readonly #meter: Meter;
  readonly #fenced: (epoch: number) => void;
  #unknownVersion: TandemError | undefined;

  /** @param fenced called for the fence of a claim */
  constructor(context: Context, meter: Meter, fenced: (epoch: number) => void) {
    this.#context = context;
    this.#meter = meter;
    this.#fenced = fenced;
  }

  /** The error of a version of the wire that cannot be read, while nothing else comes. */
  get unknownVersion(): TandemError | undefined {
    return this.#unknownVersion;
  }

  /** The frame of a message; `undefined` for any other message. A message that cannot be used is counted. */
  frameOf(text: string): Frame | undefined {
    const meter = this.#meter;
    try {
      const message = decodeMessage(text);
      if (this.#unknownVersion) this.#versionIsKnown();
      if (message.is === 'frame') return message.frame;
      if (message.is === 'unknown') meter.rejected('kind');
      else this.#fenced(message.epoch);
    } catch (error) {
      const failure = asTandemError(error, 'INVALID_FRAME', 'a frame that cannot be used');
      const isVersion = failure.code === 'UNKNOWN_VERSION';
      meter.rejected(isVersion ? 'version' : 'frame');
      if (!isVersion || !this.#unknownVersion) this.#context.reporter.reportRarely(failure);
      if (isVersion) this.#unknownVersion ??= failure;
    }
    return undefined;
  }

  /** The owner speaks a version again that can be read: a follower that was degraded by it catches up. */
  #versionIsKnown(): void {
    this.#unknownVersion = undefined;
    const { connection } = this.#context;
    if (connection.mode === 'degraded') connection.send({ type: 'link.up' });
  }
}
