/** A real Redis server in a process that tests may kill, stop and restart. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './_free-port.ts';
import { onPath } from './_on-path.ts';

/**
 * The path of a real server; `undefined` where none is installed, so that tests which need one are skipped.
 */
export const realServer = onPath('redis-server') ?? onPath('valkey-server');

/** Why those tests are skipped, for their titles; `undefined` where a server is installed. */
export const noServer = realServer === undefined ? 'no redis-server or valkey-server on the PATH' : undefined;

if (realServer === undefined && process.env.CI)
  throw new Error('CI needs a redis-server on the PATH: CI skips no test');

const ANSWER_MS = 1_000;

export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tandem-redis-'));
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.port = port;
    this.#args = args;
    this.#env = env;
  }

  /** @param args further arguments of redis-server, such as `--maxmemory 10mb` */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.restart();
    return server;
  }

  /** As `start`, with these variables in its environment. */
  static async startWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args, env);
    await server.restart();
    return server;
  }

  /** Starts a Sentinel that watches `master` under the name `master`. Its quorum is one. */
  static async sentinel(master: RedisServer): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), []);
    const lines = [
      `port ${server.port}`,
      'bind 127.0.0.1',
      `sentinel monitor master 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds master 300',
      'sentinel failover-timeout master 3000',
    ];
    const file = join(server.#folder, 'sentinel.conf');
    writeFileSync(file, lines.join('\n'));
    await server.#spawn([file, '--sentinel']);
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The address for the tests' own clients: the user `admin`, which no fault touches. */
  get adminUrl(): string {
    return `redis://admin:any@127.0.0.1:${this.port}`;
  }

  /**
   * Starts the server on its port, with the data of its last `SAVE` if there is one. Resolves once it
   * answers, even if the answer is that it is loading.
   *
   * @param more arguments of redis-server for this run only
   */
  async restart(...more: string[]): Promise<void> {
    const args = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      this.#folder,
    ];
    // The user for the tests' own clients, which no fault touches.
    args.push('--user', 'admin', 'on', 'nopass', '~*', '&*', '+@all');
    await this.#spawn([...args, ...this.#args, ...more]);
  }

  async #spawn(args: readonly string[]): Promise<void> {
    if (realServer === undefined) throw new Error(noServer);
    await this.kill('SIGKILL');
    this.#process = spawn(realServer, args, { stdio: 'ignore', env: { ...process.env, ...this.#env } });
    // A server that a failed test left running must not keep this process alive, and must exit with it.
    this.#process.unref();
    endWithUs(this.#process);
    const deadline = performance.now() + 20_000;
    while (!(await this.#answers())) {
      if (performance.now() > deadline || this.#process.exitCode !== null)
        throw new Error(`redis-server does not accept connections on ${this.port}`);
    }
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = once(child, 'exit');
    // A stopped process does not handle SIGTERM.
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  /** Deletes the saved data, so that the next start is empty. */
  forget(): void {
    rmSync(join(this.#folder, 'dump.rdb'), { force: true });
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      // A server that is killed or stopped meanwhile does not answer at all.
      const signal = AbortSignal.timeout(ANSWER_MS);
      await once(socket, 'connect', { signal });
      socket.write('PING\r\n');
      const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
      return /^(\+PONG|-LOADING|-NOAUTH)/.test(answer.toString());
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return false;
    } finally {
      socket.destroy();
    }
  }
}

/**
 * No server outlives the tests, however they end. A shell reads from a pipe of this process, and kills the
 * server when the pipe closes.
 */
function endWithUs(server: ChildProcess): void {
  const shell = spawn('sh', ['-c', 'read _; kill -9 "$1"', 'sh', `${server.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  server.once('exit', () => shell.kill('SIGKILL'));
  shell.unref();
}
