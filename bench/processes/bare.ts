/** The same work as that of a giant, by ioredis or by a bare HTTP server of Node. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { Redis } from 'ioredis';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Memory } from '../harness/memory.ts';
import { Stretch } from '../harness/stretch.ts';
import { keyOf, tick } from '../harness/tick.ts';

const STATE = 'bare:state';
const A_TURN = 1_000;
/** A part of an answer that is written at once, UTF-16 code units. */
const PIECE = 65_536;

const stretch = new Stretch();
const memory = new Memory();
let redis: Redis;
let held = new Map<string, unknown>();

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += PIECE) yield text.slice(at, at + PIECE);
}

serve({
  open: (url: string) => {
    redis = new Redis(url, { replyMapping: 'legacy' });
  },
  /** Sets all keys of a hash, so many a pipeline. */
  write: async (keys: number) => {
    const startedAt = monotonicMs();
    const written: Promise<unknown>[] = [];
    for (let from = 0; from < keys; from += A_TURN) {
      const pipeline = redis.pipeline();
      for (let n = from; n < Math.min(keys, from + A_TURN); n += 1)
        pipeline.hset(STATE, keyOf(n, Infinity), JSON.stringify(tick(n, 1e6)));
      written.push(pipeline.exec());
      await nextTurn();
    }
    await Promise.all(written);
    return monotonicMs() - startedAt;
  },
  writeTexts: async ({ count, bytes }: { count: number; bytes: number }) => {
    for (let n = 0; n < count; n += 1)
      await redis.hset(STATE, `text/${n}`, JSON.stringify('x'.repeat(bytes)));
  },
  /** Reads the hash into a Map of parsed values, by HSCAN. */
  read: async () => {
    const startedAt = monotonicMs();
    held = new Map();
    let cursor = '0';
    do {
      const [next, flat] = await redis.hscan(STATE, cursor, 'COUNT', 500);
      for (let at = 0; at < flat.length; at += 2) held.set(flat[at]!, JSON.parse(flat[at + 1]!));
      cursor = next;
    } while (cursor !== '0');
    return monotonicMs() - startedAt;
  },
  readTexts: async (count: number) => {
    const startedAt = monotonicMs();
    held = new Map();
    const get = async (key: string): Promise<void> =>
      void held.set(key, JSON.parse((await redis.hget(STATE, key))!));
    await Promise.all(Array.from({ length: count }, (_, n) => get(`text/${n}`)));
    return monotonicMs() - startedAt;
  },
  /** Sets so many keys in one transaction. */
  turn: async (keys: number) => {
    const startedAt = monotonicMs();
    const transaction = redis.multi();
    for (let n = 0; n < keys; n += 1)
      transaction.hset(STATE, keyOf(n, Infinity), JSON.stringify(tick(n, 1e6)));
    await transaction.exec();
    return { ms: monotonicMs() - startedAt };
  },
  /** Answers each request with the same text of this length. */
  serve: async (length: number) => {
    const text = 'x'.repeat(length);
    const answer = (_: IncomingMessage, response: ServerResponse): void => {
      // The reader sets the pace, and who leaves early breaks nothing.
      pipeline(Readable.from(piecesOf(text)), response, () => {});
    };
    const server = createServer(answer).listen(0, '127.0.0.1', 8_000);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  begin: () => {
    memory.begin();
    stretch.take();
  },
  end: () => ({ stretchMs: stretch.take(), memory: memory.end() }),
});
