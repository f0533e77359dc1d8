/** One process of the demo, started alone: its log, its reports and its exit. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { ApiReport, Sighting, TradingReport } from '../examples/trading-desk/messages.ts';

export interface RegimeLine {
  readonly position: string;
  readonly committed: boolean;
  readonly traceId?: string;
}

export class Part {
  readonly process: ChildProcess;
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Each position, with the time at which the demo itself saw it set or visible, by the machine's clock. */
  readonly sightings = new Map<string, number>();

  constructor(t: ExecutionContext, script: string, args: string[], env: Record<string, string>) {
    const file = fileURLToPath(new URL(`../examples/trading-desk/${script}`, import.meta.url));
    this.process = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    t.teardown(() => this.process.kill('SIGKILL'));
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.stdout.push(line));
    createInterface({ input: this.process.stderr! }).on('line', (line) => this.stderr.push(line));
    this.process.on('message', (message: TradingReport | ApiReport) => {
      for (const [position, atUs] of this.#from(message)) this.sightings.set(position, atUs);
    });
  }

  get regimes(): RegimeLine[] {
    return this.stdout.map((line) => JSON.parse(line) as RegimeLine);
  }

  async end(): Promise<unknown> {
    const { process: child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return (await ended)[0];
  }

  #from(message: TradingReport | ApiReport): readonly Sighting[] {
    return message.from === 'trading' ? message.sets : message.seen;
  }
}
