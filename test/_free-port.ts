/**
 * A port of the loopback on which nobody listened a moment ago.
 *
 * Ports that the system gives to outgoing connections (32,768 and up on Linux) are no use: while nobody listens yet, or a
 * server is down, any client may be given one of them, and then it is in use; or a client that connects to it is
 * connected to itself. Below those each process has a stretch of its own, so that two cannot find the same one free.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const STRETCHES = 440;
const EACH = 50;

const first = FIRST + (process.pid % STRETCHES) * EACH;
let drawn = 0;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < EACH; tries += 1) {
    const port = first + (drawn % EACH);
    drawn += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports ${first} to ${first + EACH - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
