/** The messages of a space's channel: it decodes each, and counts those that cannot be used. */
import type { Context } from '../actor/context.ts';
import type { TandemError } from '../base/errors.ts';
import { asTandemError } from '../base/errors.ts';
import type { Frame } from '../state/frame.ts';
import { decodeMessage } from '../state/message.ts';
import type { Part } from '../state/part.ts';
import type { Meter } from './meter.ts';

/** The messages that are no frames. */
export interface MessageListener {
  /** A claim was heard of. */
  fenced(epoch: number): void;
  /** A removal of the space was heard of. */
  removed(): void;
  /** @param length of the message, UTF-16 code units */
  part(part: Part, length: number): void;
}

export class Messages {
  readonly #context: Context;
  readonly #meter: Meter;
  readonly #listener: MessageListener;
  #unknownVersion: TandemError | undefined;

  constructor(context: Context, meter: Meter, listener: MessageListener) {
    this.#context = context;
    this.#meter = meter;
    this.#listener = listener;
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
      else if (message.is === 'fence') this.#listener.fenced(message.epoch);
      else if (message.is === 'removed') this.#listener.removed();
      else this.#listener.part(message.part, text.length);
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
