/** One process of a chaos run, as the run sees it. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { FollowerTask, Look, Order, OwnerTask, Report } from './orders.ts';

const BIRTH_MS = 30_000;
const LOOK_MS = 2_000;

export class Part<T extends OwnerTask | FollowerTask = OwnerTask | FollowerTask> {
  readonly task: T;
  readonly isOwner: boolean;
  readonly #process: ChildProcess;
  readonly #born: Promise<unknown>;
  #ownership = '';
  #hasEnded = false;
  /** True once the run has killed the process or asked it to stop. Then its exit is expected. */
  #mayEnd = false;
  #isPaused = false;
  #seen: (look: Look) => void = () => {};

  /** @param surprised called when the process exits unexpectedly */
  constructor(task: T, surprised: (what: string) => void) {
    this.task = task;
    this.isOwner = 'site' in task;
    const file = new URL(`./${this.isOwner ? 'owner' : 'follower'}.ts`, import.meta.url);
    this.#process = fork(file, [JSON.stringify(task)]);
    this.#born = this.#birth();
    this.#born.catch(() => {});
    this.#process.on('error', () => {});
    this.#process.on('message', (report: Report) => this.#heard(report));
    this.#process.on('exit', (code, signal) => {
      this.#hasEnded = true;
      if (!this.#mayEnd) surprised(`${task.id} ended with ${code ?? signal}`);
    });
  }

  get id(): string {
    return this.task.id;
  }

  /** Resolves once the process works. */
  async born(): Promise<void> {
    await this.#born;
  }

  get isLeading(): boolean {
    return this.isAlive && this.#ownership === 'leading';
  }

  get isStandby(): boolean {
    return this.isAlive && this.isOwner && this.#ownership !== 'leading';
  }

  /** True until the process is killed, asked to stop, or fenced. */
  get isAlive(): boolean {
    return !this.#hasEnded && !this.#mayEnd;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  async #birth(): Promise<void> {
    const ended = new AbortController();
    this.#process.once('exit', () => ended.abort());
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(BIRTH_MS)]);
    await once(this.#process, 'message', { signal }).catch(() => {
      if (!this.#mayEnd)
        throw new Error(`${this.id} ${ended.signal.aborted ? 'ended before it' : 'never'} started`);
    });
  }

  tell(order: Order): void {
    if (this.#process.connected) this.#process.send(order, () => {});
  }

  /** The mode and state of the participant; `undefined` if it does not answer in time. */
  async look(): Promise<Look | undefined> {
    const seen = new Promise<Look>((resolve) => (this.#seen = resolve));
    this.tell({ do: 'look' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), LOOK_MS);
    });
    return Promise.race([seen, late]).finally(() => clearTimeout(timer));
  }

  pause(): void {
    this.#isPaused = true;
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#isPaused = false;
    this.#process.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#mayEnd = true;
    if (this.#isGone) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  /** Stops the process in good order. */
  async stop(): Promise<void> {
    this.#mayEnd = true;
    if (this.#isGone) return;
    const gone = once(this.#process, 'exit');
    this.resume();
    this.tell({ do: 'stop' });
    await gone;
  }

  get #isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  #heard(report: Report): void {
    if (report.about === 'ownership') this.#ownership = report.ownership;
    else if (report.about === 'ended') this.#hasEnded = true;
    else if (report.about === 'look') this.#seen(report);
  }
}
