/**
 * Finds a port on loopback that nobody listened on a moment ago.
 *
 * Ports that the system assigns to outgoing connections (32,768 and up on Linux) would not do. While nobody
 * listens yet, or while a server is down, the system may assign such a port to any client. A client that
 * connects to its own port is even connected to itself. Each process draws from a range of its own below
 * those ports, so two processes cannot find the same port free.
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
