/**
 * HTTP between simulated processes, as far as the direct path uses it: requests and streams that take time,
 * break and hang, and that hold a sender back while its reader is slow.
 */
import type { Ask } from '../../src/follower/ask.ts';
import type { Reader } from '../../src/base/readers.ts';
import { directClock } from '../../src/actor/feed.ts';
import { VIA } from '../../src/follower/direct-path.ts';
import type { Served } from '../../src/relays.ts';
import type { Position } from '../../src/state/position.ts';
import { parsePosition, printPosition } from '../../src/state/position.ts';
import { wholeText } from '../_whole-text.ts';
import type { Host } from './host.ts';
import type { SimTime } from './sim-time.ts';

/** The server of one process. */
export interface Site {
  readonly host: Host;
  /** The id of the process. */
  readonly id: string;
  /** The feed of the space that this process owns or follows, and the way of its frames. */
  served(): Served | undefined;
}

/** A sender has to wait while more characters than this are on the way. */
const WINDOW = 2_000;

export class Net {
  readonly #sim: SimTime;
  readonly #sites = new Map<string, Site>();
  readonly #streams = new Set<Stream>();
  readonly #broken = new Set<string>();
  readonly #held = new Set<string>();

  constructor(sim: SimTime) {
    this.#sim = sim;
  }

  serve(name: string, site: Site): void {
    this.#sites.set(name, site);
  }

  /** Breaks every connection to a site, and refuses new ones. */
  cut(site: string): void {
    this.#broken.add(site);
    for (const stream of this.#streams) if (stream.site === site) stream.break();
  }

  /** Delivers nothing to or from a site, without any error. */
  hold(site: string): void {
    this.#held.add(site);
  }

  mend(site: string): void {
    this.#broken.delete(site);
    this.#held.delete(site);
  }

  isHeld(site: string): boolean {
    return this.#held.has(site);
  }

  latency(): number {
    return this.#sim.random.between(0.05, 1.5);
  }

  /** Returns the function by which a process at `client` makes HTTP requests. */
  askFrom(client: Host): Ask {
    return (input, _headers, signal) =>
      new Promise((resolve, reject) => {
        const { hostname, pathname, searchParams } = new URL(input);
        const fail = (reason: string): void => reject(new Error(reason));
        let body: Stream | undefined;
        const aborted = (): void => {
          reject(signal.reason as Error);
          body?.break();
        };
        if (signal.aborted) return aborted();
        signal.addEventListener('abort', aborted, { once: true });
        this.#travel(hostname, () => {
          const site = this.#sites.get(hostname);
          if (site === undefined || !site.host.isAlive || this.#broken.has(hostname))
            return this.#travel(hostname, () => client.deliver(() => fail('ECONNREFUSED')));
          site.host.deliver(() => {
            const answer = this.#answer(site, hostname, pathname, searchParams, client);
            this.#travel(hostname, () =>
              client.deliver(() => {
                body = answer.body;
                if (signal.aborted) body.break();
                resolve({
                  status: answer.status,
                  header: (name) => (name === VIA ? answer.via?.join(', ') : undefined),
                  read: (take) => answer.body.read(take),
                  cancel: () => answer.body.cancel(),
                });
              }),
            );
          });
        });
      });
  }

  #travel(site: string, run: () => void): void {
    this.#sim.after(this.latency(), () => {
      if (!this.#held.has(site)) run();
    });
  }

  #answer(site: Site, name: string, path: string, query: URLSearchParams, client: Host): Answer {
    const stream = new Stream(this.#sim, this, name, client);
    const served = site.served();
    const via = served && [...served.via, site.id];
    const answer = (status: number): Answer => ({ status, body: stream, via });
    if (path === '/direct/clock') {
      this.#streams.add(stream);
      stream.write(JSON.stringify({ now: directClock(site.host) }));
      stream.end();
      return answer(200);
    }
    const feed = served?.feed;
    if (feed === undefined || feed.isEnded) return answer(404);
    if (feed.isInDoubt) return answer(503);
    if (path.endsWith('/state')) {
      this.#streams.add(stream);
      stream.write([...feed.snapshot()].join(''));
      stream.end();
      return answer(200);
    }
    const from = parsePosition(query.get('from')!);
    if (!feed.canContinue(from)) return answer(410);
    this.#streams.add(stream);
    const send = (message: string, at: Position): boolean =>
      stream.write(`id: ${printPosition(at)}\ndata: ${message.replaceAll('\n', '\ndata: ')}\n\n`);
    const reader: Reader = feed.open(from, {
      write(message, at) {
        if (typeof message === 'string') return send(message, at);
        void wholeText(message).then(
          (text) => site.host.deliver(() => send(text, at) && reader.drained()),
          () => stream.break(),
        );
        return false;
      },
      end: () => stream.end(),
    });
    stream.onDrain = () => site.host.deliver(() => reader.drained());
    stream.onClose = () => {
      this.#streams.delete(stream);
      site.host.deliver(() => reader.close());
    };
    return answer(200);
  }
}

