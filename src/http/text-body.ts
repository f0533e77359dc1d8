/** The body of an answer that is a long text: it gets the pieces as its socket takes them. */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { LongMessage, Text, TextReader } from '../base/text.ts';
import type { Time } from '../base/time.ts';
import type { Outlet, Outlets } from './outlets.ts';

export class TextBody extends Readable implements Outlet {
  readonly waitingBytes = 0;
  readonly #outlets: Outlets;
  readonly #time: Time;
  readonly #cut: () => void;
  #message: LongMessage | undefined;
  #isHeadDue = false;
  #fullSince: number | undefined;

  constructor(ctx: Context, outlets: Outlets, time: Time) {
    super({ highWaterMark: 1 });
    this.#outlets = outlets;
    this.#time = time;
    this.#cut = () => void ctx.res.destroy();
    // Koa would report a client that left as an error.
    const onerror = ctx.onerror.bind(ctx);
    Object.assign(ctx, { onerror: (error: Error) => (ctx.res.destroyed ? undefined : onerror(error)) });
    outlets.add(this);
  }

  /** Begins with the text. */
  begin(message: LongMessage): void {
    if (this.destroyed) return message.body.close();
    this.#message = message;
    this.#isHeadDue = message.head !== '';
    message.body.onMore = () => this.#outlets.ready(this);
    this.#outlets.ready(this);
  }

  get text(): Text | undefined {
    return this.#message?.body.text;
  }

  get fullSince(): number | undefined {
    return this.#fullSince;
  }

  override _read(): void {
    this.#fullSince = undefined;
    this.#outlets.ready(this);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#outlets.remove(this);
    this.#message?.body.close();
    callback(error);
  }

  cut(): void {
    this.#message?.body.close();
    this.#cut();
  }

  write(): boolean {
    if (this.#message === undefined || this.#fullSince !== undefined || this.destroyed) return false;
    const { head, body, tail } = this.#message;
    if (body.text.state === 'failed') this.cut();
    else if (this.#isHeadDue) this.#push(head);
    else this.#pushNext(body, tail);
    return false;
  }

  #pushNext(body: TextReader, tail: string): void {
    const piece = body.next();
    if (piece !== undefined) return this.#push(piece);
    if (!body.isAtEnd) return;
    if (tail !== '') this.#push(tail);
    this.push(null);
  }

  #push(piece: string | Buffer): void {
    this.#isHeadDue = false;
    this.#fullSince = this.#time.now();
    this.push(piece);
  }
}
