/** Ports of 127.0.0.1: checks one, or finds a free one. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';

export function portTaken(port: number): string {
  const other = port < 65_535 ? port + 1 : port - 1;
  return `port ${port} on ${HOST} is taken; choose another one: PORT=${other} npm start`;
}

/** @throws Error with one line for people, if the port is not available */
export async function requireFree(port: number): Promise<void> {
  try {
    await bind(port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(code === 'EADDRINUSE' ? portTaken(port) : `cannot listen on port ${port}: ${message}`, {
      cause: error,
    });
  }
}

export function findFree(): Promise<number> {
  return bind(0);
}

/** Binds the port for a moment. */
function bind(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, HOST, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound));
    });
  });
}
