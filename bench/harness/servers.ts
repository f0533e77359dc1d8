/** Real servers, each a process of its own on a free port of the loopback, gone with the run. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/_free-port.ts';

export type ServerKind = 'redis' | 'nats' | 'etcd';

const PROGRAMS: Readonly<Record<ServerKind, string>> = {
  redis: 'redis-server',
  nats: 'nats-server',
  etcd: 'etcd',
};

/** Nothing is written to disk but what the server cannot do without: all are compared in memory. */
const ARGUMENTS: Readonly<Record<ServerKind, (port: number, folder: string, other: number) => string>> = {
  redis: (port, folder) =>
    `--port ${port} --bind 127.0.0.1 --dir ${folder} --save --appendonly no --enable-debug-command local`,
  nats: (port, folder) => `-a 127.0.0.1 -p ${port} -js -sd ${folder}`,
  etcd: (port, folder, other) =>
    `--data-dir ${folder} --log-level error --listen-client-urls http://127.0.0.1:${port} ` +
    `--advertise-client-urls http://127.0.0.1:${port} --listen-peer-urls http://127.0.0.1:${other} ` +
    `--initial-advertise-peer-urls http://127.0.0.1:${other} --initial-cluster default=http://127.0.0.1:${other}`,
};

const SCHEMES: Readonly<Record<ServerKind, string>> = { redis: 'redis://', nats: '', etcd: 'http://' };

/** Why there is no such server; `undefined` where there is one. */
export function missing(kind: ServerKind): string | undefined {
  const { error } = spawnSync(PROGRAMS[kind], ['--version']);
  return error ? `${PROGRAMS[kind]} is not installed` : undefined;
}

export class Server {
  readonly kind: ServerKind;
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  readonly #kill = (): void => void this.#process.kill('SIGKILL');

  private constructor(kind: ServerKind, port: number, other: number) {
    this.kind = kind;
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), `bench-${kind}-`));
    const args = ARGUMENTS[kind](port, this.#folder, other).split(' ');
    // redis-server takes an empty list of saves as an argument that is empty.
    if (kind === 'redis') args.splice(args.indexOf('--save') + 1, 0, '');
    if (kind === 'etcd' && knowsNoFsync()) args.push('--unsafe-no-fsync');
    this.#process = spawn(PROGRAMS[kind], args, { stdio: 'ignore' });
    process.on('exit', this.#kill);
  }

  static async start(kind: ServerKind): Promise<Server> {
    const server = new Server(kind, await freePort(), await freePort());
    const deadline = performance.now() + 15_000;
    while (!(await server.#answers())) {
      if (performance.now() > deadline) throw new Error(`${kind} does not take connections`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return server;
  }

  get url(): string {
    return `${SCHEMES[this.kind]}127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** `SIGSTOP` hangs it, `SIGCONT` lets it go on, `SIGKILL` ends it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#process.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGCONT');
      this.#process.kill('SIGKILL');
      await ended;
    }
    process.off('exit', this.#kill);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}

function knowsNoFsync(): boolean {
  return spawnSync('etcd', ['--help'], { encoding: 'utf8' }).stdout.includes('unsafe-no-fsync');
}

/** Starts a server, runs, and stops it whatever happens. */
export async function withServer<T>(kind: ServerKind, run: (server: Server) => Promise<T>): Promise<T> {
  const server = await Server.start(kind);
  try {
    return await run(server);
  } finally {
    await server.stop();
  }
}