interface Answer {
  readonly status: number;
  readonly body: Stream;
  readonly via: readonly string[] | undefined;
}

/** A piece of the body, `undefined` for its end, or the error that broke it. */
type Chunk = string | undefined | Error;

/** The body of an answer, on its way from the site to the client. */
class Stream {
  readonly site: string;
  readonly #sim: SimTime;
  readonly #net: Net;
  readonly #client: Host;
  #lastAt = 0;
  #underWay = 0;
  #isClosed = false;
  #isTaking = false;
  /** Pieces that arrived before anybody read, or while the reader takes one. */
  readonly #queue: Chunk[] = [];
  #take: ((chunk: Chunk) => void) | undefined;
  onDrain: () => void = () => {};
  onClose: () => void = () => {};

  constructor(sim: SimTime, net: Net, site: string, client: Host) {
    this.#sim = sim;
    this.#net = net;
    this.site = site;
    this.#client = client;
  }

  /** Returns false when the sender has to wait for `onDrain`. */
  write(text: string): boolean {
    this.#underWay += text.length;
    this.#send(text, () => {
      const wasFull = this.#underWay >= WINDOW;
      this.#underWay -= text.length;
      if (wasFull && this.#underWay < WINDOW) this.onDrain();
    });
    return this.#underWay < WINDOW;
  }

  end(): void {
    this.#send(undefined);
  }

  break(): void {
    this.#close();
    this.#client.deliver(() => this.#push(new Error('terminated')));
  }

  read(take: (piece: string) => Promise<void> | void): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => {
        reject(error);
        this.cancel();
      };
      this.#take = (chunk) => {
        if (chunk === undefined) return resolve();
        if (chunk instanceof Error) return reject(chunk);
        try {
          const taking = take(chunk);
          if (taking === undefined) return;
          this.#isTaking = true;
          taking.then(() => this.#taken(), failed);
        } catch (error) {
          failed(error);
        }
      };
      this.#taken();
    });
  }

  /** The reader is done with a piece: it gets those that have come meanwhile. */
  #taken(): void {
    this.#isTaking = false;
    while (this.#queue.length > 0 && !this.#isTaking) this.#take?.(this.#queue.shift());
  }

  cancel(): void {
    this.#close();
  }

  #send(chunk: Chunk, arrived: () => void = () => {}): void {
    const at = Math.max(this.#lastAt + 0.001, this.#sim.now + this.#net.latency());
    this.#lastAt = at;
    this.#sim.after(at - this.#sim.now, () => {
      // A real network would send these bytes again until they get through. Here the reader gives up before
      // that.
      if (this.#isClosed || this.#net.isHeld(this.site)) return;
      arrived();
      this.#client.deliver(() => this.#push(chunk));
    });
  }

  #push(chunk: Chunk): void {
    if (this.#isClosed && typeof chunk === 'string') return;
    const mustWait = this.#take === undefined || this.#isTaking;
    if (mustWait && !(chunk instanceof Error && this.#take)) this.#queue.push(chunk);
    else this.#take?.(chunk);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose();
  }
}
